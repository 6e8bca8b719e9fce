"""
Canaries in the Python API: credentials, failing adapters, and everything that a manager writes or raises (SEC-05).
"""

import base64
import logging
import traceback
from urllib.parse import quote

import pytest

from ltm import LoggerSystem, LtmError
from ltm.model.secret import Secret

CANARY = 'Kan/ari+e "ü%s=& 9d'


def traces():
    data = CANARY.encode()
    inside = [base64.b64encode(b"x" * before + data).decode()[4:-4] for before in (1, 2, 3)]
    return [CANARY, repr(CANARY)[1:-1], quote(CANARY, safe=""), data.hex(), *inside, CANARY[:9]]


def blabber():
    data = CANARY.encode()
    return (
        f"https://u:{quote(CANARY, safe='')}@x/?k={data.hex()} {CANARY} {CANARY!r}"
        f" {base64.b64encode(b'me:' + data).decode()}"
    )


async def tells(_, *__):
    raise RuntimeError(blabber())


class Refusing:
    """
    Answers once, then tells.
    """

    def __init__(self):
        self.asked = 0

    async def __call__(self, call, *arguments):
        self.asked += 1
        if self.asked > 1:
            raise RuntimeError(blabber())
        return await call(*arguments)


@pytest.fixture
def written(tmp_path):
    """
    Everything that lies in the test's folder at the end.
    """
    return lambda: [(path.name, path.read_bytes()) for path in sorted(tmp_path.rglob("*")) if path.is_file()]


def found(streams):
    return [
        (name, trace)
        for name, data in streams
        for trace in traces()
        if trace.encode() in (data if isinstance(data, bytes) else data.encode())
    ]


def test_no_secret_is_in_anything_that_a_manager_writes_or_says(make_desk, tmp_path, written, caplog, capsys):
    """
    SEC-05, SEC-03, SEC-04: credentials of the product document's kind, an adapter that quotes them everywhere.
    """
    caplog.set_level(logging.DEBUG)
    desk = make_desk(
        tamper={"submit": tells, "cancel": tells, "positions": Refusing(), "fills": Refusing()},
        logger=LoggerSystem(),
    )
    logger = desk.manager._manager._logger
    logger.setup(tmp_path / "logs", "DEBUG")
    config = desk.config(credentials={"api_key": CANARY, "account": "your_account"})
    session = desk.manager.start_live_trading("m1", 100_000, config).session_id
    result = desk.trade(session, quantity=1)
    logger.info("mine", api_key=CANARY, note=f"with {CANARY}")
    logging.getLogger("somebody.elses").warning("with %s", CANARY)
    said = [
        ("result", repr(result)),
        ("config", repr(config) + str(config)),
        ("status", repr(desk.manager.get_trading_status(session))),
        ("alerts", repr(desk.manager.check_risk_alerts(session))),
    ]
    desk.clock.step = 20  # time flies: nobody waits for what never comes
    desk.manager.stop_trading(session)
    logger.close()
    out, err = capsys.readouterr()
    said += [("log", caplog.text), ("out", out), ("err", err), *written()]

    assert "unknown" == result.status
    assert [] == found(said)
    assert "***" in caplog.text


def test_no_secret_is_in_what_a_failed_start_raises(make_desk):
    """
    SEC-05, SEC-35: the error's text; its cause is the adapter's own exception, and is told only where somebody asks.
    """
    desk = make_desk(tamper={"connect": tells})
    config = desk.config(credentials={"api_key": CANARY})
    with pytest.raises(LtmError) as caught:
        desk.manager.start_live_trading("m1", 100_000, config)
    error = caught.value

    assert [] == found([("str", str(error)), ("repr", repr(error)), ("render", error.render())])
    assert [] == found([("traceback", "".join(traceback.format_exception_only(error)))])


def test_the_callers_own_mapping_is_not_kept(desk):
    """
    SEC-03: what the caller does with it later changes nothing here.
    """
    mine = {"api_key": CANARY}
    config = desk.config(credentials=mine)
    mine["api_key"] = "other"

    assert Secret(CANARY) == config.credentials["api_key"]
    assert config.credentials is not mine
