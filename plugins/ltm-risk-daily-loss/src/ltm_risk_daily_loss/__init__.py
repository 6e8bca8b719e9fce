"""
The `daily_loss` risk rule: it lets nothing but exits through once the trading day's loss is too large.
"""
