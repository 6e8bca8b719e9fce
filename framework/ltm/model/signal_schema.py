"""
A signal as JSON Schema: what a file, the standard input or any other program must send.
"""

from __future__ import annotations

from typing import Any, Final

from ltm.model.enums import Action, OrderType, TimeInForce
from ltm.model.signal import LARGEST, MOST_INTENTS, REQUIRED

_DATE: Final = (
    r"(?!0000)[0-9]{4}-"
    r"((0[13578]|1[02])-(0[1-9]|[12][0-9]|3[01])|(0[469]|11)-(0[1-9]|[12][0-9]|30)|02-(0[1-9]|[12][0-9]))"
)
_TIME: Final = r"([01][0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9]([.,][0-9]{1,9})?)?"
_OFFSET: Final = r"([Zz]|[+-]([01][0-9]|2[0-3]):?[0-5][0-9])"
_STAMP: Final = f"^{_DATE}[T ]{_TIME}{_OFFSET}$"


def signal_schema() -> dict[str, Any]:
    """
    Return the schema of one signal (JSON Schema 2020-12), as sources take it that read JSON.
    """
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Signal",
        "description": "One wish of a model.",
        "type": "object",
        "required": [*REQUIRED],
        "additionalProperties": False,
        "properties": {
            "stock_code": {
                "description": "The venue's symbol, or a known alias of it.",
                "type": "string",
                "pattern": r"^(?!.*\.\.)[A-Za-z0-9^_][A-Za-z0-9.\-/:_^=]{0,63}$",
            },
            "action": {
                "description": f"{', '.join(Action)}, in whatever case.",
                "type": "string",
                "pattern": f"^({'|'.join(map(_in_any_case, Action))})$",
            },
            "score": {
                "description": "The model's number, finite; written down, and a weight for the sizer target_weights.",
                "type": "number",
            },
            "confidence": {
                "description": "How sure the model is.",
                "type": "number",
                "minimum": 0,
                "maximum": 1,
            },
            "timestamp": {
                "description": "ISO 8601 date and time with its offset from UTC; the date must exist.",
                "type": "string",
                "pattern": _STAMP,
            },
            "intent": {
                "description": "Tells two wishes for one symbol at one time apart; without a decimal point.",
                "type": "integer",
                "minimum": 0,
                "maximum": MOST_INTENTS - 1,
                "default": 0,
            },
            "quantity": _amount("Exactly this much; without it the sizer decides."),
            "order_type": _one_of("How the order may execute.", OrderType, OrderType.MARKET),
            "limit_price": _amount("The worst price of a limit or stop_limit order."),
            "trigger_price": _amount("The price at which a stop or stop_limit order becomes active."),
            "time_in_force": _one_of("How long the order stays.", TimeInForce, TimeInForce.DAY),
            "good_till": {
                "description": "When a gtd order ends, written like the timestamp.",
                "type": ["string", "null"],
                "pattern": _STAMP,
                "default": None,
            },
            "stop_loss_price": _amount("Where the position of an entry is closed with a loss."),
            "take_profit_price": _amount("Where the position of an entry is closed with a profit."),
        },
        "if": {"properties": {"action": {"pattern": f"^{_in_any_case(Action.HOLD)}$"}}},
        "then": {"properties": {"stop_loss_price": {"type": "null"}, "take_profit_price": {"type": "null"}}},
    }


def _in_any_case(word: str) -> str:
    return "".join(f"[{letter.upper()}{letter}]" for letter in word)


def _amount(description: str) -> dict[str, Any]:
    return {
        "description": f"{description} At most 12 decimals.",
        "type": ["number", "null"],
        "minimum": 1e-12,
        "maximum": int(LARGEST),
        "default": None,
    }


def _one_of(description: str, words: type[OrderType | TimeInForce], default: str) -> dict[str, Any]:
    return {"description": description, "type": "string", "enum": [*words], "default": default}
