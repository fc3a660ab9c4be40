"""One example as a small drawing (SVG): ECG on millimetre paper, EEG as a stacked montage, CT through a window.

Drawings stand in a report that is read without a server, and print without loss. The viewers of the app are for looking
closely.
"""

from __future__ import annotations

import base64
import io
from collections.abc import Sequence
from html import escape

import numpy as np
from numpy.typing import ArrayLike, NDArray

from synth_core.errors import SpecMismatch
from synth_core.leads import TWELVE_LEADS
from synth_core.types import DataSpec

Floats = NDArray[np.float64]

MM_PER_SECOND, MM_PER_MV = 25.0, 10.0  # the clinical standard of paper speed and gain
PAPER, FINE, COARSE, INK = "#FFFAF5", "#FBE9E3", "#F3CDC4", "#16191D"
ROW_MM = 21.0  # from baseline to baseline
SECONDS_SHOWN = 10.0
CHANNELS_SHOWN = 32  # of an EEG
MOST_SAMPLES = 1200  # of a trace drawn as it is; longer or many ones become minima and maxima, so that spikes stay
WINDOW = (40.0, 80.0)  # HU, centre and width: the brain window
SIDE = 160  # pixels at least, of a drawn slice


def drawing(values: ArrayLike, spec: DataSpec, *, span: float | None = None, dark: bool = False) -> str:
    """An SVG element of one example.

    Parameters
    ----------
    values : (*spec.shape) in `spec.unit`.
    spec : what the example is; names of channels are escaped.
    span : µV between two baselines of an EEG, so that two drawings can share it (`span_of`); its own when None.
    dark : of an EEG; ECG stays on its paper.

    Raises
    ------
    SpecMismatch : when the values are not of that shape.
    """
    array = np.asarray(values, dtype=np.float64)
    if array.shape != spec.shape:
        raise SpecMismatch(f"A drawing needs one example of shape {spec.shape}. Got {array.shape} instead.")
    if spec.is_image:
        return _slice(array[0], spec.rate)
    shown = array[:, : round(SECONDS_SHOWN * spec.rate)]
    names = spec.channels or tuple(str(k + 1) for k in range(len(shown)))
    if spec.modality == "ecg":
        return _paper(shown, spec.rate, names)
    return _montage(shown[:CHANNELS_SHOWN], spec.rate, names, span or span_of([array]), dark)


def span_of(examples: Sequence[ArrayLike]) -> float:
    """µV between two baselines at which examples can be read beside one another, in steps of a clinical gain.

    Parameters
    ----------
    examples : (channels, samples) each, in µV.
    """
    ranges = [np.ptp(np.nanquantile(np.asarray(one), (0.01, 0.99), axis=1), axis=0) for one in examples]
    wanted = float(np.nanmedian(np.concatenate(ranges)))
    steps = np.array([10, 20, 50, 100, 200, 500, 1000, 2000, 5000], dtype=np.float64)
    return float(steps[min(int(np.searchsorted(steps, wanted)), len(steps) - 1)])


def _paper(values: Floats, rate: float, names: Sequence[str]) -> str:
    """Twelve leads as 3 × 4 with a rhythm strip, columns continuous in time; other leads as rows."""
    seconds = values.shape[1] / rate
    width = MM_PER_SECOND * seconds + 10
    parts, rows = _twelve(values, rate, names) if set(TWELVE_LEADS) <= set(names) else _rows(values, rate, names)
    height = ROW_MM * rows + 6
    grid = "".join(
        f'<path d="{_grid(width, height, step)}" stroke="{colour}" stroke-width="{line}"/>'
        for step, colour, line in ((1, FINE, 0.08), (5, COARSE, 0.14))
    )
    legend = f'<text x="{width - 2}" y="{height - 1.5}" text-anchor="end" fill="{INK}">25 mm/s · 10 mm/mV</text>'
    ground = f'<rect width="{width}" height="{height}" fill="{PAPER}"/>{grid}'
    return _svg(width, height, f'{ground}<g font-size="3.6">{"".join(parts)}{legend}</g>')


def _twelve(values: Floats, rate: float, names: Sequence[str]) -> tuple[list[str], int]:
    quarter, parts = values.shape[1] / 4, []
    for position, lead in enumerate(TWELVE_LEADS):
        column, row = divmod(position, 3)
        begin, end = round(column * quarter), round((column + 1) * quarter)
        parts.append(_lead(values[names.index(lead)], lead, rate, begin, end, row))
    parts.append(_lead(values[names.index("II")], "II", rate, 0, values.shape[1], 3))
    return parts, 4


def _rows(values: Floats, rate: float, names: Sequence[str]) -> tuple[list[str], int]:
    rows = [_lead(row, name, rate, 0, len(row), k) for k, (row, name) in enumerate(zip(values, names, strict=True))]
    return rows, len(values)


def _lead(values: Floats, name: str, rate: float, begin: int, end: int, row: int) -> str:
    left, base = 5 + MM_PER_SECOND * begin / rate, 3 + ROW_MM * (row + 0.55)
    line = _path(values[begin:end], left, MM_PER_SECOND / rate, base, -MM_PER_MV)
    title = f'<text x="{left + 0.8:.1f}" y="{base - ROW_MM * 0.36:.1f}" fill="{INK}">{escape(name)}</text>'
    return f'{title}<path d="{line}" stroke="{INK}" stroke-width=".35"/>'


def _montage(values: Floats, rate: float, names: Sequence[str], span: float, dark: bool) -> str:
    """Rows with negative up, as EEG is read; a bar says how large the gain is."""
    ink, ground, faint = ("#E3EAEC", "#10171A", "#37464C") if dark else (INK, "#FFFFFF", "#D5DDE0")
    row, size = (44.0, 6) if len(values) < 4 else (9.0, 4.4)  # units between baselines; of the letters
    width, left, right = 200.0, 20.0, 34.0
    most = MOST_SAMPLES if len(values) < 4 else MOST_SAMPLES // 3
    height, step = row * (len(values) + 1.2), (width - left - right) / values.shape[1]
    parts = [f'<rect width="{width}" height="{height:.1f}" fill="{ground}"/>']
    for second in range(1, int(values.shape[1] / rate) + 1):
        x = left + second * rate * step
        parts.append(f'<path d="M{x:.1f} 0V{height:.1f}" stroke="{faint}" stroke-width=".3"/>')
    for k, (trace, name) in enumerate(zip(values, names, strict=False)):
        base = row * (k + 1.1)
        line = _path(trace - np.nanmedian(trace), left, step, base, row / span, most)
        parts.append(f'<path d="{line}" stroke="{ink}" stroke-width=".4"/>')
        parts.append(
            f'<text x="{left - 2}" y="{base + 1.3:.1f}" text-anchor="end" fill="{ink}">{escape(name[:8])}</text>'
        )
    bar, top = width - right + 5, height / 2 - row / 2
    parts.append(f'<path d="M{bar} {top:.1f}v{row}" stroke="{ink}" stroke-width=".8"/>')
    parts.append(f'<text x="{bar + 1.5}" y="{height / 2 + 1.3:.1f}" fill="{ink}">{span:g} µV</text>')
    seconds = f"{values.shape[1] / rate:.3g} s, a line each second"
    parts.append(f'<text x="{left}" y="{height - 1.5:.1f}" fill="{ink}">{seconds}</text>')
    return _svg(width, height, f'<g font-size="{size}">{"".join(parts)}</g>')


def _slice(values: Floats, pixels_per_mm: float) -> str:
    from PIL import Image

    low, high = WINDOW[0] - WINDOW[1] / 2, WINDOW[0] + WINDOW[1] / 2
    grey = np.clip((np.nan_to_num(values, nan=low) - low) / (high - low) * 255, 0, 255).astype(np.uint8)
    file = io.BytesIO()
    Image.fromarray(grey).save(file, format="PNG")
    rows, columns = values.shape
    scale = max(1.0, SIDE / columns)
    width, height, bar = columns * scale, rows * scale, 50 * pixels_per_mm * scale
    picture = base64.b64encode(file.getvalue()).decode()
    image = f'<image width="{width}" height="{height}" href="data:image/png;base64,{picture}"/>'
    ruler = f'<path d="M{width - 8 - bar:.1f} {height - 8:.1f}h{bar:.1f}" stroke="#FFFFFF" stroke-width="1.5"/>'
    words = f'<text x="{width - 8}" y="{height - 11}" text-anchor="end">5 cm</text><text x="6" y="12">W 80 L 40</text>'
    return _svg(width, height, f'{image}{ruler}<g font-size="8" fill="#FFFFFF">{words}</g>')


def _path(values: Floats, left: float, step: float, base: float, gain: float, most: int = MOST_SAMPLES) -> str:
    """Path data with relative steps in tenths: a trace of thousands of samples in a few kilobytes."""
    shown = values if len(values) <= most else _extremes(values, most // 2)
    x = np.round(10 * (left + step * len(values) / len(shown) * np.arange(len(shown)))).astype(np.int64)
    y = np.round(10 * (base + gain * np.nan_to_num(shown))).astype(np.int64)
    moves = " ".join(f"{dx / 10:g} {dy / 10:g}" for dx, dy in zip(np.diff(x), np.diff(y), strict=True))
    return f"M{x[0] / 10:g} {y[0] / 10:g}l{moves}"


def _extremes(values: Floats, pairs: int) -> Floats:
    """Minimum and maximum of each of `pairs` stretches, in the order in which they come."""
    stretches = np.array_split(np.nan_to_num(values), pairs)
    return np.concatenate([part[sorted((part.argmin(), part.argmax()))] for part in stretches])


def _grid(width: float, height: float, step: int) -> str:
    across = "".join(f"M{x} 0V{height:g}" for x in range(0, int(width) + 1, step))
    return across + "".join(f"M0 {y}H{width:g}" for y in range(0, int(height) + 1, step))


def _svg(width: float, height: float, content: str) -> str:
    opening = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:g} {height:g}" fill="none"'
    style = 'font-family="system-ui, sans-serif" stroke-linejoin="round" role="img"'
    return f"{opening} {style}>{content}</svg>"
