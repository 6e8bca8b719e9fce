"""
The JSON Schema of a signal says what sources take: each way, for examples and for whatever can be drawn.
"""

import json
import re
from decimal import Decimal
from pathlib import Path

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ltm.builtins.lines import SignalLines
from ltm.model.enums import OrderType, TimeInForce
from ltm.model.signal import FIELDS, LARGEST, SMALLEST, Signal
from ltm.model.signal_schema import signal_schema

SCHEMA = signal_schema()
TYPES = {"object": dict, "string": str, "number": (int, float), "integer": int, "null": type(None)}
GOOD = {
    "stock_code": "600519",
    "action": "buy",
    "score": 0.85,
    "confidence": 0.9,
    "timestamp": "2026-01-05T09:31:00+08:00",
}


def fits(value, schema):
    """
    Whether a value fits the schema: the keywords that it uses, and none besides.
    """
    known = {
        "$schema",
        "title",
        "description",
        "default",
        "type",
        "required",
        "additionalProperties",
        "properties",
        "if",
        "then",
    }
    assert set(schema) <= known | {"pattern", "enum", "minimum", "maximum"}
    kinds = schema["type"] if isinstance(schema["type"], list) else [schema["type"]]
    if isinstance(value, bool) or not any(isinstance(value, TYPES[kind]) for kind in kinds):
        return False
    if isinstance(value, str):
        return re.search(schema.get("pattern", "").replace("$", r"\Z"), value, re.ASCII) is not None and (
            "enum" not in schema or value in schema["enum"]
        )
    if isinstance(value, (int, float)):
        return schema.get("minimum", value) <= value <= schema.get("maximum", value)
    if isinstance(value, dict):
        properties = schema["properties"]
        return (
            set(schema["required"]) <= set(value)
            and set(value) <= set(properties)
            and all(fits(one, properties[name]) for name, one in value.items())
            and (not meets(value, schema["if"]) or meets(value, schema["then"]))
        )
    return True


def meets(value, condition):
    """
    Whether an object meets one side of if and then: what is said of some of its fields.
    """
    assert {"properties"} == set(condition)
    said = condition["properties"].items()
    return all(fits(value[name], {"type": [*TYPES], **one}) for name, one in said if name in value)


def is_taken(value):
    """
    Whether a source makes a signal of the value.
    """
    return isinstance(SignalLines("here").parse((1, json.dumps(value).encode())), Signal)


def test_the_schema_has_the_fields_of_a_signal():
    """
    All of them, with their defaults; a field that is added has to be described.
    """
    fields = {field.name: field for field in attrs.fields(Signal)}
    described = SCHEMA["properties"]

    assert [*FIELDS] == [*described]
    assert [name for name, field in fields.items() if field.default is attrs.NOTHING] == SCHEMA["required"]
    assert {name: fields[name].default for name in FIELDS if name not in SCHEMA["required"]} == {
        name: text["default"] for name, text in described.items() if "default" in text
    }
    assert all(text["description"] for text in described.values())
    assert (SMALLEST, LARGEST) == tuple(
        Decimal(str(described["quantity"][key])) for key in ("minimum", "maximum")
    )
    assert "https://json-schema.org/draft/2020-12/schema" == SCHEMA["$schema"]


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"action": "SELL"},
        {"action": "hOLd"},
        {"score": -1.7e308},
        {"score": 5e-324},
        {"score": 3},
        {"confidence": 0},
        {"confidence": 1},
        {"intent": 2**31 - 1},
        {"quantity": 1e-12, "order_type": "stop_limit", "limit_price": 1e15, "trigger_price": 5},
        {"quantity": None, "limit_price": None, "trigger_price": None},
        {"time_in_force": "gtc"},
        {"time_in_force": "gtd", "good_till": "2026-01-05T15:00:00+08:00"},
        {"good_till": None},
        {"stop_loss_price": 95, "take_profit_price": 110.5},
        {"action": "sell", "stop_loss_price": 110.5, "take_profit_price": 95},
        {"stop_loss_price": None, "take_profit_price": 1e-12},
        {"action": "hold", "stop_loss_price": None, "take_profit_price": None},
        {"stock_code": "BRK.B"},
        {"stock_code": "^GSPC"},
        {"stock_code": "x" * 64},
        {"timestamp": "2026-01-05 09:31Z"},
        {"timestamp": "2026-02-28T23:59:59.123456789-12:00"},
        {"timestamp": "2024-02-29T00:00:00,5+0530"},
    ],
    ids=str,
)
def test_what_is_a_signal_fits(changes):
    """
    And a source takes it.
    """
    assert (True, True) == (fits({**GOOD, **changes}, SCHEMA), is_taken({**GOOD, **changes}))


@pytest.mark.parametrize(
    "changes",
    [
        {"action": "short"},
        {"action": " buy"},
        {"action": "buy\n"},
        {"score": "1"},
        {"score": None},
        {"score": True},
        {"confidence": 1.0000001},
        {"confidence": -0.1},
        {"intent": -1},
        {"intent": 2**31},
        {"intent": "1"},
        {"quantity": 0},
        {"quantity": -1},
        {"quantity": 2e15},
        {"quantity": 1e-13},
        {"order_type": "MARKET"},
        {"order_type": None},
        {"time_in_force": "ever"},
        {"good_till": "2026-01-05T15:00:00"},
        {"good_till": 1767605460},
        {"stop_loss_price": 0},
        {"take_profit_price": "110"},
        {"action": "hold", "stop_loss_price": 95},
        {"action": "HOLD", "take_profit_price": 110},
        {"stock_code": ""},
        {"stock_code": 600519},
        {"stock_code": "a..b"},
        {"stock_code": "x" * 65},
        {"stock_code": "茅台"},
        {"stock_code": "A B"},
        {"timestamp": "2026-01-05T09:31:00"},
        {"timestamp": "2026-13-01T00:00:00Z"},
        {"timestamp": "2026-04-31T00:00:00Z"},
        {"timestamp": "2026-02-30T00:00:00Z"},
        {"timestamp": "0000-01-01T00:00:00Z"},
        {"timestamp": "2026-01-05T24:00:00Z"},
        {"timestamp": "2026-01-05T09:60:00Z"},
        {"timestamp": "2026-01-05T09:31:60Z"},
        {"timestamp": "2026-01-05T09:31:00+24:00"},
        {"timestamp": "20260105T093100Z"},
        {"timestamp": "2026-01-05"},
        {"timestamp": 1767605460},
        {"timestamp": "\uff12026-01-05T09:31:00Z"},
        {"model": "mine"},
        {"Score": 1},
    ],
    ids=str,
)
def test_what_is_none_does_not_fit(changes):
    """
    BAD-050 to BAD-067: and no source takes it.
    """
    assert (False, False) == (fits({**GOOD, **changes}, SCHEMA), is_taken({**GOOD, **changes}))


@pytest.mark.parametrize("name", SCHEMA["required"])
def test_what_is_required_cannot_be_left_out(name):
    value = {key: one for key, one in GOOD.items() if key != name}

    assert (False, False) == (fits(value, SCHEMA), is_taken(value))


@pytest.mark.parametrize("value", [[], [GOOD], "buy", 1, None, True], ids=str)
def test_what_is_no_object_does_not_fit(value):
    assert (False, False) == (fits(value, SCHEMA), is_taken(value))


scraps = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-5, 2**33),
    st.floats(-10, 10, allow_nan=False).map(lambda number: round(number, 3)),
    st.sampled_from(
        ["buy", "Hold", "sell ", "market", "limit", "DAY", "ioc", "ACME", "a/b", "..", "2026-01-05T09:31Z"]
    ),
    st.datetimes().map(lambda at: f"{at.isoformat()}+00:00"),
    st.text(max_size=5),
)
objects = st.fixed_dictionaries(
    {
        "stock_code": st.from_regex(re.compile(r"[A-Z^][A-Z.]{0,5}"), fullmatch=True),
        "action": st.sampled_from(["buy", "SELL", "Hold"]),
        "score": st.floats(-1e9, 1e9),
        "confidence": st.floats(0, 1).map(lambda number: round(number, 6)),
        "timestamp": st.datetimes().map(lambda at: f"{at.isoformat()}Z"),
    },
    optional={
        "intent": st.integers(0, 2**31 - 1),
        "quantity": st.none() | st.integers(1, 10**15),
        "order_type": st.sampled_from([*OrderType]),
        "limit_price": st.none() | st.decimals("0.0001", "1000", places=4).map(float),
        "trigger_price": st.none() | st.integers(1, 10**9),
        "time_in_force": st.sampled_from([*TimeInForce]),
        "good_till": st.none() | st.datetimes().map(lambda at: f"{at.isoformat()}Z"),
        "stop_loss_price": st.none() | st.integers(1, 50),
        "take_profit_price": st.none() | st.integers(51, 100),
    },
)


@given(value=objects, changes=st.dictionaries(st.sampled_from([*FIELDS, "more"]), scraps, max_size=2))
def test_a_source_takes_exactly_what_fits(value, changes):
    """
    Each way, for whatever is drawn: a signal, with up to two fields put in at random.

    That a position lies between its exits compares two fields, which no schema can say.
    """
    drawn = {**value, **changes}

    assert is_taken(drawn) == (fits(drawn, SCHEMA) and not is_crossed(drawn)), drawn


def is_crossed(drawn):
    stop, profit = drawn.get("stop_loss_price"), drawn.get("take_profit_price")
    if stop is None or profit is None:
        return False
    return stop >= profit if drawn["action"].lower() == "buy" else stop <= profit


def test_the_example_of_the_documentation_fits():
    page = (Path(__file__).parents[2] / "docs" / "reference" / "signal.md").read_text(encoding="utf-8")
    schema, example = (json.loads(block) for block in re.findall(r"```json\n(.*?)```", page, re.DOTALL))

    assert SCHEMA == schema
    assert (True, True) == (fits(example, schema), is_taken(example))
    assert Decimal("0.85") == Signal(**example).score
