"""Shares of independent answers: intervals, equivalence to chance and the number of answers that it takes.

Answers of several raters to the same items are not independent: `mrmc_accuracy` and `mrmc_equivalence` are for those.
"""

from __future__ import annotations

from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.stats import beta, binom, binomtest, norm

from synth_core.errors import InvalidSetting
from synth_core.study.stats.interval import Interval, check_alpha, check_level, check_margin

METHODS: dict[str, Literal["wilson", "exact"]] = {"wilson": "wilson", "clopper-pearson": "exact", "exact": "exact"}
LARGEST_SAMPLE = 5_000_000


class Equivalence(NamedTuple):
    """Of two one-sided tests: accuracy is equivalent to chance at level α where p ≤ α.

    That is where the interval, of level 1 − 2α, lies within ½ ± margin.
    """

    p: float
    interval: Interval


def proportion_interval(k: int, n: int, method: str = "wilson", level: float = 0.95) -> Interval:
    """Confidence limits of the share k / n.

    Parameters
    ----------
    method : "wilson" (score interval: Wilson 1927, J. Am. Stat. Assoc. 22:209) or "clopper-pearson", also called
        "exact" (Clopper and Pearson 1934, Biometrika 26:404).

    Raises
    ------
    InvalidSetting (a ValueError) : unless 0 ≤ k ≤ n and n ≥ 1, or for another method.
    """
    k, n = check_counts(k, n)
    name = method.lower().replace("_", "-").replace("–", "-")
    if name not in METHODS:
        raise InvalidSetting(f"The interval of a proportion is one of {', '.join(METHODS)}. Got {method!r} instead.")
    low, high = binomtest(k, n).proportion_ci(check_level(level), METHODS[name])
    return Interval(float(low), float(high))


def equivalence_to_chance(k: int, n: int, margin: float, alpha: float = 0.05) -> Equivalence:
    """Exact two one-sided tests that the chance of a right answer lies within ½ ± margin.

    p = max(P(X ≥ k | ½ − m), P(X ≤ k | ½ + m)). A large p of a test *against* ½ shows no equivalence; a small p of this
    one does. An accuracy far below ½ is no equivalence: such raters tell the two kinds apart and swap the names.

    Returns
    -------
    p, and the Clopper–Pearson interval of level 1 − 2α (90 % by default), which lies within ½ ± margin where p ≤ α.
    """
    k, n = check_counts(k, n)
    check_margin(margin)
    above = binom.sf(k - 1, n, 0.5 - margin)
    below = binom.cdf(k, n, 0.5 + margin)
    interval = proportion_interval(k, n, "clopper-pearson", 1 - 2 * check_alpha(alpha))
    return Equivalence(float(max(above, below)), interval)


def equivalence_sample_size(margin: float, alpha: float = 0.05, power: float = 0.8) -> int:
    """Independent answers from which on the exact test never has less than this power, for raters who guess.

    The power of an exact test is saw-toothed in n: some smaller numbers reach it and the next one loses it again.
    """
    check_margin(margin)
    check_alpha(alpha)
    if not 0 < power < 1:
        raise InvalidSetting(f"The power lies between 0 and 1, such as 0.8. Got {power} instead.")
    # Normal approximation; the teeth cost at most about one answer of 2m each, and they shrink with n.
    roughly = ((norm.isf(alpha) + norm.isf((1 - power) / 2)) / (2 * margin)) ** 2
    largest = int(1.2 * roughly + 10 / margin + 50)
    if largest > LARGEST_SAMPLE:
        raise InvalidSetting(f"A margin of {margin} needs more than a million answers. Choose a wider one.")
    n = np.arange(1, largest + 1)
    failing = np.flatnonzero(_power(n, margin, alpha) < power)
    return int(n[failing[-1]]) + 1 if len(failing) else 1


def rope_probability(k: int, n: int, margin: float) -> float:
    """Posterior probability, from a uniform prior, that the chance of a right answer lies within ½ ± margin.

    The mass of Beta(k + 1, n − k + 1) there; without any answer (n = 0) that of the prior, 2 · margin.
    """
    k, n = check_counts(k, n, fewest=0)
    check_margin(margin)
    posterior = beta(k + 1, n - k + 1)
    return float(posterior.cdf(0.5 + margin) - posterior.cdf(0.5 - margin))


def check_counts(k: int, n: int, fewest: int = 1) -> tuple[int, int]:
    """Both as whole numbers, when 0 ≤ k ≤ n and n ≥ fewest."""
    if not (n == n // 1 and k == k // 1 and fewest <= n and 0 <= k <= n):
        raise InvalidSetting(f"A proportion needs whole numbers 0 ≤ k ≤ n and n ≥ {fewest}. Got {k} of {n} instead.")
    return int(k), int(n)


def _power(n: NDArray[np.int_], margin: float, alpha: float) -> NDArray[np.float64]:
    """Chance that guessing raters pass the test, for each n. The accepted counts are symmetric: fewest … n − fewest."""
    fewest = binom.isf(alpha, n, 0.5 - margin) + 1
    return np.where(2 * fewest <= n, 1 - 2 * binom.cdf(fewest - 1, n, 0.5), 0.0)
