"""
The published risk vectors, through the real rules and the real kernel: positions, open orders, marks, flows
and rolls are made by events, and what comes out is what the session decided.
"""

import json
from decimal import Decimal
from pathlib import Path

import pytest
from core_desk import Desk, stock
from core_rules import daily_loss, drawdown, four, position_size, sector

from ltm.core import commands as c
from ltm.core import events as e
from ltm.model.numbers import ratio
from ltm.model.reports import PositionReport

D = Decimal
PATH = Path(__file__).parents[2].parent / "shared" / "vectors" / "risk_vectors.json"
VECTORS = json.loads(PATH.read_text(encoding="utf-8")) if PATH.exists() else []
pytestmark = pytest.mark.skipif(not VECTORS, reason="needs shared/vectors beside the repository")


def rows(rule):
    return [
        pytest.param(row["given"], row["expect"], id=row["name"]) for row in VECTORS if row["rule"] == rule
    ]


def desk_of(given, rules):
    """
    A session worth `E` that has inherited `p` units of AAA at 100.
    """
    equity = D(given["E"])
    worth = equity > 0
    desk = Desk(
        rules=rules,
        initial_capital=equity if worth else D(1000),
        allow_short=given.get("short", False) or D(given["p"]) < 0,
        start=False,
    )
    desk.boot()
    desk.connect()
    held = [PositionReport(symbol="AAA", quantity=D(given["p"]), average_entry_price=D(100))]
    if not worth:
        # Something that was bought dear and is worth 1 now makes the loss.
        price = D(1001) - equity
        held.append(PositionReport(symbol="BBB", quantity=D(1), average_entry_price=price))
    desk.sweep(positions=tuple(report for report in held if report.quantity))
    desk.mark("AAA", given["mark"], ask=given.get("ask"))
    desk.mark("BBB", 1)
    desk.tick()
    for side, orders in (("buy", given.get("buys", ())), ("sell", given.get("sells", ()))):
        for quantity, price in orders:
            assert isinstance(desk.limit(side, quantity, price), e.OrderIntended)

    assert equity == desk.state.equity
    return desk


@pytest.mark.parametrize("alone", [True, False], ids=["alone", "with-the-other-three"])
@pytest.mark.parametrize(("given", "expect"), rows("position_size"))
def test_position_size(given, expect, alone):
    """
    RSK-20: decision, reason and worst-case value are those of the published vector.
    """
    if not alone and D(given["E"]) <= 0:
        pytest.skip("without equity the two loss rules have stopped entries before")
    decision, reason, worst = expect
    desk = desk_of(given, [position_size(given["L"])] if alone else four(given["L"]))
    send = desk.signal if given.get("typ") == "market" else desk.limit
    prices = () if given.get("typ") == "market" else (given["px"],)
    answer = send(given["side"], given["q"], *prices)

    if decision == "deny":
        found = {one.code: one.measured for one in answer.reasons}
    else:
        assert isinstance(answer, e.OrderIntended)

        found = {one.code: one.measured for one in answer.checks if one.code != "ok"}
        found |= {"ok": check.measured for check in answer.checks if check.rule == "position_size"}  # noqa: B035 - there is one
    assert reason in found
    if worst is not None:
        assert D(worst) == found[reason]
    desk.check()


SECTOR_ORDERS = {
    # How the vector's exposure comes about: what is held, then the candidate.
    "40000": (("AAA", 300), ("buy", "BBB", 100, "100")),
    "40001": (("AAA", 300), ("buy", "BBB", 100, "100.01")),
    "45000": (("AAA", 250), ("sell", "BBB", 200, "100")),
    "100": (("AAA", 1), ("buy", "ZZZ", 1, "100")),
}


@pytest.mark.parametrize(("given", "expect"), rows("sector_concentration"))
def test_sector_concentration(given, expect):
    """
    RSK-21: the exposure of the vector, built of real instruments, gets the vector's answer.
    """
    [(_, exposure)] = given["worst_case_by_sector"].items()
    (held, quantity), (side, symbol, size, price) = SECTOR_ORDERS[exposure]
    desk = Desk(
        rules=[sector(given["limit"])],
        instruments=[stock("AAA"), stock("BBB"), stock("ZZZ")],
        initial_capital=D(given["equity"]),
        allow_short=True,
    )
    desk.hold(quantity, 100, held)
    desk.mark(symbol, 100)
    answer = desk.limit(side, size, price, symbol)

    if expect == "allow":
        assert isinstance(answer, e.OrderIntended)

        [check] = [check for check in answer.checks if check.rule == "sector_concentration"]
    else:
        code = "sector_unknown" if given["unknown_sector"] else "sector_concentration"
        [check] = [reason for reason in answer.reasons if reason.code == code]
    if not given["unknown_sector"]:
        assert (D(exposure), D(given["limit"]) * D(given["equity"])) == (check.measured, check.limit)
    desk.check()


class Ladder:
    """
    A session with twice its capital in one stock, so that a mark puts equity anywhere, down to zero.
    """

    def __init__(self, given, rule):
        self.name = rule.name
        self.desk = Desk(rules=[rule], initial_capital=D(given["start"]), start=False)
        self.units = D(given["start"]) / 50
        self.desk.boot()
        self.desk.connect()
        self.desk.sweep(
            positions=(PositionReport(symbol="AAA", quantity=self.units, average_entry_price=D(100)),)
        )
        self.price = D(100)
        self.mark()
        self.desk.tick()

    def mark(self):
        # Twice, a second apart: a jump of more than 20 % has to persist (RSK-02).
        self.desk.mark("AAA", self.price)
        self.desk.wait(1)
        self.desk.mark("AAA", self.price)

    def step(self, kind, value):
        desk = self.desk
        if kind == "mark":
            self.price += (D(value) - desk.state.equity) / self.units
            self.mark()
        elif kind == "flow":
            desk.do(c.RecordFlow(D(value), "me", "money"))
        else:
            desk.pass_time(24 * 3600)
            self.mark()
        state = desk.state
        base = state.peak if self.name == "drawdown" else state.loss_base
        return state.equity, ratio(base - state.equity, base), self.name in state.latches


@pytest.mark.parametrize("rule", [drawdown, daily_loss])
def test_drawdown_and_daily_loss_have_vectors(rule):
    assert rows(rule().name)


@pytest.mark.parametrize(
    ("rule", "given", "expect"),
    [
        pytest.param(rule, *row.values, id=f"{rule().name}: {row.id}")
        for rule in (drawdown, daily_loss)
        for row in rows(rule().name)
    ],
)
def test_equity_rules(rule, given, expect):
    """
    RSK-22, RSK-23: equity, measure and latch after every step are those of the vector.
    """
    ladder = Ladder(given, rule(given["limit"]))
    found = [ladder.step(kind, value) for kind, value in given["steps"]]

    assert [(D(s["equity"]), D(s["measure"]), s["tripped"]) for s in expect] == found
    ladder.desk.check()
