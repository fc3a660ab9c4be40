from statistics import NormalDist

import numpy as np
import pytest
from scipy.stats import norm

from synth_core.study.stats import dprime, dprime_2afc

Z = NormalDist().inv_cdf  # another implementation of the table of z in Macmillan and Creelman 2005, A5.1


def test_log_linear_rates_of_hautus() -> None:
    """Hautus 1995: half a response is added to hits and false alarms, and one trial to both kinds.

    20 signals, 20 hits, 20 noises, 5 false alarms: H = 20.5 / 21 and F = 5.5 / 21.
    """
    d, c = dprime(20, 0, 5, 15)
    assert d == pytest.approx(Z(20.5 / 21) - Z(5.5 / 21))
    assert c == pytest.approx(-(Z(20.5 / 21) + Z(5.5 / 21)) / 2)
    assert d > 0 > c


def test_the_correction_is_made_where_no_rate_is_extreme_too() -> None:
    assert dprime(15, 5, 5, 15).d_prime < Z(0.75) - Z(0.25)


def test_known_normals() -> None:
    n = 10**7
    hits, false_alarms = round(n * norm.cdf(1.5 - 0.2)), round(n * norm.cdf(-0.2))
    d, c = dprime(hits, n - hits, false_alarms, n - false_alarms)
    assert d == pytest.approx(1.5, abs=1e-3)
    assert c == pytest.approx(0.2 - 1.5 / 2, abs=1e-3)


def test_who_swaps_the_names_is_below_0_and_who_says_always_the_same_is_at_0() -> None:
    assert dprime(0, 20, 20, 0).d_prime == pytest.approx(-2 * Z(20.5 / 21))
    assert dprime(20, 0, 20, 0).d_prime == 0
    assert dprime(20, 0, 20, 0).criterion < 0  # leans to "synthetic"


def test_a_kind_that_was_not_rated_is_refused() -> None:
    with pytest.raises(ValueError, match="both synthetic and real"):
        dprime(3, 2, 0, 0)
    with pytest.raises(ValueError, match="0 or more"):
        dprime(-1, 2, 1, 1)


def test_two_alternatives() -> None:
    """Macmillan and Creelman 2005, eq. 7.2: d′ = √2 z(p). At 76 % right, the usual threshold, d′ is 1."""
    assert dprime_2afc(0.7602) == pytest.approx(1.0, abs=1e-3)
    assert dprime_2afc(0.5) == 0
    assert dprime_2afc([0.25, 0.75]) == pytest.approx(np.array([-1, 1]) * np.sqrt(2) * Z(0.75))
    assert dprime_2afc(1) == np.inf
    with pytest.raises(ValueError, match="between 0 and 1"):
        dprime_2afc(75)
