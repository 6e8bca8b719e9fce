"""
Adapters that ship with ltm. None knows another; each knows the model, the ports and the hook marker.
"""
