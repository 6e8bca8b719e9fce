"""The rule, on snapshots made by hand: one step inside of the limit, at it, one beyond."""

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from ltm.model.enums import Side
from ltm.model.errors import ConfigError
from ltm.model.instrument import Instrument
from ltm.model.order import OrderDraft
from ltm.model.results import Allow, Deny
from ltm.ports import EquityBases, RiskSnapshot

from ltm_risk_order_value.hooks import OrderValueConfig
from ltm_risk_order_value.rule import OrderValue

RULE = OrderValue(Decimal(1000))


def snapshot(price: Decimal) -> RiskSnapshot:
    equity, zero = Decimal(100_000), Decimal(0)
    return RiskSnapshot(
        sequence=1,
        now=datetime(2026, 1, 5, 15, 0, tzinfo=UTC),
        instrument=Instrument(symbol="ACME", currency="USD"),
        equity=equity,
        equity_valid=True,
        initial_capital=equity,
        cash=equity,
        bases=EquityBases(peak=equity, day_start=equity, loss_base=equity),
        trading_date=date(2026, 1, 5),
        position=zero,
        mark_price=price,
        worst_price=price,
        long_before=zero,
        long_after=zero,
        short_before=zero,
        short_after=zero,
    )


def draft(quantity: Decimal) -> OrderDraft:
    return OrderDraft(symbol="ACME", side=Side.BUY, quantity=quantity)


@pytest.mark.parametrize(("quantity", "verdict"), [("99.99", Allow), ("100", Allow), ("100.01", Deny)])
def test_an_order_may_be_worth_as_much_as_the_limit(quantity, verdict):
    assert isinstance(RULE.check(draft(Decimal(quantity)), snapshot(Decimal(10))), verdict)


@pytest.mark.parametrize("price", ["10", "3", "0.0007", "-7", "123456.789"])
def test_the_headroom_is_what_passes_and_not_a_grain_more(price):
    at = snapshot(Decimal(price))
    room = RULE.headroom(draft(Decimal(0)), at)

    assert isinstance(RULE.check(draft(room), at), Allow)
    assert isinstance(RULE.check(draft(room * Decimal("1.000001")), at), Deny)


def test_at_a_price_of_zero_nothing_is_too_much():
    assert RULE.headroom(draft(Decimal(0)), snapshot(Decimal(0))) is None
    assert isinstance(RULE.check(draft(Decimal(10**9)), snapshot(Decimal(0))), Allow)


@pytest.mark.parametrize("value", [0, -1, "10", float("nan")])
def test_a_limit_is_an_amount_above_zero(value):
    with pytest.raises(ConfigError):
        OrderValueConfig(max_value=value)
