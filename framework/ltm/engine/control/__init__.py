"""
The operator's way to a running process: a Unix socket in the state directory, and what is said over it.
"""
