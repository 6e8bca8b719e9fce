"""
What can be ordered to go wrong at the mock venue, in this process and at a venue of its own (O3, F11 to F23).
"""

import asyncio
import json
from decimal import Decimal
from pathlib import Path

import pytest

from ltm.brokers.mock.broker import open_broker
from ltm.brokers.mock.config import CommissionConfig, MockConfig
from ltm.brokers.mock.fault_file import parse_faults
from ltm.brokers.mock.faults import KEYS, VERBS
from ltm.brokers.mock.remote import tell
from ltm.brokers.mock.server import serve_async
from ltm.model.enums import OrderStatus, OrderType, Side, TimeInForce
from ltm.model.errors import BrokerConnectionError, ConfigError
from ltm.model.instrument import Instrument
from ltm.model.market import Quote
from ltm.model.reports import Acked, Ambiguous, FillReport, LinkReport, OrderReport, Refused

D = Decimal
MARKET = {"symbols": ["ACME", "BOLT"], "steps": 60, "interval_seconds": 1, "commission": {"minimum": 1}}


class Desk:
    """
    A mock broker in this process, with faults.
    """

    def __init__(self, folder, run, approve, faults="", **market):
        path = folder / "faults.toml"
        path.write_text(faults, encoding="utf-8")
        terms = {**MARKET, "commission": CommissionConfig(minimum=D(1)), **market}
        self.broker = open_broker(MockConfig(faults=path, **terms))
        self.run, self.approve = run, approve
        self.heard = []
        run(self.broker.connect(self.heard.append))
        run(self.broker.instruments([]))
        self.wait()

    def __getattr__(self, name):
        method = getattr(self.broker, name)
        return lambda *arguments: self.run(method(*arguments))

    def wait(self, seconds=1):
        for _ in range(seconds):
            self.run(self.broker.advance(None))

    def tell(self, *lines):
        return self.run(self.broker.tell("[[faults]]\n" + "\n".join(lines)))

    def send(self, name="l1", side="buy", quantity=100, **how):
        return self.run(self.broker.submit(self.approve(name, side, quantity, **how)))

    def limit(self, name, side, quantity, price, **how):
        return self.send(name, side, quantity, order_type=OrderType.LIMIT, limit_price=D(price), **how)

    def find(self, name):
        return self.run(self.broker.find_order(name, None, "ACME"))

    def news(self, kind=FillReport):
        found = [event for event in self.heard if isinstance(event, kind)]
        self.heard.clear()
        return found

    def held(self):
        return {report.symbol: report.quantity for report in self.run(self.broker.positions())}

    def cash(self):
        return self.run(self.broker.account()).cash


@pytest.fixture
def desk(tmp_path, run, approve):
    return lambda faults="", **market: Desk(tmp_path, run, approve, faults, **market)


def fault(verb, *lines, method="submit"):
    return "\n".join(
        ["[[faults]]", f'verb = "{verb}"', f'method = "{method}"', *(lines or ["nth = [1]"]), ""]
    )


# --- Requests and replies -------------------------------------------------------------------------


@pytest.mark.parametrize("verb", ["drop_request", "drop_reply", "garbage", "late", "delay"])
def test_a_request_without_a_readable_answer_is_ambiguous(desk, verb):
    """
    F11, F21: in this process as over a socket; whether it arrived is known to the venue alone.
    """
    more = ["seconds = 2"] if verb in {"late", "delay"} else []
    desk = desk(fault(verb, "nth = [1]", *more))

    assert isinstance(desk.send(), Ambiguous)
    assert (desk.find("l1") is not None) is (verb in {"drop_reply", "garbage"})


def test_a_short_delay_changes_nothing_where_nothing_waits(desk):
    desk = desk(fault("delay", "nth = [1]", "seconds = 0.5"))

    assert Acked("vl1") == desk.send()


def test_what_a_lost_reply_told_comes_with_the_next(desk):
    desk = desk(fault("drop_reply"))
    desk.news()
    desk.send()

    assert [] == desk.news()

    desk.wait()

    assert ["l1-1"] == [fill.fill_id for fill in desk.news()]


@pytest.mark.parametrize(
    ("verb", "count"), [("duplicate", 2), ("reorder", 1), ("lose_event", 0), ("restart", 0)]
)
def test_events_are_doubled_turned_round_or_lost(desk, verb, count):
    """
    F14, F15, F20.
    """
    desk = desk(fault(verb))
    desk.news()
    desk.send()

    assert count == len(desk.news())
    assert [D(100)] == [fill.quantity for fill in desk.fills(desk.broker.market_time())]


def test_a_restart_is_a_link_that_goes_down_and_up(desk):
    """
    F20.
    """
    desk = desk(fault("restart"))

    assert isinstance(desk.send(), Ambiguous)
    desk.wait()
    assert [False, True] == [event.up for event in desk.news(LinkReport)]


def test_a_question_that_is_lost_is_an_error(desk):
    desk = desk(fault("drop_request", method="positions"))

    with pytest.raises(BrokerConnectionError, match="no answer"):
        desk.positions()
    assert [] == desk.positions()


@pytest.mark.parametrize("method", ["submit", "cancel"])
def test_a_refusal_by_order_has_its_code(desk, method):
    desk = desk(fault("reject", "nth = [1]", 'code = "tired"', method=method))
    answers = {"submit": desk.send, "cancel": lambda: desk.cancel("l1", None, "ACME")}

    assert Refused("tired", "refused by order") == answers[method]()
    assert (None, OrderStatus.FILLED) == (desk.find("l1"), [desk.send(), desk.find("l1").status][1])


def test_a_late_request_takes_effect_long_after(desk):
    """
    F18: not there for as long as it takes, and then it is.
    """
    desk = desk(fault("late", "nth = [1]", "seconds = 20"))
    desk.send()
    desk.wait(19)

    assert None is desk.find("l1")

    desk.wait()

    assert OrderStatus.FILLED is desk.find("l1").status
    assert 1 == len(desk.news())


def test_an_order_is_not_found_for_a_while(desk):
    """
    F17: not by its id, and in no list; its fills are told.
    """
    desk = desk(fault("not_found_for", "nth = [1]", "seconds = 5"))
    desk.limit("l1", "buy", 10, "0.01")
    desk.wait(4)

    assert (None, []) == (desk.find("l1"), desk.open_orders())

    desk.wait()

    assert (OrderStatus.ACCEPTED, 1) == (desk.find("l1").status, len(desk.open_orders()))


def test_an_order_is_filled_whatever_the_market_does(desk):
    desk = desk(fault("fill_immediately", "nth = [1, 2]"))
    desk.limit("l1", "buy", 10, "0.01")
    desk.send("l2", quantity=D("0.5"))

    assert (OrderStatus.FILLED, D("0.01")) == (desk.find("l1").status, desk.news()[0].price)
    assert OrderStatus.REJECTED is desk.find("l2").status


@pytest.mark.parametrize("verb", ["commission_late", "commission_never"])
def test_a_commission_is_told_late_or_never_and_charged_all_the_same(desk, verb):
    """
    RSK-03: the same fill again, now with what it cost.
    """
    desk = desk(fault(verb, "nth = [1]", *(["seconds = 3"] if verb == "commission_late" else [])))
    before = desk.cash()
    desk.send()
    (told,) = desk.news()

    assert (None, D(1)) == (told.commission, before - desk.cash() - told.quantity * told.price)

    desk.wait(3)

    later = [fill.commission for fill in desk.news()]
    assert ([D(1)] if verb == "commission_late" else []) == later


# --- What happens to the market and the account ---------------------------------------------------


def test_a_halted_symbol_has_no_prices_and_takes_no_orders(desk):
    """
    F41: for a while; what waits is not filled, the others go on.
    """
    desk = desk()
    desk.limit("l1", "buy", 10, "0.01")
    said = desk.tell('verb = "halt_symbol"', 'symbol = "ACME"', "seconds = 5")
    desk.wait(4)

    assert ["ACME is halted"] == said
    assert {"BOLT"} == {quote.symbol for quote in desk.heard if isinstance(quote, Quote) and quote.at > START}
    assert "not_tradable" == desk.send("l2").code
    assert [False] == [news.tradable for news in desk.news(Instrument)]

    desk.wait(2)

    assert [True] == [news.tradable for news in desk.news(Instrument)]
    assert isinstance(desk.send("l3"), Acked)
    assert [True, True] == [listed.tradable for listed in desk.instruments(["ACME", "BOLT"])]


def test_a_halt_may_be_for_good(desk):
    desk = desk()
    desk.tell('verb = "halt_symbol"', 'symbol = "ACME"')
    desk.wait(50)

    assert "not_tradable" == desk.send().code


def test_somebody_elses_order_carries_the_venues_id_alone(desk):
    """
    REL-4: seen in the list and in the fills, found and canceled by the venue's id.
    """
    desk = desk()
    said = desk.tell('verb = "foreign_order"', 'symbol = "ACME"', 'side = "buy"', "quantity = 7", "price = 1")
    (report,) = desk.open_orders()

    assert (["order vmanual-1"], None, "vmanual-1") == (said, report.client_order_id, report.venue_order_id)

    desk.cancel("whatever", "vmanual-1", "ACME")

    assert [(None, OrderStatus.CANCELED)] == [
        (told.client_order_id, told.status) for told in desk.news(OrderReport)
    ]
    assert OrderStatus.CANCELED is desk.find_order("whatever", "vmanual-1", "ACME").status

    desk.tell('verb = "foreign_order"', 'symbol = "ACME"', 'side = "buy"', "quantity = 7")

    assert [(None, "vmanual-2", D(7))] == [
        (fill.client_order_id, fill.venue_order_id, fill.quantity) for fill in desk.fills(START)
    ]
    assert {"ACME": D(7)} == desk.held()
    assert (
        "refused"
        in desk.tell('verb = "foreign_order"', 'symbol = "ACME"', 'side = "sell"', "quantity = 8")[0]
    )


def test_a_venue_cancels_by_itself_and_ends_the_day(desk):
    """
    F20.
    """
    desk = desk()
    for number in (1, 2, 3):
        life = TimeInForce.DAY if number > 1 else TimeInForce.GTC
        desk.limit(f"l{number}", "buy", 10, "0.01", time_in_force=life)

    assert ["vl1 canceled"] == desk.tell('verb = "cancel_order"', "order = 1")
    assert ["vl1 is canceled already"] == desk.tell('verb = "cancel_order"', 'order = "l1"')
    assert ["2 orders expired"] == desk.tell('verb = "end_day"')
    assert [("l1", "canceled"), ("l2", "expired"), ("l3", "expired")] == [
        (told.client_order_id, told.status) for told in desk.news(OrderReport)
    ]


@pytest.mark.parametrize("side", ["buy", "sell"])
def test_an_order_fills_more_than_it_asked_for(desk, side):
    desk = desk()
    desk.send("l1", "buy", 100)
    desk.send("l2", side, 50)
    desk.tell('verb = "overfill"', "order = -1", "quantity = 10")

    assert D(60) == desk.find("l2").filled_quantity
    assert {"ACME": D(160 if side == "buy" else 40)} == desk.held()
    assert [D(100), D(50), D(10)] == [fill.quantity for fill in desk.news()]


def test_an_overfill_needs_a_price_and_money(desk):
    desk = desk(cash=20_000)
    desk.limit("l1", "buy", 10, "0.01")
    quiet = desk.tell('verb = "overfill"', 'order = "vl1"', "quantity = 1e9")

    assert ["not enough money"] == quiet


def test_a_fill_is_taken_back(desk):
    """
    Nothing is left of it: no holding, no money, no commission.
    """
    desk = desk()
    before = desk.cash()
    desk.send()
    desk.news()
    desk.tell('verb = "bust"', "fill = -1")

    assert [("l1-1", D(0), D(0))] == [(fill.fill_id, fill.quantity, fill.commission) for fill in desk.news()]
    assert (before, {}, D(0)) == (desk.cash(), desk.held(), desk.find("l1").filled_quantity)
    assert [D(0)] == [fill.quantity for fill in desk.fills(START)]


@pytest.mark.parametrize("side", ["buy", "sell"])
def test_a_fill_is_corrected(desk, side):
    desk = desk()
    desk.send("l1", "buy", 100)
    desk.send("l2", side, 100)
    before = desk.cash()
    price = desk.news()[-1].price
    desk.tell('verb = "correct"', 'fill = "l2-1"', "quantity = 60", f"price = {price + 1}")
    sign = 1 if side == "buy" else -1

    assert before + sign * (100 * price - 60 * (price + 1)) == desk.cash()
    assert {"ACME": D(100 + sign * 60)} == desk.held()
    assert D(60) == desk.find("l2").filled_quantity


def test_a_fill_that_is_taken_back_before_its_commission_was_told_stays_back(desk):
    desk = desk(fault("commission_late", "nth = [1]", "seconds = 5"))
    before = desk.cash()
    desk.send()
    desk.tell('verb = "bust"', "fill = 1")
    desk.wait(6)

    assert (before, {}) == (desk.cash(), desk.held())
    assert [D(100), D(0)] == [fill.quantity for fill in desk.news()]


def test_holdings_and_money_change_behind_the_customers_back(desk):
    """
    REL-4: no order, no fill, no event.
    """
    desk = desk()
    before = desk.cash()
    desk.news()
    desk.tell('verb = "drift"', 'symbol = "ACME"', "quantity = -3")
    for verb, amount in (("deposit", 500), ("withdraw", 100), ("cash", "-0.25")):
        desk.tell(f'verb = "{verb}"', f"amount = {amount}")

    assert ({"ACME": D(-3)}, before + D("399.75")) == (desk.held(), desk.cash())
    assert [] == [event for event in desk.heard if not isinstance(event, Quote)]


# --- When -----------------------------------------------------------------------------------------


def test_things_happen_at_their_time_in_their_order(desk):
    text = """
    [[faults]]
    verb = "deposit"
    amount = 10
    at = 2026-01-05T14:30:20Z
    [[faults]]
    verb = "withdraw"
    amount = 4
    after = 10
    [[faults]]
    verb = "calm"
    after = 15
    """
    desk = desk(text)
    seen = []
    for _ in range(30):
        desk.wait()
        seen.append(desk.cash() - 1_000_000)

    assert ([D(0)] * 9, {D(-4)}) == (seen[:9], {*seen[9:]})


def test_things_happen_with_a_request(desk):
    """
    And where they cannot, the request that set them off is answered all the same.
    """
    desk = desk(fault("bust", "nth = [2, 3]", "fill = 2"))
    for number in (1, 2, 3):
        assert isinstance(desk.send(f"l{number}", "buy", 10), Acked)

    assert {"ACME": D(20)} == desk.held()


def test_more_can_go_wrong_later_and_all_be_calm_again(desk):
    """
    The nth request is counted from when the venue was told.
    """
    desk = desk()
    desk.send("l1")

    assert ["reject to come"] == desk.tell('verb = "reject"', 'method = "submit"', "nth = [1, 2]")
    assert isinstance(desk.send("l2"), Refused)
    assert ["calm"] == desk.tell('verb = "calm"')
    assert isinstance(desk.send("l3"), Acked)
    assert ["deposit to come"] == desk.tell('verb = "deposit"', "amount = 1", "after = 3")


@pytest.mark.parametrize(
    ("lines", "text"),
    [
        (('verb = "bust"', "fill = 1"), "fill must name one that happened, got 1"),
        (('verb = "bust"', 'fill = "l9-1"'), "fill must name one that happened"),
        (('verb = "bust"', "fill = -1"), "fill must name one that happened, got -1"),
        (('verb = "cancel_order"', 'order = "l9"'), "order must name one that arrived"),
        (('verb = "cancel_order"', "order = 1"), "order must name one that arrived"),
        (('verb = "drift"', 'symbol = "ZZZ"', "quantity = 1"), "symbol must name one that is traded here"),
        (('verb = "drift"', 'symbol = "ACME"'), "faults[0].quantity must be given for drift"),
    ],
)
def test_what_cannot_happen_is_refused_to_whoever_asked(desk, lines, text):
    desk = desk()

    with pytest.raises(ConfigError) as caught:
        desk.tell(*lines)
    assert text in caught.value.message


def test_a_file_that_names_a_symbol_without_prices_is_refused(desk):
    with pytest.raises(ConfigError, match="symbol must name one that is traded here"):
        desk('[[faults]]\nverb = "halt_symbol"\nsymbol = "ZZZ"\nafter = 1')


def test_without_a_fault_file_nothing_can_be_told(run, tmp_path):
    broker = open_broker(MockConfig())

    with pytest.raises(ConfigError, match="must be set in"):
        run(broker.tell(""))
    with pytest.raises(ConfigError, match="must be left out with socket"):
        open_broker(MockConfig(socket=tmp_path / "s", faults=tmp_path / "f"))


# --- The table ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        ("verb = 'drift'\nafter = 1\nat = 2026-01-05T14:30:00Z", "faults[0] must have either after or at"),
        ("verb = 'garbage'\nafter = 1", "faults[0].after must be left out for garbage"),
        (
            "verb = 'calm'\nmethod = 'find'\nnth = [1]\nafter = 1",
            "faults[0] must have either a method or a time",
        ),
        ("verb = 'calm'\nnth = [1]", "faults[0].nth must come with a method"),
        ("verb = 'calm'\nprobability = 1", "faults[0].probability must come with a method"),
        (
            "verb = 'late'\nmethod = 'find'\nnth = [1]\nseconds = 1",
            "method must be submit or cancel for late",
        ),
        ("verb = 'late'\nmethod = 'submit'\nnth = [1]", "faults[0].seconds must be given for late"),
        ("verb = 'calm'\nseconds = 1", "faults[0].seconds must be left out for calm"),
        ("verb = 'calm'\nat = 2026-01-05T14:30:00", "faults[0].at must be a date and time with an offset"),
        ("verb = 'calm'\nafter = -1", "faults[0].after must be a number from 0"),
        ("verb = 'drift'\nsymbol = 'A B'\nquantity = 1", "faults[0].symbol must use letters"),
        ("verb = 'drift'\nsymbol = 'A'\nquantity = 0", "faults[0].quantity must be a number other than 0"),
        ("verb = 'drift'\nsymbol = 'A'\nquantity = true", "faults[0].quantity must be a number other than 0"),
        ("verb = 'drift'\nsymbol = 'A'\nquantity = '1'", "faults[0].quantity must be a number other than 0"),
        ("verb = 'cash'\namount = nan", "faults[0].amount must be a number other than 0"),
        ("verb = 'cash'\namount = 1e16", "faults[0].amount must be a number other than 0, at most 1e15"),
        ("verb = 'deposit'\namount = -1", "faults[0].amount must be above 0"),
        ("verb = 'overfill'\norder = 1\nquantity = -1", "faults[0].quantity must be above 0"),
        ("verb = 'overfill'\norder = 0\nquantity = 1", "faults[0].order must be an id, 1 for the first"),
        ("verb = 'bust'\nfill = true", "faults[0].fill must be an id, 1 for the first"),
        ("verb = 'bust'\nfill = ''", "faults[0].fill must be an id"),
        ("verb = 'correct'\nfill = 1", "faults[0] must have price or quantity for correct"),
        ("verb = 'correct'\nfill = 1\nquantity = -1", "faults[0].quantity must be above 0"),
        ("verb = 'correct'\nfill = 1\nprice = -1", "faults[0].price must be above 0"),
        (
            "verb = 'foreign_order'\nsymbol = 'A'\nside = 'long'\nquantity = 1",
            "faults[0].side must be one of buy, sell",
        ),
    ],
)
def test_a_fault_that_makes_no_sense_is_named_to_the_key(lines, message):
    """
    BAD: path, value, rule and cure.
    """
    with pytest.raises(ConfigError) as caught:
        parse_faults(f"[[faults]]\n{lines}", "f.toml")

    assert message in caught.value.message
    assert ("f.toml", "LTM-CFG-093") == (caught.value.where, caught.value.code)


def test_every_key_of_every_verb_is_one_that_can_be_read():
    assert {key for verb in VERBS.values() for key in (*verb.needs, *verb.may)} <= set(KEYS)
    for name, verb in VERBS.items():
        assert verb.happens is bool(set(verb.needs) & {"symbol", "order", "fill", "amount"}) or name in {
            "calm",
            "end_day",
        }


# --- A venue of its own ---------------------------------------------------------------------------


async def test_a_running_venue_is_told_by_anybody_and_its_log_says_so(tmp_path, approve):
    """
    O2, O3: the customer is neither logged out nor answered for another.
    """
    socket, log, stop, ready = tmp_path / "s", tmp_path / "log", asyncio.Event(), asyncio.Event()
    faults = tmp_path / "faults.toml"
    faults.write_text(fault("late", "nth = [1]", "seconds = 2"), encoding="utf-8")
    market = {**MARKET}
    del market["commission"]
    serving = asyncio.create_task(serve_async(MockConfig(**market), socket, log, faults, 1, ready.set, stop))
    await ready.wait()
    broker = open_broker(MockConfig(socket=socket, request_timeout=0.05))
    heard = []
    await broker.connect(heard.append)
    await broker.instruments([])
    await broker.advance(None)
    order = '[[faults]]\nverb = "foreign_order"\nsymbol = "ACME"\nside = "buy"\nquantity = 3\n'

    assert isinstance(await broker.submit(approve("l1")), Ambiguous)
    assert ["order vmanual-1"] == await asyncio.to_thread(tell, socket, order)
    with pytest.raises(ConfigError, match=r"faults\[0\].verb must be one of"):
        await asyncio.to_thread(tell, socket, '[[faults]]\nverb = "x"')
    with pytest.raises(ConfigError, match="order must name one that arrived"):
        await broker.tell('[[faults]]\nverb = "cancel_order"\norder = "none"')
    assert ["cash 1000000"[:4]] == [
        said[:4] for said in await broker.tell('[[faults]]\nverb = "cash"\namount = 1')
    ]
    for _ in range(3):
        await broker.advance(None)

    assert Side.BUY is (await broker.find_order("l1", None, "ACME")).side
    assert [None, "l1"] == [event.client_order_id for event in heard if isinstance(event, FillReport)]
    await broker.tell(
        '[[faults]]\nverb = "bust"\nfill = -1\n[[faults]]\nverb = "halt_symbol"\nsymbol = "ACME"'
    )
    await broker.advance(None)
    await broker.disconnect()
    stop.set()
    await serving
    told = [json.loads(line) for line in log.read_text(encoding="utf-8").splitlines()]
    events = [line["event"] for line in told]

    assert ["foreign_fill", "accepted", "fill", "fill_corrected", "instrument"] == [
        event
        for event in events
        if event in {"foreign_fill", "accepted", "fill", "fill_corrected", "instrument"}
    ]
    assert ["foreign_order", "cash", "bust", "halt_symbol"] == [
        line["verb"] for line in told if line["event"] == "happened"
    ]
    assert [] == [event for event in heard if isinstance(event, LinkReport)]


@pytest.mark.parametrize("name", VERBS)
def test_every_verb_is_documented(name):
    """
    Style 6.
    """
    page = Path(__file__).parents[3] / "docs" / "how-to" / "faults.md"

    assert f"| `{name}` |" in page.read_text(encoding="utf-8")


START = MockConfig().start
