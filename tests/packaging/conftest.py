"""
Where the tools of these tests are.
"""

import sys
from pathlib import Path

# Pytest imports each test file on its own: this lets them share the tools beside them.
sys.path.insert(0, str(Path(__file__).parent))
