"""
Every reason for which an order is denied or trading is stopped, in one table; the reference page
is made from it. A rule of somebody else brings its own codes.
"""

from __future__ import annotations

from typing import Final

DENIALS: Final[dict[str, str]] = {
    "session_not_running": "The session is not up.",
    "not_ready": "Start-up or recovery is not complete; the message lists what is missing (RSK-10).",
    "paused": "Trading is paused: exits only, until somebody resumes (C37).",
    "halted": "Trading is halted: cancels only (C37).",
    "killed": "The kill switch was used: cancels only (C36).",
    "unknown_instrument": "The venue does not list this symbol (C01).",
    "ambiguous_symbol": "Several instruments answer to this code (BAD-057).",
    "not_tradable": "The venue has suspended the instrument, or its grid is unusable (C01).",
    "instrument_blocked": "Entries on this instrument are blocked until a person looks (drift, overfill, failed exits).",
    "unknown_order": "An order on this instrument has an unknown outcome (REL-1).",
    "out_of_range": "The order's numbers have more digits than money is counted in (BAD-077).",
    "unsupported_order": "The broker cannot place this kind of order (C02).",
    "lot": "The quantity must be a multiple of the lot (C03).",
    "tick": "The price must be a multiple of the tick (C03).",
    "quantity_range": "The quantity is outside what the venue accepts (C03).",
    "notional_range": "The value is outside what the venue accepts (C03).",
    "max_order_quantity": "The order is larger than `max_order_quantity` (C04).",
    "max_order_value": "The order is worth more than `max_order_value` (C05).",
    "no_price": "There is no price to value the order with (C06, ruling 9).",
    "stale_price": "The price is older than `max_price_age` (C07).",
    "price_jump": "The price jumped by more than `bad_tick_pct` and is not confirmed yet (RSK-02).",
    "fx_missing": "There is no exchange rate into the session's currency (RSK-08).",
    "fx_stale": "The exchange rate into the session's currency is too old, or jumped and is not confirmed (RSK-08).",
    "degraded": "A held instrument has no usable price, so equity is not known (RSK-22).",
    "max_daily_trades": "The day's entry orders are used up (C09).",
    "outside_trading_hours": "The session's trading hours are over or not begun (C14).",
    "entry_cutoff": "Too close to the end of trading hours for an entry (RSK-26).",
    "would_flip": "The order would turn the position around, and shorting is off (RSK-06).",
    "nothing_to_sell": "There is no position to sell, and shorting is off (ruling 10).",
    "exit_working": "Orders that close the whole position are already working.",
    "stale_signal": "The signal is older than `max_signal_age` (C19).",
    "future_signal": "The signal's time is in the future (C19).",
    "low_confidence": "The signal's confidence is below `min_confidence` (C19).",
    "clock_skew": "Our clock and the venue's differ too much (C46).",
    "session_capital": "The session's own capital does not cover the order (C32).",
    "buying_power": "The account's available funds do not cover the order (C29).",
    "below_min_lot": "What the limits leave is less than one lot; never rounded up (RSK-20).",
    "zero_size": "The sizer asked for nothing.",
    "sizer_fault": "The sizer failed or answered with something other than a quantity.",
    "rule_fault": "A rule failed or answered with something other than a verdict (RSK-43).",
    "equity_not_positive": "Equity is zero or below: no entries.",
    "position_size": "The position could become larger than its limit (C21).",
    "sector_concentration": "The sector could become larger than its limit (C22).",
    "sector_unknown": "The instrument's sector is not known (C22).",
    "drawdown": "Equity has fallen from its peak by the limit (C23).",
    "daily_loss": "The day's loss has reached the limit (C24).",
}

STOPS: Final[dict[str, str]] = {
    "operator": "A person paused trading.",
    "drawdown": "The drawdown limit was reached; only a person resumes.",
    "daily_loss": "The daily loss limit was reached; lifted at the next roll.",
    "rule_fault": "A rule failed; entries stop until a person has looked.",
    "unexplained_cash": "The account's cash moved for no reason we know (RSK-04).",
    "invariant": "The books contradict themselves; nothing is sent any more.",
    "disk_full": "Too little disk space is left to write down what happens.",
    "journal_repaired": "Records were lost to damage; a person has to compare with the venue.",
    "journal": "The journal cannot be written; nothing is sent any more.",
    "kill": "The kill switch was used.",
    "exit_failed": "An exit was rejected again and again; the instrument is left to a person.",
}
