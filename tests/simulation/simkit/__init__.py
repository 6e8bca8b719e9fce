"""
A world in which everything is decided by one seed: time, network, disk, crashes, the model's signals.
"""
