"""
Several signals at once: checked as a whole, judged one after the other, sent together.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Literal

from ltm.core.orders import is_exit
from ltm.engine.batches import exits_filling, patience
from ltm.model.errors import ConfigError, LtmError, SignalError, SignalErrors, TradeExecutionError, shown
from ltm.model.results import Reason, TradeResult
from ltm.model.signal import SignalRecord

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ltm.manager._live import LiveSession

OnInvalid = Literal["report", "reject_all"]
Order = Literal["given", "exits_first"]
LIMIT: Final = 1_000
"""Signals in one batch."""

Checked = SignalRecord | SignalError


def check_batch(signals: object, on_invalid: object, order: object) -> Sequence[object]:
    """
    Return the signals of a batch, not yet checked one by one.

    Raises:
        SignalError: They are no list, or too many.
        ConfigError: An option has no such value.
    """
    for name, value, words in (
        ("on_invalid", on_invalid, ("report", "reject_all")),
        ("order", order, ("given", "exits_first")),
    ):
        if value not in words:
            message = f"{name} must be {' or '.join(map(shown, words))}, got {shown(value)}"
            raise ConfigError(message, code="LTM-CFG-007", field=name, got=value, hint=f"pass {words[0]!r}")
    if not isinstance(signals, (list, tuple)):
        message = f"signals must be a list of Signal, got {type(signals).__name__}"
        raise SignalError(message, code="LTM-SIG-068", field="signals", hint="pass [signal, ...]")
    if len(signals) > LIMIT:
        message = f"batch has {len(signals):,} signals, limit {LIMIT:,}"
        raise SignalError(message, code="LTM-SIG-070", field="signals", got=len(signals), hint="split it")
    return signals


async def execute(
    live: LiveSession, signals: Sequence[object], on_invalid: OnInvalid, order: Order
) -> list[TradeResult]:
    """
    Trade on a batch, and return one result for each of its items, in its order.

    Signals go to the engine together as far as they are about different symbols, so that they share one
    commit; one about a symbol that came before waits until that order was answered.

    Raises:
        SignalErrors: An item is wrong, and `on_invalid` is "reject_all"; nothing was sent.
    """
    checked = [_checked(live, signal, f"signals[{index}]") for index, signal in enumerate(signals)]
    if on_invalid == "reject_all":
        _refuse(live, checked)
    turns = [index for index, item in enumerate(checked) if isinstance(item, SignalRecord)]
    if order == "exits_first":
        turns.sort(key=lambda index: not _reduces(live, checked[index]))
    results: dict[int, TradeResult] = {}
    for group in _groups(live, checked, turns, order):
        if order == "exits_first" and exits_filling(live.state):
            # What the exits before free is there once they are filled.
            await live.until(lambda: not exits_filling(live.state), patience(live.engine.session))
        records = [item for index in group if isinstance(item := checked[index], SignalRecord)]
        for index, record, outcome in zip(group, records, await live.trade(records), strict=True):
            results[index] = _result(outcome, record, f"signals[{index}]")
    return [
        results[index] if index in results else _invalid(item, signals[index])
        for index, item in enumerate(checked)
    ]


def _checked(live: LiveSession, signal: object, path: str) -> Checked:
    try:
        return live.record_of(signal)
    except SignalError as error:
        return _placed(error, path)


def _placed(error: SignalError, path: str) -> SignalError:
    # "signal must be ..." of item 3 is "signals[3] must be ...".
    own = error.message.removeprefix("signal ")
    message = f"{path}.{own}" if own == error.message else f"{path} {own}"
    field = path if error.field in {None, "signal"} else f"{path}.{error.field}"
    return SignalError(message, code=error.code, field=field, got=error.got, hint=error.hint)


def _refuse(live: LiveSession, checked: Sequence[Checked]) -> None:
    problems = [item for item in checked if isinstance(item, SignalError)]
    seen: dict[str, SignalRecord] = {}
    for index, item in enumerate(checked):
        if isinstance(item, SignalError):
            continue
        before = seen.setdefault(live.key_of(item), item)
        conflict = live.conflict_of(item) if before == item else live.conflict(item)
        if conflict is not None:
            problems.append(_placed(conflict, f"signals[{index}]"))
    if problems:
        raise SignalErrors(problems)


def _groups(
    live: LiveSession, checked: Sequence[Checked], turns: Sequence[int], order: Order
) -> list[list[int]]:
    groups: list[list[int]] = [[]]
    keys: dict[str, str] = {}
    exits = True
    for index in turns:
        item = checked[index]
        if isinstance(item, SignalError):
            continue
        key = live.key_of(item)
        # A signal again is no order again: it needs no answer before it.
        follows = item.symbol in keys and keys[item.symbol] != key
        ends_exits = order == "exits_first" and exits and not _reduces(live, item)
        if groups[-1] and (follows or ends_exits):
            groups.append([])
            keys = {}
        exits = exits and _reduces(live, item)
        keys[item.symbol] = key
        groups[-1].append(index)
    return [group for group in groups if group]


def _reduces(live: LiveSession, item: Checked) -> bool:
    return not isinstance(item, SignalError) and is_exit(live.state, item.symbol, item.action)


def _result(outcome: TradeResult | LtmError, record: SignalRecord, path: str) -> TradeResult:
    if isinstance(outcome, TradeResult):
        return outcome
    if isinstance(outcome, (SignalError, TradeExecutionError)):
        # One that was certainly not sent does not take the results of the others away.
        error = _placed(outcome, path) if isinstance(outcome, SignalError) else outcome
        status: Any = "invalid" if isinstance(outcome, SignalError) else "rejected"
        return TradeResult(
            status=status,
            symbol=record.symbol,
            action=record.action,
            reasons=(Reason(error.code, error.message),),
        )
    raise outcome


def _invalid(item: Checked, signal: object) -> TradeResult:
    problem = item if isinstance(item, SignalError) else SignalError("signal was not decided")
    symbol, action = getattr(signal, "stock_code", ""), getattr(signal, "action", "")
    return TradeResult(
        status="invalid",
        symbol=symbol if isinstance(symbol, str) else "",
        action=action if isinstance(action, str) else "",
        reasons=(Reason(problem.code, problem.message),),
    )
