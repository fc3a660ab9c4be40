"""Run as a program of its own: touch every array of an HDF5 file, so that a hang or a crash happens here.

    python -I hdf5_trial.py FILE

The HDF5 library loops for ever, or ends the process, on some damaged files; nothing in the same process can stop it.
Errors that it raises are no concern of this program: whoever reads the file afterwards meets them too.
"""

from __future__ import annotations

import contextlib
import resource
import sys
from typing import Any

SECONDS = 10  # of CPU
MEMORY = 4 * 2**30
SMALL = 2**16  # values that are read whole


def touch(name: str, one: Any) -> None:
    """Read a small array, or the first and the last value of a large one."""
    import h5py

    with contextlib.suppress(Exception):
        dict(one.attrs)
        if isinstance(one, h5py.Dataset) and one.size and not one.external and not one.is_virtual:
            if one.size <= SMALL:
                one[()]
            else:
                one[(0,) * one.ndim]
                one[tuple(size - 1 for size in one.shape)]


def main(file: str) -> None:
    """Limit this process, then touch everything that is in the file itself."""
    import h5py

    resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS))
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    with contextlib.suppress(Exception), h5py.File(file, "r") as content:
        content.visititems(touch)


if __name__ == "__main__":
    main(sys.argv[1])
