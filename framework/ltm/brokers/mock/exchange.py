"""
A venue with its market: answers requests, and lets the next moment happen when asked.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from ltm.brokers.mock import wire
from ltm.brokers.mock.a_shares import CN_A
from ltm.brokers.mock.corporate import read_actions
from ltm.brokers.mock.data import PriceFiles
from ltm.brokers.mock.synthetic import SyntheticMarket
from ltm.brokers.mock.terms import Commission, Terms
from ltm.brokers.mock.venue import Venue
from ltm.model.errors import ConfigError, shown
from ltm.model.hours import TradingDay, minutes_of, zone_of
from ltm.model.instrument import Instrument
from ltm.model.market import Quote
from ltm.model.numbers import ONE, ZERO

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from ltm.brokers.mock.config import BySymbol, MockConfig
    from ltm.brokers.mock.market import Listing, Market, Moment
    from ltm.model.reports import AccountReport, BrokerEvent

_SUFFIXES: Final = frozenset({"SH", "SS", "SZ", "BJ", "HK"})
_STAMP_DUTY: Final = Decimal(5)
"""Basis points, on sells only, since 28 August 2023."""
_COIN_LOT: Final = Decimal("1E-8")


class Exchange:
    """
    One market and its venue, from the first price to the last.

    Args:
        config: What to open.
        kind: What kind of venue.

    Raises:
        ConfigError: The prices cannot be used, or the settings name a symbol that has none.
    """

    def __init__(self, config: MockConfig, kind: type[Venue] = Venue) -> None:
        self._market: Final = _market_of(config)
        instruments = _instruments_of(self._market.listings, config)
        self.venue: Final = kind(instruments, _terms_of(config), self._market.start)
        self._moments: Final[Iterator[Moment]] = self._market.moments()
        self._next = next(self._moments, None)
        self._by_name: Final = _names_of(instruments)
        self._wanted: set[str] = set()
        self._all_wanted = False
        self._answers: Final[dict[type[Any], Callable[[Any], Any]]] = {
            wire.Submit: self._submit,
            wire.Advance: self._advance,
            wire.Cancel: lambda ask: self.venue.cancel(ask.client_order_id, ask.venue_order_id),
            wire.Find: lambda ask: self.venue.find(ask.client_order_id, ask.venue_order_id),
            wire.OpenOrders: lambda _: self.venue.open_orders(),
            wire.Fills: lambda ask: self.venue.fills(ask.since),
            wire.Positions: lambda _: self.venue.positions(),
            wire.Account: lambda _: self.venue.account(),
            wire.Login: self._login,
            wire.Peek: lambda _: None,
            wire.Tell: _needs_faults,
            wire.Instruments: self._instruments,
        }
        self._extra: list[Quote | BrokerEvent] = []

    @property
    def now(self) -> datetime:
        """
        The market's time.
        """
        return self.venue.now

    @property
    def price_interval(self) -> float:
        """
        Seconds between prices where they come in steps, else 0.
        """
        return self._market.price_interval

    def progress(self) -> float | None:
        """
        Return how far the market has come, 0 to 1.
        """
        return 1.0 if self._next is None else self._market.progress()

    def answer(self, request: wire.Request) -> Any:  # noqa: ANN401 - `wire.ANSWERS` says what of which request
        """
        Return the answer to a request.
        """
        return self._answers[type(request)](request)

    def take_events(self) -> list[Quote | BrokerEvent]:
        """
        Return what happened since the last call and the customer should hear of.
        """
        events = self.venue.take_events()
        if self._extra:
            events = [*events, *self._extra]
            self._extra = []
        if self._all_wanted:
            return events
        wanted = self._wanted
        return [event for event in events if not isinstance(event, Quote) or event.symbol in wanted]

    def _submit(self, ask: wire.Submit) -> Any:  # noqa: ANN401 - as `answer`
        return self.venue.submit(ask.client_order_id, ask.draft)

    def _login(self, _: wire.Login) -> AccountReport:
        # What a dead customer wanted is forgotten, and so is what it was not told: queries tell the new one.
        self._wanted, self._all_wanted = set(), False
        self.take_events()
        return self.venue.account()

    def _instruments(self, ask: wire.Instruments) -> list[Instrument]:
        if not ask.symbols:
            self._all_wanted = True
            found = list(self.venue.instruments)
        else:
            named = [symbol for name in ask.symbols for symbol in self._by_name.get(name, ())]
            found = [self.venue.instrument(symbol) for symbol in dict.fromkeys(named)]
        symbols = [instrument.symbol for instrument in found]
        self._wanted.update(symbols)
        self._extra += self.venue.quotes(symbols)
        return found

    def _advance(self, ask: wire.Advance) -> bool:
        until = ask.until
        while (moment := self._next) is not None:
            if until is not None and moment.at > until:
                self.venue.now = max(self.venue.now, until)
                return True
            self._next = next(self._moments, None)
            self.venue.advance(moment)
            # An open that meets no order is no news to anybody.
            if not moment.opens or self.venue.has_events:
                return True
        if until is not None:
            self.venue.now = max(self.venue.now, until)
        return False


def _needs_faults(_: wire.Tell) -> list[str]:
    message = "faults must be set in [broker] before the venue can be told more, got none"
    raise ConfigError(message, code="LTM-CFG-093", field="faults", hint="an empty file will do")


def _market_of(config: MockConfig) -> Market:
    if config.prices is not None:
        return PriceFiles([config.prices] if isinstance(config.prices, Path) else config.prices)
    return SyntheticMarket(
        config.symbols,
        steps=config.steps,
        interval=timedelta(seconds=config.interval_seconds),
        start=config.start.astimezone(UTC),
        seed=config.seed,
    )


def _terms_of(config: MockConfig) -> Terms:
    zone, roll = zone_of(config.timezone), minutes_of(config.day_end)
    if zone is None or roll is None:
        message = (
            f"timezone and day_end must be usable, got {shown(config.timezone)} and {shown(config.day_end)}"
        )
        raise ConfigError(message, code="LTM-CFG-017", field="timezone")
    return Terms(
        cash=config.cash,
        currency=config.currency,
        day=TradingDay(zone, roll),
        commission=Commission(
            per_share=config.commission.per_share,
            minimum=config.commission.minimum,
            basis_points=config.commission.basis_points,
            sell_basis_points=_sell_tax(config),
            grid=config.commission_grid,
        ),
        participation=config.participation,
        allow_short=config.allow_short,
        market=config.market,
        price_bands=config.price_bands,
        actions=read_actions(config.corporate_actions),
    )


def _sell_tax(config: MockConfig) -> Decimal:
    said = config.commission.sell_basis_points
    if said is not None:
        return said
    return _STAMP_DUTY if config.market == CN_A else ZERO


def _instruments_of(listings: tuple[Listing, ...], config: MockConfig) -> tuple[Instrument, ...]:
    known = {listing.symbol for listing in listings}
    tables = {
        name: getattr(config, name) for name in ("lot_size", "tick_size", "minimum_notional", "multiplier")
    }
    for name, table in tables.items():
        for symbol in table if isinstance(table, dict) else ():
            _check_known(f"{name}.{symbol}", symbol, known)
    for symbol in config.currencies:
        _check_known(f"currencies.{symbol}", symbol, known)
    for alias, symbol in config.aliases.items():
        _check_known(f"aliases.{alias}", symbol, known)
    return tuple(_instrument_of(listing, config) for listing in listings)


def _check_known(field: str, symbol: str, known: set[str]) -> None:
    if symbol not in known:
        message = f"{field} must name a symbol that has prices, got {shown(symbol)}"
        hint = f"known: {', '.join(sorted(known)[:10])}"
        raise ConfigError(message, code="LTM-CFG-092", field=field, got=symbol, hint=hint)


def _instrument_of(listing: Listing, config: MockConfig) -> Instrument:
    symbol = listing.symbol
    base, slash, quote = symbol.partition("/")
    code, _, suffix = symbol.rpartition(".")
    aliases = [alias for alias, target in config.aliases.items() if target == symbol]
    if suffix in _SUFFIXES and code:
        aliases.append(code)
    return Instrument(
        symbol=symbol,
        currency=config.currencies.get(symbol)
        or (quote.partition(":")[0] if slash and base else config.currency),
        venue="MOCK",
        aliases=tuple(dict.fromkeys(aliases)),
        lot_size=_value(config.lot_size, symbol, _COIN_LOT if slash else ONE),
        tick_size=_value(config.tick_size, symbol, listing.tick_size),
        minimum_notional=_value(config.minimum_notional, symbol, ZERO),
        multiplier=_value(config.multiplier, symbol, ONE),
    )


def _value(setting: BySymbol | None, symbol: str, default: Decimal) -> Decimal:
    if setting is None:
        return default
    return setting.get(symbol, default) if isinstance(setting, dict) else setting


def _names_of(instruments: tuple[Instrument, ...]) -> dict[str, list[str]]:
    names: dict[str, list[str]] = {}
    for instrument in instruments:
        for name in (instrument.symbol, *instrument.aliases):
            names.setdefault(name, []).append(instrument.symbol)
    return names
