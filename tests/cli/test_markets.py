"""
A market's own rules, from the configuration to what comes out at the other end.
"""

CALENDAR = """
[session]
id = "late"
model_id = "m"
initial_capital = 100_000
max_position_size = 0.5
trading_hours = { calendar = "XSHG" }
[broker]
plugin = "mock"
start = 1985-01-07T02:00:00Z
steps = 3
[risk]
required = ["position_size"]
"""


def test_no_session_starts_at_a_time_that_its_calendar_does_not_know(ltm, tmp_path):
    """
    C14: known from its first opening to its last close only; beyond, the start is refused with the cure.
    """
    config = tmp_path / "late.toml"
    config.write_text(CALENDAR)

    answer = ltm("simulate", config)

    assert 2 == answer.code
    assert "calendar XSHG is known from 1990-12-" in answer.err
    assert "and it is 1985-01-07 02:00 UTC" in answer.err
    assert "pip install --upgrade exchange_calendars" in answer.err
