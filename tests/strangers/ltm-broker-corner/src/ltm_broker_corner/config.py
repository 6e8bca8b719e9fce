"""The settings of the broker `corner`."""

from __future__ import annotations

from decimal import Decimal
from typing import Any
from urllib.parse import urlsplit

import attrs
from ltm.model.checks import exact, positive
from ltm.model.errors import ConfigError
from ltm.model.secret import Secret

_HERE = {"127.0.0.1", "localhost", "::1"}


def _address(_: object, attribute: attrs.Attribute[Any], value: object) -> None:
    try:
        parts = urlsplit(str(value))
        is_whole = bool(parts.hostname) and parts.port != 0
    except ValueError:
        is_whole = False
    if not is_whole or parts.scheme not in {"http", "https"} or parts.username or parts.query:
        message = f"{attribute.name} must be the address of the exchange, got {value!r}"
        raise ConfigError(message, field=attribute.name, hint='for example "http://127.0.0.1:8720"')
    if parts.scheme == "http" and parts.hostname not in _HERE:
        message = f"{attribute.name} must be https, since it leaves this machine, got {value!r}"
        raise ConfigError(message, field=attribute.name, hint="orders and keys travel in clear over http")


@attrs.frozen(kw_only=True)
class CornerConfig:
    """Trades at the Corner Exchange.

    Args:
        url: Address of the exchange; plain http on this machine only.
        key: What the exchange gave you.
        poll_seconds: How often prices and reports are asked for.
        timeout_seconds: How long to wait for an answer.
    """

    url: str = attrs.field(validator=_address)
    key: Secret
    poll_seconds: Decimal = attrs.field(default=Decimal("0.2"), converter=exact, validator=positive)
    timeout_seconds: Decimal = attrs.field(default=Decimal(5), converter=exact, validator=positive)
