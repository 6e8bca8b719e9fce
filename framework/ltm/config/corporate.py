"""
The file of corporate actions that a session is to follow.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Final

from ltm.config.reader import Reader, got, join
from ltm.model.corporate import CorporateAction, actions_of
from ltm.model.errors import ConfigError, shown

if TYPE_CHECKING:
    Actions = tuple[CorporateAction, ...]

_NUMBER: Final = 28
_CURE: Final = "lines such as 2014-06-09,AAPL,split,7:1 below the header date,symbol,kind,value"


def corporate_actions(reader: Reader, table: object, path: str) -> Actions:
    """
    Return the actions of `corporate_actions` in order of their dates, after keeping what is wrong with them.
    """
    value = table.get("corporate_actions") if isinstance(table, Mapping) else None
    if value is None:
        return ()
    where = join(path, "corporate_actions")
    if not isinstance(value, (str, Path)) or not str(value) or "\0" in str(value):
        reader.refuse(_NUMBER, where, f"{where} must be a file, got {got(value)}", hint=_CURE)
        return ()
    try:
        text = (reader.base / value).read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is not UTF-8 text"
        message = f"{where} must be a file that can be read, got {shown(str(value))}: {reason}"
        reader.refuse(_NUMBER, where, message, hint=_CURE)
        return ()
    actions = []
    for line, found in actions_of(text):
        if isinstance(found, CorporateAction):
            actions.append(found)
            continue
        problem = ConfigError(
            f"{where}: {found}",
            code=f"LTM-CFG-{_NUMBER:03}",
            field=where,
            hint=_CURE,
            where=f"{value}, line {line}",
        )
        reader.problems.append(problem)
    return tuple(sorted(actions, key=lambda action: action.on))
