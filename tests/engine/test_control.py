"""
The control socket: who may ask, what is understood, what is done in which order, and what is said at the end.
"""

import asyncio
import os
import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from ltm.core import events as e
from ltm.core.commands import RaiseAlert
from ltm.engine.control import address, client, server, wire
from ltm.model.errors import InvalidTransition, JournalError, LtmError, SessionNotFound
from ltm.model.reports import Ambiguous, LinkReport

from .control_kit import DONE, Line, acted, resting, until

if TYPE_CHECKING:
    from .conftest import Bench

Make = Callable[..., Any]

# --- Who may ask ----------------------------------------------------------------------------------


def test_only_the_owner_is_answered_and_a_stranger_is_an_alert(run):
    """
    SEC-20: by the peer's uid; SEC-38: refused ones too, once.
    """

    async def talk(line: Line) -> None:
        for _ in range(2):
            (answer,) = await line.ask("pause")

            assert ("refused", "LTM-CTL-003") == (answer["kind"], answer["code"])
        await asyncio.sleep(0.01)

    bench = run(talk, owner=os.getuid() + 1)

    assert ["control_refused"] == [one.code for one in bench.events() if isinstance(one, e.AlertRaised)]
    assert [] == acted(bench)


def test_a_peer_that_the_kernel_says_nothing_about_is_a_stranger(run, monkeypatch):
    """
    SEC-20: no answer is no permission.
    """
    monkeypatch.setattr(address, "peer_uid", lambda connection: None)

    async def talk(line: Line) -> None:
        assert "LTM-CTL-003" == (await line.ask("pause"))[0]["code"]

    run(talk)


def test_the_socket_is_this_users_alone(run, folder):
    """
    SEC-20: and no other listener.
    """

    async def talk(line: Line) -> None:
        assert 0o600 == (line.folder / address.NAME).stat().st_mode & 0o777

    run(talk)


def test_the_kernel_tells_who_is_there():
    ours, theirs = socket.socketpair(socket.AF_UNIX)
    with ours, theirs:
        assert os.getuid() == address.peer_uid(ours)
    assert None is address.peer_uid(ours)


def test_a_user_without_a_name_is_a_number():
    assert ("uid 54321", "uid -1") == (address.user_name(54321), address.user_name(-1))
    assert f"(uid {os.getuid()})" in address.user_name(os.getuid())


# --- What is understood ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (b"\n", "must be one JSON object"),
        (b"{}\n", "must have version 1, got 0"),
        (b'{"version":2,"action":"pause"}\n', "must have version 1, got 2"),
        (b'{"version":1,"action":"dance"}\n', "Invalid value 'dance'"),
        (b'{"version":1,"action":"pause","uid":0}\n', "unknown field `uid`"),
        (b'{"version":1,"action":"resolve"}\n', "missing required field"),
        (b'{"version":1,"action":"flatten","seconds":-1}\n', ">= 0"),
        (b'{"version":1,"action":"flatten","seconds":3601}\n', "<= 3600"),
        (b'{"version":1,"action":"pause","reason":"%s"}\n' % (b"x" * 301), "length <= 300"),
        (b"x" * (wire.LINE_LIMIT + 2) + b"\n", "limit"),
        (b"\xff\xfe\n", "must be one JSON object"),
        (b'{"version":1,"action":"pa', "must be one JSON object"),
    ],
    ids=[
        "blank",
        "no version",
        "other version",
        "other action",
        "a uid of its own",
        "half",
        "no time",
        "too much time",
        "long reason",
        "long line",
        "no text",
        "cut",
    ],
)
def test_what_is_not_a_request_changes_nothing(run, text, why):
    """
    SEC-36: refused before anything is done; the session goes on.
    """
    before = []

    async def talk(line: Line) -> None:
        (answer,) = await line.say(text, eof=True)

        assert ("refused", "LTM-CTL-001") == (answer["kind"], answer["code"])
        assert why in answer["message"]
        assert DONE == (await line.ask("pause"))[-1]

    bench = run(talk, prepare=lambda bench: before.append(bench.engine.session.state.sequence))

    assert [("pause", "", "")] == acted(bench)


def test_a_request_has_to_arrive_in_time(run, monkeypatch):
    monkeypatch.setattr(wire, "SEND_SECONDS", 0.01)

    async def talk(line: Line) -> None:
        (answer,) = await line.say(b'{"version":1')

        assert "must arrive within" in answer["message"]

    run(talk)


def test_too_many_at_once_are_sent_away(run, monkeypatch):
    monkeypatch.setattr(server, "MOST_CONNECTIONS", 1)

    async def talk(line: Line) -> None:
        _, writer = await asyncio.open_unix_connection(line.folder / address.NAME)
        await asyncio.sleep(0.01)

        assert "LTM-CTL-004" == (await line.ask("pause"))[0]["code"]

        writer.close()
        await writer.wait_closed()

    run(talk)


# --- Which session --------------------------------------------------------------------------------


def test_of_several_sessions_one_is_named_and_a_kill_means_all(run, make_bench):
    """
    BAD-033: known sessions are listed.
    """
    one = make_bench()
    two = make_bench()
    two.engine.session.state.spec = attrs_replace(two.engine.session.state.spec, "other")

    async def talk(line: Line) -> None:
        unnamed = (await line.ask("pause"))[0]
        unknown = (await line.ask("pause", session="third"))[0]
        named = await line.ask("pause", session="other")
        kill = await line.ask("kill", seconds=0)

        assert "since 2 run here: demo, other" in unnamed["message"]
        assert ('no session "third" runs here; running: demo, other', "LTM-SES-001") == (
            unknown["message"],
            unknown["code"],
        )
        assert "other" == named[0]["session_id"]
        assert ["demo", "other"] == [answer["session_id"] for answer in kill if answer["kind"] == "accepted"]

    run(talk, benches=[one, two])

    assert ["kill"] == [action for action, _, _ in acted(one)]
    assert ["pause", "kill"] == [action for action, _, _ in acted(two)]


def attrs_replace(spec: Any, name: str) -> Any:
    values = {field: getattr(spec, field) for field in spec.__struct_fields__}
    return type(spec)(**{**values, "session_id": name})


def test_a_session_that_has_ended_takes_no_requests(run):
    """
    BAD-034.
    """

    async def talk(line: Line) -> None:
        await line.ask("stop")
        (answer,) = await line.ask("pause", session="demo")

        assert "session demo has ended: it is STOPPED" == answer["message"]

    run(talk)


# --- What is done ---------------------------------------------------------------------------------


def test_pause_and_resume_are_journaled_with_who_and_why(run):
    """
    SEC-38, C37.
    """

    async def talk(line: Line) -> None:
        first, last = await line.ask("pause", reason="lunch", tty="pts/7")
        again = await line.ask("pause")
        await line.ask("resume", tty="x\x1b")

        assert ("accepted", "reducing", ["operator"], DONE) == (
            first["kind"],
            first["trading_state"],
            first["reasons"],
            last,
        )
        assert ("refused", 2, "cannot pause session demo: it is PAUSED") == (
            again[0]["kind"],
            again[0]["exit_code"],
            again[0]["message"],
        )

    bench = run(talk)
    first, second, third = (one for one in bench.events() if isinstance(one, e.OperatorActed))

    assert (f"{address.user_name(os.getuid())} on pts/7", "lunch") == (first.by, first.reason)
    assert ("pause", "cannot pause session demo: it is PAUSED") == (second.action, second.refused)
    assert third.by.endswith("on x?")


def test_answers_that_only_a_person_has(run):
    """
    REL 2.2.1, REL-4: each names what it is about, refused or not.
    """

    def prepare(bench: "Bench") -> None:
        bench.engine.post(RaiseAlert("warning", "note", "one"))
        bench.engine.post(RaiseAlert("warning", "note", "two"))
        bench.engine.submit(bench.signal(quantity=10))

    async def ambiguous(call: Any, *arguments: Any) -> Any:
        return Ambiguous("timeout")

    async def unheard(call: Any, *arguments: Any) -> Any:
        raise ConnectionError

    async def talk(line: Line) -> None:
        await asyncio.sleep(0.01)
        [name] = holder[0].engine.session.state.orders
        resolved = await line.ask("resolve", client_order_id=name, venue_order_id="v1", reason="on screen")
        absent = await line.ask("resolve", client_order_id=name, reason="not on screen")
        unblocked = await line.ask("resume", symbol="AAA", reason="x")
        accepted = await line.ask("accept", symbol="AAA", reason="x")
        acknowledged = await line.ask("acknowledge")

        assert DONE == resolved[-1]
        assert "it is accepted" in absent[0]["message"]
        assert "is not blocked" in unblocked[0]["message"]
        assert "it has no drift" in accepted[0]["message"]
        assert 2 <= acknowledged[0]["count"]

    holder: list[Any] = []
    bench = run(
        talk,
        prepare=lambda bench: (holder.append(bench), prepare(bench)),
        tamper={"submit": ambiguous, "find_order": unheard},
    )
    about = [(action, text) for action, text, _ in acted(bench)]
    [name] = [one.client_order_id for one in bench.events() if isinstance(one, e.OrderIntended)]

    assert [
        ("orders resolve", f"{name}: venue order v1"),
        ("orders resolve", f"{name}: absent"),
        ("resume", "AAA"),
        ("reconcile accept", "AAA"),
    ] == about[:4]
    assert {"alerts ack"} == {action for action, _ in about[4:]}
    assert all(alert.acknowledged_at is not None for alert in bench.engine.session.state.alerts.values())


def test_a_journal_that_fails_is_said_with_its_exit_code(run):
    """
    REL-3: nothing is done that could not be written down; exit code 3.
    """

    async def talk(line: Line) -> None:
        journal = holder[0].journal
        journal.fail_at, journal.error = journal.commits + 1, JournalError("the disk is full")
        (answer,) = await line.ask("pause")

        assert ("the disk is full", 3) == (answer["message"], answer["exit_code"])

    holder: list[Any] = []
    run(talk, prepare=holder.append)


# --- Stop and flatten -----------------------------------------------------------------------------


@pytest.mark.parametrize(("on_stop", "left", "given"), [("cancel", 0, True), ("keep", 1, True)])
def test_a_stop_ends_with_what_the_venue_says_is_left(run, on_stop, left, given):
    """
    Issue 3 (2): open orders 0, or those that are meant to stay; the record is in the journal.
    """

    async def talk(line: Line) -> None:
        accepted, *_, attested, last = await line.ask("stop", reason="enough")
        found = attested["attestation"]

        assert ("accepted", "attested", DONE) == (accepted["kind"], attested["kind"], last)
        assert (given, left, True, []) == (
            found["given"],
            found["open_orders"],
            found["positions_agree"],
            found["problems"],
        )

    bench = run(talk, prepare=resting, session=f'on_stop = "{on_stop}"')

    assert ["venue_attested", "lifecycle_changed"] == [
        kind for kind in bench.kinds() if kind != "equity_sampled"
    ][-2:]


def test_a_stop_that_cannot_be_attested_says_so(run):
    """
    Issue 3 (2): a question that failed is not "nothing"; and the session ends all the same.
    """

    async def broken(call: Any, *arguments: Any) -> Any:
        if stopping:
            raise ConnectionError
        return await call(*arguments)

    stopping: list[bool] = []

    async def talk(line: Line) -> None:
        stopping.append(True)
        *_, attested, _ = await line.ask("stop")

        assert (False, None, ["the venue did not say what is held"]) == (
            attested["attestation"]["given"],
            attested["attestation"]["positions_agree"],
            attested["attestation"]["problems"],
        )

    bench = run(talk, tamper={"positions": broken})

    assert "stopped" == bench.engine.session.state.lifecycle


def test_the_venue_is_asked_only_where_somebody_waits_for_the_answer(run):
    """
    Issue 2: a session that ends by itself writes the same records however it is driven.
    """

    async def talk(line: Line) -> None:
        holder[0].engine.stop("SIGTERM")
        await until(lambda: holder[0].engine.stopped)

    holder: list[Any] = []
    bench = run(talk, prepare=holder.append)

    assert 0 == bench.kinds().count("venue_attested")


def buys(bench: "Bench") -> None:
    for symbol in ("AAA", "BBB"):
        bench.engine.submit(bench.signal(symbol, quantity=10))


async def settled(bench: "Bench") -> None:
    state = bench.engine.session.state
    await until(lambda: bool(state.held()) and not state.orders)


@pytest.mark.parametrize("symbol", [None, "AAA"])
def test_a_flatten_closes_and_is_attested(run, symbol):
    """
    Issue 3 (2): of one instrument the others stay.
    """

    async def talk(line: Line) -> None:
        await settled(holder[0])
        accepted, *progress, attested, _ = await line.ask("flatten", symbol=symbol, reason="holiday")
        found = attested["attestation"]

        assert "reducing" == accepted["trading_state"]
        assert {answer["kind"] for answer in progress} <= {"progress"}
        assert (True, 0, []) == (found["given"], found["open_orders"], found["positions"])

    holder: list[Any] = []
    bench = run(talk, prepare=lambda bench: (holder.append(bench), buys(bench)))
    left = [slot.instrument.symbol for slot in bench.engine.session.state.held()]

    assert ([] if symbol is None else ["BBB"]) == left


def test_a_flatten_that_is_not_done_in_time_is_not_attested(run):
    """
    Exit code 6: what is still held is named.
    """

    async def held_back(call: Any, approval: Any) -> Any:
        return Ambiguous("timeout") if approval.draft.side == "sell" else await call(approval)

    async def unheard(call: Any, *arguments: Any) -> Any:
        raise ConnectionError

    async def talk(line: Line) -> None:
        await settled(holder[0])
        _, progress, attested, _ = await line.ask("flatten", seconds=0.1, symbol="AAA")
        found = attested["attestation"]

        assert {"kind": "progress", "session_id": "demo", "open_orders": 1, "positions": 2} == progress

        assert not found["given"]
        assert 1 == len(found["unresolved"])
        assert "10 AAA are still held" in found["problems"]

    holder: list[Any] = []
    run(
        talk,
        prepare=lambda bench: (holder.append(bench), buys(bench)),
        tamper={"submit": held_back, "find_order": unheard},
    )


def test_a_holding_that_differs_is_looked_at_again_and_then_named(run, monkeypatch):
    """
    REL-4: a fill may be on its way; nothing is traded to mend it.
    """
    monkeypatch.setattr("ltm.engine.control.look._SETTLE", 0.001)

    async def nothing(call: Any, *arguments: Any) -> Any:
        return ()

    async def talk(line: Line) -> None:
        await settled(holder[0])
        holder[0].door.tamper["positions"] = nothing
        holder[0].door.calls.clear()
        *_, attested, _ = await line.ask("stop")

        assert "the venue holds 0 AAA, our fills say 10" in attested["attestation"]["problems"]
        assert 3 == [name for name, _ in holder[0].door.calls].count("positions")

    holder: list[Any] = []
    run(talk, prepare=lambda bench: (holder.append(bench), buys(bench)))


# --- Kill -----------------------------------------------------------------------------------------


def test_a_kill_is_confirmed_by_the_venue(run):
    """
    C36: cancels, and asks whether it is so.
    """

    async def talk(line: Line) -> None:
        await asyncio.sleep(0.01)
        accepted, *_, attested, _ = await line.ask("kill", reason="enough")

        assert "killed" == accepted["trading_state"]
        assert (True, 0) == (attested["attestation"]["given"], attested["attestation"]["open_orders"])

    bench = run(talk, prepare=resting)

    assert ["canceled"] == [order.status for order in bench.orders()]


def test_a_kill_without_a_link_is_latched_and_not_confirmed(run):
    """
    F44: the operator is told at once.
    """

    async def unsent(call: Any, *arguments: Any) -> Any:
        return Ambiguous("no link")

    async def talk(line: Line) -> None:
        await asyncio.sleep(0.01)
        engine = holder[0].engine
        engine.post(LinkReport(up=False, at=engine.clock.now(), reason="unplugged"))
        accepted, *_, attested, _ = await line.ask("kill", seconds=3600)
        found = attested["attestation"]

        assert "killed" == accepted["trading_state"]
        assert (False, None) == (found["given"], found["open_orders"])
        assert "the link to the venue is down: cancels go first when it is back" == found["problems"][0]

    holder: list[Any] = []
    bench = run(talk, prepare=lambda bench: (holder.append(bench), resting(bench)), tamper={"cancel": unsent})

    assert "killed" == bench.engine.session.state.trading_state


def test_resuming_a_killed_session_takes_the_flag_away(run, folder):
    """
    RSK-12, O10: by name and with a reason; a refusal leaves the flag where it was.
    """
    flag = folder / "kill-demo"

    async def talk(line: Line) -> None:
        flag.write_text("panic\n", encoding="utf-8")
        await line.ask("kill")
        refused = await line.ask("resume", acknowledge=["kill"])

        assert "for a reason" in refused[0]["message"]
        assert "panic\n" == flag.read_text(encoding="utf-8")

        resumed = await line.ask("resume", acknowledge=["kill"], reason="a drill")

        assert ("active", False) == (resumed[0]["trading_state"], flag.exists())

    bench = run(talk)

    assert ("resume", "kill", "") == acted(bench)[-1]


def test_whoever_hangs_up_gets_no_answer_and_the_stop_stands(run):
    async def talk(line: Line) -> None:
        _, writer = await asyncio.open_unix_connection(line.folder / address.NAME)
        writer.write(b'{"version":1,"action":"stop"}\n')
        await writer.drain()
        writer.transport.abort()
        await until(lambda: holder[0].engine.stopped)

    holder: list[Any] = []
    bench = run(talk, prepare=lambda bench: (holder.append(bench), resting(bench)))

    assert [("stop", "", "")] == acted(bench)


# --- The socket's place ---------------------------------------------------------------------------


@pytest.fixture(params=[10, 200], ids=["short", "long"])
def place(tmp_path: Path, request: pytest.FixtureRequest) -> Path:
    path = tmp_path / ("d" * request.param)
    path.mkdir(mode=0o700)
    return path


def test_a_socket_is_found_however_long_its_directory_and_a_dead_one_is_replaced(place):
    """
    The system's limit is about a hundred bytes; a process that died leaves its socket behind.
    """
    address.listen(place).close()
    with pytest.raises(ConnectionRefusedError):
        address.connect(place, 1)
    with address.listen(place) as listener, address.connect(place, 1) as ours:
        theirs, _ = listener.accept()
        with theirs:
            ours.sendall(b"x")

            assert b"x" == theirs.recv(1)
    address.remove(place)
    address.remove(place)

    assert [] == list(place.iterdir())


def test_a_place_that_cannot_be_reached_is_an_error(tmp_path, monkeypatch):
    monkeypatch.setattr(address, "_DESCRIPTORS", tmp_path / "none")
    long = tmp_path / ("d" * 200)
    long.mkdir()
    for call in (address.listen, lambda path: address.connect(path, 1)):
        with pytest.raises(OSError, match="too long"):
            call(long)


def test_a_system_without_such_sockets_is_told_so(tmp_path, monkeypatch):
    monkeypatch.setattr(address, "is_possible", lambda: False)
    with pytest.raises(OSError, match="no Unix sockets"):
        address.listen(tmp_path)
    with pytest.raises(client.NobodyListens, match="no Unix sockets"):
        next(client.ask(tmp_path, wire.Pause()))


# --- The other end --------------------------------------------------------------------------------


@pytest.fixture
def answering(tmp_path: Path) -> Iterator[Callable[[bytes | None], Path]]:
    """
    Something that listens, and says what it is told to; None says nothing at all.
    """
    listeners: list[socket.socket] = []
    threads: list[threading.Thread] = []
    over = threading.Event()

    def serve(listener: socket.socket, answer: bytes | None) -> None:
        connection, _ = listener.accept()
        with connection:
            connection.recv(1000)
            if answer is None:
                over.wait(5)
            else:
                connection.sendall(answer)

    def listen(answer: bytes | None) -> Path:
        listeners.append(address.listen(tmp_path))
        threads.append(threading.Thread(target=serve, args=(listeners[-1], answer)))
        threads[-1].start()
        return tmp_path

    yield listen
    over.set()
    for thread in threads:
        thread.join(5)
    for listener in listeners:
        listener.close()


@pytest.mark.parametrize(
    ("answer", "error", "text", "code"),
    [
        (b"", client.NoAnswer, "it ended before; it may have done what was asked, or not", 6),
        (None, client.NoAnswer, "timed out; it may have done what was asked, or not", 6),
        (b"hello\n", client.NoAnswer, "in words that are not known here", 6),
        (wire.encode(wire.Refused(code="X", message="no")) + b"\n", InvalidTransition, "no", 2),
        (wire.encode(wire.Refused(code="X", message="no", exit_code=3)) + b"\n", JournalError, "no", 3),
        (wire.encode(wire.Refused(code="X", message="no", exit_code=1)) + b"\n", LtmError, "no", 1),
    ],
    ids=["ends", "hangs", "nonsense", "refuses", "cannot write", "otherwise"],
)
def test_a_process_that_does_not_answer_leaves_the_outcome_unknown(answering, answer, error, text, code):
    """
    F35: exit code 6, since nobody knows; a refusal is certain.
    """
    with pytest.raises(error, match=text) as raised:
        list(client.ask(answering(answer), wire.Pause(), patience=0.05))

    assert code == raised.value.exit_code


def test_a_reason_that_is_not_utf_8_stops_no_kill(answering):
    """
    C36: what a terminal typed in another encoding is sent all the same, and can be read.
    """
    request = wire.Kill(session="demo", reason="f\udcfcr", tty="pts/\udcff")
    folder = answering(wire.encode(wire.Done()) + b"\n")

    assert [] == list(client.ask(folder, request))
    read = wire.decode_ask(wire.encode_ask(request))
    assert ("f?r", "pts/?", "demo") == (read.reason, read.tty, read.session)


def test_answers_come_one_by_one_until_the_last(answering):
    said = wire.Progress(session_id="demo", open_orders=1, positions=0)
    folder = answering(wire.encode(said) + b"\n" + wire.encode(wire.Done()) + b"\n")
    for request in (wire.Stop(),):
        assert [said] == list(client.ask(folder, request))


def test_where_nobody_runs_nobody_listens(tmp_path):
    with pytest.raises(client.NobodyListens, match="no process runs in"):
        next(client.ask(tmp_path, wire.Pause()))
    assert issubclass(client.NobodyListens, InvalidTransition)
    assert 2 == SessionNotFound.exit_code
