"""
Several sessions on one account: limits over all of them, and each one's part of what the venue says.
"""

from decimal import Decimal, localcontext

import pytest
from core_desk import CAPABILITIES, Desk, Fixed, stock
from hypothesis import given, settings
from hypothesis import strategies as st

from ltm.core import commands as c
from ltm.core import events as e
from ltm.core.account import Account
from ltm.core.effects import Sweep
from ltm.core.siblings import own_part
from ltm.model.enums import OrderStatus, OrderType, TradingState
from ltm.model.numbers import EXACT
from ltm.model.reports import Ambiguous, PositionReport
from ltm.model.spec import AccountLimits

D = Decimal
KEYS = ("abcdefgh", "hgfedcba")


class House:
    """
    Two sessions of 100,000 each on one account, and the venue behind them.
    """

    def __init__(self, *, shared=True, start=True, terms=None, **limits):
        self.account = Account(shared=shared)
        self.foreign = {}
        self.extra = D(0)
        self.desks = []
        for key in KEYS:
            desk = Desk(
                start=False,
                max_price_age=1e9,
                instruments=[stock("AAA"), stock("BBB")],
                account="main",
                account_limits=AccountLimits(**limits),
                **(terms or {}),
            )
            desk.state.session_key = key
            self.join(desk)
            self.desks.append(desk)
        if start:
            for desk in self.desks:
                self.start(desk)
            for desk in self.desks:
                self.sweep(desk)

    def join(self, desk):
        self.account.members.append(desk.state)
        desk.session.context.account = self.account

    def start(self, desk):
        desk.boot()
        desk.connect()
        self.sweep(desk)
        desk.tick()
        for name in ("AAA", "BBB"):
            desk.mark(name, 100)

    def positions(self):
        with localcontext(EXACT):
            held = dict(self.foreign)
            for desk in self.desks:
                for name, slot in desk.state.slots.items():
                    held[name] = held.get(name, D(0)) + slot.position
        return tuple(
            PositionReport(symbol=name, quantity=held[name], average_entry_price=D(100))
            for name in held
            if held[name]
        )

    def cash(self):
        with localcontext(EXACT):
            moved = sum((desk.state.cash["USD"] - desk.spec.initial_capital for desk in self.desks), D(0))
            return D(1_000_000) + moved + self.extra

    def open_orders(self):
        return tuple(report for desk in self.desks for report in desk.open_orders())

    def sweep(self, desk, **answers):
        values = {
            "open_orders": self.open_orders(),
            "positions": self.positions(),
            "account": desk.account(cash=self.cash(), available=self.cash()),
            "siblings": desk.session.siblings(),
            **answers,
        }
        return desk.sweep(**values)


def limit(desk, action, quantity, symbol="AAA", price=100):
    found = desk.codes(action, quantity, symbol, limit_price=price, order_type=OrderType.LIMIT)
    desk.check()
    return found


# --- Limits ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(("quantity", "expected"), [(199, ()), (200, ()), (201, ("account_gross_exposure",))])
def test_all_sessions_together_stay_within_so_many_times_their_equity(quantity, expected):
    """
    C25, account mode: 0.3 times 200,000, of which another session has reserved 40,000.
    """
    house = House(max_gross_exposure=D("0.3"))
    one, other = house.desks
    other.limit("buy", 400, 100, "BBB")

    assert expected == limit(one, "buy", quantity)


@pytest.mark.parametrize(("quantity", "expected"), [(99, ()), (100, ()), (101, ("account_symbol_exposure",))])
def test_one_instrument_over_all_sessions_has_a_limit(quantity, expected):
    """
    C21, account mode: 0.2 times 200,000, of which another session holds 30,000; other instruments are free.
    """
    house = House(max_symbol_exposure=D("0.2"))
    one, other = house.desks
    other.hold(300)

    assert expected == limit(one, "buy", quantity)
    assert () == limit(one, "buy", 400, "BBB")


@pytest.mark.parametrize(("opened", "expected"), [(1, ()), (2, ()), (3, ("account_open_orders",))])
def test_so_many_orders_of_all_sessions_may_be_open(opened, expected):
    """
    C12, account mode.
    """
    house = House(max_open_orders=3)
    one, other = house.desks
    for _ in range(opened):
        other.limit("buy", 1, 100)

    assert expected == limit(one, "buy", 1)


def test_the_way_out_is_open_and_what_adds_nothing_passes():
    """
    RSK-06, RSK-14: an account that is full holds nobody in.
    """
    house = House(max_gross_exposure=D("0.2"), max_open_orders=9)
    one, other = house.desks
    one.hold(199)
    other.hold(100, symbol="BBB")
    other.hold(50, symbol="BBB")
    assert ("account_gross_exposure",) == limit(one, "buy", 52)

    assert () == one.codes("sell", 199)


@pytest.mark.parametrize(
    ("limits", "quantity", "name"),
    [
        ({"max_gross_exposure": D("0.3")}, 300, "account_gross_exposure"),
        ({"max_symbol_exposure": D("0.2")}, 100, "account_symbol_exposure"),
    ],
)
def test_the_sizer_is_told_what_the_account_leaves(limits, quantity, name):
    """
    RSK-20: what it asks for then passes.
    """
    house = House(**limits, terms={"sizer": Fixed(10_000), "allow_short": True})
    one, other = house.desks
    other.hold(300)
    answer = one.signal("buy", None, limit_price=100, order_type=OrderType.LIMIT)

    assert (D(quantity), True) == (answer.draft.quantity, name in answer.sizing)
    assert (name,) == limit(one, "buy", 1)

    short = House(**limits, terms={"sizer": Fixed(10_000), "allow_short": True})
    short.desks[1].hold(300)

    assert D(quantity) == short.desks[0].signal("sell", None).draft.quantity


@settings(max_examples=30, deadline=None)
@given(
    st.lists(
        st.tuples(st.booleans(), st.sampled_from(("AAA", "BBB")), st.integers(1, 500), st.booleans()),
        max_size=20,
    )
)
def test_whoever_sends_what_the_account_is_never_passed(orders):
    """
    Promise 2, RSK-07: two sessions in one loop turn see each other's reservations.
    """
    house = House(max_gross_exposure=D("0.3"), max_symbol_exposure=D("0.2"), max_open_orders=5)
    for first, symbol, quantity, filled in orders:
        desk = house.desks[0 if first else 1]
        answer = desk.signal("buy", quantity, symbol, limit_price=100, order_type=OrderType.LIMIT)
        if isinstance(answer, e.OrderIntended) and filled:
            desk.answer(answer.client_order_id)
            desk.fill(answer.client_order_id, answer.draft.quantity)
        states = house.account.members
        equity = sum(state.equity for state in states)

        assert sum(state.totals.total for state in states) <= D("0.3") * equity
        assert sum(len(state.orders) for state in states) <= 5


def test_what_the_sessions_hold_survives_kill_9():
    """
    RSK-11: an account is the sum of its sessions' journals, nothing else.
    """
    house = House(max_gross_exposure=D("0.3"))
    house.desks[1].hold(400, symbol="BBB")
    house.account.members.clear()
    for desk in house.desks:
        desk.restart()
        house.join(desk)
    for desk in house.desks:
        house.start(desk)
    for desk in house.desks:
        house.sweep(desk)

    assert ("account_gross_exposure",) == limit(house.desks[0], "buy", 201)
    assert () == limit(house.desks[0], "buy", 200)


def test_a_session_alone_is_its_own_account():
    """
    Without others the limits are the session's.
    """
    desk = Desk(account="main", account_limits=AccountLimits(max_gross_exposure=D("0.3")))
    desk.mark("AAA", 100)

    assert () == limit(desk, "buy", 300)
    assert ("account_gross_exposure",) == limit(desk, "buy", 1)


@pytest.mark.parametrize(
    "limits",
    [{"max_gross_exposure": D("0.15")}, {"max_symbol_exposure": D("0.15")}, {"max_open_orders": 2}],
)
def test_one_of_the_sessions_tells_that_an_account_is_nearly_full(limits):
    """
    C44: once, not once for each of them.
    """
    house = House(**limits)
    one, other = house.desks
    other.hold(150)
    for desk in house.desks:
        desk.limit("buy", 60, 100)
    for _ in range(3):
        for desk in house.desks:
            desk.wait()

    assert ["limit_near"] == one.alerts()
    assert "account_" in one.last(e.AlertRaised).message
    assert [] == other.alerts()


def test_an_account_without_limits_is_near_none():
    """
    C44.
    """
    house = House()
    for desk in house.desks:
        desk.hold(100)
        desk.wait()

    assert [[], []] == [desk.alerts() for desk in house.desks]


# --- What the venue says --------------------------------------------------------------------------


def test_what_another_session_holds_is_no_drift():
    """
    REL-4: each compares with what is left of the account when the others are taken off.
    """
    house = House()
    one, other = house.desks
    other.hold(100)
    other.limit("buy", 10, 99)
    for _ in range(3):
        for desk in house.desks:
            desk.wait(6)
            house.sweep(desk)

    assert [[], []] == [desk.alerts() for desk in house.desks]
    assert (None, None) == (one.slot().drift, other.slot().drift)
    assert {} == one.state.orders


def test_a_real_drift_is_still_found():
    """
    REL-4: what no session explains blocks entries of the one that looks.
    """
    house = House()
    house.desks[1].hold(100)
    house.foreign = {"AAA": D(7)}
    for _ in range(3):
        house.desks[0].wait(6)
        house.sweep(house.desks[0])

    assert D(7) == house.desks[0].slot().drift


def test_while_another_session_is_busy_nobody_compares():
    """
    REL-4: an open question, or a change since the venue was asked, makes a number incomparable.
    """
    house = House()
    one, other = house.desks
    order = other.order("buy", 10)
    house.foreign = {"AAA": D(10)}
    asked = one.session.siblings()
    other.fill(order, 10)
    house.foreign = {}
    for _ in range(3):
        one.wait(6)
        house.sweep(one, siblings=asked)
    assert one.slot().drift is None

    busy = other.signal("buy", 5, "BBB").client_order_id
    house.foreign = {"BBB": D(5)}
    for _ in range(3):
        one.wait(6)
        house.sweep(one)
    assert one.slot("BBB").drift is None

    other.answer(busy, Ambiguous("lost"))
    one.wait(6)
    house.sweep(one)

    assert one.slot("BBB").drift is None
    assert [] == one.alerts()


def test_a_session_that_is_not_reconciled_yet_explains_nothing():
    """
    REL-4: what it filled while it was down is not in its books, and must not become somebody else's.
    """
    house = House(start=False)
    one, other = house.desks
    other.boot()
    other.connect()
    house.foreign = {"AAA": D(50)}
    house.start(one)
    assert D(0) == one.slot().position

    house.start(other)
    assert D(50) == other.slot().position

    house.foreign = {}
    for desk in house.desks:
        house.sweep(desk)

    assert [[], ["inherited"]] == [desk.alerts() for desk in house.desks]


def test_cash_that_others_moved_is_explained():
    """
    RSK-04: fills of every session, and nothing else.
    """
    house = House()
    one, other = house.desks
    other.hold(100, 99)
    for _ in range(3):
        for desk in house.desks:
            desk.wait(6)
            house.sweep(desk)
    assert TradingState.ACTIVE is one.state.trading_state

    house.extra = D(-500)
    for _ in range(3):
        one.wait(6)
        house.sweep(one)

    assert ["unexplained_cash"] == [*one.state.latches]


def test_the_accounts_funds_are_spent_once():
    """
    C29: what another session reserved since the venue told is gone.
    """
    house = House()
    one, other = house.desks
    for desk in house.desks:
        house.sweep(desk, account=desk.account(cash=house.cash(), available=D(50_000)))
    assert () == limit(other, "buy", 400, "BBB")

    assert ("buying_power",) == limit(one, "buy", 101)
    assert () == limit(one, "buy", 100)


def test_funds_are_not_taken_over_while_another_session_is_busy():
    """
    C29: nor where the venue does not tell them.
    """
    house = House()
    one, other = house.desks
    house.sweep(one, account=one.account(cash=house.cash(), available=D(50_000)))
    other.signal("buy", 100, "BBB")
    house.sweep(one, account=one.account(cash=house.cash(), available=D(1)))
    house.sweep(one, account=one.account(cash=house.cash(), available=None))

    assert () == limit(one, "buy", 100)


def test_news_of_another_sessions_order_is_none_of_our_business():
    """
    REL-4: no sweep for each of them.
    """
    house = House()
    one, other = house.desks
    order = other.order("buy", 10)
    before = len(one.sent(Sweep))
    one.do(c.BrokerReported(other.report(order, OrderStatus.ACCEPTED)))
    one.do(c.BrokerReported(other.fill_report(order, 10)))
    assert before == len(one.sent(Sweep))

    house.sweep(one, fills=(other.fill_report(order, 10),))
    one.do(c.BrokerReported(other.report(order, OrderStatus.ACCEPTED, client_order_id="web-1")))

    assert before + 1 == len(one.sent(Sweep))
    assert D(0) == one.slot().position


def test_a_question_that_failed_stays_one():
    """
    REL-4: no answer is no empty answer.
    """
    house = House()
    desk = house.desks[0]
    nothing = dict.fromkeys(("open_orders", "fills", "positions", "account"))
    answer = c.SweepAnswered(started_sequence=0, siblings=desk.session.siblings(), **nothing)

    assert answer == own_part(desk.state, desk.session.context, answer)


def test_markets_within_the_process_share_limits_and_nothing_else():
    """
    Each session has its own account at its own market.
    """
    house = House(shared=False, max_open_orders=1)
    one, other = house.desks
    other.limit("buy", 1, 100)

    assert {} == one.session.siblings()
    assert ("account_open_orders",) == limit(one, "buy", 1)
    assert {} == Desk(capabilities=CAPABILITIES).session.siblings()


def test_an_account_without_limits_has_nothing_to_tell():
    """
    C44: a session may name its account for the lock alone.
    """
    desk = Desk(account="main")
    desk.session.context.account = Account(members=[desk.state], shared=False)
    desk.mark("AAA", 100)
    desk.hold(10)
    desk.wait(2)

    assert [] == [event for event in desk.all(e.LimitNeared) if event.limit.startswith("account")]
    desk.check()
