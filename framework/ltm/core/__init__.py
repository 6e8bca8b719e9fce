"""
Verbs: what a session decides and how its state changes. Pure; waits for nothing.
"""
