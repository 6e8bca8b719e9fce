"""
Ids and reasons of a venue on their way into the records: without secrets, on one line, and never two made one (SEC-04).
"""

from decimal import Decimal

import pytest
from msgspec.structs import replace

from ltm.core.commands import CancelOrder
from ltm.engine.admission import sound, sound_orders
from ltm.engine.wording import worded
from ltm.model.enums import OrderStatus, Side
from ltm.model.reports import Acked, FillReport, LinkReport, OrderReport
from ltm.model.secret import Secret

from .conftest import START

CANARY = "Zq9K7vX2K7vX2K7v"
FILL = FillReport(
    fill_id="F-1",
    symbol="BTC/USDT:USDT",
    side=Side.BUY,
    quantity=Decimal(1),
    price=Decimal(100),
    occurred_at=START,
    client_order_id="theirs-1",
    venue_order_id="V-1",
    commission_currency="USD",
)
ORDER = OrderReport(
    symbol="AAA",
    side=Side.BUY,
    status=OrderStatus.ACCEPTED,
    quantity=Decimal(5),
    filled_quantity=Decimal(0),
    at=START,
    client_order_id="theirs-1",
    venue_order_id="V-1",
)


@pytest.fixture(autouse=True)
def canary():
    return Secret(CANARY)


def test_what_is_as_it_should_be_passes_untouched():
    """
    SEC-04: the very same object, which costs next to nothing.
    """
    link = LinkReport(up=False, at=START, reason=CANARY)

    assert worded(FILL) is FILL
    assert worded(ORDER) is ORDER
    assert worded(link) is link


@pytest.mark.parametrize("name", ["fill_id", "client_order_id", "venue_order_id", "commission_currency"])
def test_every_text_of_a_fill_is_without_secrets(name):
    """
    SEC-04: by value, wherever it stands.
    """
    found = worded(replace(FILL, **{name: f"a{CANARY}b"}))

    assert replace(FILL, **{name: "a***b"}) == found


@pytest.mark.parametrize("name", ["reason_code", "reason"])
@pytest.mark.parametrize(
    ("text", "left"),
    [
        (f"a{CANARY}b", "a***b"),
        ("id?token=abcdef", "id?token=***"),
        ("https://me:pw@venue.example/o/7?sig=1", "https://***@venue.example/o/7?***"),
        ("line\none\x1b[2J\u202e", "line\\u000aone\\u001b[2J\\u202e"),
        ("\ud800", "\\ud800"),
    ],
    ids=["value", "name", "address", "unprintable", "half a character"],
)
def test_every_reason_of_an_order_is_fit_for_a_record(name, text, left):
    """
    SEC-04: secrets by value, by the name before them, and in addresses; nothing moves a person's terminal.
    """
    assert replace(ORDER, **{name: left}) == worded(replace(ORDER, **{name: text}))


@pytest.mark.parametrize("name", ["client_order_id", "venue_order_id"])
@pytest.mark.parametrize(
    ("text", "left"),
    [
        (f"a{CANARY}b", "a***b"),
        ("line\none\x1b[2J\u202e", "line\\u000aone\\u001b[2J\\u202e"),
        ("\ud800", "\\ud800"),
    ],
    ids=["value", "unprintable", "half a character"],
)
def test_every_id_of_an_order_is_fit_for_a_record(name, text, left):
    """
    SEC-04: secrets by value; nothing moves a person's terminal.
    """
    assert replace(ORDER, **{name: left}) == worded(replace(ORDER, **{name: text}))


@pytest.mark.parametrize("kind", [FILL, ORDER], ids=["fill", "order"])
def test_ids_that_differ_stay_different(kind):
    """
    REL-1: an id that was cut, whose strange characters became one, or that lost its query, would hide a fill.
    """
    texts = ["\x01", "\x02", "x" * 1_000 + "1", "x" * 1_000 + "2", "f?token=abcdef1", "f?token=abcdef2"]
    texts += [f"https://venue.example/f/7?id={number}" for number in (1, 2)]
    names = [name for name in ("fill_id", "client_order_id", "venue_order_id") if hasattr(kind, name)]

    for name in names:
        assert len(texts) == len({getattr(worded(replace(kind, **{name: text})), name) for text in texts})


@pytest.mark.parametrize(
    "ids", [("f?token=1", "f?token=2"), ("https://v.example/f?id=1", "https://v.example/f?id=2")]
)
def test_fills_whose_ids_differ_in_what_follows_a_telling_name_are_both_booked(make_bench, ids):
    """
    REL-1: neither of two executions is lost.
    """
    deliver = []

    async def connect(call, door):
        deliver.append(door)
        return await call(door)

    bench = make_bench(tamper={"connect": connect})
    bench.start()
    bench.second(3)
    bench.submit("AAA", order_type="limit", limit_price=50.0, quantity=5)
    (order,) = bench.orders()
    for fill_id, quantity in zip(ids, (2, 3), strict=True):
        told = replace(
            FILL,
            fill_id=fill_id,
            symbol="AAA",
            quantity=Decimal(quantity),
            price=Decimal(50),
            occurred_at=bench.engine.clock.now(),
            client_order_id=order.client_order_id,
            venue_order_id=order.venue_order_id,
        )
        deliver[0](told)
        bench.turn()

    assert Decimal(5) == bench.engine.session.state.slots["AAA"].position


def test_an_order_is_canceled_under_the_name_that_its_venue_gave_it(make_bench):
    """
    REL-1: an id that lost its query names another order at the venue, or none.
    """
    name = "https://v.example/orders?id=1"
    asked = []

    async def submit(call, approval):
        await call(approval)
        return Acked(name)

    async def cancel(call, client_order_id, venue_order_id, symbol):
        asked.append(venue_order_id)
        return await call(client_order_id, None, symbol)

    bench = make_bench(tamper={"submit": submit, "cancel": cancel})
    bench.start()
    bench.second(3)
    bench.submit("AAA", order_type="limit", limit_price=50.0, quantity=5)
    (order,) = bench.orders()
    bench.engine.post(CancelOrder(client_order_id=order.client_order_id, by="operator"))
    bench.turn()

    assert [name] == asked[:1]


def test_answers_and_news_go_through_one_door(make_bench):
    """
    SEC-04: what is delivered, what a query finds and what a sweep lists; nothing of it is in the journal.
    """
    bench = make_bench()
    bench.start()
    bench.second(3)
    foreign = replace(ORDER, client_order_id=CANARY, venue_order_id=f"V-{CANARY}")

    async def listed(call, *about):
        return [*await call(*about), foreign]

    bench.door.tamper["open_orders"] = listed
    bench.second(40)
    seen = [order for order in bench.orders() if order.venue_order_id == "V-***"]

    assert 1 == len(seen), bench.kinds()
    assert (foreign,) != sound_orders([foreign])
    assert "V-***" == sound(foreign, OrderReport).venue_order_id
    assert not [row for row in bench.journal.read() if CANARY.encode() in row.payload]


def test_a_fill_that_is_delivered_with_a_secret_in_its_id_is_booked_without(make_bench):
    """
    SEC-04, F20: booked once, however often it is told.
    """
    deliver = []

    async def connect(call, door):
        deliver.append(door)
        return await call(door)

    bench = make_bench(tamper={"connect": connect})
    bench.start()
    bench.second(3)
    bench.submit("AAA", order_type="limit", limit_price=50.0, quantity=5)
    (order,) = bench.orders()
    fill = FillReport(
        fill_id=f"f-{CANARY}",
        symbol="AAA",
        side=Side.BUY,
        quantity=Decimal(5),
        price=Decimal(50),
        occurred_at=bench.engine.clock.now(),
        client_order_id=order.client_order_id,
        venue_order_id=f"v-{CANARY}",
    )
    for _ in range(3):
        deliver[0](fill)
        bench.turn()

    assert ["f-***"] == list(order.fills)
    assert Decimal(5) == bench.engine.session.state.slots["AAA"].position
    assert not [row for row in bench.journal.read() if CANARY.encode() in row.payload]
