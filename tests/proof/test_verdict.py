"""
The judge must be able to see: each kind of harm, done on purpose to a true log or journal, is found.
"""

import copy
from collections.abc import Callable
from typing import Any

import pytest
from proof_kit.verdict import judge

Log = list[dict[str, Any]]
Harm = Callable[[Log, Log], None]

DRAFT = {"symbol": "ACME", "side": "buy", "quantity": "10", "order_type": "limit", "limit_price": "5"}
FILL = {
    "fill_id": "a-1",
    "client_order_id": "a",
    "symbol": "ACME",
    "side": "buy",
    "quantity": "10",
    "price": "5",
    "commission": "1",
}


def signal(name: str) -> dict[str, Any]:
    return {"symbol": "ACME", "action": "buy", "at": "2026-01-05T14:30:00Z", "intent": ord(name)}


def true_log() -> Log:
    """
    Order `a` was filled, `b` canceled, `c` never arrived, `d` was refused.
    """
    sent = [
        {"event": "request", "method": "submit", "client_order_id": name, "draft": DRAFT}
        for name in ("a", "b", "c", "d")
    ]
    return [
        *sent,
        {"event": "accepted", "client_order_id": "a"},
        {"event": "accepted", "client_order_id": "b"},
        {"event": "refused", "client_order_id": "d"},
        {"event": "fill", **FILL},
        {"event": "request", "method": "cancel", "client_order_id": "b"},
        {"event": "canceled", "client_order_id": "b"},
    ]


def true_rows() -> Log:
    """
    The journal of the same.
    """
    kinds = [
        *(
            ("order_intended", {"client_order_id": name, "draft": DRAFT, "signal": signal(name)})
            for name in "abcd"
        ),
        ("order_denied", {"signal": signal("e"), "reasons": []}),
        ("order_accepted", {"client_order_id": "a"}),
        ("order_unknown", {"client_order_id": "c"}),
        ("order_filled", dict(FILL)),
        ("order_rejected", {"client_order_id": "d"}),
        ("order_absent", {"client_order_id": "c"}),
        ("cancel_intended", {"client_order_id": "b"}),
        ("order_canceled", {"client_order_id": "b"}),
    ]
    return [
        {"sequence": number, "kind": kind, "payload": payload}
        for number, (kind, payload) in enumerate(kinds, 1)
    ]


def row(rows: Log, kind: str) -> dict[str, Any]:
    return next(one for one in rows if one["kind"] == kind)


def entry(log: Log, event: str) -> dict[str, Any]:
    return next(one for one in log if one["event"] == event)


def sent_twice(log: Log, rows: Log) -> None:
    log.insert(1, copy.deepcopy(log[0]))


def accepted_twice(log: Log, rows: Log) -> None:
    log.append({"event": "accepted", "client_order_id": "a"})


def intended_twice(log: Log, rows: Log) -> None:
    rows.append({"sequence": 99, **{name: rows[0][name] for name in ("kind", "payload")}})


def booked_twice(log: Log, rows: Log) -> None:
    rows.append({"sequence": 99, "kind": "order_filled", "payload": dict(FILL)})


def signal_answered_twice(log: Log, rows: Log) -> None:
    row(rows, "order_denied")["payload"]["signal"] = signal("a")


def fill_lost(log: Log, rows: Log) -> None:
    rows.remove(row(rows, "order_filled"))


def second_fill_lost(log: Log, rows: Log) -> None:
    log.append({**entry(log, "fill"), "fill_id": "a-2"})


def cancellation_lost(log: Log, rows: Log) -> None:
    rows.remove(row(rows, "order_canceled"))


def cancellation_invented(log: Log, rows: Log) -> None:
    log.remove(entry(log, "canceled"))


def taken_for_absent(log: Log, rows: Log) -> None:
    log.append({"event": "accepted", "client_order_id": "c"})


def taken_for_rejected(log: Log, rows: Log) -> None:
    log.append({"event": "accepted", "client_order_id": "d"})


def nobody_s_order(log: Log, rows: Log) -> None:
    log.append({"event": "request", "method": "submit", "client_order_id": "x", "draft": DRAFT})


def intent_written_afterwards(log: Log, rows: Log) -> None:
    rows.append(rows.pop(0))


def fill_invented(log: Log, rows: Log) -> None:
    rows.append({"sequence": 99, "kind": "order_filled", "payload": {**FILL, "fill_id": "a-2"}})


def wrong_price(log: Log, rows: Log) -> None:
    row(rows, "order_filled")["payload"]["price"] = "5.01"


def wrong_commission(log: Log, rows: Log) -> None:
    row(rows, "order_filled")["payload"]["commission"] = "0"


def other_order_sent(log: Log, rows: Log) -> None:
    log[0]["draft"] = {**DRAFT, "quantity": "100"}


def never_resolved(log: Log, rows: Log) -> None:
    rows.remove(row(rows, "order_absent"))


def left_open(log: Log, rows: Log) -> None:
    log.remove(entry(log, "canceled"))
    rows.remove(row(rows, "order_canceled"))


HARMS = {
    sent_twice: "duplicated",
    accepted_twice: "duplicated",
    intended_twice: "duplicated",
    booked_twice: "duplicated",
    signal_answered_twice: "duplicated",
    fill_lost: "lost",
    second_fill_lost: "lost",
    cancellation_lost: "lost",
    cancellation_invented: "lost",
    taken_for_absent: "lost",
    taken_for_rejected: "lost",
    nobody_s_order: "orphan",
    intent_written_afterwards: "orphan",
    fill_invented: "wrong",
    wrong_price: "wrong",
    wrong_commission: "wrong",
    other_order_sent: "wrong",
    never_resolved: "unresolved",
    left_open: "unresolved",
}


def test_a_true_log_has_no_problems() -> None:
    """
    REL-T16: what happened is what is written.
    """
    verdict = judge(true_log(), true_rows())

    assert [] == verdict.problems
    assert (4, 2, 1) == (verdict.arrived, verdict.accepted, verdict.fills)


@pytest.mark.parametrize(
    ("harm", "found"), HARMS.items(), ids=lambda value: getattr(value, "__name__", value)
)
def test_each_harm_is_seen(harm: Harm, found: str) -> None:
    """
    REL-T19 in small: a verdict that cannot fail proves nothing.
    """
    log, rows = true_log(), true_rows()
    harm(log, rows)

    assert getattr(judge(log, rows), found)


def test_what_is_open_is_no_problem_while_the_session_still_runs() -> None:
    """
    Unresolved counts only at the end.
    """
    log, rows = true_log(), true_rows()
    never_resolved(log, rows)
    left_open(log, rows)

    assert [] == judge(log, rows, ended=False).problems
