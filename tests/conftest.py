"""What all tests share."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

BESIDE = Path(__file__).resolve().parents[1].parent / "shared" / "data"


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Real recordings, read in place; SYNTHSCOPE_SHARED_DATA says where else they are."""
    folder = Path(os.environ.get("SYNTHSCOPE_SHARED_DATA", BESIDE))
    if not folder.is_dir():
        pytest.skip(f"no real recordings at {folder.name}")
    return folder
