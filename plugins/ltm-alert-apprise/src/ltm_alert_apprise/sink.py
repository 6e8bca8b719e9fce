"""
The `apprise` sink: hands one alert to one service, within its time.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Final

from apprise import NotifyType

from ltm.model.enums import Severity
from ltm.model.redaction import one_line

if TYPE_CHECKING:
    from ltm.model.results import Alert
    from ltm_alert_apprise.config import AppriseConfig
    from ltm_alert_apprise.service import Service

_KINDS: Final = {
    Severity.INFO: NotifyType.INFO,
    Severity.WARNING: NotifyType.WARNING,
    Severity.CRITICAL: NotifyType.FAILURE,
}
_MOST_LATE: Final = 3
"""Deliveries that hang, beyond which no further one is begun."""


class AppriseSink:
    """
    Sends each alert as a message: the severity, the session and the code as its title, the text as its body.

    An alert counts as delivered when the service says so. What failed or took too long raises, and is offered again:
    apprise itself neither queues nor waits for anything.
    """

    def __init__(self, config: AppriseConfig, service: Service) -> None:
        self.name: Final = config.name
        self._timeout = float(config.timeout)
        self._service = service
        self._late: list[_Delivery] = []

    def deliver(self, alert: Alert) -> None:
        """
        Send one alert.

        Raises:
            OSError: The service did not take it in time.
        """
        self._late = [delivery for delivery in self._late if delivery.is_alive()]
        if len(self._late) >= _MOST_LATE:
            message = f"{_MOST_LATE} deliveries hang: none is begun before one of them ends"
            raise TimeoutError(message)
        delivery = _Delivery(self._service, alert)
        delivery.start()
        delivery.join(self._timeout)
        if delivery.is_alive():
            self._late.append(delivery)
            message = f"no answer within {self._timeout:g} s"
            raise TimeoutError(message)
        if delivery.problem:
            raise OSError(delivery.problem)


class _Delivery(threading.Thread):
    # A thread of its own, which nobody waits for: a service that keeps a connection open can hold up nothing else.

    def __init__(self, service: Service, alert: Alert) -> None:
        super().__init__(name="ltm-apprise-delivery", daemon=True)
        self.problem = ""
        self._service = service
        self._alert = alert

    def run(self) -> None:
        try:
            self._service.notify(*message_of(self._alert))
        except BaseException as error:  # noqa: BLE001 - a hundred services, each with errors of its own
            # The text alone: a traceback has the address in its frames.
            self.problem = one_line(str(error)) or type(error).__name__


def message_of(alert: Alert) -> tuple[str, str, NotifyType]:
    """
    Return title, body and kind of the message for an alert; the title is one line (SEC-34).
    """
    title = one_line(f"{alert.severity.upper()} {alert.session_id}: {alert.code}")
    moment = alert.raised_at.isoformat(sep=" ", timespec="seconds").replace("+00:00", " UTC")
    body = f"{one_line(alert.message)}\n{moment}, {one_line(alert.alert_id)}"
    return title, body, _KINDS[alert.severity]
