"""
The `file` signal source: each signal at its time, each bad line one error, and nothing stops the rest.
"""

import json
import os
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from ltm.builtins import hooks
from ltm.builtins.config import FileSourceConfig
from ltm.builtins.lines import LONGEST_LINE
from ltm.builtins.sources import FileSource
from ltm.model.enums import Action
from ltm.model.errors import ConfigError, SignalError
from ltm.model.market import Quote
from ltm.model.signal import Signal

GOOD = {
    "stock_code": "600519",
    "action": "buy",
    "score": 0.85,
    "confidence": 0.9,
    "timestamp": "2026-01-05T09:31:00+08:00",
}
AT = datetime(2026, 1, 5, 1, 31, tzinfo=UTC)
LATER = datetime(2027, 1, 1, tzinfo=UTC)


def text_of(**changes):
    return json.dumps({**GOOD, **changes})


def source(tmp_path, data, name="signals.jsonl"):
    path = tmp_path / name
    path.write_bytes(data if isinstance(data, bytes) else data.encode())
    opened = FileSource(FileSourceConfig(path=path))
    opened.open(lambda: None)
    return opened


def everything(source):
    try:
        return list(source.poll(LATER))
    finally:
        assert source.exhausted
        source.close()


def test_the_source_is_offered_under_its_name(tmp_path):
    """
    What the hook offers is what a configuration names.
    """
    offers = {}
    hooks.ltm_register_signal_sources(lambda name, **offer: offers.update({name: offer}))
    offer = offers["file"]
    made = offer["factory"](offer["config"](path=tmp_path / "signals.jsonl"))

    assert {"file", "stdin", "python"} == set(offers)
    assert "file" == made.name
    assert () == made.on_quote(Quote("AAPL", AT))
    made.close()


def test_a_signal_is_released_at_its_time(tmp_path):
    """
    Not a moment earlier, and once.
    """
    second = text_of(timestamp="2026-01-05T09:32:00+08:00", action="sell")
    opened = source(tmp_path, f"{text_of()}\n{second}\n")

    assert [] == list(opened.poll(AT - timedelta(microseconds=1)))
    assert [Signal(**GOOD)] == list(opened.poll(AT))
    assert [] == list(opened.poll(AT))
    assert not opened.exhausted
    assert [Action.SELL] == [signal.action for signal in opened.poll(AT + timedelta(minutes=1))]
    assert opened.exhausted
    opened.close()


def test_the_order_of_the_file_is_kept(tmp_path):
    """
    A time that goes back is due at once; one that is not due yet holds up what follows.
    """
    times = ["09:33", "09:31", "09:34", "09:30"]
    lines = [text_of(timestamp=f"2026-01-05T{time}:00+08:00") for time in times]
    opened = source(tmp_path, "\n".join(lines))

    assert [] == list(opened.poll(AT))
    assert ["09:33", "09:31"] == [s.timestamp[11:16] for s in opened.poll(AT + timedelta(minutes=2))]
    assert ["09:34", "09:30"] == [s.timestamp[11:16] for s in opened.poll(AT + timedelta(minutes=3))]
    opened.close()


def test_a_poll_that_is_left_half_way_loses_nothing(tmp_path):
    """
    Signals are read as they are taken.
    """
    opened = source(tmp_path, "\n".join(text_of(intent=number) for number in range(3)))
    first = next(iter(opened.poll(LATER)))

    assert [0, 1, 2] == [signal.intent for signal in [first, *opened.poll(LATER)]]
    opened.close()


@pytest.mark.parametrize(
    "data",
    [
        text_of(),
        text_of() + "\n",
        "\n \n" + text_of() + "\r\n\r\n",
        b"\xef\xbb\xbf" + text_of().encode(),
    ],
    ids=["no newline at the end", "newline", "blank lines and CRLF", "byte order mark"],
)
def test_a_file_of_one_signal(tmp_path, data):
    """
    BAD-001: what editors add is no error.
    """
    assert [Signal(**GOOD)] == everything(source(tmp_path, data))


@pytest.mark.parametrize("data", ["", "\n", b"\xef\xbb\xbf"], ids=["empty", "blank", "byte order mark"])
def test_a_file_without_signals_is_exhausted_at_once(tmp_path, data):
    """
    Nothing is there, and nothing will come.
    """
    opened = source(tmp_path, data)

    assert opened.exhausted
    assert [] == everything(opened)


BAD = [
    pytest.param(text_of(action="BUY "), 51, id="BAD-051 blank"),
    pytest.param(text_of(action="long"), 51, id="BAD-051 word"),
    pytest.param(text_of(action=""), 51, id="BAD-051 empty"),
    pytest.param(text_of(action=None), 51, id="BAD-051 null"),
    pytest.param(text_of(action=1), 51, id="BAD-051 number"),
    pytest.param(text_of(action="\uff22\uff35\uff39"), 51, id="BAD-051 full width"),
    pytest.param(text_of(stock_code=""), 53, id="BAD-053 empty"),
    pytest.param(text_of(stock_code=None), 53, id="BAD-053 null"),
    pytest.param(text_of(stock_code=600519), 53, id="BAD-053 number"),
    pytest.param(text_of(stock_code="A" * 70), 54, id="BAD-053 long"),
    pytest.param(text_of(stock_code=" 600519"), 54, id="BAD-053 blank"),
    pytest.param(text_of(stock_code="../../etc"), 54, id="BAD-054 path"),
    pytest.param(text_of(stock_code="'; DROP TABLE orders;--"), 54, id="BAD-054 SQL"),
    pytest.param(text_of(stock_code="AAPL\nINFO fake"), 54, id="BAD-054 newline"),
    pytest.param(text_of(stock_code="AAPL\x1b[2J"), 54, id="BAD-054 escape"),
    pytest.param(text_of(stock_code="\U0001f680"), 54, id="BAD-054 emoji"),
    pytest.param(text_of(stock_code="\u202eLPAA"), 54, id="BAD-054 bidi"),
    pytest.param(text_of(stock_code="A\0"), 54, id="BAD-054 NUL"),
    pytest.param(text_of(confidence=1.7), 58, id="BAD-058 above"),
    pytest.param(text_of(confidence=-0.1), 58, id="BAD-058 below"),
    pytest.param(text_of(confidence=float("nan")), 58, id="BAD-058 NaN"),
    pytest.param(text_of(confidence="0.9"), 58, id="BAD-058 text"),
    pytest.param(text_of(confidence=None), 58, id="BAD-058 null"),
    pytest.param(text_of(confidence=True), 58, id="BAD-058 true"),
    pytest.param(text_of(confidence=90), 58, id="BAD-058 percentage"),
    pytest.param(text_of(score=float("inf")), 59, id="BAD-059 infinite"),
    pytest.param(text_of(score=float("-inf")), 59, id="BAD-059 minus infinite"),
    pytest.param(text_of(score="high"), 59, id="BAD-059 text"),
    pytest.param(text_of().replace("0.85", "1e999"), 59, id="BAD-078 overflow"),
    pytest.param(text_of().replace("0.85", "1.0e99999"), 59, id="BAD-078 more overflow"),
    pytest.param(text_of(timestamp=""), 60, id="BAD-060 empty"),
    pytest.param(text_of(timestamp="yesterday"), 60, id="BAD-060 word"),
    pytest.param(text_of(timestamp=1735689600), 60, id="BAD-060 epoch"),
    pytest.param(text_of(timestamp="1735689600"), 60, id="BAD-060 epoch text"),
    pytest.param(text_of(timestamp="2026-13-01T09:31:00Z"), 60, id="BAD-060 month"),
    pytest.param(text_of(timestamp="2026-02-30T09:31:00Z"), 60, id="BAD-060 day"),
    pytest.param(text_of(timestamp="2026-01-05T24:00:00Z"), 60, id="BAD-060 hour"),
    pytest.param(text_of(timestamp="2026-01-05T09:31:60Z"), 60, id="BAD-060 second"),
    pytest.param(text_of(timestamp="2026-01-05T09:31:00+25:00"), 60, id="BAD-060 offset"),
    pytest.param(text_of(timestamp="20260102"), 60, id="BAD-060 compact"),
    pytest.param(text_of(timestamp="2026-W01-1"), 60, id="BAD-060 week"),
    pytest.param(text_of(timestamp="2026-01-05T09:31:00"), 61, id="BAD-061 naive"),
    pytest.param(text_of(timestamp="0001-01-01T00:00:00+14:00"), 64, id="BAD-064 overflow"),
    pytest.param(text_of(extra=1), 67, id="BAD-067 extra field"),
    pytest.param(text_of(Confidence=1), 67, id="BAD-067 misspelled field"),
    pytest.param(json.dumps({"stock_code": "A"}), 67, id="BAD-067 missing fields"),
    pytest.param("[]", 67, id="BAD-067 list"),
    pytest.param('"buy"', 67, id="BAD-067 text"),
    pytest.param("null", 67, id="BAD-067 null"),
    pytest.param("{", 67, id="broken"),
    pytest.param(text_of() + text_of(), 67, id="two objects in a line"),
    pytest.param(text_of()[:-1] + ', "action": "sell"}', 67, id="duplicate key"),
    pytest.param('{"a":' * 9000, 67, id="nested"),
    pytest.param(text_of(intent=-1), 67, id="intent"),
    pytest.param("9" * 5000, 67, id="a number of thousands of digits"),
    pytest.param("x" * (LONGEST_LINE + 1), 67, id="long"),
    pytest.param("x" * (5 * LONGEST_LINE), 67, id="very long"),
    pytest.param(b"\xff\xfe\x00", 67, id="not UTF-8"),
    pytest.param(text_of(quantity=0), 72, id="BAD-072 zero"),
    pytest.param(text_of(quantity=-1), 72, id="BAD-072 negative"),
    pytest.param(text_of(quantity="100"), 72, id="BAD-072 text"),
    pytest.param(text_of(quantity=True), 72, id="BAD-072 true"),
    pytest.param(text_of(quantity=1e300), 72, id="BAD-072 huge"),
    pytest.param(text_of(limit_price=0), 72, id="BAD-073 zero"),
    pytest.param(text_of(limit_price=float("nan")), 72, id="BAD-073 NaN"),
]


@pytest.mark.parametrize(("line", "number"), BAD)
def test_a_bad_line_is_one_error_and_stops_nothing(tmp_path, line, number):
    """
    BAD-050 to BAD-073, BAD-069: the others proceed, before and after it.
    """
    line = line if isinstance(line, bytes) else line.encode("utf-8", "surrogatepass")
    before, error, after = everything(
        source(tmp_path, b"\n".join([text_of().encode(), line, text_of().encode()]))
    )

    assert [Signal(**GOOD)] * 2 == [before, after]
    assert isinstance(error, SignalError)
    assert f"LTM-SIG-{number:03}" == error.code
    assert "signals.jsonl, line 2" == error.where
    assert error.message.isprintable()


def test_the_last_line_may_be_too_long(tmp_path):
    """
    Also without a newline it is one error.
    """
    [error] = everything(source(tmp_path, "x" * (3 * LONGEST_LINE)))

    assert f"signal must be at most {LONGEST_LINE} bytes long" == error.message


def test_numbers_are_exact(tmp_path):
    """
    RSK-01: digits are kept as they are written.
    """
    [signal] = everything(source(tmp_path, text_of(quantity=0.1, limit_price=1700, score=-3)))

    assert [Decimal("0.1"), Decimal(1700), Decimal(-3)] == [signal.quantity, signal.limit_price, signal.score]


CSV = "stock_code,action,score,confidence,timestamp,quantity,intent,order_type\n"
ROW = "600519,buy,0.85,0.9,2026-01-05T09:31:00+08:00,,,\n"


def test_a_csv_file_holds_the_same(tmp_path):
    """
    By its suffix; empty cells are fields left out.
    """
    row = ROW.replace(",,,", ",100,3,market")
    data = CSV + ROW + "\n" + row.upper().replace("MARKET", "market")
    signals = everything(source(tmp_path, data, "signals.CSV"))

    assert [
        Signal(**GOOD),
        Signal(**GOOD, quantity=100, intent=3),
    ] == signals


@pytest.mark.parametrize(
    ("row", "number", "message"),
    [
        (ROW.replace("0.85", "high"), 59, 'score must be a finite number, got "high"'),
        (ROW.replace("0.85", "1e999"), 59, "score must be a finite number, got nan"),
        (ROW.replace("0.85", "nan"), 59, 'score must be a finite number, got "nan"'),
        (ROW.replace("0.85", ""), 67, "score is required"),
        (ROW.replace("0.9", "90"), 58, "confidence must be between 0 and 1"),
        (ROW.replace(",,,", ",,x,"), 67, 'intent must be a whole number from 0, got "x"'),
        (ROW.replace(",,,", ",0,,"), 72, "quantity must be a finite number above 0"),
        (ROW.replace("600519", '"600519'), 67, "signal must be valid CSV"),
        (ROW.replace(",,,", ","), 67, "signal must have 8 columns, got 6"),
    ],
)
def test_a_bad_row_is_one_error_and_stops_nothing(tmp_path, row, number, message):
    """
    BAD-067, BAD-069: a quote left open swallows its own line only.
    """
    before, error, after = everything(source(tmp_path, CSV + ROW + row + ROW, "signals.csv"))

    assert [Signal(**GOOD)] * 2 == [before, after]
    assert (f"LTM-SIG-{number:03}", "signals.csv, line 3") == (error.code, error.where)
    assert message in error.message


@pytest.mark.parametrize(
    ("header", "message", "hint"),
    [
        ("stock_code,acton\n", 'got "acton"', 'did you mean "action"?'),
        ("action,action\n", "must name each column once", None),
        ("stock_code\n", "action is required", "add the field"),
    ],
)
def test_wrong_columns_make_one_error(tmp_path, header, message, hint):
    """
    BAD-067: nothing of the file can be read, and that is said once, or once a row where only columns are missing.
    """
    [error] = everything(source(tmp_path, header + "600519\n", "signals.csv"))

    assert message in error.message
    assert hint == error.hint


@pytest.mark.parametrize("name", ["signals.json", "signals", "signals.txt"])
def test_another_kind_of_file_is_refused(tmp_path, name):
    """
    The suffix says how to read it.
    """
    with pytest.raises(ConfigError, match=r"path must end in \.jsonl or \.csv"):
        FileSourceConfig(path=tmp_path / name)


def test_a_file_that_is_not_there_is_told_when_it_is_opened(tmp_path):
    """
    BAD-001.
    """
    with pytest.raises(ConfigError, match="No such file or directory") as caught:
        FileSource(FileSourceConfig(path=tmp_path / "signals.jsonl")).open(lambda: None)

    assert "path" == caught.value.field


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes")
def test_a_pipe_is_no_file(tmp_path):
    """
    Opening it would wait for a writer.
    """
    path = tmp_path / "signals.jsonl"
    os.mkfifo(path)

    with pytest.raises(ConfigError, match="it is no regular file"):
        FileSource(FileSourceConfig(path=path)).open(lambda: None)


def test_what_is_closed_gives_no_more(tmp_path):
    """
    The rest of the file is forgotten.
    """
    opened = source(tmp_path, text_of())
    opened.close()

    assert opened.exhausted
    assert [] == list(opened.poll(LATER))
