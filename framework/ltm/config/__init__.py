"""
TOML to checked settings; every problem at once, each with its path, value, rule and cure.

    document = read_config(path)
    registry = Registry.discover(*plugins_of(document))
    config = check_config(document, registry)
"""

from ltm.config.check import check_config
from ltm.config.document import Document
from ltm.config.secrets import read_env_file
from ltm.config.session import NaiveTimestamps, SessionTerms, session_spec
from ltm.config.settings import parse_config, plugins_of, read_config, reference_rows
from ltm.config.tables import Catalogue, Chosen, LtmConfig, SessionConfig

__all__ = [
    "Catalogue",
    "Chosen",
    "Document",
    "LtmConfig",
    "NaiveTimestamps",
    "SessionConfig",
    "SessionTerms",
    "check_config",
    "parse_config",
    "plugins_of",
    "read_config",
    "read_env_file",
    "reference_rows",
    "session_spec",
]
