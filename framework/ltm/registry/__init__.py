"""
Discovery of plugins: what is installed, what is allowed, what it offers, and what is wrong with it.

Entry points of the group `ltm` are read without importing anything; only distributions of this project and those
on the allow list are imported, each on its own, and one that misbehaves is put in quarantine (RSK-40, SEC-10).
"""

from ltm.model.offer import KINDS, Kind, Offer
from ltm.registry.installed import OWN, Plugin
from ltm.registry.listing import Listed
from ltm.registry.registry import Observer, Registry

__all__ = ["KINDS", "OWN", "Kind", "Listed", "Observer", "Offer", "Plugin", "Registry"]
