"""
The verdict: what the venue's own log says happened, against what the journal says.

Nothing of `ltm` is imported here, and nothing is taken on trust: an order counts when the venue says that it arrived,
a fill when the venue says that it happened. Jepsen's words: lost, duplicated, unexpected; here also orphan, for an
order at the venue of which no durable intent tells.
"""

import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import attrs

from proof_kit.books import books_of
from proof_kit.rows import Row, fills_of

Entry = Mapping[str, Any]

ANSWERS = {"order_intended", "order_denied", "signal_ignored"}
ENDS = {"order_canceled": "canceled", "order_expired": "expired"}
NEVER_THERE = {"order_rejected", "order_absent"}
CLOSED = {*ENDS, *NEVER_THERE}


@attrs.define
class Verdict:
    """
    What was found; every list must be empty.
    """

    duplicated: list[str] = attrs.Factory(list)
    lost: list[str] = attrs.Factory(list)
    orphan: list[str] = attrs.Factory(list)
    wrong: list[str] = attrs.Factory(list)
    unresolved: list[str] = attrs.Factory(list)
    arrived: int = 0
    accepted: int = 0
    fills: int = 0
    denied: int = 0

    @property
    def problems(self) -> list[str]:
        found = {
            "duplicated": self.duplicated,
            "lost": self.lost,
            "orphan": self.orphan,
            "wrong": self.wrong,
            "unresolved": self.unresolved,
        }
        return [f"{name}: {problem}" for name, problems in found.items() for problem in problems]


def read_log(path: Path) -> list[Entry]:
    """
    The venue's log.
    """
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def judge(log: Iterable[Entry], rows: Sequence[Row], *, ended: bool = True) -> Verdict:
    """
    Compare a venue's log with a session's journal.

    Args:
        log: The venue's.
        rows: The journal's.
        ended: Whether the session had the time to learn everything; nothing may be unresolved then.
    """
    log = list(log)
    verdict = Verdict()
    _arrivals(verdict, log, rows)
    _signals(verdict, rows)
    try:
        booked = fills_of(rows)
    except AssertionError as error:
        verdict.duplicated.append(str(error))
        return verdict
    _fills(verdict, log, booked)
    _ends(verdict, log, rows, ended=ended)
    _books(verdict, _true_fills(log), booked)
    return verdict


def _named(log: Iterable[Entry], event: str, **fields: str) -> list[Entry]:
    return [
        entry
        for entry in log
        if entry["event"] == event and all(entry.get(name) == value for name, value in fields.items())
    ]


def _arrivals(verdict: Verdict, log: list[Entry], rows: Sequence[Row]) -> None:
    arrived = Counter(entry["client_order_id"] for entry in _named(log, "request", method="submit"))
    accepted = Counter(entry["client_order_id"] for entry in _named(log, "accepted"))
    verdict.arrived, verdict.accepted = len(arrived), len(accepted)
    for what, counts in (("arrived", arrived), ("was accepted", accepted)):
        verdict.duplicated += [f"{name} {what} {count} times" for name, count in counts.items() if count > 1]
    intents: dict[str, int] = {}
    for row in rows:
        name = row["payload"].get("client_order_id")
        if row["kind"] == "order_intended":
            if name in intents:
                verdict.duplicated.append(f"{name} was intended twice")
            intents[name] = row["sequence"]
        elif name is not None and not name.startswith("foreign-") and name not in intents:
            verdict.orphan.append(f"{name} has {row['kind']} before any intent")
    verdict.orphan += [
        f"{name} is at the venue without intent"
        for name in arrived.keys() | accepted.keys()
        if name not in intents
    ]
    # The same order, not only the same name.
    drafts = {
        row["payload"]["client_order_id"]: row["payload"]["draft"]
        for row in rows
        if row["kind"] == "order_intended"
    }
    for entry in _named(log, "request", method="submit"):
        draft = drafts.get(entry["client_order_id"])
        sent = entry.get("draft")
        if draft is not None and sent is not None and draft != sent:
            verdict.wrong.append(f"{entry['client_order_id']} was sent as {sent}, intended as {draft}")


def _signals(verdict: Verdict, rows: Sequence[Row]) -> None:
    # One signal, one answer, however often it was sent (F46). Told apart by what they say, not by the product's key.
    counts: Counter[str] = Counter()
    for row in rows:
        signal = row["payload"].get("signal")
        if row["kind"] in ANSWERS and signal:
            counts[" ".join(str(signal.get(name)) for name in ("symbol", "action", "at", "intent"))] += 1
    verdict.duplicated += [
        f"signal {name} was answered {count} times" for name, count in counts.items() if count > 1
    ]
    verdict.denied = sum(row["kind"] == "order_denied" for row in rows)


def _fills(verdict: Verdict, log: list[Entry], booked: Sequence[Mapping[str, Any]]) -> None:
    happened = {(entry["client_order_id"], entry["fill_id"]): _facts(entry) for entry in _true_fills(log)}
    known = {(fill["client_order_id"], fill["fill_id"]): _facts(fill) for fill in booked}
    verdict.fills = len(happened)
    for place, facts in happened.items():
        if place not in known:
            verdict.lost.append(f"fill {place[1]} of {place[0]}: {facts}")
        elif known[place] != facts:
            verdict.wrong.append(f"fill {place[1]} is booked as {known[place]}, was {facts}")
    verdict.wrong += [
        f"fill {place[1]} of {place[0]} never happened" for place in known.keys() - happened.keys()
    ]


def _true_fills(log: Iterable[Entry]) -> list[Entry]:
    # As they were last told: a fill may be corrected, taken back, or told again with its commission.
    told: dict[tuple[str, str], Entry] = {}
    for entry in log:
        if entry["event"] in {"fill", "fill_corrected"} and entry["client_order_id"] is not None:
            told[entry["client_order_id"], entry["fill_id"]] = entry
    return [entry for entry in told.values() if Decimal(entry["quantity"])]


def _facts(fill: Mapping[str, Any]) -> tuple[Any, ...]:
    return (
        fill["symbol"],
        fill["side"],
        Decimal(fill["quantity"]),
        Decimal(fill["price"]),
        Decimal(fill["commission"] or 0),
    )


def _ends(verdict: Verdict, log: list[Entry], rows: Sequence[Row], *, ended: bool) -> None:
    theirs = {entry["client_order_id"]: entry["event"] for entry in log if entry["event"] in ENDS.values()}
    accepted = {entry["client_order_id"] for entry in _named(log, "accepted")}
    filled: dict[str, Decimal] = defaultdict(Decimal)
    for entry in _named(log, "fill"):
        filled[entry["client_order_id"]] += Decimal(entry["quantity"])
    corrected = {entry["client_order_id"] for entry in _named(log, "fill_corrected")}
    wanted, ours = _orders(rows)
    for name in accepted & wanted.keys():
        is_full = filled[name] >= wanted[name]
        if is_full and name not in theirs and (name not in ours or name in corrected):
            continue
        there, here = theirs.get(name, "open"), ours.get(name, "open")
        if ENDS.get(here, here) != there:
            verdict.lost.append(f"{name} is {there} at the venue, {here} here")
        elif ended and name not in theirs and not is_full:
            verdict.unresolved.append(f"{name} is still open at the venue")
    if ended:
        nowhere = [name for name in wanted if name not in accepted and ours.get(name) not in NEVER_THERE]
        verdict.unresolved += [
            f"{name} never was at the venue, {ours.get(name, 'open')} here" for name in nowhere
        ]


def _orders(rows: Sequence[Row]) -> tuple[dict[str, Decimal], dict[str, str]]:
    # What each order was for, and how the journal says it ended, if not by being filled.
    wanted: dict[str, Decimal] = {}
    ends: dict[str, str] = {}
    for row in rows:
        name = row["payload"].get("client_order_id")
        if row["kind"] == "order_intended":
            wanted[name] = Decimal(row["payload"]["draft"]["quantity"])
        elif row["kind"] in CLOSED:
            ends[name] = row["kind"]
        elif row["kind"] == "order_late":
            ends.pop(name, None)
    return wanted, ends


def _books(verdict: Verdict, happened: Sequence[Entry], booked: Sequence[Mapping[str, Any]]) -> None:
    theirs = books_of(Decimal(0), happened)
    ours = books_of(Decimal(0), booked)
    for name in ("cash", "commissions", "positions"):
        here, there = getattr(ours, name), getattr(theirs, name)
        if here != there:
            verdict.wrong.append(f"{name} is {here} here, {there} at the venue")
