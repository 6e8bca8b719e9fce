"""
The mock broker: a deterministic venue inside this process, or behind a socket with faults to order.
"""
