"""
The three tables: every pair of state and fact has the answer written here, and no other (I-16).
"""

import pytest
from core_desk import Desk

from ltm.core import events as e
from ltm.core.lifecycle import (
    ORDER_TABLE,
    RANK,
    SESSION_TABLE,
    STALE,
    TERMINAL,
    UNEXPECTED,
    Fact,
    next_status,
)
from ltm.model.enums import Lifecycle, OrderStatus, TradingState
from ltm.model.errors import InvalidTransition

COLUMNS = (
    Fact.ACCEPTED,
    Fact.REJECTED,
    Fact.UNKNOWN,
    Fact.ABSENT,
    Fact.LATE,
    Fact.FILLED_PARTLY,
    Fact.FILLED_WHOLLY,
    Fact.CANCELED,
    Fact.EXPIRED,
)
# A letter for the next status, `-` for stale, `!` for unexpected; columns as above.
EXPECTED = """
denied            ! ! ! ! ! ! ! ! !
intended          A R U X ! P F C E
submitted         A R U X ! P F C E
unknown           A R - X ! P F C E
accepted          - R - ! - P F C E
partially_filled  - R - ! - P F C E
filled            - ! - ! - F F - -
canceled          - - - ! - C F - -
rejected          ! - - - ! R F - -
expired           - - - ! - E F - -
absent            ! - - - A ! ! - -
"""
LETTERS = {
    "A": OrderStatus.ACCEPTED,
    "R": OrderStatus.REJECTED,
    "U": OrderStatus.UNKNOWN,
    "X": OrderStatus.ABSENT,
    "P": OrderStatus.PARTIALLY_FILLED,
    "F": OrderStatus.FILLED,
    "C": OrderStatus.CANCELED,
    "E": OrderStatus.EXPIRED,
    "-": STALE,
    "!": UNEXPECTED,
}
PAIRS = [
    (OrderStatus(name), fact, LETTERS[letter])
    for name, *letters in (line.split() for line in EXPECTED.split("\n") if line)
    for fact, letter in zip(COLUMNS, letters, strict=True)
]
MOVES = """
created      starting
starting     starting reconciling stopping failed
reconciling  starting running stopping failed
running      starting reconciling stopping failed
stopping     starting stopped failed
stopped      starting
failed       starting
"""
REACHED = {
    Lifecycle(name): {Lifecycle(to) for to in targets}
    for name, *targets in (line.split() for line in MOVES.split("\n") if line)
}


def test_every_pair_of_status_and_fact_is_written_down():
    """
    REL-2: no pair is left to chance, in the table or here.
    """
    assert set(OrderStatus) == set(ORDER_TABLE)
    assert [(status, fact) for status in OrderStatus for fact in COLUMNS] == [pair[:2] for pair in PAIRS]
    assert all(set(Fact) == set(row) for row in ORDER_TABLE.values())


@pytest.mark.parametrize(
    ("status", "fact", "expected"), PAIRS, ids=lambda value: getattr(value, "value", value)
)
def test_a_fact_takes_an_order_where_the_table_says(status, fact, expected):
    """
    REL-2: the next status, or why there is none.
    """
    assert expected is next_status(status, fact)


def test_an_order_leaves_a_terminal_status_only_by_fills_and_late_arrival():
    """
    REL-2: terminal states are left by evidence of money or of the order itself, by nothing else.
    """
    left = {
        (status, fact)
        for status in TERMINAL
        for fact, to in ORDER_TABLE[status].items()
        if isinstance(to, OrderStatus) and to is not status
    }

    assert {
        (OrderStatus.CANCELED, Fact.FILLED_WHOLLY),
        (OrderStatus.REJECTED, Fact.FILLED_WHOLLY),
        (OrderStatus.EXPIRED, Fact.FILLED_WHOLLY),
        (OrderStatus.ABSENT, Fact.LATE),
    } == left


def test_every_move_of_a_session_is_written_down():
    """
    I-16: what is not here is illegal.
    """
    assert {state: set(targets) for state, targets in SESSION_TABLE.items()} == REACHED


@pytest.mark.parametrize("to", Lifecycle)
@pytest.mark.parametrize("origin", Lifecycle)
def test_a_session_moves_only_where_the_table_says(origin, to):
    """
    I-16: an illegal move is refused before it is written down.
    """
    desk = Desk(start=False)
    desk.state.lifecycle = origin
    move = e.LifecycleChanged(at=desk.now, to=to)

    if to in REACHED[origin]:
        desk.session.record(move)

        assert to is desk.state.lifecycle
    else:
        with pytest.raises(InvalidTransition, match=f"cannot go from {origin} to {to}"):
            desk.session.record(move)

        assert (origin, 0) == (desk.state.lifecycle, desk.journal.last_sequence())


def test_trading_states_are_ranked_from_free_to_dead():
    """
    C37: the strictest of all causes holds.
    """
    assert [*TradingState] == sorted(TradingState, key=RANK.__getitem__)
