"""
Sizers, alert sinks and signal sources that ship with the kernel, offered through the same hooks as anyone's.
"""
