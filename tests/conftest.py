"""What all tests share."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

# real recordings, read in place; SYNTHSCOPE_SHARED_DATA says where else they are, with the cases beside them
DATA = Path(os.environ.get("SYNTHSCOPE_SHARED_DATA", Path(__file__).resolve().parents[2] / "shared" / "data"))
CASES = DATA.parent / "cases"


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Real recordings, read in place."""
    if not DATA.is_dir():
        pytest.skip(f"no real recordings at {DATA.name}")
    return DATA
