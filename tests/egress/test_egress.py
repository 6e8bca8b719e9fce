"""
Logs, tracebacks, warnings and dumps of a process that holds secrets (SEC-04, SEC-07).
"""

import json
import logging
import subprocess
import sys

import pytest

from ltm.app import forget_environment, guard_logs, traceback_of
from ltm.app.egress import RedactingFactory
from ltm.cli.logs import JsonFormatter
from ltm.model.secret import Secret

CANARY = "canary-7f3a"


@pytest.fixture
def records():
    """
    What a host application's own handler gets, with its own formatter.
    """
    before = logging.getLogRecordFactory()
    guard_logs()
    seen = []

    class Host(logging.Handler):
        def emit(self, record):
            seen.append(self.format(record))

    handler = Host()
    handler.setFormatter(logging.Formatter("%(name)s %(message)s"))
    # To each by itself: whoever ran the command line before us may have cut "ltm" off from the root.
    loggers = [logging.getLogger(name) for name in ("ltm.egress.test", "somebody.elses")]
    for logger in loggers:
        logger.addHandler(handler)
    yield seen
    for logger in loggers:
        logger.removeHandler(handler)
    logging.setLogRecordFactory(before)


@pytest.mark.parametrize("name", ["ltm.egress.test", "somebody.elses"])
def test_a_log_record_of_anybody_holds_no_secret(name, records):
    Secret(CANARY)
    log = logging.getLogger(name)
    log.warning("with %s and %r", CANARY, {"x": CANARY})
    try:
        raise RuntimeError(CANARY)
    except RuntimeError:
        log.exception("failed")

    assert f"{name} with *** and {{'x': '***'}}" == records[0]
    assert CANARY not in records[1]
    assert "RuntimeError: ***" in records[1]


def test_other_peoples_records_are_left_alone_while_there_are_no_secrets(records):
    """
    SEC-04: names tell only in our own records.
    """
    logging.getLogger("somebody.elses").warning("token=%s", 5)
    logging.getLogger("ltm.egress.test").warning("token=%s", 5)

    assert ["somebody.elses token=5", "ltm.egress.test token=***"] == records


def test_a_call_whose_arguments_do_not_fit_is_left_to_logging():
    """
    SEC-04: the filter itself never raises; logging tells of the mistake when it formats.
    """
    Secret(CANARY)
    factory = RedactingFactory(logging.LogRecord)
    record = factory("ltm", logging.INFO, "f", 1, "%s %s", (1,), None)

    assert ("%s %s", (1,)) == (record.msg, record.args)


def test_the_filter_is_there_once():
    before = logging.getLogRecordFactory()
    try:
        guard_logs()
        first = logging.getLogRecordFactory()
        guard_logs()

        assert first is logging.getLogRecordFactory()
    finally:
        logging.setLogRecordFactory(before)


def test_fields_of_a_log_line_are_cleaned_by_name(records):
    record = logging.getLogger("ltm.egress.test").makeRecord("ltm", 20, "f", 1, "m", (), None)
    record.fields = {"api_key": "abc", "signal_key": "def"}
    line = json.loads(JsonFormatter().format(record))

    assert ("***", "def") == (line["api_key"], line["signal_key"])


def test_variables_with_secrets_are_taken_out_of_the_environment():
    """
    SEC-07: child processes of plugins inherit the rest.
    """
    Secret(CANARY)
    environ = {"A": CANARY, "URL": f"https://x?{CANARY}", "PATH": "/bin"}
    forget_environment(environ)

    assert {"PATH": "/bin"} == environ


def test_a_traceback_has_no_secret():
    Secret(CANARY)

    assert "ValueError: ***" in traceback_of(ValueError(CANARY))


GUARDED = """
import gc, os, resource, sys, threading, warnings
from ltm.app import guard_process
from ltm.model.secret import Secret
guard_process()
Secret("canary-7f3a")
print(resource.getrlimit(resource.RLIMIT_CORE)[0], oct(os.umask(0)), flush=True)
with open("/proc/self/status") as status:
    pass
thread = threading.Thread(target=lambda: 1 / len(["canary-7f3a"][1:]) and "canary-7f3a")
thread.start(); thread.join()
def die(): raise RuntimeError("thread canary-7f3a")
thread = threading.Thread(target=die); thread.start(); thread.join()
class Broken:
    def __del__(self): raise RuntimeError("del canary-7f3a")
Broken(); gc.collect()
warnings.warn("warned canary-7f3a")
raise RuntimeError("main canary-7f3a")
"""


def test_a_guarded_process_tells_no_secret_and_leaves_no_dump(tmp_path):
    """
    SEC-07, SEC-04, SEC-02: no core file, new files are private, and every hook of last resort is clean.
    """
    script = tmp_path / "guarded.py"
    script.write_text(GUARDED, encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-P", str(script)], capture_output=True, text=True, check=False, timeout=30
    )

    assert "0 0o77\n" == done.stdout
    for told in ("RuntimeError: thread ***", "RuntimeError: del ***", "warned ***", "RuntimeError: main ***"):
        assert told in done.stderr
    # Source lines are the program's own text; here they hold the canary, so only messages are looked at.
    said = [line for line in done.stderr.splitlines() if not line.startswith("    ")]
    assert not [line for line in said if CANARY in line]


@pytest.mark.skipif(sys.platform != "linux", reason="prctl is Linux's")
def test_nobody_else_of_the_user_reads_the_memory():
    """
    SEC-07: the process is not dumpable.
    """
    script = (
        "import ctypes; from ltm.app import guard_process; libc = ctypes.CDLL(None);"
        "before = libc.prctl(3, 0, 0, 0, 0); guard_process(); print(before, libc.prctl(3, 0, 0, 0, 0))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=30
    )

    assert "1 0" == done.stdout.strip()
