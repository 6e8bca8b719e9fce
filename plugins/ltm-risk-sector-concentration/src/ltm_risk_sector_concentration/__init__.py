"""
The `sector_concentration` risk rule.

It limits what all symbols of one sector hold together,
everything in flight included, to a fraction of the session's equity.
"""
