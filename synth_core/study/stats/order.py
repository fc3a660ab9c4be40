"""Orders of presentation that balance what comes before what."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from synth_core.errors import InvalidSetting


def williams_design(n: int) -> NDArray[np.int_]:
    """Orders of n conditions, one a row, balanced for the immediate predecessor: Williams 1949, Aust. J. Chem. 2:149.

    Each condition stands once at each position of n rows. For an even n the n rows hold each ordered pair of neighbours
    once; an odd n needs the mirrored rows too, 2n in all, and holds each pair twice.

    Returns
    -------
    (n, n) or (2n, n), of 0 … n − 1.
    """
    if n != n // 1 or n < 1:
        raise InvalidSetting(f"A Williams design needs 1 or more conditions. Got {n} instead.")
    n = int(n)
    first = np.array([(step + 1) // 2 if step % 2 else -step // 2 for step in range(n)])  # 0, 1, −1, 2, −2, …
    rows = (first + np.arange(n)[:, None]) % n
    return rows if n % 2 == 0 or n == 1 else np.concatenate([rows, rows[:, ::-1]])
