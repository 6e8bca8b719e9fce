"""
Secrets: the type that shows nothing (SEC-03), references to them (SEC-01, BAD-023), literals (BAD-024).
"""

import copy
import json
import pickle
import sys
import types

import attrs
import pytest

from ltm.config import read_env_file
from ltm.model.errors import ConfigError, LtmError
from ltm.model.secret import Secret

CANARY = "canary-7f3a"


def credentials(reference):
    return (
        'plugin = "ccxt"',
        'exchange = "binance"',
        f"credentials = {{ api_key = {reference} }}",
    )


@pytest.mark.parametrize(
    "show",
    [
        repr,
        str,
        "{}".format,
        "{!r:>20}".format,
        lambda secret: f"{secret:s}",
        lambda secret: json.dumps(secret, default=str),
        lambda secret: repr(pickle.dumps(secret)),
        lambda secret: repr(copy.deepcopy(secret)),
        lambda secret: repr(copy.copy(secret)),
        lambda secret: repr({"key": secret}),
        lambda secret: repr(attrs.asdict(attrs.make_class("C", ["x"])(secret))),
        lambda secret: repr(getattr(secret, "__dict__", "")),
    ],
)
def test_a_secret_is_shown_by_nothing(show):
    """
    SEC-03.
    """
    assert CANARY not in show(Secret(CANARY))


def test_a_secret_is_revealed_where_it_is_needed():
    assert CANARY == Secret(CANARY).reveal()
    assert CANARY == copy.deepcopy(Secret(CANARY)).reveal()


def test_secrets_are_compared_but_neither_hashed_nor_iterated():
    assert Secret(CANARY) == Secret(CANARY)
    assert Secret(CANARY) != Secret("other")
    assert Secret(CANARY) != CANARY
    assert Secret(None) == Secret(None)
    assert Secret(None) != Secret(CANARY)
    assert Secret(CANARY)
    assert not Secret("")
    with pytest.raises(TypeError, match="unhashable"):
        hash(Secret(CANARY))
    with pytest.raises(TypeError, match="reveal"):
        list(Secret(CANARY))


@pytest.mark.parametrize("end", [Secret.wipe, lambda _: None], ids=["wiped", "through pickle"])
def test_a_secret_that_is_gone_says_so(end):
    secret = Secret(CANARY)
    end(secret)
    if secret:
        secret = pickle.loads(pickle.dumps(secret))

    with pytest.raises(LtmError, match="gone"):
        secret.reveal()


def test_a_secret_comes_from_the_environment(config):
    """
    SEC-01.
    """
    text = config.broker(*credentials('{ env = "LTM_KEY" }'), live=True)

    checked = config.check(text, LTM_KEY=CANARY)

    assert CANARY == checked.sessions[0].broker.config.credentials.api_key.reveal()
    assert CANARY not in repr(checked)


def test_a_secret_comes_from_a_private_file(config, tmp_path):
    """
    SEC-01: beside the configuration, without its line end.
    """
    (tmp_path / "key").write_text(CANARY + "\n")
    (tmp_path / "key").chmod(0o600)

    checked = config.check(config.broker(*credentials('{ file = "key" }'), live=True), base=tmp_path)

    assert CANARY == checked.sessions[0].broker.config.credentials.api_key.reveal()


def test_a_secret_comes_from_the_keyring(config, monkeypatch):
    """
    SEC-01.
    """
    keyring = types.ModuleType("keyring")
    keyring.get_password = lambda service, user: CANARY if (service, user) == ("ltm/prod", "x") else None
    monkeypatch.setitem(sys.modules, "keyring", keyring)

    checked = config.check(config.broker(*credentials('{ keyring = "ltm/prod/x" }'), live=True))

    assert CANARY == checked.sessions[0].broker.config.credentials.api_key.reveal()
    problem = config.problem(config.broker(*credentials('{ keyring = "ltm/y" }')))
    assert 'the keyring has no password for "ltm/y"' in problem.message


def test_a_keyring_without_a_back_end_is_told(config, monkeypatch):
    def fail(service, user):
        raise RuntimeError(CANARY)

    keyring = types.ModuleType("keyring")
    keyring.get_password = fail
    monkeypatch.setitem(sys.modules, "keyring", keyring)

    problem = config.problem(config.broker(*credentials('{ keyring = "ltm/x" }')))

    assert "the keyring does not answer: RuntimeError" in problem.message


def test_a_missing_keyring_library_is_told(config, monkeypatch):
    monkeypatch.setitem(sys.modules, "keyring", None)

    problem = config.problem(config.broker(*credentials('{ keyring = "ltm/x" }')))

    assert "the keyring library is not installed" in problem.message
    assert "pip install keyring" in problem.hint


def a_public_file(folder):
    (folder / "secrets.toml").write_text(CANARY)
    (folder / "secrets.toml").chmod(0o644)


def an_empty_file(folder):
    (folder / "empty").write_text("\n")
    (folder / "empty").chmod(0o600)


def a_binary_file(folder):
    (folder / "binary").write_bytes(b"\xff\xfe")
    (folder / "binary").chmod(0o600)


@pytest.mark.parametrize(
    ("make", "reference", "message"),
    [
        (None, '{ env = "LTM_KEY" }', "environment variable LTM_KEY is not set"),
        (None, '{ env = "LTM_EMPTY" }', "environment variable LTM_EMPTY is empty"),
        (a_public_file, '{ file = "secrets.toml" }', "secrets.toml is readable by others (mode 0644); run: chmod 600 secrets.toml"),
        (None, '{ file = "none" }', 'secret file "none" cannot be read: No such file or directory'),
        (None, '{ file = "." }', "cannot be read: Is a directory"),
        (None, '{ file = "/dev/null" }', 'secret file "null" is no regular file'),
        (an_empty_file, '{ file = "empty" }', 'secret file "empty" is empty or larger than 64 kB'),
        (a_binary_file, '{ file = "binary" }', 'secret file "binary" is not UTF-8'),
        (None, '{ keyring = "ltm" }', 'must be { keyring = "service/name" }'),
        (None, '{ vault = "x" }', 'must be env, file, keyring or prompt, got "vault"'),
        (None, '{ env = "A", file = "b" }', "must be { env = ... }, { file = ... }, { keyring = ... } or { prompt = ... }"),
        (None, "{ env = 3 }", 'must name its "env" in quotes'),
        (None, "[1]", "must be { env = ... }"),
    ],
)  # fmt: skip
def test_a_reference_that_leads_nowhere_is_told(make, reference, message, config, tmp_path):
    """
    BAD-023.
    """
    if make:
        make(tmp_path)

    problem = config.problem(
        config.broker(*credentials(reference), live=True), base=tmp_path, LTM_EMPTY="", LTM_OTHER="x"
    )

    assert message in problem.message
    assert ("LTM-CFG-023", "broker.credentials.api_key") == (problem.code, problem.field)
    assert problem.hint
    assert CANARY not in problem.render()


def test_a_literal_secret_is_refused_in_a_live_session(config):
    """
    BAD-024.
    """
    problem = config.problem(config.broker(*credentials(f'"{CANARY}"'), live=True))

    assert "broker.credentials.api_key must not be written into the file of a live session" == problem.message
    assert ("LTM-CFG-024", True) == (problem.code, "env" in problem.hint)
    assert CANARY not in problem.render()


def test_a_literal_secret_on_paper_is_allowed_with_a_warning(config):
    """
    SEC-01.
    """
    checked = config.check(config.broker(*credentials(f'"{CANARY}"')))

    (notice,) = checked.notices
    assert "broker.credentials.api_key is written into ltm.toml" in notice
    assert CANARY not in notice


def test_a_literal_secret_in_a_file_that_others_read_is_refused(config):
    """
    BAD-023.
    """
    problem = config.problem(config.broker(*credentials(f'"{CANARY}"')), private=False)

    assert "ltm.toml is readable by others and holds broker.credentials.api_key" in problem.message
    assert "chmod 600 ltm.toml" in problem.message


@pytest.mark.parametrize(
    "lines",
    [
        ('plugin = "ccxt"', 'exchange = "x"', f"credentials = {{ api_key = ['{CANARY}'] }}"),
        ('plugin = "ccxt"', 'exchange = "x"', f"credentials = '{CANARY}'"),
        ('plugin = "ccxt"', 'exchange = "x"', f"credentials = {{ api_key = 'a', apikey = '{CANARY}' }}"),
        ('plugin = "mock"', f"credentials = {{ {CANARY} = 1 }}"),
    ],
)
def test_no_error_shows_what_stands_where_a_secret_should(lines, config):
    """
    SEC-03: not its value, not even as `got`.
    """
    for problem in config.problems(config.broker(*lines)):
        assert CANARY not in repr(problem.got)
        assert CANARY not in problem.render() or CANARY in lines[1].partition("=")[2].partition("=")[0]


# --- Asked for at the terminal, and taken from a file of variables --------------------------------


class Terminal:
    def isatty(self):
        return True


@pytest.mark.parametrize(
    ("answer", "expected"),
    [("typed-7f3a", "typed-7f3a"), ("", None), (EOFError, None)],
    ids=["typed", "empty", "Ctrl-D"],
)
def test_a_secret_may_be_asked_for_at_the_terminal(answer, expected, config, monkeypatch):
    """
    SEC-01: the interactive prompt, without echo.
    """
    asked = []

    def getpass(prompt):
        asked.append(prompt)
        if answer is EOFError:
            raise EOFError
        return answer

    monkeypatch.setattr(sys, "stdin", Terminal())
    monkeypatch.setattr("getpass.getpass", getpass)
    lines = config.broker(*credentials('{ prompt = "API\\u001b key" }'), live=True)
    if expected is None:
        assert "no answer was given" in config.problem(lines).message
    else:
        checked = config.check(lines)

        assert expected == checked.sessions[0].broker.config.credentials.api_key.reveal()
    assert ["API key: "] == asked


def test_nobody_is_asked_where_nobody_is(config, monkeypatch):
    """
    SEC-01: a service says so at once instead of waiting for ever.
    """
    monkeypatch.setattr(sys, "stdin", types.SimpleNamespace(isatty=lambda: False))
    problem = config.problem(config.broker(*credentials('{ prompt = "API key" }'), live=True))

    assert 'nobody is there to be asked for "API key"' in problem.message
    assert "LTM-CFG-023" == problem.code


def test_an_env_file_is_lines_of_variables(tmp_path):
    """
    SEC-01: named on the command line, never looked for.
    """
    path = tmp_path / "live.env"
    path.write_text("# comment\n\nexport A=1\nB='x y'\nC=\"q=\"\nD=a'b\nE=\n", encoding="utf-8")
    path.chmod(0o600)

    assert {"A": "1", "B": "x y", "C": "q=", "D": "a'b", "E": ""} == read_env_file(path)


@pytest.mark.parametrize(
    ("text", "mode", "message"),
    [
        ("A=1\nnonsense canary-7f3a\n", 0o600, 'env file "live.env", line 2: must be NAME=value'),
        ("1A=canary-7f3a\n", 0o600, "line 1: must be NAME=value"),
        ("A=1\n", 0o640, "live.env is readable by others (mode 0640); run: chmod 600 live.env"),
        (None, 0o600, 'env file "live.env" cannot be read: No such file or directory'),
    ],
)
def test_an_env_file_that_cannot_be_used_is_told(text, mode, message, tmp_path):
    """
    BAD-023, SEC-02: with the command that mends it.
    """
    path = tmp_path / "live.env"
    if text is not None:
        path.write_text(text, encoding="utf-8")
        path.chmod(mode)
    with pytest.raises(ConfigError) as caught:
        read_env_file(path)

    assert message in caught.value.message
    assert ("LTM-CFG-023", True) == (caught.value.code, bool(caught.value.hint))
    assert CANARY not in caught.value.render()
