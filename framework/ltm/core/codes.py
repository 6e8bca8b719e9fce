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
    "zero_size": "The sizer asked for nothing, or does not know enough yet; the message says what it lacks.",
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
    "degraded": "A held instrument had no usable price for longer than `max_blind_time` (RSK-22).",
    "rule_fault": "A rule failed; entries stop until a person has looked.",
    "unexplained_cash": "The account's cash moved for no reason we know (RSK-04).",
    "invariant": "The books contradict themselves; nothing is sent any more.",
    "disk_full": "Too little disk space is left to write down what happens.",
    "journal_repaired": "Records were lost to damage; a person has to compare with the venue.",
    "journal": "The journal cannot be written; nothing is sent any more.",
    "kill": "The kill switch was used.",
    "exit_failed": "An exit was rejected again and again; the instrument is left to a person.",
    "late_arrival": "An order that was proven absent turned up at the venue; entries stop until a person has looked.",
    "foreign_order": "The account has an order that is not ours, and `foreign_orders` is `halt`.",
    "foreign_position": "The account holds something that is not ours and cannot or may not be taken over.",
    "internal": "A fault of ltm itself; nothing is sent any more.",
    "drift": "The venue's position is not ours; entries on the instrument are blocked, and nothing is traded to mend it.",
}

OUTCOMES: Final[dict[str, str]] = {
    "unknown": "Nobody knew what became of the order; what was found out later is its status.",
    "absent": "The order certainly never reached the venue.",
    "not_sent": "The order certainly was not sent.",
    "canceled": "It was canceled; the message says by whom or why.",
    "expired": "Its time was over.",
}
"""What `reason` of an order that was not denied may say; a rejected one has the venue's own code."""

ALERTS: Final[dict[str, str]] = {
    "disk_low": "Little disk space is left where the journal is.",
    "drawdown_near": "Most of the drawdown limit is used: at seven and at nine tenths.",
    "daily_loss_near": "Most of the daily loss limit is used: at seven and at nine tenths.",
    "exit_denied": "An exit does not pass our own gates; it is tried again.",
    "exit_unknown": "Nobody knows whether an exit is working; no second one is sent meanwhile.",
    "fill_after_end": "An order was filled after it had ended; the fill is booked.",
    "fill_corrected": "The venue corrected a fill; the books follow.",
    "ignored": "The account's holding is left out of the session (`foreign_positions`).",
    "inherited": "The account's holding was taken over into the session (`foreign_positions`).",
    "instrument_changed": "The venue changed an instrument's terms while it is held or worked; entries on it are blocked.",
    "late_roll": "The session was down when its trading date changed; the day's base is the stricter of two.",
    "limit_near": "Most of a limit is used: by default at seven and at nine tenths (C44).",
    "link_down": "The link to the venue is down; entries wait.",
    "not_sent": "An order was certainly not sent.",
    "order_rejected": "The venue refused an order.",
    "order_unknown": "An order's outcome has been unknown for some time; it counts as open.",
    "order_vanished": "The venue no longer knows an order that it had accepted.",
    "overfill": "An order filled more than its quantity; entries on the instrument are blocked.",
    "passive_breach": "Prices alone carried something over its limit; nothing is sold, entries are denied (RSK-20).",
    "signal_source": "A source of signals failed.",
}
"""Codes of alerts beyond those of `STOPS`, which are told as alerts too."""
