"""
Corporate actions from the command line: Apple's split of June 2014 on real prices, and one that nobody declared.
"""

import json

import pytest

# AAPL as it was printed (us_equities/daily_2010-2019.csv in the folder of real data). The adjustment factors beside
# it go from a split_factor of 0.0357143 up to 2014-06-06 to 0.25 after it: 7:1 on 9 June.
PRICES = """timestamp,symbol,open,high,low,close,volume
2014-06-03T00:00:00Z,AAPL,628.47,638.71,628.25,637.54,10184007
2014-06-04T00:00:00Z,AAPL,637.28,647.9,636.1,644.82,11799618
2014-06-05T00:00:00Z,AAPL,646.25,649.35,642.61,647.35,10445282
2014-06-06T00:00:00Z,AAPL,650,651.25,644.48,645.57,12116671
2014-06-09T00:00:00Z,AAPL,92.69,93.88,91.75,93.7,72875948
2014-06-10T00:00:00Z,AAPL,94.64,95.05,93.57,94.25,60833696
2014-06-11T00:00:00Z,AAPL,94.13,94.76,92.86,93.86,43961198
"""
ACTIONS = "date,symbol,kind,value\n2014-06-09,AAPL,split,7:1\n"
CONFIG = """
[session]
id = "apple"
model_id = "m"
initial_capital = 100_000
stop_loss_pct = 0.05
max_position_size = 0.5
{session}
[broker]
plugin = "mock"
prices = "prices.csv"
corporate_actions = "actions.csv"
[risk.drawdown]
max_drawdown = 0.05
[risk.daily_loss]
max_daily_loss = 0.05
[risk]
required = ["position_size", "drawdown", "daily_loss"]
[[signals]]
plugin = "file"
path = "signals.jsonl"
"""
BUY = {"stock_code": "AAPL", "action": "buy", "score": 1, "confidence": 1, "quantity": 40}


@pytest.fixture
def apple(ltm, tmp_path):
    (tmp_path / "prices.csv").write_text(PRICES)
    (tmp_path / "actions.csv").write_text(ACTIONS)
    signal = BUY | {"timestamp": "2014-06-04T00:00:00Z"}
    (tmp_path / "signals.jsonl").write_text(json.dumps(signal) + "\n")

    def run(session):
        config = tmp_path / "apple.toml"
        config.write_text(CONFIG.format(session=session))
        return ltm("simulate", config, "--state-dir", tmp_path / "state"), tmp_path / "state"

    return run


def test_a_declared_split_changes_no_profit_and_trips_nothing(apple, ltm):
    """
    40 shares bought at the open of 4 June for 637.28 are 280 at 91.04; they are worth 93.86 each in the end.
    """
    answer, state = apple('corporate_actions = "actions.csv"')

    assert 0 == answer.code, answer.err
    positions = ltm("positions", "--json", "--state-dir", state).json
    assert [("AAPL", "280")] == [(row["symbol"], row["quantity"]) for row in positions]
    status = ltm("status", "--json", "--state-dir", state).json[0]
    # 100,000 - 40 x 637.28 + 280 x 93.86
    assert "100789.6" == status["equity"]
    assert [] == status["reasons"]
    alerts = [row["code"] for row in ltm("alerts", "--json", "--state-dir", state).json]
    assert "corporate_action" in alerts
    assert not {"drift", "drawdown", "daily_loss", "exit_denied"} & set(alerts)
    assert 0 == ltm("journal", "verify", "--state-dir", state).code


def test_a_bar_that_closes_when_the_ex_date_begins_is_of_the_day_before(apple, ltm, tmp_path):
    """
    11:10 on a Thursday: Wednesday's bar is known at midnight, and must not be taken for a gain of a tenth.
    """
    (tmp_path / "actions.csv").write_text("date,symbol,kind,value\n2014-06-05,AAPL,split,11:10\n")
    rows = [
        f"2014-06-{day:02}T00:00:00Z,AAPL,{price},{price},{price},{price},1"
        for day, price in ((2, 110), (3, 110), (4, 110), (5, 100), (6, 100))
    ]
    (tmp_path / "prices.csv").write_text(
        "timestamp,symbol,open,high,low,close,volume\n" + "\n".join(rows) + "\n"
    )
    signal = BUY | {"timestamp": "2014-06-03T00:00:00Z", "quantity": 100}
    (tmp_path / "signals.jsonl").write_text(json.dumps(signal) + "\n")
    _, state = apple('corporate_actions = "actions.csv"')

    status = ltm("status", "--json", "--state-dir", state).json[0]
    assert ("100000", "110") == (
        status["equity"],
        ltm("positions", "--json", "--state-dir", state).json[0]["quantity"],
    )
    assert "100000" == status["peak_equity"]


def test_a_split_that_nobody_declared_is_a_drift_with_the_ratio_in_its_text(apple, ltm):
    """
    REL-4: the venue's holding is sevenfold; nothing is traded to mend it.
    """
    _, state = apple("")

    alerts = ltm("alerts", "--json", "--state-dir", state).json
    drift = [row["message"] for row in alerts if row["code"] == "drift"]
    assert drift
    assert "the venue holds 280 AAPL, our fills say 40; 7:1, a split?" in drift[0]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("date,symbol,kind,value\n2014-06-09,AAPL,split,7\n", "value of a split must be a ratio new:old"),
        ("nothing\n", "the header must be date,symbol,kind,value"),
        (None, "must be a file that can be read"),
        (b"\xff", "must be a file that can be read"),
    ],
)
@pytest.mark.parametrize("name", ["other.csv", "actions.csv"], ids=["session", "broker"])
def test_a_bad_file_of_actions_stops_the_start_and_names_the_line(apple, ltm, tmp_path, name, text, message):  # noqa: PLR0917 - fixtures come by position
    """
    In the session's table and in the mock broker's.
    """
    apple('corporate_actions = "other.csv"' if name == "other.csv" else "")
    file = tmp_path / name
    file.unlink(missing_ok=True)
    if text is not None:
        file.write_bytes(text if isinstance(text, bytes) else text.encode())
    config = tmp_path / "apple.toml"

    answer = ltm("simulate", config)

    assert 2 == answer.code
    assert message in answer.err


def test_a_corporate_action_that_is_none_is_refused_before_anybody_is_asked(ltm):
    answer = ltm("corporate-action", "split", "AAPL", "7", "--date", "2014-06-09", "--reason", "x")

    assert 2 == answer.code
    assert "value of a split must be a ratio new:old above 0" in answer.err
