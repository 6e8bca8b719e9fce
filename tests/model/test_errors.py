"""
Errors: their shape, their families, and that no value can break the line it is shown on (bad-input 4.1).
"""

import pytest

from ltm.model import errors
from ltm.model.errors import ConfigError, ConfigErrors, LtmError, PluginError, SignalError, shown, suggestion


class Broken:
    """
    Has no repr.
    """

    def __repr__(self):
        message = "no repr"
        raise RuntimeError(message)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("600519", '"600519"'),
        ('say "hi"\\', '"say \\"hi\\"\\\\"'),
        ("a\nb\x1b[2J\u202e\0", '"a\\nb\\x1b[2J\\u202e\\x00"'),
        (1.7, "1.7"),
        (None, "None"),
        (["é\n"], "['\\xe9\\n']"),
        (10**5000, "<int>"),
        (Broken(), "<Broken>"),
    ],
    ids=["text", "quotes", "hostile", "float", "None", "list", "huge", "broken"],
)
def test_a_value_is_shown_on_one_line(value, expected):
    """
    4.1: escaped, as a user could paste it back.
    """
    assert expected == shown(value)


@pytest.mark.parametrize(
    "value", ["x" * 10**6, "\n" * 10**6, list(range(1000))], ids=["text", "newlines", "list"]
)
def test_a_long_value_is_cut(value):
    """
    4.1: at 64 characters.
    """
    assert 64 == len(shown(value))
    assert shown(value).endswith("...")


@pytest.mark.parametrize(
    ("word", "expected"),
    [
        ("max_positon_size", 'did you mean "max_position_size"?'),
        ("BUY ", 'did you mean "buy"?'),
        ("sel", 'did you mean "sell"?'),
        ("hodl", 'did you mean "hold"?'),
        ("b", None),
        ("", None),
        ("liquidate", None),
        ("x" * 10**6, None),
    ],
    ids=lambda word: str(word)[:20],
)
def test_a_near_word_is_suggested(word, expected):
    """
    4.1: at most two edits away.
    """
    assert expected == suggestion(word, ["buy", "sell", "hold", "max_position_size"])


def test_an_error_is_rendered_with_place_and_cure():
    """
    4.1: code and rule, then where and fix.
    """
    error = SignalError(
        "x must be y, got 5", code="LTM-SIG-004", field="x", got=5, hint="pass y", where="a.json, item 3"
    )

    assert [
        "error[LTM-SIG-004]: x must be y, got 5",
        "  where: a.json, item 3",
        "  fix:   pass y",
    ] == error.render().splitlines()
    assert "error[LTM-CFG-000]: plain" == ConfigError("plain").render()
    assert (5, "x", None) == (error.got, error.field, ConfigError("plain").got)


def test_several_errors_are_one():
    """
    4.1: all of them, not only the first.
    """
    one, two = ConfigError("one", code="LTM-CFG-001", field="a", hint="mend it"), ConfigError("two")

    assert ["error[LTM-CFG-001]: one", "  fix:   mend it", "error[LTM-CFG-000]: two"] == (
        ConfigErrors([one, two]).render().splitlines()
    )
    assert ("LTM-CFG-001", None) == (ConfigErrors([one, two]).code, ConfigErrors([one, two]).field)
    assert ("a", "mend it") == (ConfigErrors([one]).field, ConfigErrors([one]).hint)


@pytest.mark.parametrize(
    ("name", "family", "exit_code"),
    [
        ("ConfigError", ValueError, 2),
        ("SignalError", ValueError, 2),
        ("SessionNotFound", ValueError, 2),
        ("InvalidTransition", ValueError, 2),
        ("JournalError", RuntimeError, 3),
        ("BrokerConnectionError", RuntimeError, 4),
        ("PluginError", RuntimeError, 4),
        ("AlreadyRunning", RuntimeError, 5),
        ("TradeExecutionError", RuntimeError, 1),
    ],
)
def test_an_error_is_what_the_document_promises(name, family, exit_code):
    """
    4.1: callers may catch the standard classes.
    """
    error = getattr(errors, name)("message")

    assert isinstance(error, (LtmError, family))
    assert isinstance(error, LtmError)
    assert isinstance(error, family)
    assert (exit_code, "message") == (error.exit_code, str(error))
    assert issubclass(PluginError, LtmError)
