"""
Alerts that wait for sinks, or for a person: one of them.
"""

from __future__ import annotations

from datetime import datetime

import attrs


@attrs.define(eq=False)
class OpenAlert:
    """
    An alert in the outbox.
    """

    alert_id: str
    severity: str
    code: str
    message: str
    raised_at: datetime
    delivered_to: list[str] = attrs.Factory(list)
    acknowledged_at: datetime | None = None
