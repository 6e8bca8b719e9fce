"""
Adapters that say what they must not: every row of broker data in the catalogue, through a whole session.

Each case ends the same way: nothing is sent that was not meant, the books are as before, no exception leaves the
engine, and the session goes on or says why it does not.
"""

import time
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from types import SimpleNamespace

import attrs
import pytest

from ltm.core.snapshot import state_hash
from ltm.engine.admission import CROWD
from ltm.model.enums import Lifecycle, OrderStatus, Side, TradingState
from ltm.model.errors import BrokerConnectionError
from ltm.model.instrument import Instrument
from ltm.model.market import Quote
from ltm.model.reports import (
    AccountReport,
    Acked,
    Ambiguous,
    FillReport,
    LinkReport,
    NotSent,
    OrderReport,
    PositionReport,
    Refused,
)

from .conftest import START

NAN = Decimal("NaN")
HUGE = Decimal("1E+400")
RESTING = {"order_type": "limit", "limit_price": 50.0}


@attrs.define
class Wire:
    """
    The adapter's end of `deliver`.
    """

    deliver: object = None

    async def connect(self, call, deliver):
        self.deliver = deliver
        return await call(deliver)


def answering(answer):
    """
    A call of the broker that gives this answer instead of its own, or raises it.
    """

    async def call(_, *__):
        if isinstance(answer, BaseException):
            raise answer
        return answer

    return call


@pytest.fixture
def desk(make_bench):
    """
    A running session whose adapter is ours to speak for.
    """
    wire = Wire()
    bench = make_bench(tamper={"connect": wire.connect})
    bench.start()
    bench.second(3)

    assert Lifecycle.RUNNING is bench.engine.session.state.lifecycle

    return SimpleNamespace(bench=bench, say=wire.deliver, state=bench.engine.session.state)


def fingerprint(desk):
    return state_hash(desk.state), desk.state.sequence, desk.state.order_count


def sent(bench):
    return [argument for name, argument in bench.door.calls if name == "submit"]


def problems(bench):
    return [problem.message for problem in bench.observer.problems]


def still_trades(bench):
    """
    The session goes on: an order of a moment later is filled.
    """
    bench.second(2)
    before = len(sent(bench))
    bench.submit("BBB")
    bench.second(2)

    assert len(sent(bench)) == before + 1
    assert OrderStatus.FILLED is bench.orders()[-1].status


# --- Prices (BAD-100, BAD-101) -------------------------------------------------------------------


def quote(**values):
    return Quote(**{"symbol": "AAA", "at": START + timedelta(seconds=2), **values})


BAD_QUOTES = {
    "nan": quote(price=NAN),
    "signalling nan": quote(price=Decimal("sNaN")),
    "infinite": quote(price=Decimal("Infinity")),
    "zero": quote(price=Decimal(0)),
    "negative": quote(price=Decimal(-100)),
    "crossed": quote(bid=Decimal(101), ask=Decimal(100)),
    "nan bid": quote(bid=NAN, ask=Decimal(100)),
    "negative bid": quote(bid=Decimal(-1), ask=Decimal(100)),
    "infinite ask": quote(bid=Decimal(100), ask=Decimal("Infinity")),
    "a thousand times": quote(price=Decimal(100_000)),
    "a thousandth": quote(price=Decimal("0.1")),
    "400 digits": quote(price=HUGE),
    "nothing at all": quote(),
    "unknown symbol": quote(symbol="ZZZ", price=Decimal(100)),
    "in the past": quote(at=START - timedelta(days=1), price=Decimal(101)),
    "out of order": quote(at=START, price=Decimal(101)),
    "a day ahead": quote(at=START + timedelta(days=1), price=Decimal(101)),
    "year 9999": quote(at=datetime.max.replace(tzinfo=UTC), price=Decimal(101)),
    "naive time": quote(at=datetime(2026, 1, 5, 15, 0, 2), price=Decimal(101)),  # noqa: DTZ001 - that is the fault
}


@pytest.mark.parametrize("bad", BAD_QUOTES.values(), ids=BAD_QUOTES)
def test_a_bad_price_moves_nothing(bad, desk):
    """
    BAD-100, BAD-101: dropped and counted; neither mark nor equity nor any record changes.
    """
    before, dropped = fingerprint(desk), desk.bench.engine.session.context.watch.dropped
    desk.say(bad)
    desk.bench.turn()

    assert before == fingerprint(desk)
    assert dropped + 1 == desk.bench.engine.session.context.watch.dropped
    still_trades(desk.bench)


@pytest.mark.parametrize(
    ("bad", "words"),
    [
        (quote(price=True), "got `bool`"),
        (quote(price="abc"), "Invalid decimal string"),
        (quote(symbol=None, price=1.5), "Expected `str`, got `null`"),
        (quote(at="yesterday", price=1.5), "Invalid RFC3339"),
        ("AAA 100", "the adapter delivered"),
        (None, "the adapter delivered None"),
        ({"symbol": "AAA"}, "the adapter delivered"),
    ],
    ids=["bool", "words", "no symbol", "no time", "text", "nothing", "dict"],
)
def test_what_is_no_price_is_told_once_a_minute(bad, words, desk):
    """
    BAD-100: a feed can be wrong a thousand times a second.
    """
    before = fingerprint(desk)
    for _ in range(1_000):
        desk.say(bad)
    desk.bench.turn()

    (told,) = desk.bench.observer.problems
    assert words in told.message
    assert ("LTM-BRK-012", True) == (told.code, bool(told.hint))
    assert before[1:] == fingerprint(desk)[1:]
    for _ in range(2):
        desk.bench.engine.clock.advance(60)
        desk.bench.turn()
        desk.say(bad)
        desk.say(bad)

    assert 3 == len([problem for problem in desk.bench.observer.problems if words in problem.message])


@pytest.mark.parametrize("price", [100.5, "100.5", 100], ids=["float", "text", "whole"])
def test_a_price_in_another_type_becomes_the_decimal_that_it_shows(price, desk):
    """
    BAD-105: exact text conversion, RSK-01.
    """
    desk.say(quote(price=price))
    desk.bench.turn()

    assert Decimal(str(price)) == desk.state.slots["AAA"].mark
    assert Decimal is type(desk.state.slots["AAA"].mark)


@pytest.mark.parametrize(
    ("seconds", "moves"), [(59, True), (60, True), (61, False)], ids=["inside", "at", "beyond"]
)
def test_a_price_may_be_a_minute_ahead_of_our_clock(seconds, moves, desk):
    """
    BAD-101: a later one would make every price that follows look old.
    """
    now = desk.bench.engine.clock.now()
    before = desk.state.slots["AAA"].mark
    desk.say(quote(at=now + timedelta(seconds=seconds), price=before + 1))
    desk.bench.turn()

    assert moves is (desk.state.slots["AAA"].mark != before)


def test_only_bad_prices_leave_nothing_to_trade_on(make_bench):
    """
    BAD-100: the mark grows old, and entries are denied.
    """
    wire = Wire()
    bench = make_bench(session="max_price_age = 5", tamper={"connect": wire.connect})
    bench.start()
    bench.second(3)
    bench.engine.clock.advance(6)
    for _ in range(10):
        wire.deliver(quote(at=bench.engine.clock.now(), price=NAN))
    bench.turn()
    bench.submit("AAA")

    assert "stale_price" in [reason.code for reason in bench.events()[-1].reasons]
    assert [] == sent(bench)


# --- News about orders (BAD-102 to BAD-104) ------------------------------------------------------


def order_of(desk, **terms):
    desk.bench.submit("AAA", **{**RESTING, **terms})
    desk.bench.turn()
    return desk.bench.orders()[-1]


def fill(order, **values):
    return FillReport(
        **{
            "fill_id": "f1",
            "symbol": "AAA",
            "side": Side.BUY,
            "quantity": Decimal(1),
            "price": Decimal(50),
            "occurred_at": START,
            "client_order_id": order.client_order_id,
            "venue_order_id": order.venue_order_id,
            **values,
        }
    )


UNTRUE_FILLS = {
    "negative": {"quantity": Decimal(-1)},
    "nan": {"quantity": NAN},
    "infinite": {"quantity": Decimal("Infinity")},
    "400 digits": {"quantity": HUGE},
    "no price": {"price": NAN},
    "price zero": {"price": Decimal(0)},
    "negative price": {"price": Decimal(-50)},
    "other symbol": {"symbol": "BBB"},
    "other side": {"side": Side.SELL},
}
NO_FILLS = {
    "quantity nothing": {"quantity": None},
    "quantity true": {"quantity": True},
    "price words": {"price": "fifty"},
    "side words": {"side": "Foo"},
    "no id": {"fill_id": None},
    "naive": {"occurred_at": datetime(2026, 1, 5)},  # noqa: DTZ001 - that is the fault
    "no time": {"occurred_at": None},
}


@pytest.mark.parametrize("values", UNTRUE_FILLS.values(), ids=UNTRUE_FILLS)
def test_a_fill_that_cannot_be_true_is_noted_and_not_booked(values, desk):
    """
    BAD-102, REL 2.3: money stays as it is, and the venue is asked.
    """
    order = order_of(desk)
    cash = dict(desk.state.cash)
    desk.say(fill(order, **values))
    desk.bench.turn()

    assert (0, cash, {}) == (order.filled, desk.state.cash, order.fills)
    assert "unexpected" == desk.bench.kinds()[-1]
    still_trades(desk.bench)


@pytest.mark.parametrize("values", NO_FILLS.values(), ids=NO_FILLS)
def test_what_is_no_fill_is_told_and_the_venue_is_asked(values, desk):
    """
    BAD-102: it may have been news about an order, so everything is compared.
    """
    order = order_of(desk)
    before = fingerprint(desk)
    desk.say(fill(order, **values))
    desk.bench.turn()

    assert before == fingerprint(desk)
    assert "a FillReport" in problems(desk.bench)[-1]
    asked = len([name for name, _ in desk.bench.door.calls if name == "positions"])
    desk.bench.second(2)

    assert asked < len([name for name, _ in desk.bench.door.calls if name == "positions"])
    still_trades(desk.bench)


@pytest.mark.parametrize("quantity", [0.1 + 0.2, "0.30000000000000004"], ids=["float", "text"])
def test_a_fill_in_another_type_is_booked_exactly_as_it_shows(quantity, make_bench):
    """
    BAD-105, RSK-01: no binary rest, no rounding.
    """
    wire = Wire()
    bench = make_bench(tamper={"connect": wire.connect})
    bench.start()
    bench.second(3)
    desk = SimpleNamespace(bench=bench, say=wire.deliver, state=bench.engine.session.state)
    order = order_of(desk)
    desk.say(fill(order, quantity=quantity))
    bench.turn()

    assert Decimal("0.30000000000000004") == order.filled


def test_the_same_fill_twice_is_booked_once(desk):
    """
    BAD-102: duplicate id, same content.
    """
    order = order_of(desk)
    for _ in range(3):
        desk.say(fill(order))
    desk.bench.turn()

    assert Decimal(1) == order.filled
    assert 1 == desk.bench.kinds().count("order_filled")


def test_the_same_fill_with_other_content_is_a_correction(desk):
    """
    BAD-102: the books follow, and a person is told.
    """
    order = order_of(desk)
    desk.say(fill(order))
    desk.say(fill(order, quantity=Decimal(2)))
    desk.bench.turn()

    assert Decimal(2) == order.filled
    assert {"fill_replaced", "alert_raised"} <= set(desk.bench.kinds())


@pytest.mark.parametrize(
    "values",
    [
        {"client_order_id": "nobody-1", "venue_order_id": None},
        {"client_order_id": None, "venue_order_id": "nowhere"},
        {"client_order_id": None, "venue_order_id": None},
    ],
    ids=["our id", "their id", "no id"],
)
def test_a_fill_of_an_unknown_order_is_not_booked(values, desk):
    """
    BAD-102: a sweep finds out whose it is.
    """
    order = order_of(desk)
    before = dict(desk.state.cash)
    desk.say(fill(order, **values))
    desk.bench.turn()

    assert before == desk.state.cash
    assert ("positions", None) in desk.bench.door.calls[-5:]


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ({}, None),
        ({"commission": None}, None),
        ({"commission": NAN}, None),
        ({"commission": Decimal(-1), "commission_currency": "USD"}, Decimal(-1)),
        ({"commission": 0.25, "commission_currency": "USD"}, Decimal("0.25")),
    ],
    ids=["missing", "none", "nan", "rebate", "float"],
)
def test_a_commission_is_taken_or_estimated(values, expected, desk):
    """
    BAD-103: a rebate is legal, an unknown commission is estimated and trued up.
    """
    order = order_of(desk)
    desk.say(fill(order, **values))
    desk.bench.turn()
    booked = order.fills["f1"]

    assert (expected is None) is booked.estimated
    assert expected is None or expected == booked.commission


@pytest.mark.parametrize("status", ["Foo", "PENDING_NEW", None, 3], ids=str)
def test_an_order_status_that_nobody_knows_is_not_guessed(status, desk):
    """
    BAD-104: the order stays as it was, and everything is compared.
    """
    order = order_of(desk)
    before, was = fingerprint(desk), order.status
    desk.say(
        OrderReport(
            symbol="AAA",
            side=Side.BUY,
            status=status,
            quantity=Decimal(10),
            filled_quantity=Decimal(0),
            at=START,
            client_order_id=order.client_order_id,
        )
    )
    desk.bench.turn()

    assert (before, was) == (fingerprint(desk), order.status)
    assert "an OrderReport that is none" in problems(desk.bench)[-1]
    still_trades(desk.bench)


@pytest.mark.parametrize(
    "report", [LinkReport(up="maybe", at=START), LinkReport(up=False, at="now")], ids=["up", "at"]
)
def test_news_of_the_link_that_is_none_changes_nothing(report, desk):
    """
    BAD-104: as for orders.
    """
    before = fingerprint(desk)
    desk.say(report)
    desk.bench.turn()

    assert before == fingerprint(desk)
    assert "a LinkReport that is none" in problems(desk.bench)[-1]


# --- Instruments (BAD-107) -----------------------------------------------------------------------


def instrument(**values):
    return Instrument(**{"symbol": "AAA", "currency": "USD", "tick_size": Decimal("0.01"), **values})


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"lot_size": Decimal(0)}, "lot_size 0"),
        ({"lot_size": Decimal(-1)}, "lot_size -1"),
        ({"tick_size": Decimal(0)}, "tick_size 0"),
        ({"multiplier": Decimal(0)}, "multiplier 0"),
        (
            {"minimum_quantity": Decimal(5), "maximum_quantity": Decimal(4)},
            "maximum_quantity 4 below minimum_quantity",
        ),
    ],
    ids=["lot 0", "lot -1", "tick 0", "multiplier 0", "min > max"],
)
def test_an_instrument_that_makes_no_sense_is_not_traded(values, words, desk):
    """
    BAD-107: denied with the fault named.
    """
    desk.say(instrument(**values))
    desk.bench.turn()
    desk.bench.submit("AAA")

    (reason,) = [one for one in desk.bench.events()[-1].reasons if one.code == "not_tradable"]
    assert words in reason.message
    assert [] == sent(desk.bench)
    still_trades(desk.bench)


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"multiplier": None}, "an Instrument that is none"),
        ({"lot_size": NAN}, 'lot_size of "AAA" is NaN'),
        ({"tick_size": "big"}, "an Instrument that is none"),
        ({"maximum_quantity": Decimal("Infinity")}, 'maximum_quantity of "AAA" is Infinity'),
        ({"tradable": "yes"}, "an Instrument that is none"),
    ],
    ids=["no multiplier", "nan lot", "tick words", "infinite", "tradable words"],
)
def test_what_is_no_instrument_is_told_and_the_old_one_stands(values, words, desk):
    """
    BAD-107.
    """
    before = fingerprint(desk)
    desk.say(instrument(**values))
    desk.bench.turn()

    assert before == fingerprint(desk)
    assert words in problems(desk.bench)[-1]


def test_one_bad_instrument_in_the_list_keeps_the_others(make_bench):
    """
    BAD-107: the bad one is named and unknown to the session.
    """

    async def listed(call, symbols):
        found = list(await call(symbols))
        return [*[one for one in found if one.symbol != "AAA"], instrument(multiplier=None)]

    bench = make_bench(tamper={"instruments": listed})
    bench.start()
    bench.second(2)
    bench.submit("AAA")

    assert "unknown_instrument" == bench.events()[-1].reasons[0].code
    assert "an Instrument that is none" in problems(bench)[0]
    still_trades(bench)


# --- The start (BAD-106, BAD-107) ----------------------------------------------------------------

ACCOUNT = {"account": "A1", "currency": "USD", "cash": Decimal(100_000)}


@pytest.mark.parametrize(
    ("call", "answer"),
    [
        ("connect", None),
        ("connect", True),
        ("connect", {"account": "A1"}),
        ("connect", AccountReport(**{**ACCOUNT, "cash": {}})),
        ("connect", AccountReport(**{**ACCOUNT, "cash": None})),
        ("connect", AccountReport(**{**ACCOUNT, "cash": NAN})),
        ("connect", AccountReport(**{**ACCOUNT, "currency": None})),
        ("connect", AccountReport(**{**ACCOUNT, "account": ""})),
        ("connect", AccountReport(**{**ACCOUNT, "server_time": datetime(2026, 1, 5)})),  # noqa: DTZ001 - that is the fault
        ("instruments", None),
        ("instruments", "AAA"),
        ("instruments", {"AAA": 1}),
    ],
)
def test_a_start_on_nonsense_is_refused(call, answer, make_bench):
    """
    BAD-106, BAD-107: exit 4, said in one line; nothing is in the journal and nothing was sent.
    """
    bench = make_bench(tamper={call: answering(answer)})
    with pytest.raises(BrokerConnectionError) as caught:
        bench.start()

    assert ("LTM-BRK-012", 4) == (caught.value.code, caught.value.exit_code)
    assert caught.value.render().startswith("error[LTM-BRK-012]: the broker cannot be used: the adapter said")
    assert 3 == len(caught.value.render().splitlines()) + 1
    assert [] == bench.kinds()


@pytest.mark.parametrize(
    "error", [RuntimeError("boom\nfake line"), KeyError("x"), OSError(5, "io")], ids=repr
)
def test_a_start_that_raises_is_refused(error, make_bench):
    """
    F26: whatever it raises.
    """
    bench = make_bench(tamper={"connect": answering(error)})
    with pytest.raises(BrokerConnectionError) as caught:
        bench.start()

    assert "LTM-BRK-011" == caught.value.code
    assert "\n" not in caught.value.message


# --- Answers (BAD-105, BAD-106, BAD-109, BAD-110) ------------------------------------------------

NO_OUTCOMES = {
    "nothing": None,
    "true": True,
    "text": "ok",
    "other object": SimpleNamespace(venue_order_id="v1"),
    "an order": OrderReport(
        symbol="BBB",
        side=Side.BUY,
        status=OrderStatus.ACCEPTED,
        quantity=Decimal(1),
        filled_quantity=Decimal(0),
        at=START,
        client_order_id="another-one",
    ),
    "accepted without id": Acked(""),
    "accepted with no id": Acked(None),
    "refused without words": Refused(None, None),
    "not sent without words": NotSent(7),
    "unsure without words": Ambiguous(None),
    "class": Acked,
}


@pytest.mark.parametrize("answer", NO_OUTCOMES.values(), ids=NO_OUTCOMES)
def test_a_submission_that_was_not_answered_properly_is_open(answer, make_bench):
    """
    BAD-109: ambiguous; it is never sent again, and what the venue says decides.
    """

    async def submit(call, approval):
        await call(approval)
        return answer

    bench = make_bench(tamper={"submit": submit})
    bench.start()
    bench.second(2)
    bench.submit("AAA", **RESTING)

    assert "order_unknown" in bench.kinds()
    bench.second(5)

    # The venue's own list settles it.
    assert OrderStatus.ACCEPTED is bench.orders()[-1].status
    assert 1 == len(sent(bench))


def row(**values):
    return OrderReport(
        **{
            "symbol": "AAA",
            "side": Side.BUY,
            "status": OrderStatus.ACCEPTED,
            "quantity": Decimal(5),
            "filled_quantity": Decimal(0),
            "at": START,
            "venue_order_id": "theirs-1",
            "limit_price": Decimal(1),
            **values,
        }
    )


@pytest.mark.parametrize(
    ("call", "answer"),
    [
        ("open_orders", None),
        ("open_orders", RuntimeError("page 2 failed")),
        ("open_orders", "AAA"),
        ("open_orders", [row(), None]),
        ("open_orders", [row(status="Foo")]),
        ("open_orders", 7),
        ("fills", None),
        ("fills", [{"fill_id": "x"}]),
        ("positions", None),
        ("positions", [PositionReport(symbol="AAA", quantity=None)]),
        ("positions", [PositionReport(symbol="AAA", quantity=NAN)]),
        ("positions", [PositionReport(symbol="AAA", quantity="many")]),
        ("positions", [PositionReport(symbol="AAA", quantity=Decimal(n)) for n in (1, 2)]),
        ("positions", {"AAA": 5}),
        ("account", None),
        ("account", AccountReport(**{**ACCOUNT, "cash": {}})),
        ("account", AccountReport(**{**ACCOUNT, "cash": NAN})),
    ],
)
def test_a_question_without_a_sound_answer_has_failed(call, answer, make_bench):
    """
    BAD-105, BAD-106, BAD-110: it is not "empty", and the session waits until there is an answer.
    """
    bench = make_bench(tamper={call: answering(answer)})
    bench.start()
    bench.second(3)
    state = bench.engine.session.state

    assert Lifecycle.RECONCILING is state.lifecycle
    assert any("did not answer about" in message for message in problems(bench))
    bench.submit("AAA")

    assert "not_ready" == bench.events()[-1].reasons[0].code
    assert [] == sent(bench)
    del bench.door.tamper[call]
    bench.second(10)

    assert Lifecycle.RUNNING is state.lifecycle


@pytest.mark.parametrize(
    "quantity",
    [0.1 + 0.2, "0.30000000000000004", Decimal("0.30000000000000004")],
    ids=["float", "text", "exact"],
)
def test_a_holding_in_another_type_is_compared_exactly(quantity, make_bench):
    """
    BAD-105: what the venue shows, digit for digit.
    """
    found = [PositionReport(symbol="AAA", quantity=quantity, average_entry_price=100.5)]
    bench = make_bench(session='foreign_positions = "inherit"', tamper={"positions": answering(found)})
    bench.start()
    bench.second(8)

    assert Decimal("0.30000000000000004") == bench.engine.session.state.slots["AAA"].position


def test_the_same_holding_twice_is_one(make_bench):
    """
    BAD-105: a page that came twice.
    """
    found = [PositionReport(symbol="AAA", quantity=Decimal(3), average_entry_price=Decimal(100))] * 2
    bench = make_bench(session='foreign_positions = "inherit"', tamper={"positions": answering(found)})
    bench.start()
    bench.second(8)

    assert Decimal(3) == bench.engine.session.state.slots["AAA"].position


def test_a_really_negative_cash_is_no_failed_answer(make_bench):
    """
    BAD-106: debt is an answer.
    """
    debt = AccountReport(**{**ACCOUNT, "cash": Decimal(-5), "account": "mock"})
    bench = make_bench(tamper={"account": answering(debt)})
    bench.start()
    bench.second(3)

    assert Lifecycle.RUNNING is bench.engine.session.state.lifecycle
    assert Decimal(-5) == bench.engine.session.state.cash_base


def test_a_list_that_repeats_itself_counts_once(make_bench):
    """
    BAD-110: one foreign order, told once.
    """
    bench = make_bench(tamper={"open_orders": answering([row()] * 1_000)})
    bench.start()
    bench.second(3)

    assert 1 == bench.kinds().count("foreign_order_seen")
    assert Lifecycle.RUNNING is bench.engine.session.state.lifecycle


def test_a_list_of_a_hundred_thousand_rows_is_worked_off(make_bench):
    """
    BAD-110: repeats of a hundred orders; in a second, and the session runs.
    """
    rows = [row(venue_order_id=f"theirs-{number % 100}") for number in range(100_000)]
    bench = make_bench(tamper={"open_orders": answering(rows)})
    began = time.process_time()
    bench.start()
    bench.turn()

    assert 2.0 > time.process_time() - began
    assert 100 == bench.kinds().count("foreign_order_seen")


@pytest.mark.parametrize(
    ("skew", "code"), [(4.9, None), (5, None), (5.1, "clock_skew"), (-5.1, "clock_skew")], ids=str
)
def test_an_absurd_clock_of_the_venue_denies_entries(skew, code, make_bench):
    """
    BAD-108: measured at every sweep; none at all is no evidence either way.
    """

    async def account(call):
        found = await call()
        values = {name: getattr(found, name) for name in found.__struct_fields__}
        return AccountReport(**{**values, "server_time": bench.engine.clock.now() - timedelta(seconds=skew)})

    bench = make_bench(tamper={"account": account})
    bench.start()
    bench.second(3)
    bench.submit("AAA")
    last = [event for event in bench.events() if type(event).__name__ in {"OrderDenied", "OrderIntended"}][-1]

    assert code == (last.reasons[0].code if code else None)
    assert bool(code) is ("OrderDenied" == type(last).__name__)


# --- Floods (F36, I-21) --------------------------------------------------------------------------


def flood(desk, count):
    for number in range(count):
        symbol = ("AAA", "BBB")[number % 2]
        base = 100 if symbol == "AAA" else 150
        price = base + Decimal(number % 7) / 100
        desk.say(Quote(symbol=symbol, at=START + timedelta(seconds=3), price=price))


@pytest.mark.parametrize("extra", [-1, 0, 1], ids=["inside", "at", "beyond"])
def test_a_flood_denies_entries_and_thins_out_prices(extra, desk):
    """
    F36, I-21: above ten thousand waiting inputs; each order's news stays, each instrument's last price stays.
    """
    order = order_of(desk)
    desk.say(fill(order))
    flood(desk, CROWD + extra - 2)
    desk.say(fill(order, fill_id="f2"))
    desk.bench.engine.drain()
    desk.bench.submit("BBB")
    codes = [reason.code for event in desk.bench.events() for reason in getattr(event, "reasons", ())]

    assert Decimal(2) == order.filled
    assert (["overloaded"] if extra == 1 else []) == codes
    assert (extra == 1) is any(getattr(event, "code", "") == "overloaded" for event in desk.bench.events())
    desk.bench.second(3)
    still_trades(desk.bench)


def test_a_hundred_thousand_prices_a_second_are_worked_off(desk):
    """
    F36: the last price of each instrument counts; exits are not denied by the flood.
    """
    began = time.process_time()
    flood(desk, 100_000)
    desk.say(quote(at=START + timedelta(seconds=3), price=Decimal("100.06")))
    desk.bench.turn()

    assert 2.0 > time.process_time() - began
    assert Decimal("100.06") == desk.state.slots["AAA"].mark
    assert TradingState.ACTIVE is desk.state.trading_state
    assert not desk.bench.engine.inputs


def test_news_keep_their_order_in_a_flood(desk):
    """
    F36, I-21: what is not a price stays, all of it, in the order in which it came; it is told once a second.
    """
    order = order_of(desk)
    for number in range(CROWD // 100):
        flood(desk, 120)
        desk.say(fill(order, fill_id=f"f{number}", quantity=Decimal("0.01")))
    desk.bench.turn()
    booked = [event.fill_id for event in desk.bench.events() if type(event).__name__ == "OrderFilled"]

    assert [f"f{number}" for number in range(CROWD // 100)] == booked
    flood(desk, CROWD + 1)
    desk.bench.turn()
    told = [event for event in desk.bench.events() if getattr(event, "code", "") == "overloaded"]

    assert 1 == len(told)


def test_a_feed_with_ever_new_faults_keeps_no_list_of_them(desk):
    """
    BAD-100: bounded memory.
    """
    for number in range(250):
        desk.say(f"fault {number}")

    assert 250 == len(desk.bench.observer.problems)
