"""
The `position_size` risk rule.

It limits one symbol's position,
everything in flight included, to a fraction of the session's equity.
"""
