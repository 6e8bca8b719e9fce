"""
The imperative shell: session loop, effects, journal, clock, locks and alerts.
"""
