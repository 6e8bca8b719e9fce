"""
Names that travel: what they may hold, and that an order's id leads back to its record.
"""

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ltm.model.errors import ConfigError, LtmError
from ltm.model.identifiers import (
    base36,
    check_model_id,
    check_session_id,
    client_order_id,
    is_symbol,
    sequence_of,
    session_key,
    signal_key,
)


@pytest.mark.parametrize("value", ["demo", "demo-1", "A.b_c-9", "x" * 64, "CONSOLE", "com0"])
def test_a_session_id(value):
    """
    BAD-032: letters, digits, dot, underscore, dash.
    """
    assert value == check_session_id(value)


@pytest.mark.parametrize(
    "value",
    [
        "../x",
        "a/b",
        "a\\b",
        "",
        "x" * 65,
        "\U0001f680",
        "CON",
        "con.txt",
        "lpt1",
        " x",
        "x ",
        "x\n",
        ".x",
        "-x",
        "a..b",
        "é",
        5,
        None,
    ],
    ids=repr,
)
def test_no_session_id(value):
    """
    BAD-032, SEC-32: it becomes part of a path.
    """
    with pytest.raises(
        ConfigError, match=r"^session id may use letters, digits, \. _ - \(1-64\), got "
    ) as caught:
        check_session_id(value)

    assert "LTM-CFG-032" == caught.value.code
    assert caught.value.message.isprintable()


@pytest.mark.parametrize("value", ["lgbm_model_v1", "org/model:v2@main+x", "m" * 128])
def test_a_model_id(value):
    """
    BAD-075: as registries name models.
    """
    assert value == check_model_id(value)


@pytest.mark.parametrize(
    "value", ["", "m" * 10_000, "a\x00b", "a\nb", " a", "é", None, 5], ids=lambda value: repr(value)[:20]
)
def test_no_model_id(value):
    """
    BAD-075.
    """
    with pytest.raises(ConfigError, match=r"^model_id may use") as caught:
        check_model_id(value)

    assert "LTM-CFG-075" == caught.value.code


@pytest.mark.parametrize("value", ["600519.SH", "BTC/USDT:USDT", "^GSPC", "EUR=X", "BRK-B", "_X", "A" * 64])
def test_a_symbol(value):
    """
    BAD-054: what venues use.
    """
    assert is_symbol(value)


@pytest.mark.parametrize(
    "value", ["", "../../etc", "a..b", "A B", "A\n", "A;B", "A" * 65, "/A", "\u0410", "A\0"], ids=repr
)
def test_no_symbol(value):
    """
    BAD-054: nor a Cyrillic A.
    """
    assert not is_symbol(value)


@given(number=st.integers(0, 2**70))
def test_base_36_reads_back(number):
    """
    Python's own `int` is the judge.
    """
    assert number == int(base36(number), 36)


sequences = st.integers(0, 2**40)
keys = st.integers(0, 2**40 - 1).map(session_key)


@given(key=keys, sequence=sequences)
def test_an_order_id_leads_back_to_its_record(key, sequence):
    """
    REL 2.2.2: the same record, the same id; letters and digits, at most 18 of them.
    """
    order_id = client_order_id(key, sequence)

    assert sequence == sequence_of(key, order_id)
    assert len(order_id) <= 18
    assert set(order_id) <= set(string.ascii_lowercase + string.digits)


@given(key=keys, sequence=sequences, other=keys, position=st.integers(9, 17), char=st.sampled_from("0aZ-é"))
def test_another_id_is_not_ours(key, sequence, other, position, char):
    """
    Another session's, a cut one or one with a wrong digit leads nowhere.
    """
    order_id = client_order_id(key, sequence)
    position = min(position, len(order_id) - 1)
    changed = order_id[:position] + char + order_id[position + 1 :]

    assert changed == order_id or sequence_of(key, changed) is None
    assert key == other or sequence_of(other, order_id) is None
    assert sequence_of(key, order_id[:9]) is None
    assert sequence_of(key, "") is None


def test_leading_zeros_do_not_make_a_second_id():
    """
    One record has one id.
    """
    key = session_key(5)
    body = f"l{key}0a"
    forged = body + base36(sum(body.encode()) % 36)

    assert sequence_of(key, client_order_id(key, 10)) == 10
    assert sequence_of(key, forged) is None


@pytest.mark.parametrize("bits", [-1, 1 << 40])
def test_a_session_key_has_40_bits(bits):
    """
    Eight digits, whatever the randomness.
    """
    assert "00000000" == session_key(0)
    assert 8 == len(session_key((1 << 40) - 1))
    with pytest.raises(LtmError, match="40 bits"):
        session_key(bits)


def test_a_signal_key_tells_its_parts_apart():
    """
    BAD-065: moving a letter from one part to the next makes another signal.
    """
    assert signal_key("a", "bc") == signal_key("a", "bc")
    assert signal_key("a", "bc") != signal_key("ab", "c")
    assert 32 == len(signal_key("a"))
