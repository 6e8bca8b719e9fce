"""The adapter, against an exchange on this machine: what is known, what is refused, what nobody knows."""

import asyncio
import threading
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from types import SimpleNamespace

import pytest
from ltm.model.enums import OrderStatus, OrderType, Side, TimeInForce
from ltm.model.errors import BrokerConnectionError, ConfigError
from ltm.model.market import Quote
from ltm.model.order import OrderDraft
from ltm.model.reports import Acked, Ambiguous, FillReport, LinkReport, NotSent, OrderReport, Refused
from ltm.model.secret import Secret

from ltm_broker_corner.api import UnansweredError
from ltm_broker_corner.book import Exchange
from ltm_broker_corner.broker import Corner
from ltm_broker_corner.config import CornerConfig
from ltm_broker_corner.server import Venue, now

LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)


@pytest.fixture
def venue():
    listings = {"ACME": Decimal(100), "BOLT": Decimal(50)}
    venue = Venue(Exchange(listings, Decimal(100_000), now, depth=Decimal(10)), "key")
    thread = threading.Thread(target=venue.serve_forever)
    thread.start()
    yield venue
    venue.shutdown()
    venue.server_close()
    thread.join()


def corner(venue, **more):
    more = {"url": venue.url, "key": Secret("key"), "poll_seconds": 0.01, "timeout_seconds": 2} | more
    return Corner(CornerConfig(**more))


def order(name="o-1", quantity="3", *, price=None, life=TimeInForce.DAY, symbol="ACME"):
    """What an approval shows to an adapter; only ltm can make a real one."""
    draft = OrderDraft(
        symbol=symbol,
        side=Side.BUY,
        quantity=Decimal(quantity),
        order_type=OrderType.MARKET if price is None else OrderType.LIMIT,
        limit_price=None if price is None else Decimal(price),
        time_in_force=life,
    )
    return SimpleNamespace(client_order_id=name, draft=draft, send_by=None)


async def told(heard, condition):
    async with asyncio.timeout(5):
        while not any(condition(event) for event in heard):
            await asyncio.sleep(0.005)


def test_an_order_is_filled_and_told(venue):
    async def scene():
        broker, heard = corner(venue), []
        account = await broker.connect(heard.append)
        assert (account.cash, account.currency, account.can_withdraw) == (Decimal(100_000), "USD", False)
        assert [row.symbol for row in await broker.instruments(["ACME", "NONE"])] == ["ACME"]
        outcome = await broker.submit(order())
        assert isinstance(outcome, Acked)
        await told(heard, lambda event: isinstance(event, OrderReport) and event.status is OrderStatus.FILLED)
        (fill,) = [event for event in heard if isinstance(event, FillReport)]
        assert (fill.client_order_id, fill.quantity, fill.price) == ("o-1", 3, Decimal("100.01"))
        assert heard.index(fill) < next(i for i, event in enumerate(heard) if isinstance(event, OrderReport))
        assert {event.symbol for event in heard if isinstance(event, Quote)} == {"ACME"}
        assert [(row.symbol, row.quantity) for row in await broker.positions()] == [("ACME", 3)]
        assert list(await broker.fills(LONG_AGO)) == [fill]
        assert list(await broker.fills(datetime.now(UTC) + timedelta(hours=1))) == []
        assert (await broker.account()).cash == Decimal(100_000) - 3 * Decimal("100.01") - fill.commission
        await broker.disconnect()
        await broker.disconnect()

    asyncio.run(scene())


def test_what_is_not_filled_rests_and_can_be_canceled(venue):
    async def scene():
        broker, heard = corner(venue), []
        await broker.connect(heard.append)
        await broker.submit(order("rests", "25", price="100.01"))
        (resting,) = await broker.open_orders()
        assert (resting.status, resting.filled_quantity) == (OrderStatus.PARTIALLY_FILLED, 10)
        assert isinstance(await broker.cancel("rests", None, "ACME"), Acked)
        assert await broker.cancel("rests", None, "ACME") == Refused("not_open", "the order is canceled")
        found = await broker.find_order("rests", None, "ACME")
        assert (found.status, found.average_fill_price) == (OrderStatus.CANCELED, Decimal("100.01"))
        assert await broker.find_order("", found.venue_order_id, "ACME") == found
        assert await broker.find_order("never", None, "ACME") is None
        assert list(await broker.open_orders()) == []
        await broker.submit(order("at-once", "25", price="100.02", life=TimeInForce.IOC))
        assert (await broker.find_order("at-once", None, "ACME")).status is OrderStatus.CANCELED
        await broker.disconnect()

    asyncio.run(scene())


@pytest.mark.parametrize(
    ("bad", "code"),
    [
        (order(symbol="NONE"), "unknown_symbol"),
        (order(quantity="0.5"), "bad_quantity"),
        (order(price="0.001"), "bad_price"),
        (order(life=TimeInForce.FOK), "bad_order"),
    ],
)
def test_the_exchanges_own_no_is_a_refusal(venue, bad, code):
    async def scene():
        outcome = await corner(venue).submit(bad)
        assert isinstance(outcome, Refused)
        assert outcome.code == code

    asyncio.run(scene())


def test_an_id_is_taken_once_for_ever(venue):
    async def scene():
        broker = corner(venue)
        assert isinstance(await broker.submit(order()), Acked)
        assert (await broker.submit(order())).code == "duplicate"
        assert len(await broker.fills(LONG_AGO)) == 1

    asyncio.run(scene())


def test_an_answer_that_was_lost_is_not_known_and_the_order_is_found(venue):
    async def scene():
        broker = corner(venue)
        answer = venue.RequestHandlerClass.send_response

        def lose(handler, *words):
            handler.connection.close()
            raise ConnectionError

        venue.RequestHandlerClass.send_response = lose
        try:
            assert isinstance(await broker.submit(order()), Ambiguous)
            with pytest.raises(UnansweredError):
                await broker.open_orders()
        finally:
            venue.RequestHandlerClass.send_response = answer
        assert (await broker.find_order("o-1", None, "ACME")).status is OrderStatus.FILLED

    asyncio.run(scene())


def test_an_exchange_that_is_away_got_nothing(venue):
    async def scene():
        broker = corner(venue, url="http://127.0.0.1:1")
        assert isinstance(await broker.submit(order()), NotSent)
        with pytest.raises(BrokerConnectionError, match="cannot be reached"):
            await broker.connect(lambda event: None)

    asyncio.run(scene())


def test_a_wrong_key_is_told(venue):
    async def scene():
        with pytest.raises(BrokerConnectionError, match="refuses the key"):
            await corner(venue, key=Secret("other")).connect(lambda event: None)

    asyncio.run(scene())


def test_a_link_that_breaks_and_heals_is_told_once_each(venue):
    async def scene():
        broker, heard = corner(venue), []
        await broker.connect(heard.append)

        def shut(method, path):
            raise ConnectionError

        venue.gate = shut
        await told(heard, lambda event: isinstance(event, LinkReport) and not event.up)
        venue.gate = lambda method, path: None
        await told(heard, lambda event: isinstance(event, LinkReport) and event.up)
        await broker.disconnect()
        assert [event.up for event in heard if isinstance(event, LinkReport)] == [False, True]

    asyncio.run(scene())


@pytest.mark.parametrize(
    "url", ["ftp://x", "127.0.0.1:80", "http://example.org", "http://u:p@127.0.0.1", "http://127.0.0.1:x"]
)
def test_an_address_is_whole_and_safe(url):
    with pytest.raises(ConfigError):
        CornerConfig(url=url, key=Secret("key"))
