"""
The file itself: reading it, its syntax, its size (BAD-001 to BAD-004, BAD-038), and where problems are.
"""

import re
import time
from pathlib import Path

import pytest

from ltm.config import check_config, parse_config, plugins_of, read_config
from ltm.model.errors import ConfigErrors


def unreadable(path: Path) -> ConfigErrors:
    with pytest.raises(ConfigErrors) as caught:
        read_config(path, environ={})
    return caught.value


def test_a_missing_file_is_named(tmp_path):
    """
    BAD-001: the operating system's reason, and exit code 2.
    """
    error = unreadable(tmp_path / "ltm.toml")

    assert 'config "ltm.toml" cannot be read: No such file or directory' == error.message
    assert ("LTM-CFG-001", 2) == (error.code, error.exit_code)


def test_a_directory_is_no_file(tmp_path):
    """
    BAD-001.
    """
    assert "cannot be read: Is a directory" in unreadable(tmp_path).message


@pytest.mark.parametrize(
    "data",
    [b"\xff\xfea\x00", "[session]".encode("utf-16"), b"\x80abc", b"id = 'a\x00b'"],
    ids=["BAD-001 mark of UTF-16", "BAD-001 UTF-16", "BAD-001 not UTF-8", "BAD-001 NUL"],
)
def test_other_encodings_are_refused(tmp_path, data):
    path = tmp_path / "ltm.toml"
    path.write_bytes(data)

    assert 'config "ltm.toml" is not UTF-8' == unreadable(path).message


def test_a_byte_order_mark_is_accepted(tmp_path, config):
    """
    BAD-001: Windows editors write one.
    """
    path = tmp_path / "ltm.toml"
    path.write_bytes(b"\xef\xbb\xbf" + config.good.encode())

    assert "demo" == check_config(read_config(path, {}), config.plugins, {}).sessions[0].spec.session_id


def test_an_empty_file_shows_the_shortest_that_works(config):
    """
    BAD-002.
    """
    problem = config.problem("")

    assert 'config "ltm.toml" has no [session] table' == problem.message
    assert "[session]" in problem.hint
    assert "[risk.drawdown]" in problem.hint


def test_the_sample_of_the_error_needs_no_more_than_it_says(config):
    """
    BAD-002: what the cure shows is itself without a problem.
    """
    sample = config.problem("").hint.removeprefix("for example\n")

    assert 1 == len(config.check(sample).sessions)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "[session]\nmax_position_size = 30%",
            "line 2, column 23: not valid TOML; percentages are written as fractions: 0.30",
        ),
        ("[session]\nid = demo", "line 2, column 6: not valid TOML; invalid value"),
        ("[session\n", "line 1, column 9: not valid TOML; "),
        ("[session]\nstart = 09:30\n", "not valid TOML; times are written in quotes"),
        ("[session]\nn = " + "9" * 5000, "not valid TOML; exceeds the limit"),
        ("[session]\nn = \x1b[2J", "not valid TOML; "),
    ],
    ids=[
        "BAD-003 percentage",
        "BAD-003 text without quotes",
        "BAD-003 open bracket",
        "BAD-013 bare time",
        "BAD-038 a number of 5,000 digits",
        "a control character",
    ],
)
def test_bad_syntax_has_a_place_and_a_cure(text, message):
    with pytest.raises(ConfigErrors) as caught:
        parse_config(text, name="ltm.toml", base=Path(), environ={})

    (problem,) = caught.value.problems
    assert message in problem.message
    assert "LTM-CFG-003" == problem.code
    assert problem.message.isprintable()
    assert problem.line == int(re.search(r"line (\d+)", problem.message)[1])
    assert problem.hint


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "[session]\nid = 'a'\n\n[broker]\nplugin = 'mock'\n\nplugin = 'ib'",
            'line 7: key "plugin" given twice (first at line 5)',
        ),
        ("[broker]\na = 1\n[session]\n[broker]\n", 'line 4: key "broker" given twice (first at line 1)'),
        ("[session]\nid = 1\nid = 2\nid = 3", 'line 3: key "id" given twice (first at line 2)'),
    ],
    ids=["BAD-004 key", "BAD-004 table", "BAD-004 the first repetition"],
)
def test_a_key_given_twice_names_both_lines(text, message):
    with pytest.raises(ConfigErrors) as caught:
        parse_config(text, name="ltm.toml", base=Path(), environ={})

    assert (message, "LTM-CFG-004") == (caught.value.message, caught.value.code)


def test_a_file_above_one_megabyte_is_not_even_parsed(tmp_path):
    """
    BAD-038.
    """
    path = tmp_path / "ltm.toml"
    path.write_bytes(b"#" * 100_000_000)
    start = time.process_time()

    assert 'config "ltm.toml" is larger than 1 MB' == unreadable(path).message
    assert time.process_time() - start < 1


@pytest.mark.parametrize(
    "text",
    [
        "a = " + "[" * 100_000,
        "a = " + "{a=" * 100_000,
        "a." * 400_000 + "a = 1",
        "a . " * 200_000 + "a = 1",
        "'a'." * 200_000 + "a = 1",
        "[" + "a." * 400_000 + "a]",
    ],
    ids=["arrays", "inline tables", "a dotted key", "with blanks", "with quotes", "a table's name"],
)
def test_nesting_beyond_reason_is_refused(text):
    """
    BAD-038: no RecursionError, and no minutes of a quadratic parser.
    """
    start = time.process_time()
    with pytest.raises(ConfigErrors) as caught:
        parse_config(text, name="ltm.toml", base=Path(), environ={})

    assert caught.value.code in {"LTM-CFG-038", "LTM-CFG-003"}
    assert time.process_time() - start < 1


@pytest.mark.parametrize(
    "text",
    [
        "[session]\n" + "\n".join(f"key_{number} = 1" for number in range(30_000)),
        "\n".join(f"key_{number} = 1" for number in range(30_000)),
        "[[signals]]\n" * 40_000,
        "[[sessions]]\n" * 40_000,
        "\n".join(f"[risk.r{number}]" for number in range(30_000)),
        "[session]\nweekdays = [" + "1," * 200_000 + "]",
        '[session]\nid = """' + '\n"x = [' * 70_000 + '"""',
    ],
    ids=["unknown keys", "unknown tables", "signals", "sessions", "rules", "a long list", "a long text"],
)
def test_half_a_megabyte_of_mistakes_is_told_in_bounded_time_and_length(text, config):
    """
    BAD-038: whoever has thousands of problems reads the first few hundred.
    """
    start = time.process_time()
    problems = config.problems(text)

    assert len(problems) < 300
    assert time.process_time() - start < 5


def test_problems_come_in_the_order_of_the_file_with_their_lines(config):
    """
    O5: code, field and line.
    """
    text = config.session("currency = 1", "max_daily_trades = true").replace(
        "max_drawdown = 0.10", "max_drawdown = 2"
    )

    problems = config.problems(text)

    assert [
        ("session.currency", 6),
        ("session.max_daily_trades", 7),
        ("risk.drawdown.max_drawdown", 18),
    ] == [(problem.field, problem.line) for problem in problems]
    assert ["ltm.toml, line 6", "ltm.toml, line 7", "ltm.toml, line 18"] == [
        problem.where for problem in problems
    ]


def test_lines_are_found_in_nested_and_repeated_tables(config):
    text = (
        'text = """\n[session]\nid = 1\n"""\nmore = [\n  "[x]",\n]\n'
        + config.good
        + '[[signals]]\nplugin = "file"\npath = "a"\n[[signals]]\nplugin = "file"\n"path" = 3 # here\n'
    )

    found = {problem.field: problem.line for problem in config.problems(text)}

    assert {"text": 1, "more": 5, "signals[1].path": len(text.splitlines())} == found


def test_every_problem_has_the_shape_of_the_catalogue(config):
    """
    4.1: one line with code, path, rule and value, then where and fix.
    """
    text = config.session(
        'id = "../x"', "initial_capital = -1", "max_position_size = 30", 'timezone = "CST"', "wrong = 1"
    )
    shape = re.compile(r"error\[LTM-CFG-\d{3}\]: \S[^\n]*\n  where: ltm\.toml, line \d+\n  fix:   \S[^\n]*")

    problems = config.problems(text)

    assert 5 == len(problems)
    assert [] == [problem.render() for problem in problems if not shape.fullmatch(problem.render())]


def test_plugins_are_known_before_the_rest_is_checked(tmp_path):
    """
    The allow list and the local file are needed to find the plugins that the rest is checked against.
    """
    text = '[plugins]\nallow = ["ltm-risk-*"]\nlocal = true'

    allow, local = plugins_of(parse_config(text, name="ltm.toml", base=tmp_path, environ={}))

    assert (("ltm-risk-*",), tmp_path / "ltmfile.py") == (allow, local)


def test_a_wrong_plugins_table_allows_nothing(config):
    text = config.good + '[plugins]\nallow = "*"\nlocal = 1\n'

    assert ((), None) == plugins_of(parse_config(text, name="ltm.toml", base=Path(), environ={}))
    assert ["plugins.allow", "plugins.local"] == [problem.field for problem in config.problems(text)]
