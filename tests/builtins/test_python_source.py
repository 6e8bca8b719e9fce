"""
The `python` signal source: a strategy that sees quotes, from a named place and nowhere else (SEC-15).
"""

import sys
from datetime import UTC, datetime
from decimal import Decimal
from textwrap import dedent

import pytest

from ltm.builtins import hooks
from ltm.builtins.config import PythonConfig
from ltm.model.errors import ConfigError, PluginError, SignalError
from ltm.model.market import Quote
from ltm.model.signal import Signal

QUOTE = Quote("AAPL", datetime(2026, 1, 5, 14, 30, tzinfo=UTC), price=Decimal(101))
STRATEGIES = """
    from neighbour import NAME
    from ltm import Signal


    def signal(quote, action="buy"):
        return Signal(
            stock_code=quote.symbol, action=action, score=1, confidence=1, timestamp=quote.at.isoformat()
        )


    def one(quote):
        return signal(quote)


    def several(quote):
        yield signal(quote)
        yield signal(quote, "sell")


    def none(quote):
        return None


    class Momentum:
        def __init__(self, *, above=100):
            self.above = above
            self.seen = 0

        def on_quote(self, quote):
            self.seen += 1
            if quote.price > self.above:
                yield signal(quote)


    class Callable:
        def __call__(self, quote):
            return [signal(quote)]


    def make(action):
        return lambda quote: [signal(quote, action)]


    class Space:
        inner = staticmethod(one)


    def broken(quote):
        yield signal(quote)
        raise ZeroDivisionError("oops")


    def wrong(quote):
        return ["buy"]


    def malformed(quote):
        return signal(quote, "long")


    number = 5
    ready = Momentum(above=1000)
"""


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "path", list(sys.path))
    (tmp_path / "strategies.py").write_text(dedent(STRATEGIES), encoding="utf-8")
    (tmp_path / "neighbour.py").write_text("NAME = 'neighbour'\n", encoding="utf-8")
    yield tmp_path
    for name in [name for name in sys.modules if name == "neighbour" or name.startswith("_ltm_")]:
        del sys.modules[name]


def source(folder, name, **settings):
    offers = {}
    hooks.ltm_register_signal_sources(lambda name, **offer: offers.update({name: offer}))
    config = offers["python"]["config"](callable=name, path=folder, **settings)
    return offers["python"]["factory"](config)


@pytest.mark.parametrize(
    ("name", "params", "expected"),
    [
        ("strategies:one", {}, ["buy"]),
        ("strategies:several", {}, ["buy", "sell"]),
        ("strategies:none", {}, []),
        ("strategies:Momentum", {}, ["buy"]),
        ("strategies:Momentum", {"above": 101}, []),
        ("strategies:Callable", {}, ["buy"]),
        ("strategies:make", {"action": "sell"}, ["sell"]),
        ("strategies:Space.inner", {}, ["buy"]),
        ("strategies:ready", {}, []),
    ],
)
def test_a_strategy_is_a_function_or_makes_one(folder, name, params, expected):
    """
    Functions, generators, classes, factories and objects that are there already.
    """
    made = source(folder, name, params=params)

    assert expected == [signal.action for signal in made.on_quote(QUOTE)]


def test_a_strategy_keeps_its_state(folder):
    """
    It is made once.
    """
    made = source(folder, "strategies:Momentum")
    for _ in range(3):
        list(made.on_quote(QUOTE))

    assert 3 == made._strategy.__self__.seen


def test_the_source_lives_as_long_as_the_market(folder):
    """
    Nothing comes by polling, and the end is the session's to decide.
    """
    made = source(folder, "strategies:one")
    made.open(lambda: None)

    assert "python" == made.name
    assert () == made.poll(QUOTE.at)
    assert not made.exhausted
    made.close()
    assert made.exhausted


def test_a_strategy_that_fails_keeps_what_it_said_before(folder):
    """
    The failure names the strategy and the symbol.
    """
    answers = source(folder, "strategies:broken").on_quote(QUOTE)

    assert isinstance(next(answers), Signal)
    with pytest.raises(
        PluginError, match="strategy strategies:broken failed on AAPL: ZeroDivisionError: oops"
    ):
        next(answers)


def test_an_answer_that_holds_no_signals_is_a_failure(folder):
    """
    BAD-067: the wrong container is named.
    """
    with pytest.raises(PluginError, match='it must return signals, got "buy"'):
        list(source(folder, "strategies:wrong").on_quote(QUOTE))


def test_a_malformed_signal_is_an_error_of_the_signal(folder):
    """
    BAD-051: its field and code reach the person who wrote the strategy.
    """
    with pytest.raises(SignalError) as caught:
        list(source(folder, "strategies:malformed").on_quote(QUOTE))

    assert "LTM-SIG-051" == caught.value.code


@pytest.mark.parametrize(
    ("name", "error", "message"),
    [
        ("missing:one", ConfigError, "there is no missing in"),
        ("strategies:two", ConfigError, "strategies has no two"),
        ("strategies:Space.outer", ConfigError, "strategies has no Space.outer"),
        ("strategies:number", ConfigError, "callable must be a function of a quote"),
        (
            "needy:one",
            PluginError,
            "module needy failed to load: ModuleNotFoundError: No module named 'nowhere'",
        ),
        ("typo:one", PluginError, "module typo failed to load: SyntaxError"),
    ],
)
def test_a_strategy_that_cannot_be_loaded_is_named(folder, name, error, message):
    """
    BAD-111: module and attribute, as its author wrote them.
    """
    (folder / "needy.py").write_text("import nowhere\n", encoding="utf-8")
    (folder / "typo.py").write_text("def one(:\n", encoding="utf-8")

    with pytest.raises(error) as caught:
        source(folder, name)

    assert message in caught.value.message
    assert "callable" == caught.value.field


def test_a_module_that_failed_is_loaded_anew(folder):
    """
    Nothing half-made is kept.
    """
    path = folder / "late.py"
    path.write_text("raise RuntimeError('not yet')\n", encoding="utf-8")
    with pytest.raises(PluginError, match="not yet"):
        source(folder, "late:one")
    path.write_text("def one(quote): ...  # and ready\n", encoding="utf-8")

    assert [] == list(source(folder, "late:one").on_quote(QUOTE))


def test_a_strategy_that_cannot_be_made_is_told(folder):
    """
    Wrong params are the user's to mend.
    """
    with pytest.raises(PluginError, match=r"strategy strategies:Momentum could not be made: TypeError"):
        source(folder, "strategies:Momentum", params={"below": 1})


def test_the_current_directory_is_not_looked_at(folder, monkeypatch):
    """
    SEC-15: a strategy that lies about is not run because of where somebody stands.
    """
    (folder / "lies_about.py").write_text("def one(quote): ...\n", encoding="utf-8")
    monkeypatch.chdir(folder)
    monkeypatch.setattr(sys, "path", [entry for entry in sys.path if entry])

    with pytest.raises(ConfigError, match="there is no lies_about installed") as caught:
        source(None, "lies_about:one")

    assert "set path to the folder that holds it" == caught.value.hint


def test_an_installed_module_needs_no_path():
    """
    A strategy may be a package of its own.
    """
    made = source(None, "types:SimpleNamespace", params={"on_quote": lambda quote: None})

    assert [] == list(made.on_quote(QUOTE))


def test_two_sessions_share_a_module_and_folders_do_not(folder, tmp_path):
    """
    The same file is loaded once; a file of the same name elsewhere is another module.
    """
    other = tmp_path / "other"
    other.mkdir()
    (other / "strategies.py").write_text("def one(quote): ...\n", encoding="utf-8")

    assert source(folder, "strategies:one")._strategy is source(folder, "strategies:one")._strategy
    assert [] == list(source(other, "strategies:one").on_quote(QUOTE))


@pytest.mark.parametrize("name", ["", "momentum", ":one", "momentum:", "mo mentum:one", "../x:one", "a:b:c"])
def test_a_strategy_is_named_by_module_and_name(name):
    """
    BAD-028: at load.
    """
    with pytest.raises(ConfigError, match='callable must be "module:name"'):
        PythonConfig(callable=name)
