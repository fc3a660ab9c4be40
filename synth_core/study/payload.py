"""The one rendering pipeline that every item of a study passes, real or synthetic: same range, same grid, same size."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Self

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field

from synth_core.errors import StudyError
from synth_core.signal import filter_signal
from synth_core.types import Batch, Modality

LARGEST_CODE = 32_000
FINEST_STEP = {"eeg": 0.1, "ecg": 0.005, "ct": 1.0}  # µV, mV, HU: finer than what a screen shows
CT_RANGE = (-500.0, 2000.0)  # HU; below it lie air, its noise and padding, which differ between scanners
LOWEST_BONE = 700.0  # HU; a common limit is looked for above it, where every window of the head is white
CLAMPED_SHARE = 1e-4  # a limit that this share of all samples touches is a clamp, not a peak
LIMITED_SHARE = 0.1  # a highest value that this share of a side's images have in common is a limit, not a coincidence
BAND = {"eeg": (0.5, 70.0), "ecg": (0.5, 40.0)}  # Hz; what recorders and archives cut off differs, and is not read
OF_NYQUIST = 0.8  # the band ends there at the latest, before an archive's own stop band
PERIODS = 2  # a window holds so many of the slowest wave, or keeps all that is slow


class Rendering(BaseModel):
    """How items become int16 codes; `value = code × step`, in the physical unit.

    Fitted to both sides at once, so that neither the number of decimals nor a clamp of one side gives it away.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    modality: Modality
    unit: str
    rate: float = Field(description="Hz; for CT pixels per mm")
    shape: tuple[int, ...]
    channels: tuple[str, ...]
    step: float = Field(gt=0, description="quantisation step, in the unit")
    low: float
    high: float
    band: tuple[float, float] | None = Field(
        default=None, description="Hz, 0 for no lower end; None where items are shown as they came"
    )

    @classmethod
    def fit(cls, real: Batch, synthetic: Batch) -> Self:
        """The rendering that suits both sides.

        Raises
        ------
        StudyError : when the two sides are not of the same modality, shape, unit and rate.
        """
        spec = real.spec
        same = ("modality", "unit", "rate", "shape")
        for name in same:
            ours, theirs = getattr(spec, name), getattr(synthetic.spec, name)
            if ours != theirs:
                raise StudyError(f"Real and synthetic items must look alike, but their {name} is {ours} and {theirs}.")
        sides = [batch.values.numpy() for batch in (real, synthetic)]
        if not all(np.isfinite(side).all() for side in sides):
            raise StudyError("Some values are not finite numbers; leave such examples out of the study.")
        low, high = common_window(*sides) if spec.is_image else common_range(*sides)
        step = max(common_step(*sides, finest=FINEST_STEP[spec.modality]), max(-low, high) / LARGEST_CODE)
        return cls(
            modality=spec.modality,
            unit=spec.unit,
            rate=spec.rate,
            shape=spec.shape,
            channels=spec.channels,
            step=step,
            low=low,
            high=high,
            band=None if spec.is_image else common_band(spec.modality, spec.rate, spec.shape[-1]),
        )

    @property
    def limits(self) -> tuple[int, int]:
        """The lowest and the highest code that an item may have: what lies beyond was clipped to them."""
        if self.band is not None:  # what was clipped is moved by the filter
            return -LARGEST_CODE, LARGEST_CODE
        low, high = np.rint(np.array([self.low, self.high]) / self.step)
        return int(low), int(high)

    def encode(self, values: NDArray[np.float32]) -> NDArray[np.int16]:
        """(channels, samples) or (1, height, width) in the unit → int16 codes of the same shape."""
        return np.rint(np.clip(self.filtered(values) / self.step, -LARGEST_CODE, LARGEST_CODE)).astype("<i2")

    def filtered(self, values: NDArray[np.float32]) -> NDArray[np.float64]:
        """Values within the common range, without mean and within the band, before they become codes."""
        values = np.clip(values, self.low, self.high)
        if self.band is None:
            return values.astype(np.float64)
        lowest, highest = self.band
        centred = values - values.mean(axis=-1, keepdims=True)
        shown = filter_signal(centred, self.rate, highpass=lowest or None, lowpass=highest)
        return np.asarray(shown - shown.mean(axis=-1, keepdims=True))

    def decode(self, codes: NDArray[np.int16]) -> NDArray[np.float32]:
        """Codes → values as they are shown, in the unit."""
        return (codes * self.step).astype(np.float32)

    def read(self, path: Path) -> NDArray[np.float32]:
        """Values of one payload file, in the unit; StudyError as for `read_codes`."""
        return self.decode(self.read_codes(path))

    def read_codes(self, path: Path) -> NDArray[np.int16]:
        """Codes of one payload file.

        Raises
        ------
        StudyError : when the file is absent or is not a payload of this study.
        """
        try:
            codes: NDArray[np.int16] = np.load(path, allow_pickle=False)
        except (OSError, ValueError, EOFError) as error:
            raise StudyError("An item of this study cannot be read; tell the person who invited you.") from error
        if codes.shape != self.shape or codes.dtype != np.dtype("<i2"):
            raise StudyError("An item of this study is damaged; tell the person who invited you.")
        return codes


def write_payload(path: Path, codes: NDArray[np.int16]) -> str:
    """Write one payload; every file of a study has the same number of bytes. Returns its digest."""
    with path.open("wb") as file:
        np.save(file, codes, allow_pickle=False)
    return digest_of(path)


def digest_of(path: Path) -> str:
    """SHA-256 of a payload file; of nothing where the file is gone."""
    return hashlib.sha256(path.read_bytes() if path.is_file() else b"").hexdigest()


def common_range(real: NDArray[np.float32], synthetic: NDArray[np.float32]) -> tuple[float, float]:
    """The range that both sides are clipped to: the tightest clamp found in either, else all that occurs.

    A generator that ends in tanh, and an amplifier that saturates, leave flat tops at one value; the other side gets
    the same ones.
    """
    lows, highs = zip(*((float(side.min()), float(side.max())) for side in (real, synthetic)), strict=True)
    clamps_low = [low for side, low in zip((real, synthetic), lows, strict=True) if _clamped(side, low)]
    clamps_high = [high for side, high in zip((real, synthetic), highs, strict=True) if _clamped(side, high)]
    return max(clamps_low, default=min(lows)), min(clamps_high, default=max(highs))


def common_band(modality: Modality, rate: float, samples: int) -> tuple[float, float]:
    """What both sides are filtered to, in Hz: what a reader looks at, as far as rate and duration of a window hold it.

    Amplifiers, archives and generators differ in their lowest and highest frequencies and in their offsets, which a
    script sees at once and nobody diagnoses by.
    """
    slowest, fastest = BAND[modality]
    return slowest if samples / rate >= PERIODS / slowest else 0.0, min(fastest, OF_NYQUIST * rate / 2)


def common_window(real: NDArray[np.float32], synthetic: NDArray[np.float32]) -> tuple[float, float]:
    """The range of HU that both sides are clipped to; where one side's images end at one value, so do all.

    A generator's scaling often ends at one highest value, which all of its images then have in common. The upper end
    is the lowest maximum of any image of both sides, so that each touches it, but stays above `LOWEST_BONE`.
    """
    low, high = CT_RANGE
    tops = [side.reshape(len(side), -1).max(axis=1) for side in (real, synthetic)]
    if any(_limited(np.minimum(top, high)) for top in tops):
        high = max(LOWEST_BONE, min(high, *(float(top.min()) for top in tops)))
    return low, high


def _limited(tops: NDArray[np.float32]) -> bool:
    """Whether so many images end at one value that it is a limit."""
    _, counts = np.unique(np.rint(tops), return_counts=True)
    return bool(counts.max() > max(2, LIMITED_SHARE * len(tops)))


def _clamped(side: NDArray[np.float32], limit: float) -> bool:
    spread = float(side.max() - side.min())
    return spread > 0 and float(np.mean(np.abs(side - limit) <= 1e-6 * spread)) > CLAMPED_SHARE


def common_step(real: NDArray[np.float32], synthetic: NDArray[np.float32], *, finest: float) -> float:
    """A quantisation step not finer than `finest`, and a multiple of the coarsest grid that either side lies on."""
    grid = max(grid_of(real), grid_of(synthetic))
    return finest if grid == 0 else grid * max(1, round(np.ceil(finest / grid - 1e-3)))


def grid_of(values: NDArray[np.float32], *, sample: int = 100_000) -> float:
    """The step of the grid that values lie on, as digitised signals do; 0 when there is none that shows.

    Looked for in `sample` values: a grid leaves few distinct ones, all of them multiples of the smallest gap.
    """
    flat = values.reshape(-1)[:: max(1, values.size // sample)].astype(np.float64)
    distinct = np.unique(np.round(flat, 9))
    if len(distinct) < 2 or len(distinct) > len(flat) / 4:
        return 0.0
    gaps = np.diff(distinct)
    step = float(gaps.min())
    ratio = gaps / step
    return step if np.allclose(ratio, np.rint(ratio), atol=0.05) else 0.0
