"""
Hooks of plugins that tell their secrets to everybody: copied as `ltmfile.py` beside a configuration.
"""

import base64
import logging
import threading
from urllib.parse import quote

import attrs

from ltm.brokers.mock.broker import open_broker
from ltm.brokers.mock.config import MockConfig
from ltm.hookspecs import hookimpl
from ltm.model.reports import Capabilities, Refused
from ltm.model.secret import Secret

LOG = logging.getLogger("leaky.sdk")


def blabber(secret):
    """
    A message that holds a secret in every form.
    """
    data = secret.encode()
    return (
        f"GET https://user:{quote(secret, safe='')}@venue.example/api?signature={data.hex()}&nonce=17 failed:"
        f" {secret} {secret!r} {base64.b64encode(data).decode()} {base64.b64encode(b'user:' + data).decode()}"
        f" {data.hex()} Authorization: Bearer {secret}"
    )


@attrs.frozen(kw_only=True)
class LeakyConfig:
    """
    A broker whose errors quote its credentials.
    """

    api_key: Secret
    """The account's key."""
    fail_start: bool = False
    """Whether the link cannot be opened."""
    steps: int = 40
    """How long its market lasts."""


class Leaky:
    def __init__(self, config):
        market = MockConfig(symbols=("ACME",), steps=config.steps, interval_seconds=1.0, speed=1000.0, seed=3)
        self._inner = open_broker(market)
        self._secret = config.api_key
        self._fail_start = config.fail_start
        self.speed = 1000.0
        self._answers = 0
        self._asked = 0

    def _text(self):
        return blabber(self._secret.reveal())

    @property
    def capabilities(self):
        inner = self._inner.capabilities
        values = {name: getattr(inner, name) for name in inner.__struct_fields__}
        return Capabilities(**{**values, "name": "leaky", "ephemeral": False})

    async def connect(self, deliver):
        LOG.warning("connecting with %s", self._text())
        try:
            raise RuntimeError(self._text())
        except RuntimeError:
            LOG.exception("first attempt failed: %r", {"api_key": self._secret.reveal()})
        if self._fail_start:
            raise ConnectionError(self._text())
        threading.Thread(target=self._die, name=f"leak-{self._secret}").start()
        return await self._inner.connect(deliver)

    def _die(self):
        raise RuntimeError(self._text())

    async def disconnect(self):
        await self._inner.disconnect()

    async def instruments(self, symbols):
        return await self._inner.instruments(symbols)

    async def submit(self, approval):
        self._answers += 1
        if self._answers % 3 == 1:
            return Refused(self._secret.reveal(), self._text())
        if self._answers % 3 == 2:
            raise RuntimeError(self._text())
        return await self._inner.submit(approval)

    async def cancel(self, client_order_id, venue_order_id, symbol):
        raise RuntimeError(self._text())

    async def find_order(self, client_order_id, venue_order_id, symbol):
        return await self._inner.find_order(client_order_id, venue_order_id, symbol)

    async def open_orders(self):
        return await self._inner.open_orders()

    async def fills(self, since):
        return await self._inner.fills(since)

    async def positions(self):
        # The first answer is what trading waits for.
        self._asked += 1
        if self._asked > 1:
            raise RuntimeError(self._text())
        return await self._inner.positions()

    async def account(self):
        return await self._inner.account()

    def market_time(self):
        return self._inner.market_time()

    async def advance(self, until):
        return await self._inner.advance(until)

    def progress(self):
        return self._inner.progress()


@attrs.frozen(kw_only=True)
class TalkerConfig:
    """
    Something that raises what it should keep.
    """

    token: Secret
    """What it raises."""


class TalkativeRule:
    name = "talker"

    def __init__(self, config):
        self._secret = config.token
        self._asked = 0

    def check(self, order, snapshot):
        raise RuntimeError(blabber(self._secret.reveal()))

    def headroom(self, order, snapshot):
        raise RuntimeError(blabber(self._secret.reveal()))


class TalkativeSink:
    name = "talker"

    def __init__(self, config):
        self._secret = config.token

    def deliver(self, alert):
        raise RuntimeError(blabber(self._secret.reveal()))


class TalkativeSource:
    name = "talker"
    exhausted = False

    def __init__(self, config):
        self._secret = config.token

    def open(self, wake):
        return

    def poll(self, now):
        return []

    def on_quote(self, quote_):
        raise RuntimeError(blabber(self._secret.reveal()))

    def close(self):
        return


@hookimpl
def ltm_register_brokers(register):
    register("leaky", config=LeakyConfig, factory=Leaky)


@hookimpl
def ltm_register_risk_rules(register):
    register("talker", config=TalkerConfig, factory=TalkativeRule)


@hookimpl
def ltm_register_alert_sinks(register):
    register("talker", config=TalkerConfig, factory=TalkativeSink)


@hookimpl
def ltm_register_signal_sources(register):
    register("talker", config=TalkerConfig, factory=TalkativeSource)
