import itertools
from collections import Counter

import numpy as np
import pytest

from synth_core.study.stats import williams_design


def test_the_square_of_four_treatments() -> None:
    """Williams 1949: the first row goes 0, 1, n − 1, 2, … and each next one adds 1."""
    assert williams_design(4).tolist() == [[0, 1, 3, 2], [1, 2, 0, 3], [2, 3, 1, 0], [3, 0, 2, 1]]


@pytest.mark.parametrize("n", range(1, 10))
def test_each_condition_follows_each_other_equally_often(n: int) -> None:
    rows = williams_design(n)
    assert rows.shape == ((n if n % 2 == 0 or n == 1 else 2 * n), n)
    for line in (*rows, *rows[:n].T):
        assert sorted(line) == list(range(n))
    pairs = Counter((int(a), int(b)) for row in rows for a, b in itertools.pairwise(row))
    assert len(pairs) == n * (n - 1)
    assert set(pairs.values()) <= {len(rows) // n}


@pytest.mark.parametrize("n", [0, -2, 2.5, np.nan])
def test_other_numbers_are_refused(n: float) -> None:
    with pytest.raises(ValueError, match="1 or more"):
        williams_design(n)  # type: ignore[arg-type]
