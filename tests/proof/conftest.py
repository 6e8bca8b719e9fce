"""
Where the real data is, and where the tools of these tests are.
"""

import sys
from pathlib import Path

import pytest

SHARED = Path(__file__).parents[2].parent / "shared"

# Pytest imports each test file on its own: this lets them share the tools beside them.
sys.path.insert(0, str(Path(__file__).parent))


@pytest.fixture(scope="session")
def data() -> Path:
    """
    The folder of recorded market data.
    """
    folder = SHARED / "data"
    if not folder.is_dir():
        pytest.skip("needs the recorded market data, which is in `shared/data` beside the repository")
    return folder
