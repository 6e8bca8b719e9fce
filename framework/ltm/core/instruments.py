"""
Instruments as the venue describes them, with the groups that rules put them in.
"""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from ltm.core import events as e
from ltm.core.a_shares import adapted
from ltm.core.orders import Item, blame, raise_alert
from ltm.core.risk import AtPlugin, raised
from ltm.model.enums import Severity
from ltm.model.errors import shown
from ltm.model.instrument import Instrument

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ltm.core.context import Context
    from ltm.core.state import Slot, State
    from ltm.ports.rules import GroupingRule

Groups = list[tuple[str, str, Decimal]]


def define(state: State, context: Context, instrument: Instrument) -> Iterator[Item]:
    """
    Take what the venue says about an instrument, if it is news.
    """
    groups: Groups = []
    for name, rule in context.grouping_rules:
        found = _grouping(name, rule, instrument)
        if isinstance(found, str):
            yield from blame(state, context, [(name, found)])
        else:
            groups += found
    instrument = adapted(state.spec, instrument)
    values = {field: getattr(instrument, field) for field in instrument.__struct_fields__}
    defined = Instrument(**{**values, "groups": tuple(groups)})
    slot = state.slots.get(instrument.symbol)
    if slot is None:
        yield e.InstrumentDefined(at=context.now, instrument=defined)
    elif slot.instrument != defined:
        yield from _redefine(state, context, slot, defined)


def _redefine(state: State, context: Context, slot: Slot, defined: Instrument) -> Iterator[Item]:
    before, symbol = slot.instrument, defined.symbol
    moved = (before.multiplier, before.currency) != (defined.multiplier, defined.currency)
    if not moved or not (slot.position or slot.orders):
        yield e.InstrumentDefined(at=context.now, instrument=defined)
    elif slot.blocked is None:
        # What is held was booked on the old terms: a person has to look before it goes on.
        message = f"the venue changed multiplier or currency of {symbol} while it is held or worked"
        yield e.InstrumentBlocked(at=context.now, symbol=symbol, reason=message)
        yield raise_alert(state, context, Severity.CRITICAL, "instrument_changed", message)


def _grouping(name: str, rule: GroupingRule, instrument: Instrument) -> Groups | str:
    with AtPlugin():
        try:
            found = [(name, group, weight) for group, weight in rule.groups_of(instrument).items()]
        except BaseException as error:  # noqa: BLE001 - plugin boundary: a rule that fails, stops entries
            return raised(error)
    for _, group, weight in found:
        words: tuple[object, object] = (group, weight)
        if type(words[0]) is not str or type(words[1]) is not Decimal or not weight.is_finite() or weight < 0:
            return f"answered {shown(words)} as group and weight"
    return found
