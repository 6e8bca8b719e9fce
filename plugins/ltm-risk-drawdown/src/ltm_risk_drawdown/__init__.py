"""
The `drawdown` risk rule: it lets nothing but exits through once equity has fallen too far from its peak.
"""
