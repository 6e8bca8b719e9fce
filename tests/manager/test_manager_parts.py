"""
What a manager is made of: terms, limits, brokers and logs.
"""

import json
import logging
import stat
from decimal import Decimal
from pathlib import Path

import attrs
import pytest

from ltm import (
    ConfigError,
    LiveTradingConfig,
    LiveTradingManager,
    LoggerSystem,
    PortfolioManager,
    RiskManager,
    TradingAPIAdapter,
)
from ltm.brokers.mock.config import MockConfig
from ltm.manager._broker import SYMBOLS
from ltm.model.offer import Offer
from ltm.model.secret import Secret

DOCUMENTED = [
    "broker",
    "credentials",
    "max_position_size",
    "max_daily_trades",
    "stop_loss_pct",
    "take_profit_pct",
    "trading_hours",
]
CANARY = "canary-7f3a91c2"


def config(**values):
    return LiveTradingConfig(
        **{
            "broker": "mock",
            "credentials": {},
            "max_position_size": 0.3,
            "max_daily_trades": 10,
            "stop_loss_pct": 0.05,
            "take_profit_pct": 0.1,
            "trading_hours": None,
            **values,
        }
    )


# --- LiveTradingConfig ----------------------------------------------------------------------------


def test_the_documented_fields_come_first_and_are_required():
    fields = attrs.fields(LiveTradingConfig)

    assert DOCUMENTED == [field.name for field in fields[:7]]
    assert all(field.default is attrs.NOTHING for field in fields[:7])
    assert all(field.kw_only for field in fields[7:])


def test_credentials_are_kept_as_secrets_and_never_shown():
    """SEC-03: wrapped at the boundary; the caller's mapping is not kept."""
    mine = {"apiKey": CANARY}
    terms = config(credentials=mine)
    mine["apiKey"] = "other"

    assert isinstance(terms.credentials["apiKey"], Secret)
    assert CANARY == terms.credentials["apiKey"].reveal()
    for text in (repr(terms), str(terms), f"{terms}", repr(attrs.asdict(terms))):
        assert CANARY not in text


def test_terms_do_not_change():
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        config().max_position_size = 1


def test_a_float_counts_as_its_repr():
    """Ruling 3."""
    terms = config().session_terms({"id": "s", "model_id": "m", "initial_capital": 0.1})

    assert (Decimal("0.3"), Decimal("0.1")) == (terms.max_position_size, terms.spec.initial_capital)


def test_more_terms_are_a_files_terms():
    terms = config(terms={"max_signal_age": 60, "allow_short": True}, currency="CNY")

    spec = terms.session_terms({"id": "s", "model_id": "m", "initial_capital": 1}).spec

    assert (60.0, True, "CNY") == (spec.max_signal_age, spec.allow_short, spec.currency)


# --- RiskManager ----------------------------------------------------------------------------------


def test_the_four_rules_are_armed_without_a_word():
    tables = RiskManager().tables(config())

    assert {
        "position_size": {},
        "sector_concentration": {
            "max_sector_fraction": Decimal("0.4"),
            "sectors": {},
            "unknown": "bucket",
        },
        "drawdown": {"max_drawdown": Decimal("0.10")},
        "daily_loss": {"max_daily_loss": Decimal("0.02")},
    } == tables


def test_one_position_as_large_as_allowed_fits_into_a_sector():
    tables = RiskManager().tables(config(max_position_size=0.75))

    assert Decimal("0.75") == tables["sector_concentration"]["max_sector_fraction"]


def test_rules_are_laid_over_the_limits():
    tables = RiskManager(rules={"drawdown": {"max_drawdown": 0.2}, "mine": {"x": 1}}).tables(config())

    assert ({"max_drawdown": 0.2}, {"x": 1}) == (tables["drawdown"], tables["mine"])


def test_missing_sectors_are_told():
    assert RiskManager().notices()
    assert not RiskManager(sectors={"A": "tech"}).notices()
    assert not RiskManager(rules={"sector_concentration": {"sectors": "s.csv"}}).notices()


@pytest.mark.parametrize(
    "values", [{"rules": []}, {"rules": {"drawdown": 0.1}}, {"sectors": 3}], ids=["list", "number", "sectors"]
)
def test_limits_of_the_wrong_shape_are_refused(values):
    with pytest.raises(ConfigError, match="must be a mapping of"):
        RiskManager(**values)


# --- TradingAPIAdapter ----------------------------------------------------------------------------


class Plugins:
    """
    A catalogue with one broker, whose settings are those of its class.
    """

    def __init__(self, schema):
        self.schema = schema

    def offer(self, kind, name):
        return Offer(
            kind=kind,
            name=name,
            config=self.schema,
            factory=self.schema,
            summary="",
            distribution="",
            version="",
            module="",
        )


@attrs.frozen(kw_only=True)
class TableConfig:
    credentials: dict[str, Secret]


@attrs.frozen(kw_only=True)
class FlatConfig:
    account: str
    password: Secret


def test_credentials_go_where_the_plugin_wants_them():
    """One table, or each under its own name: text where the plugin says text, else a secret."""
    terms = config(broker="x", credentials={"account": "U1", "password": CANARY, "typo": CANARY})

    table = TradingAPIAdapter().table(Plugins(TableConfig), terms, 1, None)
    flat = TradingAPIAdapter(settings={"host": "h"}).table(Plugins(FlatConfig), terms, 1, None)

    assert {"plugin", "credentials"} == table.keys()
    assert ("U1", "h") == (flat["account"], flat["host"])
    assert isinstance(flat["password"], Secret)
    assert isinstance(flat["typo"], Secret)


def test_the_mock_broker_quotes_the_documents_symbols_from_now_on(tmp_path):
    """Without any settings; in real time."""
    with LiveTradingManager(
        PortfolioManager(), RiskManager(), TradingAPIAdapter(), state_dir=tmp_path / "state"
    ) as manager:
        session = manager.start_live_trading("m1", 100_000, config())
        slots = manager._manager._sessions["m1"].state.slots

    assert {"600519", "300750", "000001"} <= {*SYMBOLS} == {*slots}
    assert all(slot.mark is not None for slot in slots.values())
    assert "active" == session.status


def test_settings_of_the_session_go_before_those_of_the_adapter(tmp_path):
    api = TradingAPIAdapter(settings={"symbols": ["ONE"], "seed": 3})
    with LiveTradingManager(PortfolioManager(), RiskManager(), api, state_dir=tmp_path / "state") as manager:
        manager.start_live_trading("m1", 100_000, config(settings={"symbols": ["TWO"]}))

        assert {"TWO"} == {*manager._manager._sessions["m1"].state.slots}


def test_a_broker_object_is_used_as_it_is(desk):
    """A callable gets the settings and the credentials; an object is taken as it is."""
    given = []
    made = desk._broker({})

    def make(settings):
        given.append(settings)
        return made

    for broker in (make, made):
        with LiveTradingManager(
            PortfolioManager(),
            RiskManager(),
            TradingAPIAdapter(broker=broker, settings={"a": 1}),
            state_dir=desk.folder / f"state-{callable(broker)}",
            clock=desk.clock,
        ) as manager:
            terms = config(broker="mine", credentials={"key": CANARY}, settings={"b": 2})
            assert "mine" == manager.start_live_trading("m1", 1000, terms).broker
            break
    assert (1, 2, CANARY) == (given[0]["a"], given[0]["b"], given[0]["credentials"]["key"].reveal())


@pytest.mark.parametrize("values", [{"broker": 3}, {"broker": MockConfig()}, {"settings": []}], ids=repr)
def test_what_is_no_broker_is_refused(values):
    with pytest.raises(ConfigError, match=r"must be a (broker|mapping)"):
        TradingAPIAdapter(**values)


# --- LoggerSystem -----------------------------------------------------------------------------------


@pytest.fixture
def log(tmp_path):
    system = LoggerSystem()
    yield system
    system.close()


def lines(system):
    return [json.loads(line) for line in system.path.read_text(encoding="utf-8").splitlines()]


def test_the_log_is_private_json_lines(log, tmp_path):
    """0700 and 0600 (SEC-02); one line for each record, whatever its text holds (SEC-33)."""
    log.setup(log_dir=tmp_path / "logs", log_level="info")

    log.info("hello\nworld", price=Decimal("1E+2"))
    log.warning("careful")
    log.error("broken", path=Path("x"))
    logging.getLogger("ltm.test").debug("unheard")
    try:
        raise RuntimeError("boom")
    except RuntimeError:
        logging.getLogger("ltm.test").exception("it failed")

    assert 0o700 == stat.S_IMODE((tmp_path / "logs").stat().st_mode)
    assert 0o600 == stat.S_IMODE(log.path.stat().st_mode)
    first, second, third, fourth = lines(log)
    assert ("INFO", "ltm", "hello\nworld", "100") == (
        first["level"],
        first["logger"],
        first["message"],
        str(int(Decimal(first["price"]))),
    )
    assert ("WARNING", "ERROR", "x") == (second["level"], third["level"], third["path"])
    assert "RuntimeError: boom" in fourth["exception"]


def test_a_session_is_logged_event_by_event_without_its_secrets(log, tmp_path):
    """SEC-05: the canary is in no file that was written."""
    log.setup(tmp_path / "logs", "DEBUG")
    manager = LiveTradingManager(
        PortfolioManager(log), RiskManager(log), TradingAPIAdapter(), log, state_dir=tmp_path / "state"
    )
    with manager:
        manager.start_live_trading("m1", 1000, config(credentials={"apiKey": CANARY}))
        manager.pause_trading("m1")

    events = [line["message"].partition(": ")[2] for line in lines(log) if line["logger"] == "ltm.session"]
    assert {"SessionOpened", "Reconciled", "TradingPaused"} <= {*events}
    for path in tmp_path.rglob("*"):
        if path.is_file():
            assert CANARY.encode() not in path.read_bytes()


def test_a_second_setup_moves_the_log(log, tmp_path):
    log.setup(tmp_path / "one")
    log.info("first")
    log.setup(tmp_path / "two")
    log.info("second")

    assert ["second"] == [line["message"] for line in lines(log)]


def test_before_its_setup_a_log_has_no_file(log):
    assert log.path is None
    log.close()


@pytest.mark.parametrize(
    ("level", "text"),
    [
        ("LOUD", 'log_level must be one of DEBUG, INFO, WARNING, ERROR, CRITICAL, got "LOUD"'),
        (10, "log_level must be one of DEBUG, INFO, WARNING, ERROR, CRITICAL, got 10"),
    ],
    ids=["word", "number"],
)
def test_a_level_that_is_not_there_is_refused(log, tmp_path, level, text):
    with pytest.raises(ConfigError) as caught:
        log.setup(tmp_path, level)

    assert text == caught.value.message


def test_a_folder_that_cannot_be_written_is_refused(log, tmp_path):
    (tmp_path / "file").write_text("")

    with pytest.raises(ConfigError, match="log_dir must be a folder that can be written"):
        log.setup(tmp_path / "file" / "logs")


def test_a_log_that_is_a_link_is_not_followed(log, tmp_path):
    (tmp_path / "elsewhere").write_text("")
    (tmp_path / "ltm.jsonl").symlink_to(tmp_path / "elsewhere")

    with pytest.raises(ConfigError, match="log_dir must be a folder that can be written"):
        log.setup(tmp_path)
