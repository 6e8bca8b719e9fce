"""
Skipping risk does not type-check.

Nothing here runs: mypy reads it. An `ignore` that is not needed is an error, so each one states that its line is wrong.
"""

from typing import assert_type

from ltm.model.order import Approval, OrderDraft
from ltm.model.reports import Outcome
from ltm.ports import Broker


async def an_approval_can_be_sent(broker: Broker, approval: Approval) -> None:
    assert_type(await broker.submit(approval), Outcome)


async def a_draft_cannot_be_sent(broker: Broker, draft: OrderDraft) -> None:
    await broker.submit(draft)  # type: ignore[arg-type]


def nobody_else_makes_an_approval(draft: OrderDraft) -> Approval:
    return Approval(object(), draft, "id", None)  # type: ignore[arg-type]


def an_approval_does_not_change(approval: Approval, draft: OrderDraft) -> None:
    approval.draft = draft  # type: ignore[misc]
