"""
Nouns: values without behaviour of their own; no I/O and no clock here.
"""
