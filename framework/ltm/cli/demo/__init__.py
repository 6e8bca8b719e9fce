"""
The demo of `ltm run` without a configuration: a made-up market of two days, signals beside this file, limits
so tight that each rule is seen at work.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

import attrs

from ltm.app import Loaded
from ltm.brokers.mock.config import MockConfig
from ltm.config import check_config, parse_config
from ltm.registry import Registry

FOLDER: Final = Path(__file__).parent
"""Where the demo's configuration, sectors and signals are: a sample to copy."""


def load_demo(*, speed: float | None = None) -> Loaded:
    """
    Return the demo's checked configuration.

    Args:
        speed: Market seconds a second; None is as fast as it goes. The session is the same either way.
    """
    text = (FOLDER / "demo.toml").read_text(encoding="utf-8")
    registry = Registry.discover()
    config = check_config(parse_config(text, name="demo.toml", base=FOLDER, environ={}), registry, {})
    if speed is None:
        return Loaded(config=config, registry=registry)
    (session,) = config.sessions
    broker = session.broker.config
    paced = attrs.evolve(broker, speed=speed) if isinstance(broker, MockConfig) else broker
    slowed = attrs.evolve(session, broker=attrs.evolve(session.broker, config=paced))
    return Loaded(config=attrs.evolve(config, sessions=(slowed,)), registry=registry)
