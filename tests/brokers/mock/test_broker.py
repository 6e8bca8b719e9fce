"""
The mock broker over a venue in this process.
"""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from ltm.brokers.mock.broker import open_broker
from ltm.brokers.mock.config import MockConfig
from ltm.model.enums import OrderStatus, OrderType
from ltm.model.market import Quote
from ltm.model.reports import Acked, FillReport, OrderReport, Refused
from ltm.ports import Paced

D = Decimal
START = datetime(2026, 1, 5, 14, 30, tzinfo=UTC)


@pytest.fixture
def events():
    return []


@pytest.fixture
def broker(run, events):
    broker = open_broker(MockConfig(symbols=["ACME", "BOLT"], steps=5))
    run(broker.connect(events.append))
    return broker


def test_it_is_paced_and_says_what_it_can(broker):
    told = broker.capabilities

    assert isinstance(broker, Paced)
    assert ("mock", "forever", True, True, 0.0) == (
        told.name,
        told.client_order_id_unique,
        told.query_by_client_order_id,
        told.query_includes_closed,
        told.request_ttl,
    )
    assert tuple(OrderType) == told.order_types
    assert 60.0 == told.price_interval
    assert told is broker.capabilities


def test_prices_start_when_instruments_are_asked_for(broker, run, events):
    run(broker.advance(None))

    assert [] == events

    (acme,) = run(broker.instruments(["ACME", "NOPE"]))
    run(broker.advance(None))

    assert "ACME" == acme.symbol
    assert [("ACME", START), ("ACME", START + timedelta(minutes=1))] == [(e.symbol, e.at) for e in events]

    assert 2 == len(run(broker.instruments([])))


def test_time_is_the_markets_and_ends_with_it(broker, run):
    seen = [broker.market_time()]
    while run(broker.advance(None)):
        seen.append(broker.market_time())

    assert [START, *(START + timedelta(minutes=step) for step in range(5))] == seen
    assert 1.0 == broker.progress()
    assert not run(broker.advance(START + timedelta(hours=1)))
    assert START + timedelta(hours=1) == broker.market_time()


def test_time_stops_at_until_before_the_next_moment(broker, run, events):
    run(broker.instruments([]))
    run(broker.advance(None))
    count = len(events)
    until = START + timedelta(seconds=30)

    assert run(broker.advance(until))
    assert until == broker.market_time()
    assert count == len(events)

    assert run(broker.advance(START + timedelta(minutes=1)))
    assert count + 2 == len(events)


def test_an_order_is_filled_found_and_reported(broker, run, approve, events):
    run(broker.advance(None))

    assert Acked("vlx1") == run(broker.submit(approve("lx1")))

    (fill,) = events
    report = run(broker.find_order("lx1", "vlx1", "ACME"))
    (held,) = run(broker.positions())
    account = run(broker.account())

    assert isinstance(fill, FillReport)
    assert ("lx1-1", "lx1", D(100)) == (fill.fill_id, fill.client_order_id, fill.quantity)
    assert (OrderStatus.FILLED, fill.price) == (report.status, report.average_fill_price)
    assert (D(100), fill.price) == (held.quantity, held.average_entry_price)
    assert D(1_000_000) - 100 * fill.price == account.cash == account.available
    assert account.paper
    assert [fill] == run(broker.fills(START))
    assert [] == run(broker.fills(START + timedelta(seconds=1)))


def test_waiting_orders_are_listed_and_canceled(broker, run, approve, events):
    run(broker.submit(approve("lx1", order_type=OrderType.LIMIT, limit_price=D(1))))
    (waiting,) = run(broker.open_orders())

    assert "lx1" == waiting.client_order_id
    assert Acked("vlx1") == run(broker.cancel("lx1", None, "ACME"))
    assert [OrderStatus.CANCELED] == [event.status for event in events if isinstance(event, OrderReport)]
    assert [] == run(broker.open_orders())
    assert None is run(broker.find_order("lx2", None, "ACME"))
    assert isinstance(run(broker.submit(approve("lx1"))), Refused)


def test_after_leaving_nothing_is_delivered(broker, run, events):
    run(broker.instruments([]))
    run(broker.disconnect())
    run(broker.disconnect())
    run(broker.advance(None))

    assert [] == events


def play(run, approve, config):
    """
    Buy on every third update, sell on every fifth; return everything that was heard.
    """
    heard = []
    broker = open_broker(config)
    run(broker.connect(heard.append))
    symbols = [instrument.symbol for instrument in run(broker.instruments([]))]
    count = step = 0
    while run(broker.advance(None)):
        step += 1
        for side, pace in (("buy", 3), ("sell", 5)):
            if step % pace == 0 and count < 200:
                count += 1
                symbol = symbols[step % len(symbols)]
                heard.append(run(broker.submit(approve(f"l{count}", side, 10, symbol=symbol))))
    heard.append(run(broker.account()))
    heard.append(tuple(run(broker.positions())))
    return heard


@pytest.mark.parametrize(
    "name",
    [
        "us_equities/minute_2013-10.csv",
        "us_equities/minute_quotes_2013-10.csv",
        "us_equities/trades_IBM_2013-10-07.csv",
        "cn_equities/hour_sse50_2020-03-30_2020-08-31.csv",
    ],
)
def test_a_day_of_real_prices_plays_the_same_twice_and_its_books_close(run, approve, shared, name):
    config = MockConfig(
        prices=shared / "data" / name, participation=D("0.1"), commission_grid=D("0.0001"), cash=D(500_000)
    )
    heard = play(run, approve, config)
    fills = [event for event in heard if isinstance(event, FillReport)]
    flows = [fill.quantity * fill.price * (1 if fill.side == "buy" else -1) for fill in fills]

    assert fills
    assert D(500_000) - sum(flows) == heard[-2].cash
    assert heard == play(run, approve, config)


def test_no_fill_on_bars_is_older_than_its_order(run, approve, shared):
    """
    No look-ahead on real bars: every market order fills at the open of a bar that began at or after it was sent.
    """
    path = shared / "data" / "us_equities" / "minute_2013-10.csv"
    opens = {}
    for line in path.read_text(encoding="utf-8").splitlines()[1:]:
        stamp, symbol, opened, *_ = line.split(",")
        opens[symbol, datetime.fromisoformat(stamp)] = D(opened)
    broker = open_broker(MockConfig(prices=path, cash=D(10_000_000)))
    heard = []
    run(broker.connect(heard.append))
    run(broker.instruments([]))
    sent = {}
    for step in range(4000):
        run(broker.advance(None))
        if step % 20 == 0:
            name = f"l{step}"
            symbol = next(event.symbol for event in reversed(heard) if isinstance(event, Quote))
            sent[name] = broker.market_time()
            run(broker.submit(approve(name, symbol=symbol)))
    fills = [event for event in heard if isinstance(event, FillReport)]

    assert len(fills) > 150
    for fill in fills:
        assert fill.occurred_at >= sent[fill.client_order_id]
        assert opens[fill.symbol, fill.occurred_at] == fill.price
