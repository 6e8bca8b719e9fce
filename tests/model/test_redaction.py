"""
Redaction: by value in every form, by the name before it, and in addresses (SEC-04).
"""

import base64
import json
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ltm.core.text import clean
from ltm.model.errors import ConfigError, LtmError, shown
from ltm.model.redaction import KNOWN, LEAST, Redactor, redact, redact_fields
from ltm.model.secret import Secret

SECRET = "Zq/7+ü b"


@pytest.mark.parametrize(
    "form",
    [
        lambda secret: secret,
        repr,
        ascii,
        json.dumps,
        quote,
        quote_plus,
        lambda secret: quote(secret, safe=""),
        lambda secret: quote(secret, safe="").lower().replace("zq", "Zq"),
        lambda secret: secret.encode().hex(),
        lambda secret: secret.encode().hex().upper(),
        lambda secret: base64.b64encode(secret.encode()).decode(),
        lambda secret: base64.urlsafe_b64encode(secret.encode()).decode(),
        lambda secret: secret.encode("unicode_escape").decode(),
    ],
)
def test_a_secret_is_taken_out_in_every_form(form):
    Secret(SECRET)

    text = redact(f"before <{form(SECRET)}> after")

    assert "before <" == text.partition("***")[0].rstrip("'\"")
    assert "> after" == text.rpartition("***")[2].lstrip("'\"")


@given(
    st.text("abcXYZ019+/ =é", min_size=LEAST, max_size=60).map(lambda text: f"q{text}q"),
    st.binary(max_size=5),
    st.binary(max_size=5),
)
def test_base64_hides_nothing_wherever_the_secret_stands_in_it(secret, before, after):
    """
    SEC-04: `Authorization: Basic` is base64 of user and password together.
    """
    redactor = Redactor()
    redactor.learn(secret)
    encoded = base64.b64encode(before + secret.encode() + after).decode()
    left = redactor.by_value(encoded)

    assert "***" in left
    # What is left of it decodes to what stood around it, and at most a few bits of its ends.
    assert len(left) - len("***") <= -(-(len(before) + len(after)) * 8 // 6) + 8


@pytest.mark.parametrize(
    ("length", "known"), [(LEAST - 1, False), (LEAST, True), (LEAST + 1, True)], ids=["below", "at", "above"]
)
def test_a_short_value_is_not_looked_for(length, known):
    """
    SEC-04: six characters; a shorter one would take the sense out of every text.
    """
    Secret("q" * length)

    assert known is KNOWN.knows(f"so {'q' * length} it is")


def test_a_placeholder_is_no_secret():
    """
    BAD-022: its text has to be told.
    """
    Secret("changeme")

    assert "got changeme" == redact("got changeme")


def test_each_line_of_a_key_file_is_a_secret():
    """
    SEC-04: an error may show one of them.
    """
    Secret("-----BEGIN KEY-----\nMIIEvQIBADANBgkqhkiG9w0B\nshort\n-----END KEY-----\n")

    assert "bad line '***' here" == redact("bad line 'MIIEvQIBADANBgkqhkiG9w0B' here")
    assert "short" == redact("short")


def test_a_wiped_secret_is_still_taken_out():
    """
    SEC-03, SEC-04: an old error may hold it.
    """
    secret = Secret("canary-7f3a")
    secret.wipe()

    assert "***" == redact("canary-7f3a")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("api_key=abc&x=1", "api_key=***&x=1"),
        ("apiKey = 'a b'", "apiKey = ***"),
        ('{"secret": "abc", "x": "y"}', '{"secret": "***", "x": "y"}'),
        ("{'X-MBX-APIKEY': 'abc'}", "{'X-MBX-APIKEY': \"***\"}"),
        ("passphrase=1234 signature=00ff", "passphrase=*** signature=***"),
        ("Authorization: Basic YTpi\nnext", "Authorization: ***\nnext"),
        ("Cookie: sid=1; a=b", "Cookie: ***"),
        ("x-api-key: abc", "x-api-key: ***"),
        ("https://user:pw@host.example:8/p?a=b#f", "https://***@host.example:8/p?***#f"),
        ("wss://token@host/", "wss://***@host/"),
        ("https://host.example/path", "https://host.example/path"),
        ("signal_key=0ab1 signal=AAA session_key=x", "signal_key=0ab1 signal=AAA session_key=x"),
        ("'session_key': 'x'", "'session_key': 'x'"),
        ('write { env = "LTM_API_KEY" }', 'write { env = "LTM_API_KEY" }'),
        ("api_key = { env = ... }", "api_key = { env = ... }"),
        ("the key was refused", "the key was refused"),
    ],
)
def test_what_follows_a_telling_name_is_taken_out(text, expected):
    """
    SEC-04: by name, and userinfo and query of addresses.
    """
    assert expected == redact(text)


def test_structured_data_is_cleaned_by_name_and_by_value():
    Secret("canary-7f3a")

    assert {
        "api_key": "***",
        "empty_token": "",
        "list": ["***", 1, {"password": "***"}],
        "signal_key": "abc",
        "n": 3,
    } == redact_fields(
        {
            "api_key": "abc",
            "empty_token": "",
            "list": ("canary-7f3a", 1, {"password": ["x"]}),
            "signal_key": "abc",
            "n": 3,
        }
    )


@pytest.mark.parametrize(
    "told",
    [
        lambda text: LtmError(text).render(),
        lambda text: str(LtmError(text)),
        lambda text: ConfigError("x", hint=text, where=text).render(),
        lambda text: repr(ConfigError("x", got=text).got),
        shown,
        lambda text: shown({"a": text}),
        lambda text: clean(text, 20),
    ],
)
def test_no_error_and_no_record_holds_even_the_beginning_of_a_secret(told):
    """
    SEC-04: texts are cut only after the secret is out, since its beginning is part of it.
    """
    secret = "canary" * 20
    Secret(secret)

    text = told(f"failed: {secret} again")

    assert "canary" not in text
    assert "***" in text


def test_nothing_is_searched_before_the_first_secret():
    redactor = Redactor()

    assert redactor.is_empty
    assert not redactor.knows("anything")
    assert "anything" == redactor.by_value("anything")


def test_a_secret_that_is_known_already_is_not_learnt_again():
    redactor = Redactor()
    redactor.learn("canary-7f3a")
    before = redactor._pattern
    redactor.learn("canary-7f3a")

    assert before is redactor._pattern
    assert redactor.is_one("canary-7f3a")
    assert not redactor.is_one("canary")
