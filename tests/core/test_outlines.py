"""
Outlines: the part of large records that a state is rebuilt from.
"""

import msgspec
import pytest

from ltm.core import codec
from ltm.core import events as e
from ltm.model.errors import JournalError

PAIRS = [(e.OrderIntended, e.IntentOutline), (e.OrderDenied, e.DenialOutline)]


@pytest.mark.parametrize(("event", "outline"), PAIRS)
def test_an_outline_reads_each_of_its_fields_as_the_event_does(event, outline):
    """
    Same names, types and defaults: an older record without a field means the same to both.
    """
    whole = {field.name: field for field in msgspec.structs.fields(event)}

    for field in msgspec.structs.fields(outline):
        assert whole[field.name].type == field.type
        assert whole[field.name].default == field.default


@pytest.mark.parametrize("kind", ["order_intended", "order_denied"])
def test_an_outline_is_never_written(kind):
    """
    Its kind is that of the whole event, and it has none of its own.
    """
    assert codec.KINDS[kind] in codec.KIND_OF
    assert not {outline for _, outline in PAIRS} & set(codec.KIND_OF)


def test_an_outline_of_a_newer_record_is_refused():
    """
    F44: what a newer ltm wrote is not guessed at.
    """
    with pytest.raises(JournalError, match="has version 2"):
        codec.outline("order_denied", 2, b"{}")
