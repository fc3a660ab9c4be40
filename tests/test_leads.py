import numpy as np
import pytest

from synth_core.leads import TWELVE_LEADS, independent_leads, lead_matrix


def test_eight_of_twelve_leads_are_independent() -> None:
    assert [TWELVE_LEADS[k] for k in independent_leads(TWELVE_LEADS)] == ["I", "II", "V1", "V2", "V3", "V4", "V5", "V6"]


@pytest.mark.parametrize("channels", [TWELVE_LEADS, tuple(reversed(TWELVE_LEADS)), ("V1", "II", "III", "I")])
def test_the_matrix_restores_the_potentials_of_any_order(channels: tuple[str, ...]) -> None:
    right, left, foot, *chest = np.random.default_rng(0).normal(size=(9, 50))
    centre = (right + left + foot) / 3
    truth = {"I": left - right, "II": foot - right, "III": foot - left, "aVR": right - (left + foot) / 2}
    truth |= {"aVL": left - (right + foot) / 2, "aVF": foot - (right + left) / 2}
    truth |= {f"V{k + 1}": potential - centre for k, potential in enumerate(chest)}
    values = np.stack([truth[name] for name in channels])
    restored = lead_matrix(channels) @ values[list(independent_leads(channels))]
    assert np.allclose(restored, values, atol=1e-6)


@pytest.mark.parametrize("channels", [("I", "V1"), ("II",), ("C3", "C4"), ()])
def test_without_i_and_ii_nothing_is_derived(channels: tuple[str, ...]) -> None:
    assert independent_leads(channels) == tuple(range(len(channels)))
    assert np.array_equal(lead_matrix(channels), np.eye(len(channels)))
