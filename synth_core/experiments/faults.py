"""Faults that are planted into honest examples, to see which measures react: each is one plain change to a Batch."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import torch
from scipy import ndimage, signal
from torch import Tensor

from synth_core.leads import TWELVE_LEADS
from synth_core.metrics.signal_band import bands_of
from synth_core.signal import power_spectral_density
from synth_core.types import Batch, Condition, DataSpec

ALL = frozenset({"eeg", "ecg", "ct"})
SIGNALS = frozenset({"eeg", "ecg"})
UNIQUE = 5  # examples left by a collapse
NOISE, NOISE_HU = 0.02, 2.0  # of the spread of a signal, or in CT, added to what is repeated, or copied and changed
DELAY_SECONDS = 0.05
BANDS = {"eeg": (8.0, 13.0), "ecg": (8.0, 20.0)}  # Hz, what is dropped: alpha rhythm, most of the QRS complex
LESION_HU, WASHED_HU = 80.0, 45.0  # above the first, values within the brain are pulled down to the second

Plant = Callable[[Batch, Batch, np.random.Generator], Batch]


@dataclass(frozen=True)
class Fault:
    """A defect that a generator could have.

    Parameters
    ----------
    name : as it is printed.
    plant : from honest examples, training examples and a random source to faulty examples of the same number.
    modalities : where it can happen.
    fits : whether it can be planted into examples of a spec.
    """

    name: str
    plant: Plant
    modalities: frozenset[str] = ALL
    fits: Callable[[DataSpec], bool] = lambda spec: True


def faults_for(spec: DataSpec) -> tuple[Fault, ...]:
    """Every fault that examples of this kind can have."""
    return tuple(fault for fault in FAULTS if spec.modality in fault.modalities and fault.fits(spec))


def _collapse(clean: Batch, train: Batch, rng: np.random.Generator) -> Batch:
    few = rng.permutation(len(clean))[:UNIQUE]
    return _jittered(clean.select(np.resize(few, len(clean)).tolist()), rng)


def _one_example(clean: Batch, train: Batch, rng: np.random.Generator) -> Batch:
    return replace(clean.select([int(rng.integers(len(clean)))] * len(clean)), subjects=None)


def _filled_stop_band(clean: Batch, train: Batch, rng: np.random.Generator) -> Batch:
    """Noise where the recorder's filter left nothing, as loud as the weakest signal: what a network leaves there."""
    values = clean.values.numpy()
    freqs, psd = power_spectral_density(values, clean.spec.rate)
    level = 10 * np.log10(np.maximum(psd, np.finfo(np.float64).tiny)).mean((0, 1))
    bands = bands_of(freqs, level)
    noise = np.fft.rfft(rng.standard_normal(values.shape) * np.sqrt(clean.spec.rate / 2))
    inside = np.interp(np.fft.rfftfreq(values.shape[-1], 1 / clean.spec.rate), freqs, bands.stop.astype(float)) > 0.5
    loudness = 10 ** (level[bands.signal].min() / 20)
    return _with_values(clean, values + loudness * np.fft.irfft(noise * inside, values.shape[-1]))


def _copied(share: float) -> Plant:
    def plant(clean: Batch, train: Batch, rng: np.random.Generator) -> Batch:
        count = round(share * len(clean))
        copies = replace(_drawn(train, count, rng), subjects=None)
        return _joined(copies, clean.select(list(range(count, len(clean)))))

    return plant


def _changed_copies(change: Callable[[Tensor, np.random.Generator], Tensor]) -> Plant:
    def plant(clean: Batch, train: Batch, rng: np.random.Generator) -> Batch:
        copies = _jittered(_drawn(train, len(clean), rng), rng)
        return replace(copies, values=change(copies.values, rng))

    return plant


def _shifted(values: Tensor, rng: np.random.Generator) -> Tensor:
    most = max(1, values.shape[-1] // 6)
    return torch.stack([torch.roll(one, int(rng.integers(-most, most + 1)), -1) for one in values])


def _flipped(values: Tensor, rng: np.random.Generator) -> Tensor:
    return values.flip(-1) if values.ndim == 4 else -values  # a slice is mirrored, a signal changes its sign


def _scaled(values: Tensor, rng: np.random.Generator) -> Tensor:
    if values.ndim == 4:  # window and level: contrast around brain, and a shift in HU
        contrast, level = rng.uniform(0.8, 1.25, len(values)), rng.uniform(-15.0, 15.0, len(values))
        wide = (-1, 1, 1, 1)
        return ((values - 40) * torch.from_numpy(contrast).view(wide) + 40 + torch.from_numpy(level).view(wide)).float()
    gain = np.exp(rng.uniform(np.log(0.5), np.log(2), len(values)))
    return (values * torch.from_numpy(gain).view(-1, 1, 1)).float()


def _louder(clean: Batch, train: Batch, rng: np.random.Generator) -> Batch:
    centre = 40.0 if clean.spec.is_image else 0.0
    return replace(clean, values=centre + 1.5 * (clean.values - centre))


def _dropped_band(clean: Batch, train: Batch, rng: np.random.Generator) -> Batch:
    values = clean.values.numpy()
    if clean.spec.is_image:
        return _with_values(clean, ndimage.gaussian_filter(values, (0, 0, 1.0, 1.0)))
    low, high = BANDS[clean.spec.modality]
    stop = signal.butter(4, (low, min(high, 0.45 * clean.spec.rate)), "bandstop", fs=clean.spec.rate, output="sos")
    return _with_values(clean, signal.sosfiltfilt(stop, values, axis=-1))


def _swapped(clean: Batch, train: Batch, rng: np.random.Generator) -> Batch:
    order = np.arange(clean.spec.shape[0])
    first, other = 0, len(order) - 1
    order[[first, other]] = order[[other, first]]
    return replace(clean, values=clean.values[:, order.tolist()])


def _delayed(clean: Batch, train: Batch, rng: np.random.Generator) -> Batch:
    values = clean.values.clone()
    channel = clean.spec.shape[0] // 2
    values[:, channel] = values[:, channel].roll(max(1, round(DELAY_SECONDS * clean.spec.rate)), -1)
    return replace(clean, values=values)


def _wrong_labels(clean: Batch, train: Batch, rng: np.random.Generator) -> Batch:
    assert clean.condition.labels is not None
    labels = clean.condition.labels.clone()
    wrong = torch.from_numpy(rng.permutation(len(clean))[: len(clean) // 2])
    one_class = labels.shape[1] == 1
    labels[wrong] = 1 - labels[wrong] if one_class else labels[wrong].roll(1, dims=1)
    return replace(clean, condition=replace(clean.condition, labels=labels))


def _backwards(clean: Batch, train: Batch, rng: np.random.Generator) -> Batch:
    return replace(clean, values=clean.values.flip(-1))


def _reversed_leads(clean: Batch, train: Batch, rng: np.random.Generator) -> Batch:
    """Right and left arm exchanged: I turns over, II and III change places, aVR and aVL too (Kligfield et al. 2007)."""
    at = {name: clean.spec.channels.index(name) for name in TWELVE_LEADS[:6]}
    values = clean.values.clone()
    values[:, at["I"]] *= -1
    for one, other in (("II", "III"), ("aVR", "aVL")):
        values[:, [at[one], at[other]]] = clean.values[:, [at[other], at[one]]]
    return replace(clean, values=values)


def _washed_out(clean: Batch, train: Batch, rng: np.random.Generator) -> Batch:
    values = clean.values.numpy().copy()
    for one in values[:, 0]:
        inside = ndimage.binary_erosion(ndimage.binary_fill_holes(one > -200), iterations=max(1, len(one) // 10))
        dense = inside & (one > LESION_HU)
        one[dense] = WASHED_HU + 0.1 * (one[dense] - LESION_HU)
    return _with_values(clean, values)


def _drawn(train: Batch, n: int, rng: np.random.Generator) -> Batch:
    """n training examples, each as rarely twice as can be, without their subjects: a generator does not tell them."""
    rows = np.resize(rng.permutation(len(train)), n)
    return replace(train.select(rows.tolist()), subjects=None)


def _jittered(batch: Batch, rng: np.random.Generator) -> Batch:
    noise = torch.from_numpy(rng.standard_normal(tuple(batch.values.shape))).float()
    spread = NOISE * batch.values.flatten(1).std(1).view(-1, *[1] * (batch.values.ndim - 1))
    size = torch.tensor(NOISE_HU) if batch.spec.is_image else spread
    return replace(batch, values=batch.values + size * noise, subjects=None)


def _joined(one: Batch, other: Batch) -> Batch:
    conditions = (one.condition, other.condition)
    given = {
        name: torch.cat([getattr(condition, name) for condition in conditions])
        for name in one.condition.given & other.condition.given
    }
    return Batch(torch.cat([one.values, other.values]), one.spec, Condition(**given))


def _with_values(batch: Batch, values: np.ndarray) -> Batch:
    return replace(batch, values=torch.from_numpy(np.ascontiguousarray(values)).float())


def _several(spec: DataSpec) -> bool:
    return spec.shape[0] > 1


def _limb_leads(spec: DataSpec) -> bool:
    return set(TWELVE_LEADS[:6]) <= set(spec.channels)


FAULTS: tuple[Fault, ...] = (
    Fault("mode collapse", _collapse),
    Fault("one example", _one_example),
    Fault("30 % copies", _copied(0.3)),
    Fault("100 % copies", _copied(1.0)),
    Fault("shifted copies", _changed_copies(_shifted)),
    Fault("flipped copies", _changed_copies(_flipped)),
    Fault("scaled copies", _changed_copies(_scaled)),
    Fault("amplitude × 1.5", _louder),
    Fault("dropped band", _dropped_band),
    Fault("filled stop band", _filled_stop_band, SIGNALS),
    Fault("channel swap", _swapped, SIGNALS, _several),
    Fault("channel shift", _delayed, SIGNALS, _several),
    Fault("half the labels wrong", _wrong_labels, fits=lambda spec: bool(spec.classes)),
    Fault("time reversal", _backwards, SIGNALS),
    Fault("lead reversal", _reversed_leads, frozenset({"ecg"}), _limb_leads),
    Fault("washed-out lesions", _washed_out, frozenset({"ct"})),
)
