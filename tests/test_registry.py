"""
Discovery of plugins, with distributions made on disk for each test.
"""

import decimal
import sys
import textwrap
from pathlib import Path

import attrs
import click
import pytest

from ltm.model.errors import ConfigError, PluginError
from ltm.model.schema import field_rows
from ltm.registry import Registry

RULE = """
    import attrs
    from ltm import hookimpl

    @attrs.frozen(kw_only=True)
    class Config:
        '''
        No trading on Mondays.

        Args:
            hour: From which hour on.
        '''
        hour: int = 0
        name: str = "x"
        "What it is called."

    @hookimpl
    def ltm_register_risk_rules(register):
        register("{name}", config=Config, factory=lambda config: config)
"""


@pytest.fixture
def install(tmp_path, monkeypatch):
    """
    Returns a function that installs a distribution of one module with one entry point.
    """
    monkeypatch.syspath_prepend(str(tmp_path))
    modules: list[str] = []

    def install(distribution, source, *, version="1.2", point="no_mondays", name=None) -> str:
        module = name or distribution.replace("-", "_") + "_hooks"
        (tmp_path / f"{module}.py").write_text(textwrap.dedent(source))
        info = tmp_path / f"{distribution.replace('-', '_')}-{version}.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {distribution}\nVersion: {version}\n")
        (info / "entry_points.txt").write_text(f"[ltm]\n{point} = {module}\n")
        modules.append(module)
        return module

    yield install
    for module in modules:
        sys.modules.pop(module, None)


def row_of(registry, distribution):
    (row,) = [row for row in registry.listing() if row.distribution == distribution]
    return row


def quarantined(registry, distribution) -> str:
    row = row_of(registry, distribution)
    assert "quarantined" == row.status
    assert row.reason in registry.notices
    assert row.reason.isprintable()
    return row.reason


def test_the_kernels_own_plugins_come_through_the_same_hooks():
    registry = Registry.discover()

    assert "mock" in registry.names("broker")
    assert {"equity_fraction", "fixed_quantity"} <= set(registry.names("position_sizer"))
    assert ["daily_loss", "drawdown", "position_size", "sector_concentration"] == registry.names("risk_rule")
    assert "ltm" == registry.offer("broker", "mock").distribution
    assert [] == [
        row for row in registry.listing() if row.distribution.startswith("ltm") and row.status != "loaded"
    ]


def test_what_is_not_allowed_is_listed_but_not_imported(install):
    """
    SEC-10, RSK-40: filtered before anything is loaded.
    """
    module = install("acme-rules", RULE.replace("{name}", "no_mondays"))

    registry = Registry.discover()

    assert module not in sys.modules
    row = row_of(registry, "acme-rules")
    assert ("no_mondays", "", "1.2", "not allowed") == (row.name, row.kind, row.version, row.status)
    with pytest.raises(PluginError, match="is installed but not allowed") as caught:
        registry.offer("risk_rule", "no_mondays")
    assert (4, 'add "acme-rules" to plugins.allow') == (caught.value.exit_code, caught.value.hint)


@pytest.mark.parametrize(
    ("allow", "loaded"),
    [
        ("acme-rules", True),
        ("Acme_Rules", True),
        ("acme-*", True),
        ("acme-rules==1.2", True),
        ("acme-rules == 1.2", True),
        ("acme-*==1.3", False),
        ("acme", False),
        ("no_mondays", False),
        ("", False),
    ],
)
def test_the_allow_list_names_distributions_and_versions(install, allow, loaded):
    """
    SEC-10.
    """
    module = install("acme-rules", RULE.replace("{name}", "no_mondays"))

    registry = Registry.discover([allow])

    assert loaded is (module in sys.modules)
    assert loaded is ("no_mondays" in registry.names("risk_rule"))


def test_an_offer_knows_where_it_comes_from(install):
    module = install("acme-rules", RULE.replace("{name}", "no_mondays"))

    registry = Registry.discover(["acme-rules"])
    offer = registry.offer("risk_rule", "no_mondays")

    assert ("acme-rules", "1.2", module, "No trading on Mondays.") == (
        offer.distribution,
        offer.version,
        offer.module,
        offer.summary,
    )
    assert offer in registry.offers()
    assert offer.config(hour=3) == offer.factory(offer.config(hour=3))


def test_the_schema_of_a_config_class_is_read_from_types_and_documentation(install):
    """
    `ltm plugins show NAME`: docstrings of the class, and strings under fields.
    """
    install("acme-rules", RULE.replace("{name}", "no_mondays"))
    offer = Registry.discover(["acme-rules"]).offer("risk_rule", "no_mondays")

    assert [
        ("hour", "whole number", "0", "From which hour on."),
        ("name", "string", '"x"', "What it is called."),
    ] == [attrs.astuple(row) for row in field_rows(offer.config)]


def test_a_name_that_two_distributions_offer_is_neithers(install):
    """
    RSK-40, BAD-112: the error names both.
    """
    install("acme-rules", RULE.replace("{name}", "no_mondays"))
    install("zeta-rules", RULE.replace("{name}", "no_mondays"), point="other")

    registry = Registry.discover(["acme-rules", "zeta-rules"])

    expected = 'risk rule "no_mondays" is offered by both acme-rules and zeta-rules'
    with pytest.raises(PluginError, match=expected) as caught:
        registry.offer("risk_rule", "no_mondays")
    assert 4 == caught.value.exit_code
    assert expected == quarantined(registry, "acme-rules")
    assert expected in quarantined(registry, "zeta-rules")
    assert "no_mondays" not in registry.names("risk_rule")


def test_a_third_offer_of_a_name_does_not_revive_it(install):
    for distribution in ("a-rules", "b-rules", "c-rules"):
        install(distribution, RULE.replace("{name}", "no_mondays"), point=distribution)

    registry = Registry.discover(["*-rules"])

    assert "both a-rules and b-rules" in quarantined(registry, "c-rules")
    with pytest.raises(PluginError, match="both a-rules and b-rules"):
        registry.offer("risk_rule", "no_mondays")


@pytest.mark.parametrize("name", ["drawdown", "position_size", "mock", "ib", "ccxt"])
def test_reserved_names_belong_to_this_project(install, name):
    """
    SEC-11, BAD-112: and what is ours stays usable.
    """
    install("acme-rules", RULE.replace("{name}", name))

    registry = Registry.discover(["acme-rules"])

    assert f'the name "{name}" is reserved for the distribution ltm' in quarantined(registry, "acme-rules")
    assert "ltm-risk-drawdown" == registry.offer("risk_rule", "drawdown").distribution


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        ("import bar_that_is_nowhere", "ModuleNotFoundError: No module named 'bar_that_is_nowhere'"),
        ("def (", "SyntaxError: "),
        ("raise SystemExit(3)", "SystemExit: 3"),
        ("raise KeyboardInterrupt", "KeyboardInterrupt"),
        ("raise RuntimeError('a\\x1b[2J\\nb')", "RuntimeError: a\\x1b[2J b"),
        ("x = 1", "it implements no hook"),
        (
            "from ltm import hookimpl\n@hookimpl\ndef ltm_register_risk_rule(register): ...",
            'there is no hook ltm_register_risk_rule; did you mean "ltm_register_risk_rules"?',
        ),
        (
            "from ltm import hookimpl\n@hookimpl(optionalhook=True)\ndef ltm_something(register): ...",
            "there is no hook ltm_something",
        ),
        (
            "def ltm_register_risk_rules(register): ...",
            "ltm_register_risk_rules is not decorated with @hookimpl",
        ),
        (
            "from ltm import hookimpl\n@hookimpl\ndef ltm_register_risk_rules(registry): ...",
            "PluginValidationError: ",
        ),
        *(
            (
                f"from ltm import hookimpl\n@hookimpl({option}=True)\ndef ltm_register_risk_rules(register): yield",
                f"ltm_register_risk_rules may not be a hookimpl with {option}",
            )
            for option in ("wrapper", "hookwrapper", "tryfirst", "trylast", "optionalhook")
        ),
        (RULE.replace('"{name}"', '"No Mondays"'), 'a plugin\'s name must be lower case letters, digits and _ (1-64), got "No Mondays"'),
        (RULE.replace('"{name}"', "3"), "a plugin's name must be lower case letters, digits and _ (1-64), got 3"),
        (RULE.replace("config=Config", "config=dict").replace("{name}", "a"), "must be an attrs class"),
        (RULE.replace("factory=lambda config: config", "factory=3").replace("{name}", "a"), 'the factory of "a" must be callable, got 3'),
        (RULE.replace("hour: int", "hour: 'Nothing'").replace("{name}", "a"), "has an annotation that cannot be read"),
        (RULE.replace("{name}", "a") + "        raise SystemExit\n", "SystemExit"),
        (RULE.replace("{name}", "a") + "        1 / 0\n", "ZeroDivisionError: division by zero"),
    ],
    ids=[
        "BAD-111 missing dependency", "BAD-111 syntax error", "SystemExit at import", "KeyboardInterrupt at import",
        "SEC-33 control characters", "RSK-41 no hook", "BAD-112 misspelled", "BAD-112 optional does not help",
        "BAD-112 missing decorator", "BAD-112 unknown argument", "RSK-41 wrapper", "RSK-41 hookwrapper", "RSK-41 tryfirst",
        "RSK-41 trylast", "RSK-41 optionalhook", "name", "name no text", "config no attrs", "factory", "annotation",
        "SystemExit in a hook", "error in a hook",
    ],
)  # fmt: skip
def test_a_plugin_that_misbehaves_is_quarantined_with_the_reason(install, source, reason):
    """
    BAD-111: name, distribution, version, entry point and error; nothing of it is offered, all else works.
    """
    module = install("acme-rules", source)

    registry = Registry.discover(["acme-rules"])

    told = quarantined(registry, "acme-rules")
    assert told.startswith(
        f'plugin "no_mondays" (dist acme-rules 1.2, entry point {module}) failed to load: '
    )
    assert reason in told
    assert ["daily_loss", "drawdown", "position_size", "sector_concentration"] == registry.names("risk_rule")
    with pytest.raises(PluginError, match="failed to load") as caught:
        registry.offer("risk_rule", "no_mondays")
    assert (4, told) == (caught.value.exit_code, caught.value.message)


def test_what_a_plugin_prints_or_sets_at_import_stays_its_own(install, capsys):
    """
    BAD-113: standard output is ours, and so is the decimal context.
    """
    source = "import decimal\nprint('hello')\ndecimal.getcontext().prec = 3\n" + textwrap.dedent(RULE)
    install("acme-rules", source.replace("{name}", "no_mondays"))
    before = decimal.getcontext().prec

    Registry.discover(["acme-rules"])

    assert before == decimal.getcontext().prec
    assert ("", "hello\n") == capsys.readouterr()


def test_an_unknown_name_is_told_with_what_there_is():
    """
    BAD-020: a mistake in the configuration, exit code 2.
    """
    registry = Registry.discover()

    with pytest.raises(ConfigError) as caught:
        registry.offer("broker", "mok")

    installed = ", ".join(registry.names("broker"))
    assert f'no broker plugin "mok"; installed: {installed}; did you mean "mock"?' == caught.value.message
    assert ("LTM-CFG-020", 2) == (caught.value.code, caught.value.exit_code)


def test_a_rule_of_this_project_that_is_not_installed_is_told_with_its_distribution():
    """
    RSK-40: exit code 4 and the line that helps.
    """
    with pytest.raises(PluginError, match="ltm-risk-drawdown, which is not installed") as caught:
        Registry().offer("risk_rule", "drawdown")

    assert (4, "pip install ltm-risk-drawdown") == (caught.value.exit_code, caught.value.hint)


def test_a_file_beside_the_configuration_is_loaded_when_asked_and_said_loudly(tmp_path):
    """
    design.md 3: ltmfile.py.
    """
    path = tmp_path / "ltmfile.py"
    path.write_text(textwrap.dedent(RULE.replace("{name}", "no_mondays")))

    registry = Registry.discover(local=path)

    assert "local file" == registry.offer("risk_rule", "no_mondays").distribution
    assert f"plugins.local = true: the code in {path} runs with all your rights" in registry.notices


def a_file_for_all(path: Path) -> None:
    path.write_text("")
    path.chmod(0o666)


@pytest.mark.parametrize(
    ("make", "name", "reason"),
    [
        (lambda path: None, "ltmfile.py", "does not exist"),
        (a_file_for_all, "ltmfile.py", "can be written by others; run: chmod o-w"),
        (lambda path: path.write_text(""), "ltmfile.txt", "is no Python file"),
        (lambda path: path.write_text("import ltm"), "ltmfile.py", "it implements no hook"),
        (lambda path: path.write_text(textwrap.dedent(RULE.replace("{name}", "drawdown"))), "ltmfile.py", "is reserved"),
    ],
    ids=["missing", "writable", "other type", "no hook", "reserved name"],
)  # fmt: skip
def test_a_bad_local_file_is_quarantined(tmp_path, make, name, reason):
    make(tmp_path / name)

    assert reason in quarantined(Registry.discover(local=tmp_path / name), "local file")


OBSERVER = """
    from ltm import hookimpl
    seen = []

    @hookimpl
    def ltm_observe(event):
        seen.append(event)

    @hookimpl
    def ltm_add_commands(cli):
        cli.command("{name}")(lambda: None)
"""


def test_observers_and_commands_are_kept_for_those_who_call_them(install):
    module = install("acme-tools", OBSERVER.replace("{name}", "extra"))
    registry = Registry.discover(["acme-tools"])
    cli = click.Group()

    registry.add_commands(cli)
    for observe in registry.observers:
        observe("event")

    assert ["extra"] == list(cli.commands)
    assert ["event"] == sys.modules[module].seen


def test_a_plugin_may_not_replace_a_command(install):
    install("acme-tools", OBSERVER.replace("{name}", "kill"))
    registry = Registry.discover(["acme-tools"])
    kill = click.Command("kill")
    cli = click.Group(commands={"kill": kill})

    registry.add_commands(cli)

    assert {"kill": kill} == cli.commands
    assert "it replaces the command kill" in quarantined(registry, "acme-tools")


def test_a_plugin_with_one_bad_hook_gives_nothing_at_all(install):
    """
    RSK-40: not half of it.
    """
    install("acme-tools", textwrap.dedent(OBSERVER) + textwrap.dedent(RULE.replace("{name}", "drawdown")))

    registry = Registry.discover(["acme-tools"])

    assert "is reserved" in quarantined(registry, "acme-tools")
    assert [] == registry.observers
    cli = click.Group()
    registry.add_commands(cli)
    assert {} == cli.commands


def test_an_implementation_may_leave_out_the_argument(install):
    install("acme-tools", "from ltm import hookimpl\n@hookimpl\ndef ltm_observe(): ...\n")

    (observe,) = Registry.discover(["acme-tools"]).observers

    assert observe("event") is None


def test_a_rules_name_asked_for_as_a_broker_is_no_broker():
    """An installed name of another kind is not called "not installed"."""
    with pytest.raises(ConfigError, match='no broker plugin "drawdown"; installed: mock'):
        Registry.discover().offer("broker", "drawdown")


# --- What is shown without an import --------------------------------------------------------------

QUIET = """
    raise SystemExit("imported")
    from ltm import hookimpl as mark
    import ltm

    LTM_API: int = 1

    @ltm.hookimpl
    def ltm_register_risk_rules(register): ...

    @ltm.hookimpl(specname="ltm_observe")
    def watch(event): ...

    @property
    def helper(): ...
"""


def test_the_hooks_of_what_is_not_allowed_are_read_from_its_source(install, tmp_path):
    """
    SEC-10: hooks, file, hash and health are shown, and nothing is imported: this one would end the process.
    """
    module = install("acme-rules", QUIET)

    row = row_of(Registry.discover(), "acme-rules")

    assert ("not allowed", ("ltm_register_risk_rules", "ltm_observe")) == (row.status, row.hooks)
    assert (str(tmp_path / f"{module}.py"), "ok") == (row.file, row.health)
    assert row.hash.startswith("sha256:")
    assert module not in sys.modules


def test_the_hooks_of_what_is_loaded_are_those_that_it_has(install):
    """SEC-10: also those that are not written out in its file."""
    install(
        "acme-rules",
        RULE.replace("{name}", "no_mondays")
        + "\n    globals()['ltm_observe'] = hookimpl(lambda event: 0, specname='ltm_observe')\n",
    )

    assert ("ltm_register_risk_rules", "ltm_observe") == row_of(
        Registry.discover(["acme-rules"]), "acme-rules"
    ).hooks


@pytest.mark.parametrize(
    ("source", "hooks"),
    [("def (", ()), ("\x00", ()), ("x = 1", ())],
    ids=["syntax error", "no text", "no hook"],
)
def test_a_source_that_says_nothing_is_listed_all_the_same(install, source, hooks):
    module = install("acme-rules", source)
    row = row_of(Registry.discover(), "acme-rules")

    assert hooks == row.hooks
    assert row.file.endswith(f"{module}.py")


@pytest.mark.parametrize(
    "module", ["nowhere_at_all", "nowhere.inner", "sys", "..", "ltm.nothing:here", "a b.py"]
)
def test_a_module_without_a_source_has_no_file(install, tmp_path, module):
    info = tmp_path / "acme_rules-1.2.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: acme-rules\nVersion: 1.2\n")
    (info / "entry_points.txt").write_text(f"[ltm]\nno_mondays = {module}\n")
    row = row_of(Registry.discover(), "acme-rules")

    assert ("", ()) == (row.file, row.hooks)


def test_modules_inside_a_package_are_found_without_importing_the_package(install, tmp_path):
    """
    SEC-10: `find_spec` of an inner module would import those around it.
    """
    package = tmp_path / "acme_pack"
    (package / "deep").mkdir(parents=True)
    (package / "__init__.py").write_text("raise SystemExit('imported')")
    (package / "deep" / "__init__.py").write_text(
        "from ltm import hookimpl\n@hookimpl\ndef ltm_observe(event): ...\n"
    )
    for name, module in (("one", "acme_pack.deep:thing"), ("two", "acme_pack")):
        info = tmp_path / f"acme_{name}-1.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: acme-{name}\nVersion: 1\n")
        (info / "entry_points.txt").write_text(f"[ltm]\n{name} = {module}\n")
    registry = Registry.discover()

    assert ("ltm_observe",) == row_of(registry, "acme-one").hooks
    assert str(package / "__init__.py") == row_of(registry, "acme-two").file


# --- The version of the plugin API -------------------------------------------------------------------


@pytest.mark.parametrize("line", ["", "LTM_API = 1\n", "LTM_API: int = 1\n", "LTM_API = int('1')\n"])
def test_a_plugin_of_this_api_is_loaded(install, line):
    """Without a word it is taken to be of the first."""
    install("acme-rules", line + textwrap.dedent(RULE.replace("{name}", "no_mondays")))

    assert "no_mondays" in Registry.discover(["acme-rules"]).names("risk_rule")


@pytest.mark.parametrize(
    ("line", "reason", "hint"),
    [
        ("LTM_API = 2", "it is written for plugin API 2, and this ltm has 1", "upgrade ltm"),
        ("LTM_API = int('2')", "it is written for plugin API 2, and this ltm has 1", "upgrade ltm"),
        ("LTM_API = 0", "it is written for plugin API 0, and this ltm has 1", "upgrade the plugin"),
        ("LTM_API = -1", "it is written for plugin API -1, and this ltm has 1", "upgrade the plugin"),
        ("LTM_API = '1'", 'LTM_API must be a whole number, got "1"', "write LTM_API = 1"),
        ("LTM_API = True", "LTM_API must be a whole number, got True", "write LTM_API = 1"),
    ],
)  # fmt: skip
def test_a_plugin_of_another_api_is_quarantined_with_the_cure(install, line, reason, hint):
    install("acme-rules", f"{line}\n" + textwrap.dedent(RULE.replace("{name}", "no_mondays")))
    registry = Registry.discover(["acme-rules"])

    assert quarantined(registry, "acme-rules").endswith(f"failed to load: {reason}")
    with pytest.raises(PluginError) as caught:
        registry.offer("risk_rule", "no_mondays")
    assert (4, hint) == (caught.value.exit_code, caught.value.hint)


def test_a_plugin_of_a_newer_api_is_not_imported(install):
    """
    What the newer API has and ours lacks would fail first, and say less.
    """
    module = install("acme-rules", "from ltm.ports import Telepathy\nLTM_API = 7\n")

    told = quarantined(Registry.discover(["acme-rules"]), "acme-rules")

    assert "it is written for plugin API 7, and this ltm has 1" in told
    assert module not in sys.modules


def test_a_range_of_apis_is_told_as_one(install, monkeypatch):
    monkeypatch.setattr("ltm.registry.inspection.API_VERSION", 3)
    install("acme-rules", "LTM_API = 4\n")

    assert quarantined(Registry.discover(["acme-rules"]), "acme-rules").endswith(
        "API 4, and this ltm has 1 to 3"
    )


# --- What the start says of plugins that are missing -----------------------------------------------


def test_an_allowed_distribution_that_is_not_installed_is_named(install):
    """
    RSK-40: a rule that is missing is not taken for a spelling mistake: exit code 4, and what to install.
    """
    with pytest.raises(PluginError) as caught:
        Registry.discover(["acme_rules==1.2 sha256:00", "other-*"]).offer("risk_rule", "no_mondays")

    assert caught.value.message.endswith("; plugins.allow names acme-rules, which is not installed")
    assert (4, "LTM-PLG-004", "pip install acme-rules") == (
        caught.value.exit_code,
        caught.value.code,
        caught.value.hint,
    )


def test_a_name_that_nobody_offers_leads_to_those_in_quarantine(install):
    """An entry point need not be called what it offers."""
    install("acme-rules", "import nothing_of_this_name", point="acme")
    install("zeta-rules", "x = 1", point="zeta")

    with pytest.raises(ConfigError) as caught:
        Registry.discover(["acme-rules"]).offer("risk_rule", "no_mondays")

    assert (
        "ltm plugins list shows what there is, and why acme-rules is quarantined, zeta-rules is not allowed"
        == caught.value.hint
    )


def test_another_version_than_the_allowed_one_is_told(install):
    """
    SEC-10.
    """
    install("acme-rules", RULE.replace("{name}", "no_mondays"))
    row = row_of(Registry.discover(["acme-rules==1.3"]), "acme-rules")

    assert ("not allowed", "plugins.allow has version 1.3 of it, installed is 1.2") == (
        row.status,
        row.reason,
    )


# --- Health ------------------------------------------------------------------------------------------


def test_a_missing_requirement_is_an_ailment(install, tmp_path):
    """Read from metadata: what depends on an extra or a platform may be absent."""
    install("acme-rules", "x = 1")
    about = tmp_path / "acme_rules-1.2.dist-info" / "METADATA"
    about.write_text(
        about.read_text()
        + "Requires-Dist: attrs>=1\nRequires-Dist: no-such.thing (>=2)\n"
        + "Requires-Dist: absent; extra == 'more'\nRequires-Dist: !\n"
    )

    assert "needs no-such.thing, which is not installed" == row_of(Registry.discover(), "acme-rules").health


def test_files_that_changed_since_the_installation_are_an_ailment(install, tmp_path):
    """
    SEC-10: by the hashes that the installer wrote down.
    """
    module = install("acme-rules", "x = 1")
    names = [f"{module}.py", "one.txt", "two.txt"]
    digest = "sha256=" + "A" * 43
    record = tmp_path / "acme_rules-1.2.dist-info" / "RECORD"
    (tmp_path / "one.txt").write_text("")
    empty = "sha256=47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU"

    def health(*lines: str) -> str:
        record.write_text("\n".join(lines) + "\n")
        return row_of(Registry.discover(), "acme-rules").health

    assert "ok" == health(f"one.txt,{empty},0", "two.txt,,", "two.pyc,sha256=AA,1", "two.txt,md5=AA,1")
    assert f"a file changed since the installation: {module}.py" == health(f"{module}.py,{digest},5")
    assert f"files changed since the installation: {module}.py, one.txt and 1 more" == health(
        *(f"{name},{digest},5" for name in names)
    )
    assert "a file changed since the installation: two.txt (gone)" == health(f"two.txt,{digest},5")
