"""
What the venue refuses, what orders cost, and that no money appears or vanishes.
"""

from datetime import timedelta
from decimal import Context, Decimal, localcontext

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ltm.model.enums import OrderStatus, Side
from ltm.model.instrument import Instrument
from ltm.model.reports import Acked, FillReport, Refused

D = Decimal
BUY, SELL = Side.BUY, Side.SELL


class TestRefusals:
    @pytest.mark.parametrize(
        ("code", "quantity", "how"),
        [
            ("bad_quantity", 0, {}),
            ("bad_quantity", -1, {}),
            ("bad_quantity", "NaN", {}),
            ("bad_quantity", "1E+16", {}),
            ("lot_size", 150, {}),
            ("quantity_limits", 100, {"kind": "limit", "limit": 1}),
            ("quantity_limits", 100_000, {}),
            ("unknown_symbol", 200, {"symbol": "NOPE"}),
            ("bad_price", 200, {"kind": "limit"}),
            ("bad_price", 200, {"limit": 1}),
            ("bad_price", 200, {"kind": "limit", "limit": "NaN"}),
            ("bad_price", 200, {"kind": "stop", "trigger": -1}),
            ("bad_price", 200, {"kind": "stop_limit", "trigger": 5}),
            ("tick_size", 200, {"kind": "limit", "limit": "10.03"}),
            ("tick_size", 200, {"kind": "stop", "trigger": "10.03"}),
            ("minimum_notional", 200, {"kind": "limit", "limit": "0.05"}),
            ("bad_time_in_force", 200, {"life": "gtd"}),
            ("bad_time_in_force", 200, {"life": "ioc", "kind": "stop", "trigger": 10}),
            ("insufficient_funds", 20_000, {"kind": "limit", "limit": 1000}),
        ],
    )
    def test_the_venue_keeps_its_grid(self, desk_of, code, quantity, how):
        desk = desk_of(
            lot_size=D(100),
            tick_size=D("0.05"),
            minimum_quantity=D(200),
            maximum_quantity=D(50_000),
            minimum_notional=D(1000),
        )
        outcome = desk.send(BUY, quantity, **how)

        assert isinstance(outcome, Refused)
        assert code == outcome.code
        assert D(1_000_000) == desk.available
        assert OrderStatus.REJECTED is desk.status("o1")
        assert [] == desk.events

    def test_good_till_must_be_in_the_future_and_belong_to_gtd(self, desk):
        past = desk.send(BUY, 1, life="gtd", till=desk.venue.now)
        other = desk.send(BUY, 1, till=desk.venue.now + timedelta(days=1))

        assert ["bad_time_in_force"] * 2 == [past.code, other.code]

    def test_what_is_not_tradable_or_in_another_currency_is_refused(self, desk_of):
        assert "not_tradable" == desk_of(tradable=False).send(BUY, 1).code
        assert "wrong_currency" == desk_of(currency="EUR").send(BUY, 1).code

    def test_an_id_is_good_for_one_order_for_ever(self, desk):
        """
        Also after the order has ended or was refused: the answer proves that the id arrived before.
        """
        desk.quote(99, 101)
        desk.buy(1, name="same")
        again = desk.send(BUY, 1, name="same")
        desk.send(BUY, -1, name="bad")
        bad = desk.send(BUY, 1, name="bad")

        assert ["duplicate_client_order_id"] * 2 == [again.code, bad.code]
        assert "vsame" in again.message
        assert 1 == len(desk.fills)

    def test_cancels_of_unknown_and_ended_orders_are_refused(self, desk):
        name = desk.buy(1)

        assert Acked("vo1") == desk.cancel(name)
        assert ["too_late", "unknown_order"] == [desk.cancel(name).code, desk.cancel("x").code]
        assert [("o1", OrderStatus.CANCELED, None)] == desk.ends


class TestFunds:
    def test_open_buys_claim_their_worst_cost_with_commission(self, desk_of):
        desk = desk_of(cash=1000, commission={"per_share": D(1)})
        desk.limit(BUY, 9, 100)

        assert D(91) == desk.available
        assert "insufficient_funds" == desk.send(BUY, 1, kind="limit", limit=91).code

        desk.cancel("o1")

        assert D(1000) == desk.available

    def test_a_buy_that_the_open_made_too_dear_is_canceled(self, desk_of):
        desk = desk_of(cash=1000)
        desk.bar(100, 100, 100, 100)
        desk.buy(10)
        desk.bar(101, 101, 101, 101)

        assert [] == desk.fills
        assert [("o1", OrderStatus.CANCELED, "insufficient_funds")] == desk.ends
        assert D(1000) == desk.available

    def test_a_sell_needs_the_position_that_no_other_sell_has(self, desk):
        desk.quote(99, 101)
        desk.buy(10)
        desk.limit(SELL, 6, 200)

        assert "short_selling" == desk.send(SELL, 5).code
        assert isinstance(desk.send(SELL, 4), Acked)

        desk.cancel("o2")

        assert isinstance(desk.send(SELL, 6), Acked)
        assert D(0) == desk.position

    def test_shorting_is_possible_where_it_is_allowed(self, desk_of):
        desk = desk_of(allow_short=True)
        desk.quote(99, 101)
        desk.sell(10)
        desk.buy(15)

        assert D(5) == desk.position
        assert D(1_000_000) + 990 - 1515 == desk.cash
        assert [D(101)] == [held.average_entry_price for held in desk.venue.positions()]


class TestCommission:
    @pytest.mark.parametrize(
        ("terms", "quantity", "expected"),
        [
            ({"per_share": D("0.005")}, 1001, "5.01"),
            ({"per_share": D("0.005"), "minimum": D(1)}, 10, "1.00"),
            ({"basis_points": D("2.5")}, 37, "0.93"),
            ({"basis_points": D(3), "minimum": D(5)}, 100, "5.00"),
            ({"per_share": D("0.01"), "basis_points": D(1)}, 100, "2.00"),
            ({"basis_points": D("2.5"), "grid": D("0.0001")}, 37, "0.9259"),
            ({}, 37, "0"),
        ],
    )
    def test_it_is_exact_and_on_the_money_grid(self, desk_of, terms, quantity, expected):
        """
        At 100.10: 37 shares are worth 3,703.70, of which 2.5 basis points are 0.925925.
        """
        desk = desk_of(commission=terms)
        desk.quote("100.00", "100.10")
        desk.buy(quantity)
        fill = next(event for event in desk.events if isinstance(event, FillReport))

        assert D(expected) == fill.commission
        assert "USD" == fill.commission_currency
        assert D(1_000_000) - quantity * D("100.10") - D(expected) == desk.cash

    def test_many_fills_cost_what_one_would(self, desk_of):
        """
        The minimum is charged once, and cents are rounded on the order's total.
        """
        desk = desk_of(commission={"per_share": D("0.005"), "minimum": D(1)}, participation=D(1))
        desk.buy(401)
        for volume in (1, 150, 100, 150):
            desk.bar(100, 100, 100, 100, volume=volume)
        paid = [event.commission for event in desk.events if isinstance(event, FillReport)]

        assert [D("1.00"), D("0.00"), D("0.26"), D("0.75")] == paid

    def test_the_callers_decimal_context_does_not_matter(self, desk_of):
        """
        BAD-116: three digits would ruin every sum here.
        """
        desk = desk_of(commission={"basis_points": D(3)})
        with localcontext(Context(prec=3)):
            desk.quote("100.01", "100.03")
            desk.buy(12_345 // 2)

        assert D(1_000_000) - 6172 * D("100.03") - D("185.22") == desk.cash


ORDERS = st.tuples(
    st.sampled_from(["buy", "sell"]),
    st.sampled_from(["market", "limit", "stop", "stop_limit"]),
    st.integers(1, 300),
    st.integers(90, 110),
    st.integers(90, 110),
    st.sampled_from(["day", "gtc", "ioc", "fok"]),
)
PRICES = st.tuples(st.integers(9000, 11000), st.integers(0, 500), st.integers(0, 500), st.integers(0, 1000))
STEPS = st.lists(st.one_of(ORDERS, PRICES, st.integers(1, 40)), max_size=40)


def _play(desk_of, steps, *, quoted):
    desk = desk_of(
        cash=50_000,
        commission={"per_share": D("0.003"), "minimum": D("0.35"), "basis_points": D("1.3")},
        participation=D("0.3"),
        allow_short=True,
    )
    for step in steps:
        match step:
            case int():
                desk.cancel(f"o{step}")
            case (str() as side, kind, quantity, limit, trigger, life):
                how = {
                    "limit": limit if "limit" in kind else None,
                    "trigger": trigger if "stop" in kind else None,
                }
                desk.send(Side(side), quantity, kind=kind, life=life, **how)
            case (cents, up, down, volume):
                opened = D(cents) / 100
                if quoted:
                    desk.quote(opened, opened + D(up) / 100, volume, volume)
                else:
                    high, low = opened + D(up) / 100, opened - D(down) / 100
                    desk.bar(opened, high, low, (high + low) / 2, volume=volume)
    return desk


class TestConservation:
    @given(steps=STEPS, quoted=st.booleans())
    def test_cash_and_cost_and_commission_are_the_cash_of_the_beginning(self, desk_class, steps, quoted):
        """
        I-08 at the venue, to the last digit, for any flow of orders, cancels and prices.
        """
        desk = _play(desk_class, steps, quoted=quoted)
        fills = [event for event in desk.events if isinstance(event, FillReport)]
        signs = [1 if fill.side is BUY else -1 for fill in fills]
        spent = sum(
            (sign * fill.quantity * fill.price for sign, fill in zip(signs, fills, strict=True)), D(0)
        )
        paid = sum((fill.commission for fill in fills), D(0))
        held = sum((sign * fill.quantity for sign, fill in zip(signs, fills, strict=True)), D(0))

        assert D(50_000) == desk.cash + spent + paid
        assert held == desk.position
        assert len(fills) == len({fill.fill_id for fill in fills})

    @given(steps=STEPS, quoted=st.booleans())
    def test_nothing_stays_claimed_when_no_order_is_open(self, desk_class, steps, quoted):
        """
        I-10 at the venue: and no order is ever filled beyond its quantity (I-02).
        """
        desk = _play(desk_class, steps, quoted=quoted)
        for order in desk.venue.open_orders():
            assert order.filled_quantity < order.quantity

            desk.cancel(order.client_order_id)

        assert desk.cash == desk.available
        assert [] == desk.venue.open_orders()

    @given(steps=STEPS, quoted=st.booleans())
    def test_the_same_inputs_give_the_same_events(self, desk_class, steps, quoted):
        one, two = (_play(desk_class, steps, quoted=quoted) for _ in range(2))

        assert one.events == two.events

    @given(steps=STEPS, future=st.lists(PRICES, min_size=1, max_size=5))
    def test_what_happened_does_not_depend_on_what_comes(self, desk_class, steps, future):
        """
        No look-ahead: with another future, everything up to now is the same.
        """
        now = _play(desk_class, steps, quoted=False)
        later = _play(desk_class, [*steps, *future], quoted=False)

        assert now.events == later.events[: len(now.events)]


def test_an_order_in_another_currency_is_paid_for_at_the_rate_of_its_pair(desk_of):
    """
    A buy borrows the currency; what it may cost counts in the account's.
    """
    desk = desk_of(cash=1_100, symbols=("SAP", "EUR/USD"))
    desk.venue._books["SAP"].instrument = Instrument(symbol="SAP", currency="EUR")
    desk.quote(100, 100, symbol="SAP")
    assert "wrong_currency" == desk.send(BUY, 1, symbol="SAP").code

    desk.quote("1.1", "1.1", symbol="EUR/USD")
    assert "insufficient_funds" == desk.send(BUY, 11, symbol="SAP").code
    desk.buy(10, symbol="SAP")
    assert (Decimal(1_100), Decimal(0)) == (desk.cash, desk.available)
    assert "insufficient_funds" == desk.send(BUY, 1, symbol="SAP").code
    desk.quote(1, 1, symbol="EUR/USD")
    assert Decimal(100) == desk.available
