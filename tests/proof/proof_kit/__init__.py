"""
The tools of the proofs: books kept twice, markets, processes, the verdict.
"""
