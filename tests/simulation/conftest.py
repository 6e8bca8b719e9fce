"""
Where the tools of these tests are: beside them, and beside the proofs on real data.
"""

import sys
from pathlib import Path

HERE = Path(__file__).parent

# Pytest imports each test file on its own: this lets them share the tools.
sys.path[:0] = [str(HERE), str(HERE.parent / "proof")]
