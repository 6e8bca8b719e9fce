"""
The sink `apprise`, against receivers on loopback: an HTTP server, a mail server, and servers that misbehave.
"""

import json
import logging
import os
import socket
import socketserver
import subprocess
import sys
import threading
import time
import traceback
from contextlib import contextmanager
from datetime import UTC, datetime
from decimal import Decimal
from email import message_from_bytes
from email.header import decode_header, make_header
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from ltm.config import check_config, read_config
from ltm.engine.alerts import Policy, Route, ThreadedDispatcher
from ltm.engine.clock import SystemClock
from ltm.model.enums import Severity
from ltm.model.errors import ConfigError
from ltm.model.redaction import KNOWN, redact
from ltm.model.results import Alert
from ltm.model.secret import Secret
from ltm.registry import Registry
from ltm_alert_apprise import hooks, service
from ltm_alert_apprise.config import AppriseConfig
from ltm_alert_apprise.quiet import quietly

CANARY = "canary-3fd81c77"
TOKEN = "123456789:abcdefghijklmnopqrstuvwxyz"


@pytest.fixture(autouse=True)
def _forget():
    yield
    KNOWN.forget()


def sink(url, **more):
    return hooks._sink(AppriseConfig(url=Secret(url), **{"own_host": True, **more}))


def alert(
    message="equity 1 is at or below 2", severity=Severity.CRITICAL, code="drawdown", alert_id="demo-7"
):
    return Alert(
        alert_id=alert_id,
        session_id="demo",
        severity=severity,
        code=code,
        message=message,
        raised_at=datetime(2026, 1, 5, 9, 31, tzinfo=UTC),
    )


@contextmanager
def serving(server):
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@pytest.fixture
def web():
    """
    A receiver of JSON that answers with what `answers` says, then with 200.
    """

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"]))
            server.seen.append((self.path, self.headers.get("Authorization"), json.loads(body)))
            server.came.set()
            status = server.answers.pop(0) if server.answers else 200
            self.send_response(status)
            if status == 302:
                self.send_header("Location", f"http://127.0.0.1:{server.server_port}/elsewhere")
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *arguments):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.seen, server.answers, server.came = [], [], threading.Event()
    server.url = f"json://user:{CANARY}@127.0.0.1:{server.server_port}/hooks/desk"
    with serving(server):
        yield server


@pytest.fixture
def mail():
    """
    A mail server that keeps what it is given.
    """

    class Handler(socketserver.StreamRequestHandler):
        def handle(self):
            self.say("220 here")
            while line := self.rfile.readline().strip():
                verb = line[:4].upper()
                if verb == b"DATA":
                    self.say("354 go on")
                    lines = []
                    while (line := self.rfile.readline()) != b".\r\n":
                        lines.append(line)
                    server.seen.append(message_from_bytes(b"".join(lines)))
                    self.say(server.answer)
                else:
                    self.say("221 bye" if verb == b"QUIT" else "250 fine")

        def say(self, text):
            self.wfile.write(f"{text}\r\n".encode())

    server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    server.seen, server.answer = [], "250 taken"
    server.url = (
        f"mailto://127.0.0.1:{server.server_address[1]}?from=ltm@example.com&to=desk@example.com&format=html"
    )
    with serving(server):
        yield server


# --- What arrives ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("severity", "kind"),
    [(Severity.INFO, "info"), (Severity.WARNING, "warning"), (Severity.CRITICAL, "failure")],
)
def test_a_web_hook_gets_title_text_and_severity(web, severity, kind):
    sink(web.url).deliver(alert(severity=severity))
    [(path, authorization, body)] = web.seen

    assert "/hooks/desk" == path
    assert authorization.startswith("Basic ")
    assert (f"{severity.upper()} demo: drawdown", kind) == (body["title"], body["type"])
    assert "equity 1 is at or below 2\n2026-01-05 09:31:00 UTC, demo-7" == body["message"]


def test_mail_gets_one_line_of_subject_and_a_text_without_markup(mail):
    """
    SEC-34: what an alert quotes from outside neither adds a header nor becomes HTML.
    """
    sink(mail.url).deliver(
        alert('<img src="x"> down\r\nBcc: all@example.com', code="a\r\nBcc: evil@example.com")
    )
    [message] = mail.seen
    subject = str(make_header(decode_header(message["Subject"])))
    body = "".join(
        part.get_payload(decode=True).decode()
        for part in message.walk()
        if part.get_content_type() == "text/html"
    )

    assert "CRITICAL demo: a\\r\\nBcc: evil@example.com" == subject.replace("\r\n ", "").replace("\n ", "")
    assert message["Bcc"] is None
    assert "&lt;img" in body
    assert "<img" not in body


def test_the_sink_is_called_what_its_table_says(web):
    """
    `ltm alerts` tells two services apart by it.
    """
    assert ["apprise", "phone"] == [sink(web.url).name, sink(web.url, name="phone").name]


# --- What does not --------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [302, 400, 404, 500])
def test_a_service_that_refuses_has_not_taken_the_alert(web, status):
    """
    SEC-27: a redirect is not followed either.
    """
    web.answers = [status]
    receiver = sink(web.url)

    with pytest.raises(OSError, match=str(status)):
        receiver.deliver(alert())
    receiver.deliver(alert())

    assert ["/hooks/desk"] * 2 == [path for path, _, _ in web.seen]


def test_a_mail_server_that_refuses_has_not_taken_the_alert(mail):
    mail.answer = "554 no"

    with pytest.raises(OSError, match=r".+"):
        sink(mail.url).deliver(alert())


def test_what_nobody_answers_at_is_no_delivery(web):
    url = web.url.replace(str(web.server_port), str(free_port()))

    with pytest.raises(OSError, match="Connection error"):
        sink(url).deliver(alert())


def free_port():
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        return bound.getsockname()[1]


@pytest.fixture
def silent():
    """
    A server that takes connections and says nothing.
    """
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"json://127.0.0.1:{server.getsockname()[1]}/?rto=60&cto=60"


def test_a_service_that_says_nothing_is_left_in_time(silent):
    """
    Whatever patience the address itself asks for.
    """
    began = time.monotonic()

    with pytest.raises(TimeoutError, match=r"no answer within 0\.05 s"):
        sink(silent, timeout=Decimal("0.05")).deliver(alert())

    assert time.monotonic() - began < 5


def test_deliveries_that_hang_do_not_pile_up(silent):
    """
    Each keeps a thread: two hang and a third is begun, three hang and no fourth is.
    """
    receiver = sink(silent, timeout=Decimal("0.05"))
    for _ in range(3):
        with pytest.raises(TimeoutError, match="no answer"):
            receiver.deliver(alert())

    with pytest.raises(TimeoutError, match="3 deliveries hang"):
        receiver.deliver(alert())


def test_a_delivery_that_ended_late_makes_room_again(web):
    receiver = sink(web.url, timeout=Decimal(20))
    ended = threading.Thread(target=lambda: None)
    ended.start()
    ended.join()
    receiver._late = [ended] * 3
    receiver.deliver(alert())

    assert 1 == len(web.seen)


@pytest.mark.parametrize(("said", "told"), [("boom", "boom"), ("", "RuntimeError")])
def test_whatever_apprise_raises_is_a_failed_delivery(web, monkeypatch, said, told):
    receiver = sink(web.url)

    def fail(*_):
        raise RuntimeError(said)

    monkeypatch.setattr(service.Service, "notify", fail)
    with pytest.raises(OSError, match=f"^{told}$") as caught:
        receiver.deliver(alert())

    assert caught.value.__context__ is None


def test_a_service_that_fails_without_a_word_is_told_so(web, monkeypatch):
    receiver = sink(web.url)
    monkeypatch.setattr(service.Apprise, "notify", lambda *_, **__: False)

    with pytest.raises(OSError, match="does not say why"):
        receiver.deliver(alert())


# --- With the outbox ------------------------------------------------------------------------------


def test_the_outbox_tries_again_and_notes_the_delivery(web):
    """
    REL: apprise does not queue or retry, the outbox does; the one that is silent holds up nobody.
    """
    web.answers = [500, 503]
    with socket.create_server(("127.0.0.1", 0)) as server:
        silent = f"json://127.0.0.1:{server.getsockname()[1]}/"
        told, taken, troubles = [], threading.Event(), []

        def delivered(alert_id, name):
            told.append((alert_id, name))
            taken.set()

        dispatcher = ThreadedDispatcher(
            [
                Route(sink=sink(silent, name="silent")),
                Route(sink=sink(web.url, name="desk"), minimum=Severity.WARNING),
            ],
            clock=SystemClock(),
            on_delivered=delivered,
            on_trouble=lambda name, problem: troubles.append((name, problem)),
            policy=Policy(back_off=0.001),
        )
        dispatcher.deliver(alert("news", severity=Severity.INFO, alert_id="demo-6"))
        began = time.monotonic()
        dispatcher.deliver(alert())
        assert time.monotonic() - began < 1
        assert taken.wait(30)
        waiting = dispatcher.pending()
        dispatcher.close(0)

    assert [("demo-7", "desk")] == told
    assert 3 == len(web.seen)
    assert {"CRITICAL demo: drawdown"} == {body["title"] for _, _, body in web.seen}
    assert {"demo-6", "demo-7"} == {one.alert_id for one in waiting}
    assert ["desk", "desk"] == [name for name, _ in troubles if name == "desk"]


# --- What is refused ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("whatever", r"got \*\*\*, whose beginning names no service"),
        ("nosuch://host", r"got \*\*\*, whose beginning names no service"),
        ("not-one://host", r"got \*\*\*, whose beginning names no service"),
        (f"tgram://{CANARY}", r"got tgram://\*\*\*, which tgram does not understand"),
        ("jsons://example.com jsons://example.org", "must be one address"),
        ("json://203.0.113.7/x", "must use TLS"),
        ("mailto://user:password1@mail.example.org", "must use TLS"),
        ("rsyslog://example.com", "must use TLS"),
        ("psafer://aaaabbbbccccdddd", "must use TLS"),
        ("jsons://127.0.0.1/x", "must not lead into a private network"),
        ("jsons://localhost/x", "must not lead into a private network"),
        ("jsons://10.1.2.3/x", "must not lead into a private network"),
        ("jsons://169.254.169.254/latest", "must not lead into a private network"),
        ("jsons://example.com/x?verify=no", "must let certificates be verified"),
        ("jsons://example.com/x?redirect=yes", "must not follow redirects"),
    ],
)
def test_an_address_is_refused_at_the_start(url, told):
    """
    SEC-27, and without a word of the address itself.
    """
    with pytest.raises(ConfigError, match=told) as caught:
        sink(url, own_host=False)

    assert ("LTM-CFG-037", "url") == (caught.value.code, caught.value.field)
    assert caught.value.hint
    assert CANARY not in str(caught.value)


@pytest.mark.parametrize("setting", ["verify=no", "redirect=yes"])
def test_a_host_of_ones_own_is_no_excuse_for_everything(setting):
    with pytest.raises(ConfigError, match=r"verified|redirects"):
        sink(f"jsons://127.0.0.1/?{setting}")


@pytest.mark.parametrize(
    "url",
    [
        f"tgram://{TOKEN}/99999",
        "slack://T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7FQ",
        "discord://4174216298/JHMHI8qBe7bk2ZwO5U711o3dV_js",
        "ntfy://my-topic",
        "wecombot://botkeysecret1234",
        "dingtalk://abcdefghijklmnop12345",
        "feishu://tokentokentoken1",
        "mailto://user:password1@gmail.com",
        "mailtos://user:password1@mail.example.org",
        "jsons://hooks.example.com/x",
        "syslog://",
    ],
)
def test_an_address_is_taken(url):
    assert "apprise" == sink(url, own_host=False).name


@pytest.mark.parametrize(
    ("found", "refused"),
    [("10.0.0.8", True), ("::ffff:192.168.1.1", True), ("8.8.8.8", False), (None, False)],
    ids=["private", "private, mapped", "public", "not found"],
)
def test_what_a_name_stands_for_is_looked_at_before_each_delivery(monkeypatch, found, refused):
    """
    SEC-27: a name may lead elsewhere tomorrow.
    """

    def lookup(host, port, **_):
        if found is None:
            raise socket.gaierror
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (found, 0))]

    receiver = sink("jsons://hooks.example.com/x", own_host=False)
    sent = []
    monkeypatch.setattr(socket, "getaddrinfo", lookup)
    monkeypatch.setattr(service.Apprise, "notify", lambda *_, **more: sent.append(more["title"]) or True)
    if refused:
        with pytest.raises(OSError, match=r"hooks\.example\.com is in a private network now"):
            receiver.deliver(alert())
    else:
        receiver.deliver(alert())

    assert ([] if refused else ["CRITICAL demo: drawdown"]) == sent


@pytest.mark.parametrize("name", ["Phone", "", "7a", "a b", "x" * 33])
def test_a_name_that_would_not_fit_a_table_is_refused(name):
    with pytest.raises(ConfigError, match="name must be"):
        AppriseConfig(url=Secret("jsons://example.com"), name=name)


@pytest.mark.parametrize(
    ("timeout", "fine"),
    [("0", False), ("0.1", True), ("119", True), ("120", True), ("120.1", False), ("NaN", False)],
)
def test_the_time_of_a_delivery_has_bounds(timeout, fine):
    def made():
        return AppriseConfig(url=Secret("jsons://example.com"), timeout=Decimal(timeout))

    if fine:
        assert Decimal(timeout) == made().timeout
    else:
        with pytest.raises(ConfigError, match="timeout must be"):
            made()


# --- Secrets --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("url", "part"),
    [
        (f"tgram://{TOKEN}/99999", TOKEN.partition(":")[2]),
        ("slack://T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7FQ", "TIiajkdnlazkcOXrIdevi7FQ"),
        ("discord://4174216298/JHMHI8qBe7bk2ZwO5U711o3dV_js", "JHMHI8qBe7bk2ZwO5U711o3dV_js"),
        ("wecombot://botkeysecret1234", "botkeysecret1234"),
        ("mailtos://user:pass%2Fword9@mail.example.org", "pass/word9"),
        ("jsons://example.com/hooks/kD83jfLs02mfKq81x", "kD83jfLs02mfKq81x"),
    ],
)
def test_the_parts_of_an_address_are_kept_out_of_texts_too(url, part):
    """
    SEC-04: services and clients quote tokens and passwords without the address around them.
    """
    sink(url, own_host=False)

    assert part not in redact(f"POST /bot{part}/sendMessage failed")
    assert "mail.example.org hooks gmail.com" == redact("mail.example.org hooks gmail.com")


def test_nothing_of_a_delivery_is_logged(web, caplog):
    """
    SEC-05: at the lowest level, of apprise and of its HTTP client.
    """
    caplog.set_level(1)
    receiver = sink(web.url)
    web.answers = [500]
    with pytest.raises(OSError, match="500") as caught:
        receiver.deliver(alert())
    receiver.deliver(alert())
    lines = "".join(traceback.format_exception(caught.value))
    shown = f"{receiver!r} {receiver._service!r} {AppriseConfig(url=Secret(web.url))!r} {lines}"

    assert CANARY not in caplog.text + shown
    assert not any(
        record.name.startswith(("apprise", "urllib3")) and "POST" in record.getMessage()
        for record in caplog.records
    )


def test_others_in_the_process_may_still_log_what_they_do_with_apprise(caplog):
    caplog.set_level(logging.INFO, "apprise")
    with quietly() as heard:
        logging.getLogger("apprise").info("ours, and only news")
        logging.getLogger("apprise").warning("ours\nwith a secret")
    logging.getLogger("apprise").warning("theirs")

    assert ["theirs"] == [record.getMessage() for record in caplog.records if record.name == "apprise"]
    assert ["ours\\nwith a secret"] == heard


CONFIG = """
[session]
id = "told"
model_id = "m"
initial_capital = 100_000
max_position_size = 0.5

[broker]
plugin = "mock"
steps = 60

[risk]
required = ["position_size", "drawdown"]
[risk.drawdown]
max_drawdown = 0.0001

[[signals]]
plugin = "file"
path = "signals.jsonl"

[[alerts]]
plugin = "apprise"
name = "desk"
url = {url}
own_host = true
minimum = "warning"
"""
SIGNAL = {
    "stock_code": "ACME",
    "action": "buy",
    "score": 1,
    "confidence": 0.9,
    "timestamp": "2026-01-05T14:35:00Z",
}


@pytest.fixture
def config(tmp_path):
    def write(url='{ env = "ALERT_DESK" }'):
        path = tmp_path / "told.toml"
        path.write_text(CONFIG.format(url=url), encoding="utf-8")
        path.chmod(0o600)
        (tmp_path / "signals.jsonl").write_text(json.dumps(SIGNAL) + "\n", encoding="utf-8")
        return path

    return write


def test_a_run_delivers_and_writes_its_address_nowhere(web, config, tmp_path):
    """
    SEC-05: the whole program, its streams and every file it leaves.
    """
    state = tmp_path / "state"
    kept = {name: value for name, value in os.environ.items() if not name.startswith("LTM_")}
    done = subprocess.run(
        [sys.executable, "-m", "ltm", "--state-dir", str(state), "run", "--quiet", str(config())],
        env={**kept, "ALERT_DESK": web.url},
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    listed = subprocess.run(
        [sys.executable, "-m", "ltm", "--state-dir", str(state), "alerts", "--json"],
        env=kept,
        capture_output=True,
        text=True,
        timeout=100,
        check=True,
    )

    assert 0 == done.returncode, done.stderr
    assert "CRITICAL told: drawdown" in {body["title"] for _, _, body in web.seen}
    assert "desk" in listed.stdout
    written = [path.read_bytes() for path in state.rglob("*") if path.is_file() and not path.is_socket()]
    everything = b"".join([done.stdout.encode(), done.stderr.encode(), listed.stdout.encode(), *written])
    assert b"drawdown" in everything
    assert CANARY.encode() not in everything


@pytest.mark.parametrize(("live", "code"), [(False, None), (True, "LTM-CFG-024")])
def test_an_address_in_the_file_itself_is_refused_for_real_money_and_told_otherwise(config, live, code):
    """
    SEC-01: the mock broker has no secrets, but a message service is as real as ever.
    """
    path = config(f'"json://user:{CANARY}@127.0.0.1/x"')
    if live:
        text = path.read_text(encoding="utf-8")
        path.write_text(text.replace('model_id = "m"', 'model_id = "m"\nlive = true'), encoding="utf-8")
    document = read_config(path, {})

    if code is None:
        notices = check_config(document, Registry.discover(), {}).notices
        assert any(notice.startswith("alerts[0].url is written into told.toml") for notice in notices)
    else:
        with pytest.raises(ConfigError) as caught:
            check_config(document, Registry.discover(), {})
        assert "alerts[0].url must not be written into the file of a live session" in str(caught.value)
        assert CANARY not in str(caught.value)
