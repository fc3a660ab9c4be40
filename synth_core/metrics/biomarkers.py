"""The EEG biomarkers of amyotrophic lateral sclerosis, and how a biomarker goes with severity.

Sensorimotor beta power, the coupling of theta and gamma amplitudes, and beta imaginary coherence between sensorimotor
sites: Nasseroleslami et al. 2019 (PMC6852475), Dukic et al. 2022 (PMC9014749); beta power against severity: PubMed
37078278. They are effects between groups: a single recording's value says little.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import astuple, dataclass
from itertools import combinations

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from synth_core.errors import InvalidSetting, SpecMismatch
from synth_core.metrics.connectivity import correlation, envelope, imaginary_coherence
from synth_core.metrics.spectral import BANDS, band_powers

SITES = {  # the electrode over the hand area, then its neighbours in the 10–10 system
    "left": ("C3", "C1", "C5", "FC3", "CP3"),
    "midline": ("Cz", "FCz", "CPz"),
    "right": ("C4", "C2", "C6", "FC4", "CP4"),
}
FEWEST = 4  # examples or subjects for an association
BLOCK = 256  # examples at once
SMALLEST_POWER = 1e-12  # uV², under the logarithm

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Association:
    """How one number goes with another, with 95 % intervals.

    Parameters
    ----------
    slope, slope_low, slope_high : least squares, in units of the first per unit of the second; interval of Student's t.
    spearman, spearman_low, spearman_high : rank correlation; interval of Bonett and Wright 2000.
    n : subjects, or examples where subjects are not known.
    """

    slope: float
    slope_low: float
    slope_high: float
    spearman: float
    spearman_low: float
    spearman_high: float
    n: int


def als_panel(
    x: ArrayLike,
    rate: float,
    channels: Sequence[str],
    severity: ArrayLike | None = None,
    subjects: Sequence[str] | None = None,
) -> dict[str, Floats]:
    """The panel of each example.

    Parameters
    ----------
    x : (n, channels, samples) in uV; four seconds or more.
    rate : Hz, at least 90, so that gamma up to 45 Hz exists.
    channels : their names. C3, Cz and C4 are looked for, then their neighbours; the midline may be missing.
    severity : (n,), or None.
    subjects : (n,) names: values are averaged within a subject before the association.

    Returns
    -------
    beta_power : (n,) log10 of sensorimotor beta power in uV², the mean over sites.
    theta_gamma : (n,) correlation of theta and gamma envelopes at a site, the mean over sites, in [−1, 1].
    beta_imaginary_coherence : (n,) mean over the pairs of sites, in [0, 1].
    With severity also beta_against_severity : (7,), the fields of `Association` of beta power with severity.
    NaN where a signal is flat (−12 for its power).

    Raises
    ------
    SpecMismatch : when the channels over the left or the right hand area are absent, or shapes do not fit.
    InvalidSetting : when the rate does not reach gamma, or too few severities are known.
    """
    signals = np.asarray(x, dtype=np.float64)
    if signals.ndim != 3 or signals.shape[1] != len(channels):
        raise SpecMismatch(f"Signals must have shape (n, {len(channels)} channels, samples). Got {signals.shape}.")
    bands = BANDS["eeg"]
    if rate < 2 * bands["gamma"][1]:
        raise InvalidSetting(f"Gamma needs a rate of at least {2 * bands['gamma'][1]:g} Hz. Got {rate:g} Hz instead.")
    sites = sensorimotor_channels(channels)
    blocks = [_panel(signals[i : i + BLOCK, list(sites)], rate) for i in range(0, len(signals), BLOCK)]
    panel = {name: np.concatenate([block[name] for block in blocks]) for name in blocks[0]} if blocks else {}
    if severity is not None and panel:
        found = association(panel["beta_power"], severity, subjects)
        panel["beta_against_severity"] = np.array(astuple(found), dtype=np.float64)
    return panel


def sensorimotor_channels(channels: Sequence[str]) -> tuple[int, ...]:
    """Positions of C3, Cz (where there is one) and C4 or their nearest neighbours; SpecMismatch without both sides.

    Names may carry a prefix and a reference ("EEG C3-REF") and any case.
    """
    electrodes = [_electrode(name) for name in channels]
    found = {}
    for site, names in SITES.items():
        present = [electrodes.index(name.upper()) for name in names if name.upper() in electrodes]
        if present:
            found[site] = present[0]
    if not {"left", "right"} <= set(found):
        wanted = "C3 and C4 or a neighbour of each (C1, C5, FC3, CP3; C2, C6, FC4, CP4)"
        raise SpecMismatch(f"Sensorimotor measures need {wanted}. Got {', '.join(channels) or 'no names'} instead.")
    return tuple(found[site] for site in SITES if site in found)


def association(biomarker: ArrayLike, severity: ArrayLike, subjects: Sequence[str] | None = None) -> Association:
    """Slope and rank correlation of a biomarker with severity, over subjects.

    Parameters
    ----------
    biomarker, severity : (n,); pairs with a NaN are left out.
    subjects : (n,) names, whose values are averaged first, or None when every example stands for itself.

    Raises
    ------
    SpecMismatch : when the lengths differ.
    InvalidSetting : when fewer than four subjects are left or severity does not vary.
    """
    values, degree = (np.asarray(part, dtype=np.float64) for part in (biomarker, severity))
    if values.ndim != 1 or values.shape != degree.shape or (subjects is not None and len(subjects) != len(values)):
        raise SpecMismatch(
            f"Biomarker and severity must be two rows of one length. Got {values.shape}, {degree.shape}."
        )
    known = np.isfinite(values) & np.isfinite(degree)
    values, degree = values[known], degree[known]
    if subjects is not None:
        _, which = np.unique(np.asarray(subjects)[known], return_inverse=True)
        count = np.bincount(which)
        values, degree = np.bincount(which, values) / count, np.bincount(which, degree) / count
    n = len(values)
    if n < FEWEST or np.ptp(degree) == 0:
        raise InvalidSetting(f"An association needs {FEWEST} subjects or more whose severity differs. Got {n}.")
    line = stats.linregress(degree, values)
    margin = float(stats.t.ppf(0.975, n - 2) * line.stderr)
    rank = float(stats.spearmanr(values, degree).statistic)
    low, high = _rank_interval(rank, n)
    return Association(line.slope, line.slope - margin, line.slope + margin, rank, low, high, n)


def _panel(signals: Floats, rate: float) -> dict[str, Floats]:
    bands = BANDS["eeg"]
    power = np.log10(np.maximum(band_powers(signals, rate)["beta"], SMALLEST_POWER)).mean(1)
    theta, gamma = (envelope(signals, rate, bands[name]) for name in ("theta", "gamma"))
    pairs = combinations(range(signals.shape[1]), 2)
    coupled = [imaginary_coherence(signals[:, [i]], signals[:, [j]], rate, bands["beta"]) for i, j in pairs]
    return {
        "beta_power": power,
        "theta_gamma": correlation(theta, gamma).mean(1),
        "beta_imaginary_coherence": np.mean(coupled, axis=0),
    }


def _rank_interval(rank: float, n: int) -> tuple[float, float]:
    if np.isnan(rank) or abs(rank) == 1 or n <= 3:
        return rank, rank
    margin = 1.96 * np.sqrt((1 + rank**2 / 2) / (n - 3))  # Bonett and Wright 2000, Psychometrika 65:23
    return float(np.tanh(np.arctanh(rank) - margin)), float(np.tanh(np.arctanh(rank) + margin))


def _electrode(name: str) -> str:
    bare = re.sub(r"^EEG[\s_:-]*", "", name.strip().upper())
    return re.split(r"[\s\-_./:]", bare)[0]
