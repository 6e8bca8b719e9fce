"""
The kill switch's own way to the broker: whose orders it cancels, when it believes that they are gone, and what it refuses.
"""

import asyncio
from datetime import UTC, datetime
from decimal import Decimal
from types import SimpleNamespace
from typing import Any

import attrs
import pytest
from msgspec.structs import replace

from ltm.app import cancel_all_directly, direct
from ltm.core.state import OrderState, new_state
from ltm.model.enums import OrderStatus, OrderType, Purpose, Side, TimeInForce
from ltm.model.errors import BrokerConnectionError, ConfigError
from ltm.model.identifiers import client_order_id
from ltm.model.reports import AccountReport, Acked, Ambiguous, Capabilities, OrderReport, Refused
from ltm.model.results import DirectReport
from ltm.model.spec import SessionSpec

AT = datetime(2026, 3, 2, 14, 30, tzinfo=UTC)
KEY = "00000abc"
ONE, TWO = (client_order_id(KEY, number) for number in (7, 8))


def order(name: str | None, venue: str | None = None, **more: Any) -> OrderReport:
    values = {
        "client_order_id": name,
        "venue_order_id": venue or f"v-{name}",
        "symbol": "AAA",
        "side": Side.BUY,
        "status": OrderStatus.ACCEPTED,
        "quantity": Decimal(1),
        "filled_quantity": Decimal(0),
        "at": AT,
        **more,
    }
    return OrderReport(**values)


CAPABLE = Capabilities(
    name="v",
    order_types=tuple(OrderType),
    times_in_force=tuple(TimeInForce),
    request_ttl=0.0,
    query_by_client_order_id=True,
    query_includes_closed=True,
)


@attrs.define
class Venue:
    """
    A broker that cancels what it is asked to, unless a test has put an answer in the way.
    """

    orders: list[OrderReport] = attrs.Factory(list)
    answers: list[Any] = attrs.Factory(list)
    account: str = "U1"
    asked: list[str] = attrs.Factory(list)
    is_deaf: bool = False
    left: bool = False
    hidden: list[OrderReport] = attrs.Factory(list)
    """What it finds when asked by name, and does not list."""
    capabilities: Capabilities = CAPABLE
    looks: int = 0

    async def find_order(self, name: str, venue_order_id: str | None, symbol: str) -> OrderReport | None:
        self.looks += 1
        if self.answers:
            raise self.answers.pop(0)
        return next((one for one in self.hidden if one.client_order_id == name), None)

    async def connect(self, deliver: Any) -> AccountReport:
        deliver(order(ONE))
        return AccountReport(account=self.account, currency="USD", cash=Decimal(1))

    async def disconnect(self) -> None:
        self.left = True

    async def open_orders(self) -> list[OrderReport]:
        if self.is_deaf:
            await asyncio.Event().wait()
        return self.orders

    async def cancel(self, name: str, venue_order_id: str | None, symbol: str) -> Any:
        self.asked.append(name)
        answer = self.answers.pop(0) if self.answers else Acked("v")
        if isinstance(answer, Exception):
            raise answer
        if isinstance(answer, Acked):
            self.orders = [one for one in self.orders if one.venue_order_id != venue_order_id]
            self.hidden = [
                replace(one, status=OrderStatus.CANCELED) if one.client_order_id == name else one
                for one in self.hidden
            ]
        return answer


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(direct, "ROUND_SECONDS", 0.001)
    monkeypatch.setattr(direct, "CALL_SECONDS", 0.05)


def clear(
    venue: Venue,
    *,
    foreign: bool = False,
    seconds: float = 5,
    account: str = "U1",
    journaled: OrderStatus | None = None,
) -> DirectReport:
    spec = SessionSpec(session_id="s", model_id="m", broker="b", initial_capital=Decimal(1))
    state = new_state(spec, KEY)
    state.account = account
    state.venue_ids["v-known"] = TWO
    if journaled is not None:
        state.orders[ONE] = OrderState(
            ONE,
            "AAA",
            Side.BUY,
            Decimal(1),
            OrderType.MARKET,
            None,
            None,
            TimeInForce.DAY,
            Purpose.SIGNAL,
            True,
            Decimal(1),
            AT,
            AT,
            status=journaled,
        )
    offer = SimpleNamespace(factory=lambda config: venue)
    config: Any = SimpleNamespace(broker=SimpleNamespace(offer=offer, config=None))
    (report,) = cancel_all_directly([(config, state)], foreign=foreign, seconds=seconds)
    return report


def test_only_the_sessions_own_orders_are_canceled():
    """
    REL-4, C36: by the session's key in the client order id, or the venue's id that the journal knows.
    """
    venue = Venue([order(ONE), order(None, "v-known"), order(None, "v-theirs"), order("manual-1")])
    report = clear(venue)

    assert (True, (ONE, "foreign-v-known"), (), 2) == (
        report.confirmed,
        report.canceled,
        report.left_open,
        report.foreign_orders,
    )
    assert ["v-theirs", "v-manual-1"] == [one.venue_order_id for one in venue.orders]
    assert venue.left


def test_all_means_everything_in_the_account():
    venue = Venue([order(ONE), order("manual-1")])

    assert (True, (ONE, "manual-1")) == ((report := clear(venue, foreign=True)).confirmed, report.canceled)
    assert [] == venue.orders


def test_nothing_open_is_confirmed_at_once():
    venue = Venue([order(ONE, status=OrderStatus.CANCELED)])

    assert (True, ()) == ((report := clear(venue, seconds=0)).confirmed, report.canceled)
    assert [] == venue.asked


@pytest.mark.parametrize(
    ("answer", "problem"),
    [
        (Refused("too_late", "it is filling"), "too_late: it is filling"),
        (Ambiguous("timeout"), "timeout"),
        (ConnectionError("gone"), 'ConnectionError: "gone"'),
    ],
    ids=["refused", "ambiguous", "raises"],
)
def test_a_cancel_that_fails_is_tried_again_and_said_at_the_end(answer, problem):
    """
    The look at what is open decides, never the answer to a cancel.
    """
    again = clear(Venue([order(ONE)], [answer]))
    never = clear(Venue([order(ONE)], [answer] * 100_000), seconds=0.05)

    assert (True, (ONE,), ()) == (again.confirmed, again.canceled, again.problems)
    assert (False, (), (ONE,), (f"{ONE}: {problem}",)) == (
        never.confirmed,
        never.canceled,
        never.left_open,
        never.problems,
    )


def test_a_broker_that_does_not_answer_is_an_error_with_a_cure():
    venue = Venue([order(ONE)], is_deaf=True)
    with pytest.raises(BrokerConnectionError, match="does not answer within"):
        clear(venue)

    assert venue.left


def test_another_account_is_left_alone():
    """
    F38, F39: the wrong configuration must not cancel somebody else's orders.
    """
    venue = Venue([order(ONE)])
    with pytest.raises(ConfigError, match=r"trades account \.\.\.1234, this is another one"):
        clear(venue, account="DU991234")

    assert ([], True) == (venue.asked, venue.left)


DOUBTFUL = pytest.mark.parametrize(
    "status", [OrderStatus.INTENDED, OrderStatus.SUBMITTED, OrderStatus.UNKNOWN]
)


@DOUBTFUL
def test_an_order_whose_request_may_be_under_way_is_not_confirmed_gone(status):
    """
    REL-4, C36: a list without it proves nothing; the answer names it.
    """
    venue = Venue(capabilities=replace(CAPABLE, request_ttl=3600.0))
    report = clear(venue, journaled=status, seconds=0.05)

    assert (False, ()) == (report.confirmed, report.left_open)
    assert (f"{ONE}: it is {status} in the journal, and the venue may not know it yet",) == report.problems


@DOUBTFUL
def test_an_order_that_the_venue_finds_and_does_not_list_is_canceled(status):
    report = clear(Venue(hidden=[order(ONE)]), journaled=status)

    assert (True, (ONE,), ()) == (report.confirmed, report.canceled, report.problems)


def test_an_order_that_is_listed_is_not_asked_about():
    venue = Venue([order(ONE)])
    report = clear(venue, journaled=OrderStatus.UNKNOWN)

    assert (True, (ONE,), 1) == (report.confirmed, report.canceled, venue.looks)


@pytest.mark.parametrize(
    ("changes", "confirmed"),
    [
        ({}, True),
        ({"request_ttl": None}, False),
        ({"query_includes_closed": False}, False),
        ({"query_by_client_order_id": False}, False),
    ],
)
def test_not_found_is_proof_only_where_the_broker_finds_all(changes, confirmed):
    """
    REL 2.2.1: where ended orders are found too, and no request can be under way any more.
    """
    venue = Venue(capabilities=replace(CAPABLE, **changes))

    assert confirmed is clear(venue, journaled=OrderStatus.UNKNOWN, seconds=0.05).confirmed


def test_a_question_that_fails_is_no_evidence():
    venue = Venue(answers=[ConnectionError("gone")])
    report = clear(venue, journaled=OrderStatus.UNKNOWN, seconds=0)

    assert (False, (f'{ONE}: ConnectionError: "gone"',)) == (report.confirmed, report.problems)
    assert clear(Venue(answers=[ConnectionError("gone")]), journaled=OrderStatus.UNKNOWN).confirmed


def test_orders_whose_fate_the_journal_knows_are_not_asked_about():
    venue = Venue()

    assert clear(venue, journaled=OrderStatus.ACCEPTED).confirmed
    assert 0 == venue.looks
