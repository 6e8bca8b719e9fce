"""
`ltm plugins`: what there is, and what each takes.
"""

import pytest

ROW = [
    "name", "kind", "distribution", "version", "status", "reason", "health", "hooks", "summary", "module", "file", "hash",
]  # fmt: skip


@pytest.mark.parametrize("words", [("plugins",), ("plugins", "list")])
def test_plugins_are_listed(ltm, words):
    rows = ltm(*words, "--json").json

    assert all(ROW == list(row) for row in rows)
    assert {"position_size", "sector_concentration", "drawdown", "daily_loss"} == {
        row["name"] for row in rows if row["kind"] == "risk_rule"
    }
    assert "mock" in {row["name"] for row in rows if row["kind"] == "broker"}
    assert {"loaded"} == {row["status"] for row in rows}


def test_the_list_can_be_read(ltm):
    lines = ltm("plugins").out.splitlines()

    assert lines[0].split() == [
        "name",
        "kind",
        "distribution",
        "version",
        "status",
        "health",
        "hooks",
        "about",
    ]
    (line,) = [line for line in lines if line.startswith("drawdown ")]
    assert ["risk", "rule", "ltm-risk-drawdown", "0.1.0", "loaded", "ok", "risk_rules"] == line.split()[1:8]


def test_show_tells_every_setting(ltm):
    (offer,) = ltm("plugins", "show", "drawdown", "--json").json
    text = ltm("plugins", "show", "drawdown").out

    assert ("drawdown", "risk_rule", "ltm-risk-drawdown") == (
        offer["name"],
        offer["kind"],
        offer["distribution"],
    )
    assert {
        "max_drawdown": True,
        "scope": False,
        "peak_sample": False,
        "on_trip": False,
        "degraded_haircut": False,
    } == {field["name"]: field["required"] for field in offer["fields"]}
    assert all(["name", "type", "default", "doc", "required"] == list(field) for field in offer["fields"])
    assert ["max_drawdown", "number", "(required)"] in [line.split()[:3] for line in text.splitlines()]


def test_show_tells_everything_of_one_name(ltm):
    assert ["alert_sink", "signal_source"] == [
        offer["kind"] for offer in ltm("plugins", "show", "file", "--json").json
    ]
    assert 2 == ltm("plugins", "show", "file").out.count("\npath ")
    assert "nothing to set" in ltm("plugins", "show", "console").out


def test_an_unknown_name_is_refused_with_a_suggestion(ltm):
    """
    BAD-020.
    """
    answer = ltm("plugins", "show", "drawdwon")

    assert 2 == answer.code
    assert 'no plugin "drawdwon"; installed: ' in answer.err
    assert 'did you mean "drawdown"?' in answer.err


def test_a_broken_plugin_is_listed_and_told(ltm, tmp_path):
    """
    BAD-111: quarantined, with what failed.
    """
    (tmp_path / "ltmfile.py").write_text("import no_such_module_anywhere\n", encoding="utf-8")
    config = tmp_path / "ltm.toml"
    config.write_text("[plugins]\nlocal = true\n", encoding="utf-8")
    (row,) = [row for row in ltm("--config", config, "plugins", "--json").json if row["status"] != "loaded"]
    shown = ltm("--config", config, "plugins", "show", "ltmfile")

    assert ("ltmfile", "quarantined") == (row["name"], row["status"])
    assert "no_such_module_anywhere" in row["reason"]
    assert "no_such_module_anywhere" in ltm("--config", config, "plugins", "list").out
    assert 4 == shown.code
    assert "no_such_module_anywhere" in shown.err


def test_a_configuration_that_cannot_be_read_is_refused(ltm, tmp_path):
    assert 2 == ltm("--config", tmp_path / "none.toml", "plugins").code


def test_show_tells_where_it_comes_from(ltm):
    """
    SEC-10: file, hash, hooks and health; and a distribution's name stands for all that it offers.
    """
    (offer,) = ltm("plugins", "show", "ltm-risk-drawdown", "--json").json
    text = ltm("plugins", "show", "drawdown").out

    assert ("drawdown", "ok", ["ltm_register_risk_rules"]) == (
        offer["name"],
        offer["health"],
        offer["hooks"],
    )
    assert offer["file"].endswith("ltm_risk_drawdown/hooks.py")
    assert offer["hash"].startswith("sha256:")
    assert f"hooks in {offer['file']}, installation ok" in text
