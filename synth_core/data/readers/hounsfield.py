"""Whether values can be Hounsfield units, and how they become them: one set of bounds for every format of CT.

Air is −1000 HU, soft tissue lies around 0 … 100, bone above; what scanners store beyond is padding below and metal
above. What does not fit is undone where its cause is certain, and said; else it is asked for, never taken as it is.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from synth_core.data.readers.base import Opening
from synth_core.errors import DataError

AIR = -1024.0  # HU; what lies outside the scanned field becomes this
LOWEST, HIGHEST = -32_768.0, 32_767.0  # HU: what 16 bits hold, padding and gold included
AIR_RANGE = (-1100.0, -800.0)  # HU of air with its noise
NO_AIR_ABOVE = -300.0  # HU: a volume with nothing below has no air
TISSUE = (-200.0, 200.0)  # HU of fat, fluid, brain, blood
LEAST_TISSUE = 1e-3  # of the values
BRAIN = (5.0, 75.0)  # HU: the median of a brain that was cut out
PEAK, PEAKED = 10.0, 1.5  # HU around the median, which have so many times more of a brain than if all were alike
WRAP, WRAPPED_ABOVE = 2.0**16, 2.0**16 - 2.0**13  # int16 stored as uint16: −8192 … −1 lie up here
SHORT_WRAP, LEAST_AIR = 2.0**12, 0.05  # the same of 12 bits, as in some slices of the RSNA set; the share of air then
WHITE, BLACK = 255.0, 5.0  # of 8 bits; what surrounds the head is black, also after JPEG

BRAIN_WINDOW = (0.0, 80.0)  # HU at black and at white
FIELD = 250.0  # mm of the longer side of an image whose pixel size is not known

WRAPPED = (
    "Values near {wrap:,.0f} are negative ones that were stored without their sign; {wrap:,.0f} was taken off. Check "
    "the air: it should be near -1000 HU."
)
NO_AIR = (
    "No value is below -300, so there is no air: the brain was cut out, or an offset of 1024 was left in, which "
    "`hu_offset` takes off."
)
NO_NUMBER = "Values that are no number (NaN) outside the field of view are taken as air, -1024 HU."
OFFSET_UNUSED = "The offset {offset:g} that was stated was not added: the values are Hounsfield units as they are."
MAPPED = "Grey values were mapped to {low:g} … {high:g} HU: approximate, and cut off outside."
PIXEL_ASSUMED = "Pixel size is not known: the longer side is taken as {field:g} mm. `pixel_mm` states it."


@dataclass(frozen=True)
class Meaning:
    """How the values of a file become Hounsfield units.

    Parameters
    ----------
    gain, offset : value → HU, after the wrap is undone. wrap : what is taken off from its half on; 0 for nothing.
    air_outside : whether what is no number and reaches the border of a slice is air.
    black : so dark and reaching the border is air too; None where values are no grey.
    warnings : what whoever uses the values should know.
    """

    gain: float = 1.0
    offset: float = 0.0
    wrap: float = 0.0
    air_outside: bool = False
    black: float | None = None
    warnings: tuple[str, ...] = ()

    def hounsfield(self, values: NDArray[np.float32]) -> NDArray[np.float32]:
        """(…, height, width) HU, −1024 at least; what is no number inside stays so."""
        if self.wrap:
            values = np.where(values >= self.wrap / 2, values - np.float32(self.wrap), values)
        result = values * np.float32(self.gain) + np.float32(self.offset)
        if self.air_outside:
            _fill_outside(result, ~np.isfinite(result))
        if self.black is not None:
            _fill_outside(result, values <= self.black)
        return np.maximum(result, np.float32(AIR))


def meaning_of(
    values: NDArray[Any],
    opening: Opening,
    file: Path,
    *,
    few_bits: bool = False,
    scaled: bool = False,
) -> Meaning:
    """What a sample of the values of a file, or all of them, means.

    Parameters
    ----------
    opening : its `window` is of 8-bit grey, its `hu_offset` of what is not in HU as it is.
    few_bits : whether the file stores 8 bits a value and gives no scale.
    scaled : whether the format itself says how stored values become HU, as DICOM does; then the bounds alone count.

    Raises
    ------
    DataError : for what is not in HU and cannot become so by what was told; the sentence says what to state.
    """
    finite = values[np.isfinite(values)].astype(np.float64)
    if not finite.size:
        raise DataError(file, "holds no number, only NaN; export it again.")
    low, high = float(finite.min()), float(finite.max())
    if few_bits or _is_grey(finite):
        return _windowed(opening, file)
    if not scaled and low >= -1 and high <= 1:
        if low >= 0 and opening.window is not None:
            return windowed(opening.window, white=1.0)
        problem = "has values between −1 and 1, which are not Hounsfield units; export it before normalising, or state "
        raise DataError(file, f"{problem}the `window`, HU at 0 and at 1.")
    warnings = []
    wrap = _wrap_of(finite)
    if wrap:
        finite = np.where(finite >= wrap / 2, finite - wrap, finite)
        warnings.append(WRAPPED.format(wrap=wrap))
    offset = opening.hu_offset or 0.0
    if offset and is_hounsfield(finite):
        warnings.append(OFFSET_UNUSED.format(offset=offset))
        offset = 0.0
    finite += offset
    some_missing = finite.size < values.size
    warnings += _checked(finite, file, scaled=scaled, some_missing=some_missing)
    return Meaning(offset=offset, wrap=wrap, air_outside=some_missing, warnings=tuple(warnings))


def windowed(window: tuple[float, float], white: float = WHITE) -> Meaning:
    """Grey from black at 0 to `white`, stretched over a window of HU; black around the head is air."""
    low, high = window
    said = (MAPPED.format(low=low, high=high),)
    return Meaning(gain=(high - low) / white, offset=low, black=BLACK * white / WHITE, warnings=said)


def pixel_rate(height: int, width: int, opening: Opening) -> tuple[float, tuple[str, ...]]:
    """Pixels per mm of images that do not say it, and what to warn of: as told, else by a field of 250 mm."""
    if opening.pixel_mm is not None:
        return 1.0 / opening.pixel_mm, ()
    return max(height, width) / FIELD, (PIXEL_ASSUMED.format(field=FIELD),)


def _windowed(opening: Opening, file: Path) -> Meaning:
    if opening.window is None:
        problem = (
            "has 8-bit grey values, not Hounsfield units; state the `window`, HU at black and at white, or export "
        )
        raise DataError(file, f"{problem}the original volume.")
    return windowed(opening.window)


def _checked(finite: NDArray[np.float64], file: Path, *, scaled: bool, some_missing: bool) -> list[str]:
    """What to warn of in values that should be HU; DataError where they cannot be."""
    low, high = float(finite.min()), float(finite.max())
    span = f"has values of {low:g} to {high:g}"
    if low < LOWEST or high > HIGHEST:
        raise DataError(file, f"{span}, which are not Hounsfield units; state `hu_offset`, what makes them so, added.")
    if not scaled and not _has_tissue(finite) and low < high:
        problem = f"{span} and no soft tissue, which is near 0 to 100 HU; state `hu_offset`, what makes them HU, added."
        if not _has_offset(finite):
            raise DataError(file, problem)
    warnings = [NO_NUMBER] if some_missing else []
    if low >= NO_AIR_ABOVE and not some_missing:
        if not scaled and low >= 0 and high <= WHITE and not _is_brain(finite):
            raise DataError(
                file,
                f"{span}, neither a CT with air and bone nor a brain that was cut out; export the original volume.",
            )
        warnings.append(NO_AIR)
    return warnings


def _wrap_of(finite: NDArray[np.float64]) -> float:
    """What was added to negative values when their sign was lost; 0 where none was."""
    low, high = finite.min(), finite.max()
    if HIGHEST < high < WRAP:
        return WRAP if bool((finite[finite > HIGHEST] >= WRAPPED_ABOVE).all()) else 0.0
    air = _share(finite, AIR_RANGE[0] + SHORT_WRAP, AIR_RANGE[1] + SHORT_WRAP)
    short = low >= 0 and SHORT_WRAP / 2 <= high < SHORT_WRAP and air >= LEAST_AIR and _has_tissue(finite)
    return SHORT_WRAP if short else 0.0


def is_hounsfield(finite: NDArray[np.float64]) -> bool:
    """Whether there is air and tissue where HU have them."""
    air = (finite >= AIR_RANGE[0]) & (finite <= AIR_RANGE[1])
    return bool(air.any()) and _has_tissue(finite) and bool((finite <= HIGHEST).all())


def _has_tissue(finite: NDArray[np.float64]) -> bool:
    return _share(finite, *TISSUE) >= LEAST_TISSUE


def _has_offset(finite: NDArray[np.float64]) -> bool:
    """Whether tissue lies where an offset of 1000 or 1024 puts it."""
    return bool(finite.min() >= 0) and _share(finite, TISSUE[0] + 1000, TISSUE[1] + 1024) >= LEAST_TISSUE


def _is_brain(finite: NDArray[np.float64]) -> bool:
    """Whether the values crowd around those of grey and white matter."""
    inside = finite[finite > 0]
    if not inside.size:
        return False
    middle, high = float(np.median(inside)), float(inside.max())
    crowded = _share(inside, middle - PEAK, middle + PEAK) >= min(1.0, PEAKED * 2 * PEAK / high)
    return BRAIN[0] <= middle <= BRAIN[1] and crowded


def _is_grey(finite: NDArray[np.float64]) -> bool:
    """Whole numbers from black to white and most between: a picture, whatever type it was stored as."""
    if finite.min() < 0 or finite.max() != WHITE or (finite != finite.round()).any():
        return False
    return _share(finite, 1, WHITE - 1) > 0


def _share(finite: NDArray[np.float64], low: float, high: float) -> float:
    return float(((finite >= low) & (finite <= high)).mean())


def _fill_outside(values: NDArray[np.float32], mask: NDArray[np.bool_]) -> None:
    """Regions of the mask that reach the border of their slice become air, in place."""
    shape = values.shape[-2:]
    for image, part in zip(values.reshape(-1, *shape), mask.reshape(-1, *shape), strict=True):
        if part.any():
            image[_at_border(part)] = AIR


def _at_border(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """(height, width): the regions of a mask that reach the border."""
    regions, _ = ndimage.label(mask)
    rim = np.unique(np.concatenate([regions[0], regions[-1], regions[:, 0], regions[:, -1]]))
    return np.isin(regions, rim[rim > 0])
