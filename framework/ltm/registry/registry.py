"""
The registry: what plugins offer, and what is wrong with those that offer nothing.
"""

from __future__ import annotations

import importlib
import re
import sys
from collections.abc import Callable, Sequence
from contextlib import contextmanager, redirect_stdout
from decimal import localcontext
from typing import TYPE_CHECKING, Any, Final

import attrs
import pluggy

from ltm import hookspecs
from ltm.model.errors import ConfigError, LtmError, PluginError, shown, suggestion
from ltm.model.offer import KINDS, Kind, Offer
from ltm.model.schema import summary_of, type_hints
from ltm.registry.inspection import REGISTERS, import_file, inspect_api, inspect_hooks, told
from ltm.registry.installed import GROUP, OWN, Plugin, absent, entry_points, is_allowed, version_of
from ltm.registry.listing import Listed, Listing
from ltm.registry.source import DECLARATION, source_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import click

BUILTINS: Final = ("ltm.brokers.mock.hooks", "ltm.builtins.hooks")
"""The kernel's own plugins, by module path: no entry point can take their place."""

Observer = Callable[[object], None]
_NAME: Final = re.compile(r"[a-z][a-z0-9_]{0,63}", re.ASCII)


@attrs.define
class Registry:
    """
    Everything that plugins offer. Made once, when the program starts, and handed down.
    """

    plugins: list[Plugin] = attrs.Factory(list)
    observers: list[Observer] = attrs.Factory(list)
    """What is to see every event; each may raise, and whoever calls them contains that."""
    notices: list[str] = attrs.Factory(list)
    """What a person should be told at the start."""
    absent: list[str] = attrs.Factory(list)
    """What the allow list names in full and nobody has installed."""
    _offers: dict[tuple[Kind, str], Offer] = attrs.Factory(dict)
    _conflicts: dict[tuple[Kind, str], str] = attrs.Factory(dict)
    _commands: list[tuple[Plugin, Callable[..., None]]] = attrs.Factory(list)
    _hooks: pluggy.PluginManager = attrs.field(init=False, repr=False)

    def __attrs_post_init__(self) -> None:
        self._hooks = pluggy.PluginManager(hookspecs.PROJECT)
        self._hooks.add_hookspecs(hookspecs)

    @classmethod
    def discover(cls, allow: Sequence[str] = (), local: Path | None = None) -> Registry:
        """
        Load the built-ins, this project's distributions and what else is allowed.

        Args:
            allow: Distributions whose entry points may be imported: a name or a glob such as `ltm-risk-*`,
                either with `==version` behind it.
            local: A file of hooks to load as well, `ltmfile.py` beside the configuration.
        """
        registry = cls()
        version = version_of(GROUP)
        for module in BUILTINS:
            plugin = Plugin(name=module, module=module, distribution=GROUP, version=version)
            registry._load(plugin, lambda path=module: importlib.import_module(path))  # type: ignore[misc] # binds this round's path
        for plugin, point in entry_points():
            if is_allowed(plugin, allow):
                registry._load(plugin, point.load)
            else:
                plugin.status = "not allowed"
                plugin.reason = plugin.reason or f'add "{plugin.distribution}" to plugins.allow'
                registry.plugins.append(plugin)
        registry.absent = absent(allow, registry.plugins)
        if local is not None:
            registry._load_local(local)
        return registry

    def offer(self, kind: Kind, name: str) -> Offer:
        """
        Return what a plugin offers under this name.

        Raises:
            ConfigError: No plugin of this kind has the name.
            PluginError: The plugin is installed, but in quarantine, not allowed or offered twice; or it is one of
                this project's, or of those that the allow list names, and not installed.
        """
        if both := self._conflicts.get((kind, name)):
            raise PluginError(both, code="LTM-PLG-002", got=name, hint="uninstall one of them")
        if found := self._offers.get((kind, name)):
            return found
        if error := self._why_not(name):
            raise error
        known = self.names(kind)
        near = suggestion(name, known)
        message = f"no {KINDS[kind]} plugin {shown(name)}; installed: {', '.join(known) or 'none'}"
        if near:
            message += f"; {near}"
        if self.absent:
            message += f"; plugins.allow names {self.absent[0]}, which is not installed"
            hint = f"pip install {self.absent[0]}"
            raise PluginError(message, code="LTM-PLG-004", got=name, hint=hint)
        hint = "ltm plugins list shows what there is"
        # An entry point need not be called what it offers: it may be one of these.
        if idle := [plugin for plugin in self.plugins if plugin.status != "loaded"]:
            hint += f", and why {', '.join(f'{plugin.distribution} is {plugin.status}' for plugin in idle)}"
        raise ConfigError(message, code="LTM-CFG-020", got=name, hint=hint)

    def names(self, kind: Kind) -> list[str]:
        """
        Return the names that can be used for this kind, sorted.
        """
        return sorted(name for offered, name in self._offers if offered == kind)

    def offers(self) -> list[Offer]:
        """
        Return everything on offer, by kind and name.
        """
        order = list(KINDS)
        return sorted(self._offers.values(), key=lambda offer: (order.index(offer.kind), offer.name))

    def listing(self) -> list[Listed]:
        """
        Return one row for each offer, and one for each plugin that was not let in or is in quarantine.
        """
        listing = Listing(self._conflicts)
        rows = [row for plugin in self.plugins for row in listing.rows(plugin)]
        return sorted(rows, key=lambda row: (row.kind, row.name, row.distribution))

    def add(self, plugin: Plugin, offer: Offer) -> None:
        """
        Take an offer; a name that two distributions offer is neither's (RSK-40).

        Raises:
            PluginError: The name is taken.
        """
        place = (offer.kind, offer.name)
        taken = self._offers.get(place)
        if taken is None and place not in self._conflicts:
            plugin.offers.append(offer)
            self._offers[place] = offer
            return
        if taken is not None:
            both = f"both {taken.distribution} and {offer.distribution}"
            if taken.distribution == offer.distribution:
                both = f"{offer.distribution} twice, by {taken.module} and {offer.module}"
            self._conflicts[place] = f'{KINDS[offer.kind]} "{offer.name}" is offered by {both}'
            del self._offers[place]
            self.notices.append(self._conflicts[place])
        raise PluginError(self._conflicts[place], code="LTM-PLG-002")

    def add_commands(self, cli: click.Group) -> None:
        """
        Let plugins add sub-commands. One that fails or replaces a command is put in quarantine.
        """
        for plugin, add in self._commands:
            before = dict(cli.commands)
            with self._contained(plugin):
                add(cli)
                if taken := [name for name in before if cli.commands.get(name) is not before[name]]:
                    message = f"it replaces the command {taken[0]}"
                    raise PluginError(message)
            if plugin.status == "quarantined":
                cli.commands.clear()
                cli.commands.update(before)

    def _why_not(self, name: str) -> PluginError | None:
        for plugin in self.plugins:
            if plugin.name != name or plugin.status == "loaded":
                continue
            if plugin.status == "quarantined":
                hint = plugin.hint or "mend or uninstall it"
                return PluginError(plugin.reason, code="LTM-PLG-001", got=name, hint=hint)
            message = f"{plugin} is installed but not allowed"
            return PluginError(message, code="LTM-PLG-003", got=name, hint=plugin.reason)
        here = any(offered == name for _, offered in self._offers)
        if (owner := OWN.get(name, GROUP)) != GROUP and not here:
            message = f'"{name}" comes from the distribution {owner}, which is not installed'
            return PluginError(message, code="LTM-PLG-004", got=name, hint=f"pip install {owner}")
        return None

    def _load_local(self, path: Path) -> None:
        plugin = Plugin(name=path.stem, module=str(path), distribution="local file", version="-")
        self.notices.append(f"plugins.local = true: the code in {path} runs with all your rights")
        self._load(plugin, lambda: import_file(path))

    def _load(self, plugin: Plugin, load: Callable[[], object]) -> None:
        self.plugins.append(plugin)
        with self._contained(plugin):
            # Before the import, which would fail in ways that say less: a newer API has names that ours lacks.
            inspect_api(source_of(plugin.module).api)
            module = load()
            inspect_api(getattr(module, DECLARATION, None))
            plugin.hooks = inspect_hooks(module)
            self._hooks.register(module, name=f"{plugin.distribution}:{plugin.name}")
            self._hooks.check_pending()
            self._call_hooks(plugin, module)
        if plugin.status == "quarantined":
            self._withdraw(plugin)

    def _call_hooks(self, plugin: Plugin, module: object) -> None:
        observers, commands = [], []
        for caller in self._hooks.get_hookcallers(module) or []:
            for implementation in caller.get_hookimpls():
                if implementation.plugin is not module:
                    continue
                if caller.name in REGISTERS:
                    _call(implementation, _Register(self, plugin, REGISTERS[caller.name]))
                elif caller.name == "ltm_observe":
                    observers.append(_bound(implementation))
                else:
                    commands.append((plugin, _bound(implementation)))
        # Only now: a plugin with one bad hook gives nothing at all.
        self.observers += observers
        self._commands += commands

    def _withdraw(self, plugin: Plugin) -> None:
        for offer in plugin.offers:
            if self._offers.get((offer.kind, offer.name)) is offer:
                del self._offers[offer.kind, offer.name]

    # Runs foreign code. Whatever it raises, SystemExit and KeyboardInterrupt included, is the plugin's fault and
    # ends there; what it prints does not mix with our output, and its decimal context is not ours.
    @contextmanager
    def _contained(self, plugin: Plugin) -> Iterator[None]:
        try:
            with localcontext(), redirect_stdout(sys.stderr):
                yield
        except BaseException as error:  # noqa: BLE001 - the boundary to plugins: see above
            plugin.status = "quarantined"
            plugin.reason = f"{plugin} failed to load: {told(error)}"
            plugin.hint = (error.hint if isinstance(error, LtmError) else None) or ""
            self.notices.append(plugin.reason)


@attrs.frozen
class _Register:
    # What a register hook is given.
    _registry: Registry
    _plugin: Plugin
    _kind: Kind

    def __call__(
        self, name: str, *, config: type[Any], factory: Callable[[Any], object], summary: str = ""
    ) -> None:
        self._check(name, config, factory)
        offer = Offer(
            kind=self._kind,
            name=name,
            config=config,
            factory=factory,
            summary=summary or summary_of(config),
            distribution=self._plugin.distribution,
            version=self._plugin.version,
            module=self._plugin.module,
        )
        self._registry.add(self._plugin, offer)

    def _check(self, name: object, config: type[Any], factory: object) -> None:
        if not isinstance(name, str) or not _NAME.fullmatch(name):
            message = f"a plugin's name must be lower case letters, digits and _ (1-64), got {shown(name)}"
            raise PluginError(message)
        if name in OWN and self._plugin.distribution not in {GROUP, OWN[name]}:
            message = f'the name "{name}" is reserved for the distribution {OWN[name]}'
            raise PluginError(message, hint="uninstall it, or ask its author for another name")
        type_hints(config)
        if not callable(factory):
            message = f'the factory of "{name}" must be callable, got {shown(factory)}'
            raise PluginError(message)


# Each implementation is called directly, never as a multicall (RSK-41); as everywhere in pluggy it may leave out
# arguments that it does not need, and every hook of ours has exactly one.
def _call(implementation: pluggy.HookImpl, argument: object) -> None:
    implementation.function(*(argument for _ in implementation.argnames))


def _bound(implementation: pluggy.HookImpl) -> Callable[[object], None]:
    return lambda argument: _call(implementation, argument)
