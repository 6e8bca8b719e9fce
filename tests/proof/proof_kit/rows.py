"""
Journal records as plain dictionaries, whatever kind of journal they come from.
"""

import json
import sqlite3
from collections.abc import Iterable
from pathlib import Path
from typing import Any

Row = dict[str, Any]


def rows_of(journal: Any) -> list[Row]:
    """
    The records of a journal port.
    """
    return [
        {"sequence": row.sequence, "kind": row.kind, "payload": json.loads(row.payload)}
        for row in journal.read()
    ]


def rows_in(database: Path, session_id: str) -> list[Row]:
    """
    The records of a journal file, read with nothing but SQLite.
    """
    connection = sqlite3.connect(f"file:{database}?mode=ro", uri=True)
    try:
        found = connection.execute(
            "SELECT sequence, kind, payload FROM record WHERE session_id = ? ORDER BY sequence", (session_id,)
        )
        return [
            {"sequence": number, "kind": kind, "payload": json.loads(text)} for number, kind, text in found
        ]
    finally:
        connection.close()


def fills_of(rows: Iterable[Row]) -> list[dict[str, Any]]:
    """
    The executions that count, in the order of the journal: corrected where they were, without those taken back.
    """
    fills: dict[tuple[str, str], dict[str, Any]] = {}
    for row in rows:
        payload = row["payload"]
        if row["kind"] == "order_filled":
            place = (payload["client_order_id"], payload["fill_id"])
            if place in fills:
                message = f"fill {place} was booked twice"
                raise AssertionError(message)
            fills[place] = dict(payload)
        elif row["kind"] == "fill_replaced":
            place = (payload["client_order_id"], payload["fill_id"])
            changed = {name: payload[name] for name in ("quantity", "price", "commission")}
            fills[place] = {**fills[place], **changed}
    return [fill for fill in fills.values() if float(fill["quantity"])]
