"""
The check of a whole configuration: which plugins a session is made of, and which terms it trades under.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

import attrs
from msgspec import structs

from ltm.config.accounts import Accounts
from ltm.config.document import SAMPLE
from ltm.config.limits import LimitsTable, limits_of
from ltm.config.reader import INVALID, Reader, got, join
from ltm.config.session import PRACTICE, SessionTable, terms
from ltm.config.settings import LOCAL
from ltm.config.tables import Chosen, LtmConfig, PluginsTable, RiskTable, SessionConfig
from ltm.model.enums import Severity
from ltm.model.errors import ConfigError, ConfigErrors, PluginError, PluginErrors, shown, suggestion
from ltm.model.redaction import PLACEHOLDERS
from ltm.model.schema import field_rows
from ltm.model.secret import Secret
from ltm.model.spec import DEFAULT_RULES

if TYPE_CHECKING:
    from ltm.config.document import Document
    from ltm.config.session import SessionTerms
    from ltm.config.tables import Catalogue
    from ltm.model.errors import LtmError
    from ltm.model.offer import Kind

_ROOT: Final = (
    "session",
    "sessions",
    "limits",
    "accounts",
    "broker",
    "sizer",
    "risk",
    "signals",
    "alerts",
    "plugins",
)
_PARTS: Final = ("limits", "broker", "sizer", "risk", "signals", "alerts")
_MOST_SESSIONS: Final = 1_000
_SIZER: Final = "equity_fraction"
_SINK: Final = "log"
_MINIMUM: Final = "minimum"
_POSITION: Final = "position_size"


def check_config(
    document: Document, catalogue: Catalogue, environ: Mapping[str, str] | None = None
) -> LtmConfig:
    """
    Return the checked configuration.

    Raises:
        ConfigErrors: Something is wrong; all of it at once, in `problems`.
        PluginErrors: All is well, but for plugins that cannot be used.
    """
    return _Check(document, catalogue, os.environ if environ is None else environ).run()


class _Check:
    # One check of one document. Every method keeps problems in the reader and goes on.

    def __init__(self, document: Document, catalogue: Catalogue, environ: Mapping[str, str]) -> None:
        self.document = document
        self.catalogue = catalogue
        self.reader = Reader(base=document.base, environ=environ)
        self.notices: list[str] = []

    def run(self) -> LtmConfig:
        table = self.document.table
        self.reader.problems += self.document.problems
        self._root_keys(table)
        plugins = self.reader.build(PluginsTable, table.get("plugins", {}), "plugins")
        sessions = [self._session(part, path) for part, path in self._sessions(table) if not self.reader.full]
        self._unique(sessions)
        sessions = Accounts(self.reader, table).given_to(sessions)
        if self.reader.problems:
            raise self._all_problems()
        return LtmConfig(
            sessions=tuple(session for session in sessions if session is not None),
            base=self.document.base,
            notices=tuple(dict.fromkeys(self.notices)),
            allow=plugins.allow if plugins else (),
            local=self.document.base / LOCAL if plugins and plugins.local else None,
        )

    def _root_keys(self, table: Mapping[str, Any]) -> None:
        for key in table:
            if key not in _ROOT and not self.reader.full:
                # A key above the first table is most likely meant for [session].
                known = [*_ROOT, *(field.name for field in attrs.fields(SessionTable))]
                near = suggestion(key, known)
                message = f"unknown key {shown(key)}" + (f"; {near}" if near else "")
                self.reader.refuse(5, key, message, hint=near or f"known tables: {', '.join(_ROOT)}")

    def _sessions(self, table: Mapping[str, Any]) -> list[tuple[Mapping[str, Any], str]]:
        # Each session's tables, and the path of its own keys. Tables beside [[sessions]] serve all of them.
        parts = {key: table[key] for key in _PARTS if key in table}
        many = table.get("sessions")
        if many is None:
            if "session" not in table:
                name = shown(self.document.name)
                self.reader.refuse(
                    2, "session", f"config {name} has no [session] table", hint=f"for example\n{SAMPLE}"
                )
                return []
            return [({**parts, "session": table["session"]}, "")]
        if "session" in table or not isinstance(many, list) or not many:
            self.reader.refuse(
                2,
                "sessions",
                "sessions must be [[sessions]] tables and nothing beside them",
                hint="use either [session] or [[sessions]]",
            )
            return []
        if len(many) > _MOST_SESSIONS:
            message = f"sessions must be at most {_MOST_SESSIONS:,}, got {len(many):,}"
            self.reader.refuse(38, "sessions", message, hint="use several files")
        found: list[tuple[Mapping[str, Any], str]] = []
        for index, item in enumerate(many[:_MOST_SESSIONS]):
            path = f"sessions[{index}]"
            if not isinstance(item, dict):
                self.reader.refuse(
                    7, path, f"{path} must be a table, got {got(item)}", hint="write [[sessions]]"
                )
                continue
            own = {key: value for key, value in item.items() if key not in _PARTS}
            inner = {key: item[key] for key in _PARTS if key in item}
            found.append(({**parts, **inner, "session": own, "own": inner}, path))
        return found

    def _session(self, tables: Mapping[str, Any], path: str) -> SessionConfig | None:
        def where(part: str) -> str:
            return join(path, part) if part in tables.get("own", {}) else part

        before = len(self.reader.problems)
        broker = self._plugin("broker", tables.get("broker"), where("broker"))
        name = broker.name if broker else _named(tables.get("broker"))
        risk, rules = self._risk(tables, where("risk"))
        agreed = terms(
            self.reader,
            tables["session"],
            path or "session",
            broker=name,
            required_rules=risk.required if risk else DEFAULT_RULES,
        )
        limits = self.reader.build(LimitsTable, tables.get("limits", {}), where("limits"))
        sizer = self._plugin("position_sizer", tables.get("sizer", {"plugin": _SIZER}), where("sizer"))
        signals = self._plugins("signal_source", tables.get("signals", []), where("signals"))
        sinks = tables.get(
            "alerts", [{"plugin": _SINK}] if _SINK in self.catalogue.names("alert_sink") else []
        )
        alerts = self._plugins("alert_sink", sinks, where("alerts"))
        live = isinstance(tables["session"], Mapping) and tables["session"].get("live") is True
        self._secrets(broker, name, {"broker": where("broker"), "alerts": where("alerts")}, live=live)
        if agreed is None or limits is None or risk is None or broker is None or sizer is None:
            return None
        if len(self.reader.problems) > before:
            return None
        self._tell(agreed, risk)
        return SessionConfig(
            spec=structs.replace(agreed.spec, limits=limits_of(limits)),
            broker=broker,
            sizer=sizer,
            rules=rules,
            signals=signals,
            alerts=alerts,
            naive_timestamps=agreed.naive_timestamps,
            accept_no_limits=risk.i_accept_no_limits,
            openings=agreed.openings,
        )

    def _plugin(self, kind: Kind, table: object, path: str) -> Chosen | None:
        if table is None:
            self.reader.refuse(6, path, f"{path} is required", hint=f'for example [{path}] plugin = "mock"')
            return None
        if not isinstance(table, Mapping):
            self.reader.refuse(7, path, f"{path} must be a table, got {got(table)}", hint=f"write [{path}]")
            return None
        where = join(path, "plugin")
        if "plugin" not in table:
            known = ", ".join(self.catalogue.names(kind))
            self.reader.refuse(6, where, f"{where} is required", hint=f"one of {known or 'none installed'}")
            return None
        name = self.reader.convert(str, table["plugin"], where)
        rest = {key: value for key, value in table.items() if key != "plugin"}
        minimum = Severity.INFO
        if kind == "alert_sink" and _MINIMUM in rest:
            minimum = self.reader.convert(Severity, rest.pop(_MINIMUM), join(path, _MINIMUM))
        if name is INVALID or minimum is INVALID:
            return None
        chosen = self._choose(kind, name, rest, path, where)
        return None if chosen is None else attrs.evolve(chosen, minimum=minimum)

    def _plugins(self, kind: Kind, tables: object, path: str) -> tuple[Chosen, ...]:
        if not isinstance(tables, list):
            message = f"{path} must be [[{path}]] tables, got {got(tables)}"
            self.reader.refuse(7, path, message, hint=f"write [[{path}]] with two brackets")
            return ()
        chosen = []
        for index, table in enumerate(tables):
            if self.reader.full:
                break
            chosen.append(self._plugin(kind, table, f"{path}[{index}]"))
        return tuple(one for one in chosen if one is not None)

    def _choose(
        self, kind: Kind, name: str, table: Mapping[str, Any], path: str, where: str
    ) -> Chosen | None:
        try:
            offer = self.catalogue.offer(kind, name)
        except (ConfigError, PluginError) as error:
            error.field = where
            self.reader.problems.append(error)
            return None
        config = self.reader.build(offer.config, table, path, lambda: self._others(kind, path))
        return None if config is None else Chosen(name=name, config=config, offer=offer)

    def _others(self, kind: Kind, path: str) -> dict[str, str]:
        # Where a key that this rule does not take might belong (BAD-027).
        if kind != "risk_rule":
            return {}
        table = path.rpartition(".")[0]
        return {
            row.name: f"{table}.{offer.name}"
            for offer in self.catalogue.offers()
            if offer.kind == kind
            for row in field_rows(offer.config)
        }

    def _risk(self, tables: Mapping[str, Any], path: str) -> tuple[RiskTable | None, tuple[Chosen, ...]]:
        table = tables.get("risk", {})
        if not isinstance(table, Mapping):
            self.reader.build(RiskTable, table, path)
            return None, ()
        own = {field.name for field in attrs.fields(RiskTable)}
        rules = {key: value for key, value in table.items() if key not in own}
        session = tables["session"] if isinstance(tables["session"], Mapping) else {}
        filled = ""
        if (size := session.get("max_position_size")) is not None:
            # The product's own key is the limit of this rule, whether or not its table is there.
            given = rules.get(_POSITION, {})
            if isinstance(given, Mapping) and "max_position_size" not in given:
                rules[_POSITION] = {"max_position_size": size, **given}
                filled = join(path, f"{_POSITION}.max_position_size")
        risk = self.reader.build(RiskTable, {key: table[key] for key in own if key in table}, path)
        chosen = [self._rule(name, value, path) for name, value in rules.items() if not self.reader.full]
        # What is wrong with it is told where it was written, in [session].
        self.reader.problems = [problem for problem in self.reader.problems if problem.field != filled]
        if risk is not None:
            self._required(risk, rules, path)
        return risk, tuple(one for one in chosen if one is not None)

    def _rule(self, name: str, table: object, path: str) -> Chosen | None:
        where = join(path, name)
        if not isinstance(table, Mapping):
            near = suggestion(name, [field.name for field in attrs.fields(RiskTable)])
            hint = near or f"a rule's limits are in its own table, [{where}]"
            message = f"unknown key {shown(name)} in [{path}]" + (f"; {near}" if near else "")
            self.reader.refuse(5, where, message, hint=hint)
            return None
        return self._choose("risk_rule", name, table, where, where)

    def _required(self, risk: RiskTable, rules: Mapping[str, object], path: str) -> None:
        for name in risk.required:
            if name not in rules:
                where = join(path, name)
                message = f"{where} is required: {path}.required names the rule"
                self.reader.refuse(30, where, message, hint=f"add a table [{where}] with its limit")
        if not risk.required and not risk.i_accept_no_limits:
            where = join(path, "required")
            message = f"{where} must name at least one rule, got []"
            hint = f"to trade without any limit, set {path}.i_accept_no_limits = true"
            self.reader.refuse(30, where, message, hint=hint)

    def _secrets(self, broker: Chosen | None, name: str, paths: Mapping[str, str], *, live: bool) -> None:
        literals, self.reader.literals = self.reader.literals, []
        if name in PRACTICE and not live:
            # A practice broker has no secrets; where alerts go is as real as ever.
            literals = [where for where in literals if where.startswith(paths["alerts"])]
        for where in literals:
            cure = 'write { env = "NAME" }, { file = "path" } or { keyring = "service/name" } instead'
            if live:
                self.reader.refuse(
                    24, where, f"{where} must not be written into the file of a live session", hint=cure
                )
            elif not self.document.private:
                message = f"{self.document.name} is readable by others and holds {where}; run: chmod 600 {self.document.name}"
                self.reader.refuse(23, where, message, hint=cure)
            else:
                self.notices.append(f"{where} is written into {self.document.name}; {cure}")
        if broker is not None and name not in PRACTICE:
            for where, value in _secrets_in(broker.config, paths["broker"]):
                self._placeholder(where, value, name)

    def _placeholder(self, where: str, secret: Secret, broker: str) -> None:
        text = secret.reveal().strip().lower()
        if not text:
            self.reader.refuse(22, where, f'{where} is required for broker "{broker}"', hint="it is empty")
        elif text in PLACEHOLDERS:
            message = f'{where} must be your own, got the placeholder "{text}"'
            self.reader.refuse(22, where, message, hint="put in what the broker gave you")

    def _unique(self, sessions: list[SessionConfig | None]) -> None:
        seen: set[str] = set()
        for index, session in enumerate(sessions):
            if session is None:
                continue
            name = session.spec.session_id
            if name in seen:
                where = f"sessions[{index}].id"
                self.reader.refuse(
                    32, where, f'{where} must be unique, got "{name}" twice', hint="give it another id"
                )
            seen.add(name)

    def _tell(self, agreed: SessionTerms, risk: RiskTable) -> None:
        self.notices += agreed.notices
        if not risk.required:
            self.notices.append(
                f"session {agreed.spec.session_id}: NO LIMIT IS REQUIRED, i_accept_no_limits is set"
            )

    def _all_problems(self) -> LtmError:
        placed: dict[tuple[str, str], LtmError] = {}
        for problem in self.reader.problems:
            if problem.where is None:
                problem.where, problem.line = self.document.locate(problem.field or "")
            placed.setdefault((problem.message, problem.where or ""), problem)
        ordered = sorted(placed.values(), key=lambda problem: problem.line or 0)
        if all(isinstance(problem, PluginError) for problem in ordered):
            return PluginErrors(ordered)
        return ConfigErrors(ordered)


def _named(table: object) -> str:
    name = table.get("plugin") if isinstance(table, Mapping) else None
    return name if isinstance(name, str) else ""


def _secrets_in(value: object, path: str) -> list[tuple[str, Secret]]:
    if isinstance(value, Secret):
        return [(path, value)]
    if isinstance(value, Mapping):
        return [found for key, item in value.items() for found in _secrets_in(item, join(path, str(key)))]
    kind: type[Any] = type(value)
    if attrs.has(kind):
        return [
            found
            for field in attrs.fields(kind)
            for found in _secrets_in(getattr(value, field.name), join(path, field.name))
        ]
    return []
