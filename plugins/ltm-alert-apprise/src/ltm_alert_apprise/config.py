"""
The settings of the `apprise` sink.
"""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Any, Final

import attrs

from ltm.model.checks import exact, positive
from ltm.model.errors import ConfigError, shown
from ltm.model.secret import Secret

_NAME: Final = re.compile(r"[a-z][a-z0-9_-]{0,31}", re.ASCII)
_LONGEST: Final = 120


def _name(_: object, attribute: attrs.Attribute[Any], value: str) -> None:
    if not _NAME.fullmatch(value):
        message = f"{attribute.name} must be lower case letters, digits, `_` and `-`, got {shown(value)}"
        raise ConfigError(
            message, code="LTM-CFG-007", field=attribute.name, got=value, hint='such as "phone"'
        )


def _timeout(_: object, attribute: attrs.Attribute[Any], value: object) -> None:
    positive(_, attribute, value)
    if isinstance(value, Decimal) and value > _LONGEST:
        message = f"{attribute.name} must be at most {_LONGEST} seconds, got {value}"
        raise ConfigError(message, code="LTM-CFG-025", field=attribute.name, got=value, hint="for example 20")


@attrs.frozen(kw_only=True)
class AppriseConfig:
    """
    Sends alerts to one of the services that apprise speaks to: mail, Telegram, Slack, Discord, ntfy, WeCom and more.

    One table for each service: each then has its own threshold, its own queue and its own retries.

    Args:
        url: The service's address as apprise writes it, such as `mailtos://...` or `tgram://...`. It is a secret as a
            whole, since whoever has it can write to you.
        name: What the service is called in `ltm alerts` and in messages about it.
        timeout: Seconds after which a delivery has failed and is tried again, above 0 and up to 120.
        own_host: The address names a host of yours, which may be reached without TLS and in a private network.
    """

    url: Secret
    name: str = attrs.field(default="apprise", validator=_name)
    timeout: Decimal = attrs.field(default=Decimal(20), converter=exact, validator=_timeout)
    own_host: bool = False
