"""
Orders and instruments: an approval cannot be forged, a broken grid is named.
"""

from decimal import Decimal

import msgspec
import pytest

from ltm.model.enums import Side
from ltm.model.errors import LtmError
from ltm.model.instrument import Instrument
from ltm.model.order import SEAL, Approval, OrderDraft

D = Decimal
DRAFT = OrderDraft(symbol="AAPL", side=Side.BUY, quantity=D(1))


def test_an_approval_needs_the_seal():
    """
    Design 4: only the risk core holds it.
    """
    with pytest.raises(LtmError, match="made by the risk core only"):
        Approval(object(), DRAFT, "l000000001a", None)


def test_an_approval_says_what_it_approves():
    """
    For logs.
    """
    approval = Approval(SEAL, DRAFT, "l000000001a", None)

    assert (DRAFT, "l000000001a", None) == (approval.draft, approval.client_order_id, approval.send_by)
    assert repr(approval).startswith("Approval('l000000001a', OrderDraft(")


def test_a_draft_does_not_change():
    """
    Messages never change after creation.
    """
    with pytest.raises(AttributeError):
        DRAFT.quantity = D(2)


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, None),
        ({"maximum_quantity": D(5), "minimum_quantity": D(5)}, None),
        ({"lot_size": D(0)}, "lot_size 0"),
        ({"lot_size": D(-1)}, "lot_size -1"),
        ({"tick_size": D(0)}, "tick_size 0"),
        ({"multiplier": D(0)}, "multiplier 0"),
        ({"maximum_quantity": D(1), "minimum_quantity": D(2)}, "maximum_quantity 1 below minimum_quantity"),
    ],
    ids=str,
)
def test_a_broken_grid_is_named(changes, expected):
    """
    BAD-107.
    """
    instrument = msgspec.structs.replace(Instrument(symbol="AAPL", currency="USD"), **changes)

    assert expected == instrument.fault()
