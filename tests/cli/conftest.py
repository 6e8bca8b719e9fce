"""
Sessions to look at, made by the demo and by hand, and the command line run in this process.
"""

import json
import signal
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import attrs
import pytest

from ltm.cli.entry import run
from ltm.core import events as e
from ltm.core.codec import KIND_OF, VERSION, encode
from ltm.engine.journal import JournalStore
from ltm.model.enums import Lifecycle, Severity, Side
from ltm.model.instrument import Instrument
from ltm.model.order import OrderDraft
from ltm.model.results import Check
from ltm.model.spec import SessionSpec
from ltm.ports.shell import Record

from .place import Place

AT = datetime(2026, 3, 2, 14, 30, tzinfo=UTC)
KEY = "00000abc"
HOSTILE = "a\nb\x1b[2Jc\u202ed\u2028e\x00f"
SAMPLE = Path(__file__).parents[2] / "framework" / "ltm" / "cli" / "demo"


@attrs.frozen
class Answer:
    """
    What a command said and how it ended.
    """

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


Ltm = Callable[..., Answer]


@pytest.fixture
def ltm(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Ltm:
    """
    Runs the command line in this process; no state directory of this machine is ever touched.
    """
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("LTM_STATE_DIR", raising=False)

    def call(*arguments: object) -> Answer:
        capsys.readouterr()
        code = run([str(argument) for argument in arguments])
        out, err = capsys.readouterr()
        return Answer(code, out, err)

    return call


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """
    A state directory with the demo's session, simulated.
    """
    folder = tmp_path_factory.mktemp("demo") / "state"

    assert 0 == run(["simulate", str(SAMPLE / "demo.toml"), "--state-dir", str(folder)])

    return folder


def write(folder: Path, session_id: str, events: list[e.AnyEvent]) -> Path:
    """
    Write a journal by hand.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    store = JournalStore(folder / "journal.sqlite3")
    journal = store.session(session_id)
    last = journal.last_sequence()
    journal.append(
        [
            Record(last + number, KIND_OF[type(event)], VERSION, event.at.isoformat(), encode(event))
            for number, event in enumerate(events, 1)
        ]
    )
    store.commit()
    store.close()
    return folder


def beginning(session_id: str = "hand") -> list[e.AnyEvent]:
    """
    The first records of any session: opened, up, one instrument, the day begun.
    """
    spec = SessionSpec(
        session_id=session_id,
        model_id="m",
        broker="mock",
        initial_capital=Decimal(10_000),
        max_daily_trades=5,
    )
    return [
        e.SessionOpened(at=AT, spec=spec, session_key=KEY),
        e.LifecycleChanged(at=AT, to=Lifecycle.STARTING),
        e.InstrumentDefined(at=AT, instrument=Instrument(symbol="AAA", currency="USD")),
        e.LifecycleChanged(at=AT, to=Lifecycle.RECONCILING),
        e.DayRolled(at=AT, trading_date=AT.date(), day_start_equity=Decimal(10_000), basis="first"),
        e.Reconciled(at=AT, open_orders=0),
        e.LifecycleChanged(at=AT, to=Lifecycle.RUNNING),
    ]


def intended(name: str, quantity: str, side: Side = Side.BUY, **more: Any) -> e.OrderIntended:
    """
    An approved order.
    """
    return e.OrderIntended(
        at=AT,
        client_order_id=name,
        draft=OrderDraft(symbol="AAA", side=side, quantity=Decimal(quantity)),
        entry=side is Side.BUY,
        worst_price=Decimal(101),
        checks=(Check("position_size", "ok", Decimal(1010), Decimal(3000), Decimal(19)),),
        signal_key=f"key-of-{name}",
        **more,
    )


def filled(name: str, number: int, quantity: str, price: str, side: Side = Side.BUY) -> e.OrderFilled:
    """
    One execution, with a commission of one.
    """
    return e.OrderFilled(
        at=AT,
        client_order_id=name,
        fill_id=f"{name}-{number}",
        symbol="AAA",
        side=side,
        quantity=Decimal(quantity),
        price=Decimal(price),
        commission=Decimal(1),
        commission_currency="USD",
        occurred_at=AT,
        venue_order_id=f"venue-{name}",
    )


@pytest.fixture
def hostile(tmp_path: Path) -> Path:
    """
    A session in which everything that comes from outside tries to leave its line.
    """
    return write(
        tmp_path / "hostile",
        "hand",
        [
            *beginning(),
            intended("order-one", "10"),
            e.OrderRejected(at=AT, client_order_id="order-one", code="bad", message=HOSTILE),
            intended("order-two", "10", sizing=HOSTILE),
            e.OrderUnknown(at=AT, client_order_id="order-two", reason=HOSTILE),
            e.AlertRaised(at=AT, alert_id=HOSTILE, severity=Severity.WARNING, code="code", message=HOSTILE),
            e.TradingPaused(at=AT, code="operator", message=HOSTILE),
            e.InstrumentBlocked(at=AT, symbol="AAA", reason=HOSTILE),
        ],
    )


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    place = Place(tmp_path)
    yield place
    for child in place.processes:
        child.send_signal(signal.SIGCONT)
        child.kill()
        child.wait()
        if child.stdout is not None:
            child.stdout.close()


@pytest.fixture
def hand(ltm: Ltm, place: Place) -> Ltm:
    """
    The operator's terminal.
    """
    return lambda *arguments: ltm("--state-dir", place.state, *arguments)
