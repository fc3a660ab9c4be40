"""What the fork server imports before the first child is asked for; imported nowhere else.

A child of multiprocessing runs the main script again. In a Streamlit server that is the page that a visitor has just
opened, which has no business in a child: nothing here is defined in a main script.
"""

from __future__ import annotations

import contextlib
import importlib
from multiprocessing import spawn
from typing import Any

HEAVY = (
    "h5py", "nibabel", "pyarrow.parquet", "pydicom", "scipy.signal", "synth_core.data.guarded", "wfdb",
)  # fmt: skip


def _leave_main_alone(_: str) -> None:
    """In the place of what would run the main script."""


changed: Any = spawn
changed._fixup_main_from_name = changed._fixup_main_from_path = _leave_main_alone
for _module in HEAVY:
    with contextlib.suppress(ImportError):
        importlib.import_module(_module)
