"""What this distribution offers to ltm; light, since it is imported to list plugins."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

import attrs
from ltm import hookimpl
from ltm.model.checks import exact, positive
from ltm.model.errors import ConfigError

if TYPE_CHECKING:
    from ltm.hookspecs import Register
    from ltm.ports import AlertSink

LTM_API = 1
PORTS = range(1, 65_536)


def _port(_: object, attribute: attrs.Attribute[Any], value: int) -> None:
    if value not in PORTS:
        message = f"{attribute.name} must be a port from 1 to 65535, got {value}"
        raise ConfigError(message, field=attribute.name, got=value, hint="syslog over TCP is often at 601")


@attrs.frozen(kw_only=True)
class SyslogConfig:
    """Sends alerts to a syslog server over TCP.

    Args:
        host: Name or address of the server.
        port: Its port.
        timeout_seconds: How long to wait for it.
    """

    host: str = "127.0.0.1"
    port: int = attrs.field(default=601, validator=_port)
    timeout_seconds: Decimal = attrs.field(default=Decimal(5), converter=exact, validator=positive)


@hookimpl
def ltm_register_alert_sinks(register: Register[AlertSink]) -> None:
    """Offer the alert sink `syslog`."""
    register("syslog", config=SyslogConfig, factory=_sink)


def _sink(config: SyslogConfig) -> AlertSink:
    from ltm_alert_syslog.sink import Syslog

    return Syslog(config.host, config.port, float(config.timeout_seconds))
