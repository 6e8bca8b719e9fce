"""
The venue behind a socket: lock-step, the log of the truth, faults, and customers who die.
"""

import asyncio
import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import textwrap
from decimal import Decimal
from pathlib import Path

import msgspec
import pytest

from ltm.brokers.mock import wire
from ltm.brokers.mock.broker import open_broker
from ltm.brokers.mock.config import MockConfig
from ltm.brokers.mock.fault_file import read_faults
from ltm.brokers.mock.faults import Faults
from ltm.brokers.mock.server import serve_async
from ltm.model.enums import OrderStatus, OrderType
from ltm.model.errors import AlreadyRunning, BrokerConnectionError, ConfigError
from ltm.model.market import Quote
from ltm.model.reports import Acked, Ambiguous, FillReport, LinkReport, NotSent, Refused

D = Decimal
FRAMEWORK = Path(__file__).parents[3] / "framework"
MARKET = {"symbols": ["ACME", "BOLT"], "steps": 50}
pytestmark = pytest.mark.skipif(not hasattr(socket, "AF_UNIX"), reason="needs Unix sockets")


class Venue:
    """
    A mock venue on this event loop.
    """

    def __init__(self, folder, faults=()):
        self.socket, self.log = folder / "s", folder / "venue.jsonl"
        self.faults = folder / "faults.toml"
        self.faults.write_text(
            "\n".join(["[[faults]]", *fault]) if (fault := faults) else "", encoding="utf-8"
        )
        self.stop = asyncio.Event()
        self.task = None
        self.brokers = []

    async def __aenter__(self):
        ready = asyncio.Event()
        self.task = asyncio.create_task(
            serve_async(MockConfig(**MARKET), self.socket, self.log, self.faults, 7, ready.set, self.stop)
        )
        waiting = asyncio.create_task(ready.wait())
        await asyncio.wait({self.task, waiting}, return_when=asyncio.FIRST_COMPLETED)
        return self

    async def __aexit__(self, *_):
        for broker in self.brokers:
            await broker.disconnect()
        self.stop.set()
        await self.task

    async def customer(self, patience=1.0):
        broker = open_broker(MockConfig(socket=self.socket, request_timeout=patience))
        self.brokers.append(broker)
        heard = []
        await broker.connect(heard.append)
        await broker.instruments([])
        return broker, heard

    def lines(self, *events):
        lines = [json.loads(line) for line in self.log.read_text(encoding="utf-8").splitlines()]
        return [line for line in lines if not events or line["event"] in events]

    def history(self, name):
        """
        What the log says of one order.
        """
        return [
            line.get("method", line["event"]) for line in self.lines() if line.get("client_order_id") == name
        ]


def fault(verb, *more, method="submit"):
    return [f'verb = "{verb}"', f'method = "{method}"', *(more or ["nth = [1]"])]


async def test_a_session_over_the_socket_is_the_session_in_process(tmp_path, approve, run):
    async with Venue(tmp_path) as venue:
        broker, heard = await venue.customer()
        remote = [await broker.advance(None), await broker.submit(approve("l1")), broker.market_time()]
        remote += [
            await broker.positions(),
            await broker.account(),
            await broker.find_order("l1", None, "ACME"),
        ]
        remote += [broker.progress(), broker.capabilities]
    local = open_broker(MockConfig(**MARKET, seed=7))
    told = []
    run(local.connect(told.append))
    run(local.instruments([]))
    expected = [run(local.advance(None)), run(local.submit(approve("l1"))), local.market_time()]
    expected += [run(local.positions()), run(local.account()), run(local.find_order("l1", None, "ACME"))]
    # A venue in this process dies with it; one behind a socket does not.
    expected += [local.progress(), msgspec.structs.replace(local.capabilities, ephemeral=False)]

    assert expected == remote
    assert told == heard


async def test_the_log_tells_every_request_and_what_came_of_it(tmp_path, approve):
    async with Venue(tmp_path) as venue:
        broker, _ = await venue.customer()
        await broker.advance(None)
        await broker.submit(approve("l1"))
        await broker.submit(approve("l2", order_type=OrderType.LIMIT, limit_price=D("0.01")))
        await broker.cancel("l2", None, "ACME")
        await broker.submit(approve("l3", quantity="0.5"))
        await broker.submit(approve("l1"))

        assert ["submit", "accepted", "fill", "submit", "refused"] == venue.history("l1")
        assert ["submit", "accepted", "cancel", "cancel_accepted", "canceled"] == venue.history("l2")
        assert ["submit", "refused"] == venue.history("l3")
        assert ["lot_size", "duplicate_client_order_id"] == [line["code"] for line in venue.lines("refused")]
        assert [["l1-1"]] == [line["fills"] for line in venue.lines("reply") if line["fills"]]
    assert "stopped" == venue.lines()[-1]["event"]


async def test_the_same_seed_gives_the_same_log(tmp_path, approve):
    logs = []
    for number in range(2):
        folder = tmp_path / str(number)
        folder.mkdir()
        async with Venue(folder, fault("reject", "probability = 0.5", 'code = "busy"')) as venue:
            broker, _ = await venue.customer()
            for count in range(30):
                await broker.advance(None)
                await broker.submit(approve(f"l{count}", "buy" if count % 2 else "sell"))
        logs.append(venue.log.read_bytes())

    assert logs[0] == logs[1]
    assert 0 < logs[0].count(b'"code":"busy"') < 30


async def test_a_dropped_reply_leaves_an_order_at_the_venue(tmp_path, approve):
    """
    F11: the outcome is unknown, and the fill comes with the next reply.
    """
    async with Venue(tmp_path, fault("drop_reply")) as venue:
        broker, heard = await venue.customer(0.05)
        await broker.advance(None)

        assert isinstance(await broker.submit(approve("l1")), Ambiguous)
        assert [] == [event for event in heard if isinstance(event, FillReport)]

        found = await broker.find_order("l1", None, "ACME")

        assert OrderStatus.FILLED is found.status
        assert ["l1-1"] == [event.fill_id for event in heard if isinstance(event, FillReport)]
        assert ["submit", "accepted", "fill", "find"] == venue.history("l1")


async def test_a_dropped_request_never_reached_the_venue(tmp_path, approve):
    async with Venue(tmp_path, fault("drop_request")) as venue:
        broker, _ = await venue.customer(0.05)
        await broker.advance(None)

        assert isinstance(await broker.submit(approve("l1")), Ambiguous)
        assert None is await broker.find_order("l1", None, "ACME")
        assert ["submit", "find"] == venue.history("l1")
        assert [] == await broker.positions()
        assert ["drop_request"] == [line["verb"] for line in venue.lines("fault")]


async def test_a_request_that_comes_too_late_is_dropped(tmp_path, approve):
    """
    F18: what its sender gave up on can never take effect, so "not found" is the whole truth.
    """
    async with Venue(tmp_path, fault("delay", "nth = [1]", "seconds = 0.2")) as venue:
        broker, _ = await venue.customer(0.05)
        await broker.advance(None)

        assert isinstance(await broker.submit(approve("l1")), Ambiguous)
        await until(lambda: venue.lines("expired_request"))

        assert None is await broker.find_order("l1", None, "ACME")


async def test_a_short_delay_is_only_slow(tmp_path, approve):
    async with Venue(tmp_path, fault("delay", "nth = [1]", "seconds = 0.02")) as venue:
        broker, _ = await venue.customer()

        assert Acked("vl1") == await broker.submit(approve("l1"))


async def test_a_new_login_ends_what_the_old_customer_had_under_way(tmp_path, approve):
    """
    A killed client's late request cannot overtake its successor's questions.
    """
    async with Venue(tmp_path, fault("delay", "nth = [1]", "seconds = 0.3")) as venue:
        old, heard = await venue.customer()
        sending = asyncio.create_task(old.submit(approve("l1")))
        await until(lambda: venue.lines("fault"))
        new, _ = await venue.customer()

        assert isinstance(await sending, Ambiguous)
        assert [False] == [event.up for event in heard if isinstance(event, LinkReport)]
        assert None is await new.find_order("l1", None, "ACME")

        await asyncio.sleep(0.35)

        assert None is await new.find_order("l1", None, "ACME")


async def test_a_rejection_by_order_never_reaches_the_book(tmp_path, approve):
    async with Venue(tmp_path, fault("reject", "nth = [1]", 'code = "margin"')) as venue:
        broker, _ = await venue.customer()

        assert Refused("margin", "refused by order") == await broker.submit(approve("l1"))
        assert None is await broker.find_order("l1", None, "ACME")


@pytest.mark.parametrize(
    ("verb", "seen"), [("duplicate", ["l1-1", "l1-1"]), ("lose_event", []), ("reorder", ["l1-1"])]
)
async def test_events_are_doubled_lost_or_turned_round(tmp_path, approve, verb, seen):
    async with Venue(tmp_path, fault(verb)) as venue:
        broker, heard = await venue.customer()
        await broker.advance(None)
        await broker.submit(approve("l1"))

        assert seen == [event.fill_id for event in heard if isinstance(event, FillReport)]
        assert 1 == len(await broker.fills(broker.market_time()))


async def test_a_lost_moment_of_the_market_comes_with_the_next(tmp_path):
    async with Venue(tmp_path, fault("drop_reply", method="advance")) as venue:
        broker, heard = await venue.customer(0.05)

        assert await broker.advance(None)
        assert [] == heard

        assert await broker.advance(None)
        assert ["ACME", "BOLT", "ACME", "BOLT"] == [event.symbol for event in heard]


async def test_a_garbled_reply_answers_nothing(tmp_path, approve):
    """
    F21: the order is at the venue, and its sender says that it does not know.
    """
    async with Venue(tmp_path, fault("garbage")) as venue:
        broker, _ = await venue.customer(0.05)

        assert isinstance(await broker.submit(approve("l1")), Ambiguous)
        assert OrderStatus.ACCEPTED is (await broker.find_order("l1", None, "ACME")).status


async def test_a_cut_connection_is_reported_and_made_again(tmp_path, approve):
    """
    F20: the link goes down and up; the order that was under way is found.
    """
    async with Venue(tmp_path, fault("restart")) as venue:
        broker, heard = await venue.customer()

        assert isinstance(await broker.submit(approve("l1")), Ambiguous)
        assert OrderStatus.ACCEPTED is (await broker.find_order("l1", None, "ACME")).status
        assert [False, True] == [event.up for event in heard if isinstance(event, LinkReport)]

        heard.clear()
        await broker.advance(None)

        assert ["ACME", "BOLT"] == [event.symbol for event in heard if isinstance(event, Quote)]


@pytest.mark.parametrize(("silences", "cut"), [(2, False), (3, True), (4, True)])
async def test_a_connection_on_which_nothing_is_heard_any_more_is_made_again(tmp_path, silences, cut):
    """
    F12: half-open, with nobody at the other end: no error ever comes, so silence has to be one.
    """
    nth = f"nth = {[*range(1, silences + 1)]}"
    async with Venue(tmp_path, fault("drop_request", nth, method="positions")) as venue:
        broker, heard = await venue.customer(0.02)
        for _ in range(silences):
            with pytest.raises(BrokerConnectionError):
                await broker.positions()
            await asyncio.sleep(0.01)

        assert [] == await broker.positions()
        links = [(event.up, event.reason) for event in heard if isinstance(event, LinkReport)]
        assert [False, True] * cut == [up for up, _ in links]
        assert not cut or "3 questions in a row unanswered" in links[0][1]


async def test_a_venue_that_ends_says_so_to_its_customer_and_in_its_log(tmp_path):
    async with Venue(tmp_path) as venue:
        _, heard = await venue.customer()
        venue.stop.set()
        await venue.task
        await until(lambda: heard)

        assert [False] == [event.up for event in heard]
    assert ["disconnected", "stopped"] == [line["event"] for line in venue.lines()[-2:]]


async def test_without_a_venue_nothing_is_sent_and_no_question_is_answered(tmp_path, approve):
    """
    F13: certainty that nothing left this machine.
    """
    async with Venue(tmp_path) as venue:
        broker, _ = await venue.customer()
    stranger = open_broker(MockConfig(socket=tmp_path / "s", request_timeout=0.05))

    assert isinstance(await broker.submit(approve("l1")), NotSent)
    assert isinstance(await broker.cancel("l1", None, "ACME"), NotSent)
    for question in (broker.positions(), broker.advance(None), stranger.connect(lambda _: None)):
        with pytest.raises(BrokerConnectionError, match="cannot be reached"):
            await question
    with pytest.raises(BrokerConnectionError, match="cannot be reached"):
        _ = stranger.capabilities
    assert broker.capabilities.price_interval == 60.0


async def test_a_question_without_answer_is_an_error_and_not_an_empty_answer(tmp_path):
    async with Venue(tmp_path, fault("drop_reply", method="positions")) as venue:
        broker, _ = await venue.customer(0.05)

        with pytest.raises(BrokerConnectionError, match="no answer"):
            await broker.positions()
        assert [] == await broker.positions()


async def test_nonsense_ends_a_connection_and_nothing_else(tmp_path):
    async with Venue(tmp_path) as venue:
        broker, _ = await venue.customer()
        reader, writer = await asyncio.open_unix_connection(venue.socket)
        writer.write(b"GET / HTTP/1.1\r\n\r\n")

        assert b"" == await reader.read()
        assert await broker.advance(None)

        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()


async def test_capabilities_can_be_asked_for_before_connecting_and_log_nobody_out(tmp_path):
    async with Venue(tmp_path) as venue:
        customer, heard = await venue.customer()
        stranger = open_broker(MockConfig(socket=venue.socket))
        told = await asyncio.to_thread(lambda: (stranger.capabilities.price_interval, stranger.market_time()))

        assert (60.0, customer.market_time()) == told
        assert await customer.advance(None)
        assert [] == [event for event in heard if isinstance(event, LinkReport)]


async def test_the_socket_is_private_and_belongs_to_one_venue(tmp_path):
    async with Venue(tmp_path) as venue:
        assert 0o600 == venue.socket.stat().st_mode & 0o777

        with pytest.raises(AlreadyRunning, match="another venue listens there"):
            await serve_async(MockConfig(), venue.socket, tmp_path / "other.jsonl")
    assert not venue.socket.exists()


async def test_a_socket_left_behind_is_taken_over(tmp_path):
    left = socket.socket(socket.AF_UNIX)
    left.bind(str(tmp_path / "s"))
    left.close()

    async with Venue(tmp_path) as venue:
        await venue.customer()


@pytest.mark.parametrize(("socket_name", "log_name"), [("s", "none/log"), ("x" * 200, "log")])
async def test_paths_that_cannot_be_used_are_named(tmp_path, socket_name, log_name):
    with pytest.raises(ConfigError, match="must be a path that can be used"):
        await serve_async(MockConfig(), tmp_path / socket_name, tmp_path / log_name)


CLIENT = """
import asyncio, sys
from pathlib import Path
from decimal import Decimal
from ltm.brokers.mock.broker import open_broker
from ltm.brokers.mock.config import MockConfig
from ltm.model.enums import Side
from ltm.model.order import SEAL, Approval, OrderDraft

async def main():
    broker = open_broker(MockConfig(socket=Path(sys.argv[1])))
    await broker.connect(lambda event: None)
    for number in range(1000):
        await broker.advance(None)
        draft = OrderDraft(symbol="ACME", side=Side.BUY, quantity=Decimal(1))
        await broker.submit(Approval(SEAL, draft, f"l{number}", None))
        print(number, flush=True)

asyncio.run(main())
"""


async def test_a_killed_client_finds_its_orders_and_the_market_where_they_were(tmp_path):
    """
    O2: a real process, killed in the middle; the venue knows every order whose request arrived.
    """
    async with Venue(tmp_path) as venue:
        client = await asyncio.create_subprocess_exec(
            sys.executable,
            "-c",
            textwrap.dedent(CLIENT),
            str(venue.socket),
            stdout=asyncio.subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": str(FRAMEWORK)},
        )
        for _ in range(10):
            await client.stdout.readline()
        client.kill()
        await client.wait()
        broker, _ = await venue.customer()
        arrived = [line["client_order_id"] for line in venue.lines("request") if line["method"] == "submit"]

        assert len(arrived) >= 10
        for name in arrived:
            assert OrderStatus.FILLED is (await broker.find_order(name, None, "ACME")).status
        assert [D(len(arrived))] == [held.quantity for held in await broker.positions()]
        assert venue.lines()[-1]["time"] == broker.market_time().isoformat().replace("+00:00", "Z")


SERVER = """
import sys
from pathlib import Path
from ltm.brokers.mock.config import MockConfig
from ltm.brokers.mock.server import serve
folder = Path(sys.argv[1])
serve(MockConfig(steps=5), folder / "s", folder / "log", None, 1, lambda: print("ready", flush=True))
"""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_the_process_ends_cleanly_when_told(tmp_path, number):
    with subprocess.Popen(
        [sys.executable, "-c", SERVER, str(tmp_path)],
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(FRAMEWORK)},
    ) as process:
        assert b"ready\n" == process.stdout.readline()

        process.send_signal(number)

        assert 0 == process.wait(10)
    assert b'"stopped"' in (tmp_path / "log").read_bytes()
    assert not (tmp_path / "s").exists()


class TestFaultFiles:
    @pytest.mark.parametrize(
        ("text", "message"),
        [
            ("[[faults]]\nverb = 'drop_reply'", "faults[0].method must be one of submit, cancel"),
            ("[[faults]]\nverb = 'drop_rply'\nmethod = 'submit'\nnth = [1]", "faults[0].verb must be one of"),
            ("[[faults]]\nverb = 'delay'\nmethod = 'submit'\nsecs = 1", "faults[0].secs must be one of"),
            (
                "[[faults]]\nverb = 'garbage'\nmethod = 'submit'",
                "faults[0] must have either probability or nth",
            ),
            (
                "[[faults]]\nverb = 'garbage'\nmethod = 'submit'\nprobability = 2",
                "probability must be a number from 0 to 1",
            ),
            (
                "[[faults]]\nverb = 'garbage'\nmethod = 'submit'\nnth = [0]",
                "nth must be a list of whole numbers from 1",
            ),
            (
                "[[faults]]\nverb = 'delay'\nmethod = 'any'\nnth = [1]\nseconds = nan",
                "seconds must be a number from 0",
            ),
            (
                "[[faults]]\nverb = 'reject'\nmethod = 'find'\nnth = [1]",
                "faults[0].method must be submit or cancel for reject",
            ),
            (
                "[[faults]]\nverb = 'reject'\nmethod = 'submit'\nnth = [1]\ncode = 'a b'",
                "code must be a word",
            ),
            ("fault = 1", "fault must be [[faults]] tables and nothing else"),
            ("faults = 1", "faults must be [[faults]] tables and nothing else"),
            ("faults = [1]", "faults[0] must be a table"),
            ("[[faults", "faults must be a TOML file that can be read"),
        ],
    )
    def test_what_makes_no_sense_is_named(self, tmp_path, text, message):
        path = tmp_path / "faults.toml"
        path.write_text(text, encoding="utf-8")

        with pytest.raises(ConfigError) as caught:
            read_faults(path)

        assert message in caught.value.message
        assert str(path) == caught.value.where

    def test_chances_come_from_the_seed_and_any_spares_login_and_advance(self, tmp_path):
        path = tmp_path / "faults.toml"
        path.write_text(
            '[[faults]]\nverb = "drop_reply"\nmethod = "any"\nprobability = 0.3\n', encoding="utf-8"
        )
        table = read_faults(path)
        one, two, other = (
            [bool(faults.strike("find")) for _ in range(200)]
            for faults in (Faults(table, 1), Faults(table, 1), Faults(table, 2))
        )
        spared = Faults(table, 1)

        assert one == two != other
        assert 30 < sum(one) < 90
        assert not any(spared.strike(method) for method in ("login", "advance") for _ in range(100))


def test_every_message_survives_the_wire(approve):
    ask = wire.Ask(1, wire.Submit("l1", approve("l1").draft), 2.5)

    assert ask == msgspec.json.decode(msgspec.json.encode(ask), type=wire.Ask)
    assert set(wire.ANSWERS) == set(wire.Request.__args__)


async def until(condition):
    """
    Wait for something that happens on its own within seconds.
    """
    for _ in range(200):
        if condition():
            return
        await asyncio.sleep(0.01)
    pytest.fail("it did not happen")
