"""
From an address to a service of apprise that may be used: checked, and known to whatever keeps secrets out of texts.
"""

from __future__ import annotations

import re
import socket
import warnings
from typing import TYPE_CHECKING, Any, Final, NoReturn
from urllib.parse import unquote

import attrs
from apprise import Apprise, AppriseAsset, NotifyFormat

from ltm.model.addresses import is_private
from ltm.model.errors import ConfigError
from ltm.model.redaction import KNOWN
from ltm_alert_apprise.quiet import quietly

if TYPE_CHECKING:
    from apprise import NotifyBase, NotifyType

    from ltm.model.secret import Secret

_LONG: Final = 16
"""From here on a part of a path or a query is taken for a key, though apprise shows it."""
_FORMS: Final = "apprise's documentation has the form for each service, such as tgram://bot-token/chat"


@attrs.frozen(kw_only=True, repr=False)
class Service:
    """
    One service, ready to be told something.
    """

    host: str
    """The host that its address names; empty for a service that has one place in the world."""
    own_host: bool
    _apprise: Apprise

    def notify(self, title: str, body: str, kind: NotifyType) -> None:
        """
        Send a message, once; nothing of it is logged.

        Raises:
            OSError: The service did not take it, or is where it must not be.
        """
        self._refuse_private()
        with quietly() as heard:
            done = self._apprise.notify(
                body=body, title=title, notify_type=kind, body_format=NotifyFormat.TEXT
            )
        if not done:
            raise OSError(heard[-1] if heard else "apprise could not deliver it and does not say why")

    def _refuse_private(self) -> None:
        # Before each delivery: what a name stands for may change (SEC-27).
        if self.own_host or not self.host:
            return
        if private := next((found for found in _addresses(self.host) if is_private(found)), None):
            message = (
                f"{self.host} is in a private network now ({private}): set own_host = true if it is yours"
            )
            raise OSError(message)


def opened(url: Secret, *, own_host: bool) -> Service:
    """
    Return the service of an address.

    Raises:
        ConfigError: The address is not one, or leads where secrets should not go.
    """
    text = url.reveal().strip()
    asset = AppriseAsset(
        storage_mode="memory",  # nothing on disk
        service_timeout=0,  # the sink keeps the time: apprise's pool would hold up the end of the process
        async_mode=False,
        http_redirects=False,
        pgp_autogen=False,
        pem_autogen=False,
        interpret_emojis=False,
    )
    with quietly(), warnings.catch_warnings():
        # All services are imported by the first that is asked for; what they use of Python is apprise's affair.
        warnings.simplefilter("ignore", DeprecationWarning)
        service = Apprise.instantiate(text, asset=asset) if len(text.split()) == 1 else None
    if service is None:
        _refuse(f"must be one address as apprise writes it, got {_beginning(text)}", _FORMS)
    host = _host(service)
    _learn(text, service, host)
    _check(service, host, own_host=own_host)
    sender = Apprise(asset=asset)
    sender.add(service)
    return Service(host=host, own_host=own_host, apprise=sender)


def _beginning(text: str) -> str:
    # What comes before `://` is no secret where it names a service.
    scheme, found, _ = text.partition("://")
    if found and scheme.isalnum() and _knows(scheme):
        return f"{scheme.lower()}://***, which {scheme.lower()} does not understand"
    return "***, whose beginning names no service"


def _knows(scheme: str) -> bool:
    listed = Apprise().details()["schemas"]
    return any(
        scheme.lower() in {*(one["protocols"] or ()), *(one["secure_protocols"] or ())} for one in listed
    )


def _refuse(rule: str, hint: str) -> NoReturn:
    message = f"url {rule}"
    raise ConfigError(message, code="LTM-CFG-037", field="url", hint=hint)


# --- Where it leads (SEC-27) ----------------------------------------------------------------------


def _check(service: NotifyBase, host: str, *, own_host: bool) -> None:
    if not service.verify_certificate:
        _refuse("must let certificates be verified", "take verify=no out of it")
    if service.redirects:
        _refuse("must not follow redirects, which may lead anywhere", "take redirect=yes out of it")
    if own_host:
        return
    if _is_plain(service, host):
        hint = "use the form with TLS, such as mailtos:// for mailto://; or set own_host = true if the host is yours"
        _refuse("must use TLS", hint)
    if is_private(host):
        _refuse("must not lead into a private network", "set own_host = true if the host is yours")


def _is_plain(service: NotifyBase, host: str) -> bool:
    # By the address that apprise makes of it: mailto:// to a provider that it knows becomes mailtos://.
    scheme = _address(service, privacy=True).partition("://")[0]
    plain, secure = _words(service.protocol), _words(service.secure_protocol)
    return scheme in plain and scheme not in secure and bool(host or secure)


def _address(service: Any, *, privacy: bool) -> str:  # noqa: ANN401 - what of apprise has no types
    return str(service.url(privacy=privacy))


def _words(value: object) -> tuple[str, ...]:
    if isinstance(value, str):
        return (value,)
    return tuple(value) if isinstance(value, (list, tuple, set, frozenset)) else ()


def _host(service: NotifyBase) -> str:
    # Of a service that lives in one place, what looks like a host may be a part of a key.
    forms: tuple[str, ...] = service.templates
    if not any("{host}" in form for form in forms):
        return ""
    return str(getattr(service, "smtp_host", "") or service.host or "")


def _addresses(host: str) -> tuple[str, ...]:
    try:
        found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except OSError:  # the delivery will say so
        return ()
    return tuple(str(address[4][0]) for address in found)


# --- What nobody may read --------------------------------------------------------------------------


def _learn(text: str, service: NotifyBase, host: str) -> None:
    # The address as a whole is known already. Its parts travel alone: a token in a path, a password in a header.
    public = unquote(unquote(_address(service, privacy=True)))
    for part in (*_parts(text), *_parts(_address(service, privacy=False))):
        if part != host and (part not in public or len(part) >= _LONG):
            KNOWN.learn(part)


def _parts(address: str) -> list[str]:
    _, _, rest = address.partition("://")
    return [unquote(part) for part in re.split(r"[/?&@:=#]+", rest) if part]
