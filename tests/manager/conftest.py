"""
Managers on a market that a test makes: prices from a file, time from a clock that the test moves.
"""

import logging
import threading
from datetime import datetime, timedelta
from pathlib import Path

import attrs
import pytest

from ltm import (
    LiveTradingConfig,
    LiveTradingManager,
    PortfolioManager,
    RiskManager,
    Signal,
    TradingAPIAdapter,
)
from ltm.brokers.mock.broker import open_broker
from ltm.brokers.mock.config import MockConfig
from ltm.core.snapshot import state_hash
from ltm.engine.clock import VirtualClock
from ltm.engine.reader import JournalReader
from ltm.model.reports import AccountReport

START = datetime.fromisoformat("2026-01-05T15:00:00+00:00")
PATIENCE = 20.0


class CreepingClock(VirtualClock):
    """
    A clock that a test moves, and that moves a little by itself whenever somebody looks at it.
    """

    def __init__(self, start=START):
        super().__init__(start)
        self.step = 0.001
        self._lock = threading.Lock()

    def monotonic(self):
        self.advance(self.step)
        return super().monotonic()

    def advance(self, seconds):
        with self._lock:
            super().advance(seconds)


def quotes(prices, *, second="BBB"):
    """
    A quote a second of AAA at these prices, and of another symbol that stays at 50.
    """
    lines = ["timestamp,symbol,bid,bid_size,ask,ask_size"]
    for number, price in enumerate(prices):
        at = (START + timedelta(seconds=number)).isoformat().replace("+00:00", "Z")
        lines.append(f"{at},AAA,{price:.2f},100000,{price + 0.02:.2f},100000")
        lines.append(f"{at},{second},50.00,100000,50.02,100000")
    return "\n".join(lines) + "\n"


@attrs.define
class Door:
    """
    The mock broker with a door in front: a test replaces a call by name.
    """

    inner: object
    tamper: dict = attrs.Factory(dict)
    calls: list = attrs.Factory(list)

    @property
    def capabilities(self):
        return self.inner.capabilities

    async def _through(self, name, *arguments):
        self.calls.append((name, arguments))
        call = getattr(self.inner, name)
        return await (self.tamper[name](call, *arguments) if name in self.tamper else call(*arguments))

    async def connect(self, deliver) -> AccountReport:
        return await self._through("connect", deliver)

    async def disconnect(self):
        return await self._through("disconnect")

    async def instruments(self, symbols):
        return await self._through("instruments", symbols)

    async def submit(self, approval):
        return await self._through("submit", approval)

    async def cancel(self, client_order_id, venue_order_id, symbol):
        return await self._through("cancel", client_order_id, venue_order_id, symbol)

    async def find_order(self, client_order_id, venue_order_id, symbol):
        return await self._through("find_order", client_order_id, venue_order_id, symbol)

    async def open_orders(self):
        return await self._through("open_orders")

    async def fills(self, since):
        return await self._through("fills", since)

    async def positions(self):
        return await self._through("positions")

    async def account(self):
        return await self._through("account")

    def market_time(self):
        return self.inner.market_time()

    async def advance(self, until):
        return await self.inner.advance(until)

    def progress(self):
        return self.inner.progress()

    @property
    def speed(self):
        return self.inner.speed

    @property
    def submitted(self):
        return [arguments[0] for name, arguments in self.calls if name == "submit"]


class Desk:
    """
    One manager, its clock, its broker's door and the folder it all lives in.
    """

    def __init__(
        self, folder: Path, prices=None, *, tamper=None, risk=None, manager=LiveTradingManager, **more
    ):
        self.folder = folder
        self.clock = CreepingClock()
        self.doors = []
        self.tamper = tamper or {}
        (folder / "prices.csv").write_text(quotes(prices or [100.0] * 600), encoding="utf-8")
        self.manager = manager(
            PortfolioManager(),
            risk or RiskManager(),
            TradingAPIAdapter(broker=self._broker),
            state_dir=folder / "state",
            clock=self.clock,
            **more,
        )
        self.sent = 0

    def _broker(self, settings):
        values = {key: value for key, value in settings.items() if key != "credentials"}
        config = MockConfig(**{"prices": self.folder / "prices.csv", "speed": 1.0, "cash": 100_000, **values})
        self.doors.append(Door(open_broker(config), self.tamper))
        return self.doors[-1]

    @property
    def door(self):
        return self.doors[-1]

    def config(self, **values):
        return LiveTradingConfig(
            **{
                "broker": "mock",
                "credentials": {"account": "your_account"},
                "max_position_size": 0.3,
                "max_daily_trades": 1000,
                "stop_loss_pct": None,
                "take_profit_pct": None,
                "trading_hours": None,
                **values,
            }
        )

    def start(self, model_id="m1", capital=100_000, **values):
        return self.manager.start_live_trading(model_id, capital, self.config(**values)).session_id

    def signal(self, symbol="AAA", action="buy", **values):
        self.sent += 1
        return Signal(
            **{
                "stock_code": symbol,
                "action": action,
                "score": 0.8,
                "confidence": 0.9,
                "timestamp": self.clock.now().isoformat(),
                "intent": self.sent,
                **values,
            }
        )

    def trade(self, session, symbol="AAA", action="buy", **values):
        return self.manager.execute_trade(session, self.signal(symbol, action, **values))

    def live(self, session):
        """
        The session's inside, for what no public call tells.
        """
        manager = getattr(self.manager, "_manager", self.manager)
        return manager._sessions[session]

    def fingerprint(self, session):
        """
        What no bad input may change: the books, and how many records there are.
        """
        live = self.live(session)
        return state_hash(live.state), live.journal.last_sequence()

    def kinds(self, session):
        reader = JournalReader(self.folder / "state" / "journal.sqlite3")
        try:
            return [record.kind for record in reader.read(session)]
        finally:
            reader.close()


class Heard(logging.Handler):
    """
    Waits for an event of a session without asking the manager anything.
    """

    def __init__(self, name):
        super().__init__()
        self.name_of_event = name
        self.event = threading.Event()

    def emit(self, record):
        found = getattr(record, "fields", {}).get("event")
        if type(found).__name__ == self.name_of_event:
            self.event.set()


@pytest.fixture
def hear(caplog):
    """
    Call it with an event's name; the result's `event` is set once that event is durable.
    """
    logger = logging.getLogger("ltm.session")
    before = logger.level
    handlers = []

    def listen(name):
        handler = Heard(name)
        logger.addHandler(handler)
        logger.setLevel(logging.INFO)
        handlers.append(handler)
        return handler.event

    yield listen
    for handler in handlers:
        logger.removeHandler(handler)
    logger.setLevel(before)


@pytest.fixture
def make_desk(tmp_path):
    """
    Make a desk; all of them are closed at the end.
    """
    desks = []

    def make(prices=None, **more):
        folder = tmp_path / f"desk-{len(desks)}"
        folder.mkdir()
        desks.append(Desk(folder, prices, **more))
        return desks[-1]

    yield make
    for desk in desks:
        # Time flies, so that nobody waits for what never comes.
        desk.clock.step = 20
        if isinstance(desk.manager, LiveTradingManager):
            desk.manager.close()


@pytest.fixture
def desk(make_desk):
    return make_desk()
