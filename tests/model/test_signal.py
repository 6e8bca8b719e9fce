"""
Signals at the edge: what is accepted, and how everything else is refused (BAD-050 to BAD-073).
"""

from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest

from ltm.model.enums import Action, OrderType, TimeInForce
from ltm.model.errors import SignalError
from ltm.model.signal import FIELDS, Assumed, Signal, SignalRecord, assumed_of, signal_from_mapping, utc_of

D = Decimal
GOOD = {
    "stock_code": "600519",
    "action": "buy",
    "score": 0.85,
    "confidence": 0.9,
    "timestamp": "2026-01-05T09:31:00+08:00",
}
NEW_YORK = ZoneInfo("America/New_York")


class Text(str):
    """
    A string of its own class, as libraries make them.
    """

    __slots__ = ()


def signal(**changes):
    return Signal(**{**GOOD, **changes})


def refusal(**changes):
    with pytest.raises(SignalError) as caught:
        signal(**changes)
    error = caught.value
    [field] = changes

    assert field == error.field
    assert error.message.startswith(field)
    assert error.message.isprintable()
    assert isinstance(error, ValueError)
    return error


@pytest.mark.parametrize("value", ["buy", "BUY", "Buy", "bUy", Action.BUY, Text("BUY")])
def test_the_case_of_an_action_does_not_matter(value):
    """
    BAD-050: ASCII case only.
    """
    assert Action.BUY is signal(action=value).action


@pytest.mark.parametrize(
    ("value", "hint"),
    [
        ("BUY ", 'did you mean "buy"?'),
        ("buy\n", 'did you mean "buy"?'),
        ("sel", 'did you mean "sell"?'),
        ("b", None),
        ("long", None),
        ("", None),
        (None, None),
        (1, None),
        (True, None),
        (b"buy", None),
        ("\uff22\uff35\uff39", None),
        ("b\u0131y", 'did you mean "buy"?'),
        ("x" * 10_000, None),
    ],
    ids=lambda value: repr(value)[:20],
)
def test_another_action_is_refused(value, hint):
    """
    BAD-051: with a cure where one is near.
    """
    error = refusal(action=value)

    assert ("LTM-SIG-051", hint) == (error.code, error.hint)
    assert 'action must be "buy", "sell" or "hold", got ' in error.message


def test_hold_is_a_signal():
    """
    BAD-052: to be ignored later.
    """
    assert Action.HOLD is signal(action="hold").action


@pytest.mark.parametrize("value", ["600519", "600519.SH", "BTC/USDT", "^GSPC", Text("AAPL")])
def test_a_symbol(value):
    """
    BAD-054: as venues write them, unchanged.
    """
    assert value == signal(stock_code=value).stock_code


@pytest.mark.parametrize(
    ("value", "code", "hint"),
    [
        ("", 53, 'for example "600519"'),
        (None, 53, 'for example "600519"'),
        (600519, 53, "write it in quotes: a number loses its leading zeros"),
        (10**5000, 53, "write it in quotes: a number loses its leading zeros"),
        (True, 53, 'for example "600519"'),
        (b"AAPL", 53, 'for example "600519"'),
        ("A" * 65, 54, "pass the venue's symbol, nothing else"),
        (" 600519", 54, "pass the venue's symbol, nothing else"),
        ("../../etc", 54, "pass the venue's symbol, nothing else"),
        ("'; DROP TABLE orders;--", 54, "pass the venue's symbol, nothing else"),
        ("AAPL\nINFO fake", 54, "pass the venue's symbol, nothing else"),
        ("AAPL\x1b[2J", 54, "pass the venue's symbol, nothing else"),
        ("\U0001f680", 54, "pass the venue's symbol, nothing else"),
        ("\u202eLPAA", 54, "pass the venue's symbol, nothing else"),
        ("A\0B", 54, "pass the venue's symbol, nothing else"),
        ("\ud800", 54, "pass the venue's symbol, nothing else"),
    ],
    ids=lambda value: repr(value)[:20] if not isinstance(value, int) or value < 1e9 else "huge",
)
def test_no_symbol(value, code, hint):
    """
    BAD-053, BAD-054.
    """
    error = refusal(stock_code=value)

    assert (f"LTM-SIG-{code:03}", hint) == (error.code, error.hint)


@pytest.mark.parametrize("value", [0, 1, 0.9, D("0.123456789"), 1.0])
def test_a_confidence_is_exact(value):
    """
    RSK-01.
    """
    assert D(str(value)) == signal(confidence=value).confidence


@pytest.mark.parametrize(
    ("value", "hint"),
    [
        (90, "90 % is written 0.90"),
        (12.5, "12.5 % is written 0.125"),
        (1.7, "1.7 % is written 0.017"),
        (101, "pass a fraction, for example 0.9"),
        (-0.1, "pass a fraction, for example 0.9"),
        (float("nan"), "pass a fraction, for example 0.9"),
        (float("inf"), "pass a fraction, for example 0.9"),
        (D("sNaN"), "pass a fraction, for example 0.9"),
        ("0.9", "pass a fraction, for example 0.9"),
        (None, "pass a fraction, for example 0.9"),
        (True, "pass a fraction, for example 0.9"),
    ],
    ids=repr,
)
def test_no_confidence(value, hint):
    """
    BAD-058.
    """
    error = refusal(confidence=value)

    assert ("LTM-SIG-058", hint) == (error.code, error.hint)
    assert "confidence must be between 0 and 1, got " in error.message


@pytest.mark.parametrize("value", [float("nan"), float("inf"), "0.5", None, True, [1], frozenset()], ids=repr)
def test_no_score(value):
    """
    BAD-059.
    """
    assert "LTM-SIG-059" == refusal(score=value).code


@pytest.mark.parametrize("value", [-3, 0, 1e10, D("1E-20")])
def test_a_score_may_be_any_number(value):
    """
    It is the model's own; the kernel does not read it.
    """
    assert D(str(value)) == signal(score=value).score


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("2026-01-05T09:31:00+08:00", "2026-01-05T01:31:00"),
        ("2026-01-05 09:31:00+0800", "2026-01-05T01:31:00"),
        ("2026-01-05T01:31Z", "2026-01-05T01:31:00"),
        ("2026-01-05T01:31:00z", "2026-01-05T01:31:00"),
        ("2026-01-05T01:31:00.5Z", "2026-01-05T01:31:00.500000"),
        ("2026-01-05T01:31:00,123456789Z", "2026-01-05T01:31:00.123456"),
        (datetime(2026, 1, 5, 9, 31, tzinfo=timezone(timedelta(hours=8))), "2026-01-05T01:31:00"),
        ("9999-12-31T23:59:59Z", "9999-12-31T23:59:59"),
    ],
    ids=str,
)
def test_a_time(value, expected):
    """
    BAD-060: ISO 8601 with a time part.
    """
    assert datetime.fromisoformat(expected).replace(tzinfo=UTC) == signal(timestamp=value).record(None).at


@pytest.mark.parametrize(
    "value",
    [
        "",
        "yesterday",
        1735689600,
        1735689600.5,
        True,
        None,
        "1735689600",
        "2026-13-01T00:00:00Z",
        "2026-02-30T00:00:00Z",
        "2026-01-05T24:00:00Z",
        "2026-01-05T09:31:60Z",
        "2026-01-05T09:31:00+25:00",
        "20260102",
        "20260102T093100Z",
        "2026-01-05",
        "2026-W01-1",
        "2026-W01-1T09:31:00",
        "2026-01-05T09",
        " 2026-01-05T09:31:00Z",
        "2026-01-05T09:31:00Z\n",
        "\u0662\u0660\u0662\u0666-01-05T09:31:00Z",
        date(2026, 1, 5),
    ],
    ids=repr,
)
def test_no_time(value):
    """
    BAD-060: an epoch number does not say its unit.
    """
    error = refusal(timestamp=value)

    assert "LTM-SIG-060" == error.code
    assert ("epoch" in error.hint) == isinstance(value, (int, float))


def test_a_time_without_offset_is_read_as_the_session_says():
    """
    BAD-061, ruling 1: refused, or the local time of a zone.
    """
    naive = signal(timestamp=datetime(2026, 1, 5, 9, 31, tzinfo=UTC).replace(tzinfo=None))

    with pytest.raises(SignalError, match="must carry a UTC offset here") as caught:
        naive.record(None)
    assert "LTM-SIG-061" == caught.value.code
    assert datetime(2026, 1, 5, 14, 31, tzinfo=UTC) == naive.record(NEW_YORK).at
    assert datetime(2026, 1, 5, 9, 31, tzinfo=UTC) == naive.record(UTC).at


def test_a_time_in_a_gap_does_not_exist():
    """
    BAD-062: skipped by daylight saving.
    """
    with pytest.raises(SignalError, match="must exist on the clock") as caught:
        signal(timestamp="2026-03-08T02:30:00").record(NEW_YORK)

    assert "LTM-SIG-062" == caught.value.code


def test_a_time_in_a_fold_is_the_earlier_one():
    """
    BAD-062.
    """
    assert (
        datetime(2026, 11, 1, 5, 30, tzinfo=UTC)
        == signal(timestamp="2026-11-01T01:30:00").record(NEW_YORK).at
    )


@pytest.mark.parametrize(
    ("value", "zone", "expected"),
    [
        ("2026-11-01T01:30:00", NEW_YORK, Assumed.EARLIER),
        ("2026-11-01T01:00:00", NEW_YORK, Assumed.EARLIER),
        ("2026-11-01T00:59:59", NEW_YORK, Assumed.ZONE),
        ("2026-11-01T02:00:00", NEW_YORK, Assumed.ZONE),
        ("2026-11-01T01:30:00", UTC, Assumed.ZONE),
        ("2026-11-01T01:30:00-04:00", NEW_YORK, None),
        ("2026-11-01T01:30:00Z", None, None),
    ],
)
def test_what_was_assumed_about_a_time_can_be_told(value, zone, expected):
    """
    BAD-062 and ruling 1: nobody guesses in silence.
    """
    assert expected is assumed_of(value, zone)


@pytest.mark.parametrize(
    ("value", "zone"),
    [
        ("0001-01-01T00:00:00+14:00", None),
        ("9999-12-31T23:59:59-12:00", None),
        ("0001-01-01T00:00:00", ZoneInfo("Asia/Shanghai")),
        ("9999-12-31T23:59:59", NEW_YORK),
    ],
)
def test_a_time_beyond_the_calendar_is_refused(value, zone):
    """
    BAD-064: with an offset or with a zone.
    """
    with pytest.raises(SignalError, match="must be a representable UTC time") as caught:
        signal(timestamp=value).record(zone)

    assert "LTM-SIG-064" == caught.value.code


def test_an_unchecked_text_is_checked():
    """
    `utc_of` is also used with text from elsewhere.
    """
    with pytest.raises(SignalError) as caught:
        utc_of("yesterday", None)

    assert "LTM-SIG-060" == caught.value.code


@pytest.mark.parametrize("field", ["quantity", "limit_price", "trigger_price"])
@pytest.mark.parametrize("value", [100, 0.5, D("1E-12"), 10**15, None])
def test_an_amount(field, value):
    """
    RSK-01: exact; None for the sizer's or the market's.
    """
    assert (None if value is None else D(str(value))) == getattr(signal(**{field: value}), field)


@pytest.mark.parametrize("field", ["quantity", "limit_price", "trigger_price"])
@pytest.mark.parametrize(
    "value",
    [0, -1, float("nan"), float("inf"), 1e300, 10**5000, D("1E-13"), 0.1 + 0.2, "100", D("sNaN"), True],
    ids=lambda value: repr(value)[:20] if not isinstance(value, int) or value < 1e9 else "huge",
)
def test_no_amount(field, value):
    """
    BAD-072, BAD-073, BAD-077: nothing that a sum of money could not hold.
    """
    assert "LTM-SIG-072" == refusal(**{field: value}).code


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("order_type", "makret", 'order_type must be one of market, limit, stop, stop_limit, got "makret"'),
        ("order_type", None, "order_type must be one of market, limit, stop, stop_limit, got None"),
        ("order_type", [], "order_type must be one of market, limit, stop, stop_limit, got []"),
        ("time_in_force", "dya", 'time_in_force must be one of day, gtc, ioc, fok, gtd, got "dya"'),
        ("time_in_force", 1, "time_in_force must be one of day, gtc, ioc, fok, gtd, got 1"),
    ],
)
def test_an_unknown_word(field, value, message):
    """
    BAD-067: the known ones are named.
    """
    error = refusal(**{field: value})

    assert (message, "LTM-SIG-071") == (error.message, error.code)
    assert isinstance(value, str) == bool(error.hint)


@pytest.mark.parametrize("value", [-1, 1 << 31, 1.0, "1", True, None], ids=repr)
def test_no_intent(value):
    """
    BAD-067: it is part of the key that tells signals apart.
    """
    assert "LTM-SIG-067" == refusal(intent=value).code


def test_a_record_holds_everything():
    """
    What the core and the journal know of a signal.
    """
    made = signal(
        action="SELL",
        intent=3,
        quantity=100,
        order_type="stop_limit",
        limit_price=1700.5,
        trigger_price=1701,
        time_in_force="gtc",
    )

    assert made.record(None) == SignalRecord(
        symbol="600519",
        action=Action.SELL,
        score=D("0.85"),
        confidence=D("0.9"),
        at=datetime(2026, 1, 5, 1, 31, tzinfo=UTC),
        intent=3,
        quantity=D(100),
        order_type=OrderType.STOP_LIMIT,
        limit_price=D("1700.5"),
        trigger_price=D(1701),
        time_in_force=TimeInForce.GTC,
    )


def test_a_mapping_has_the_names_of_the_document():
    """
    BAD-067.
    """
    assert signal() == signal_from_mapping(GOOD)
    assert {*GOOD} < {*FIELDS}


@pytest.mark.parametrize(
    ("values", "message", "hint"),
    [
        ({**GOOD, "Confidence": 1}, "field name must be one of stock_code", 'did you mean "confidence"?'),
        ({**GOOD, 5: 1}, "got 5", None),
        ({}, "stock_code is required", "add the field"),
        ({key: GOOD[key] for key in GOOD if key != "score"}, "score is required", "add the field"),
    ],
    ids=["misspelled", "not text", "empty", "missing"],
)
def test_a_mapping_with_other_names_is_refused(values, message, hint):
    """
    BAD-067: an extra field is as wrong as a missing one.
    """
    with pytest.raises(SignalError) as caught:
        signal_from_mapping(values)

    assert message in caught.value.message
    assert ("LTM-SIG-067", hint) == (caught.value.code, caught.value.hint)


def test_the_exits_of_an_entry_are_prices():
    """
    BAD-073: kept as they are, exactly.
    """
    made = signal(stop_loss_price=95.1, take_profit_price=Decimal("110.25")).record(None)

    assert (Decimal("95.1"), Decimal("110.25")) == (made.stop_loss_price, made.take_profit_price)
    assert (None, None) == (signal().record(None).stop_loss_price, signal().record(None).take_profit_price)


@pytest.mark.parametrize("name", ["stop_loss_price", "take_profit_price"])
@pytest.mark.parametrize("value", [0, -1, float("nan"), "95", True, 1e16])
def test_no_price_of_an_exit(name, value):
    """
    BAD-073: named by its field.
    """
    with pytest.raises(SignalError) as caught:
        signal(**{name: value})

    assert ("LTM-SIG-072", name) == (caught.value.code, caught.value.field)


@pytest.mark.parametrize(
    ("action", "stop", "profit", "side"),
    [
        ("buy", 100, 101, None),
        ("buy", 100, 100, "below"),
        ("buy", 101, 100, "below"),
        ("sell", 101, 100, None),
        ("sell", 100, 100, "above"),
        ("sell", 100, 101, "above"),
    ],
)
def test_a_position_lies_between_its_exits(action, stop, profit, side):
    """
    BAD-073: one inside, at, and one beyond, for either side.
    """
    fields = {"action": action, "stop_loss_price": stop, "take_profit_price": profit}
    if side is None:
        assert signal(**fields)
    else:
        rule = f"stop_loss_price of a {action} must be {side} its take_profit_price {profit}, got {stop}"
        with pytest.raises(SignalError, match=rule) as caught:
            signal(**fields)
        assert "LTM-SIG-073" == caught.value.code


@pytest.mark.parametrize("name", ["stop_loss_price", "take_profit_price"])
def test_a_hold_has_no_exits(name):
    """
    BAD-073: they belong to an entry.
    """
    with pytest.raises(SignalError, match=f"{name} must not be given with a hold, got 95") as caught:
        signal(**{"action": "hold", name: 95})

    assert ("LTM-SIG-073", "exits belong to an entry") == (caught.value.code, caught.value.hint)


TILL = "2026-01-06T15:00:00+08:00"


def test_good_till_is_an_instant_like_the_timestamp():
    """
    FIX 126: it belongs to the time in force GTD.
    """
    made = signal(time_in_force="gtd", good_till=TILL)

    assert datetime(2026, 1, 6, 7, tzinfo=UTC) == made.record(None).good_till
    assert made == signal(time_in_force="gtd", good_till=datetime.fromisoformat(TILL))
    assert None is signal(good_till=None).record(None).good_till


def test_good_till_in_the_sessions_zone():
    """
    Ruling 1: without an offset it means what the timestamp would.
    """
    made = signal(time_in_force="gtd", good_till="2026-01-06 15:00")

    assert datetime(2026, 1, 6, 15, tzinfo=UTC) == made.record(UTC).good_till
    with pytest.raises(SignalError, match="good_till must carry a UTC offset here"):
        made.record(None)


@pytest.mark.parametrize(
    ("fields", "code", "message"),
    [
        (
            {"time_in_force": "gtd", "good_till": "soon"},
            "LTM-SIG-060",
            'good_till must be an ISO 8601 date and time, got "soon"',
        ),
        (
            {"time_in_force": "gtd", "good_till": 1e9},
            "LTM-SIG-060",
            "good_till must be an ISO 8601 date and time",
        ),
    ],
)
def test_no_good_till(fields, code, message):
    """
    BAD-060: wrong ones are named by their field.
    """
    with pytest.raises(SignalError) as caught:
        signal(**fields)
    error = caught.value

    assert (code, "good_till") == (error.code, error.field)
    assert error.message.startswith(message)
    assert error.hint


@pytest.mark.parametrize("seconds", [-1, 0, 1])
def test_good_till_must_be_after_the_timestamp(seconds):
    """
    One second before, at, and one after.
    """
    made = signal(
        timestamp="2026-01-05T10:00:00Z",
        time_in_force="gtd",
        good_till=datetime(2026, 1, 5, 10, tzinfo=UTC) + timedelta(seconds=seconds),
    )

    if seconds > 0:
        assert made.record(None).good_till
    else:
        with pytest.raises(SignalError, match="good_till must be after the timestamp"):
            made.record(None)
