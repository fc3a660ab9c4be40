"""Small valid ECG files of every reader family, and what spoils them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np

RATE = 100
LEADS = ("I", "II", "V1")


def waves(samples: int = 400, channels: int = 3, seed: int = 0) -> np.ndarray:
    """(samples, channels) mV: noise below one millivolt."""
    return np.random.default_rng(seed).uniform(-0.9, 0.9, (samples, channels))


def wfdb_record(
    folder: Path, name: str = "r1", fmt: str = "16", names: tuple[str, ...] = LEADS, samples: int = 400, seed: int = 0
) -> None:
    """A record with reference beats, one rhythm mark and one noise mark."""
    import wfdb

    count = len(names)
    gain = 100.0 if fmt in ("80", "508") else 1000.0
    wfdb.wrsamp(
        name, RATE, ["mV"] * count, list(names), waves(samples, count, seed), fmt=[fmt] * count,
        adc_gain=[gain] * count, baseline=[0] * count, comments=["Age: 61", "Sex: Female", "Dx: 164889003,RBBB"],
        write_dir=str(folder),
    )  # fmt: skip
    beats = np.array([10, 50, 120, 200, 210])
    wfdb.wrann(
        name, "atr", beats, symbol=["+", "N", "V", "~", "A"], aux_note=["(N", "", "", "", ""], write_dir=str(folder)
    )


def wfdb_segments(folder: Path, variable: bool = True) -> None:
    """A record of three segments: two of leads I and II, then of II alone (variable), with a gap between them."""
    second = ("II",) if variable else ("I", "II")
    wfdb_record(folder, "s1", names=("I", "II"), samples=150)
    wfdb_record(folder, "s2", names=second, samples=250, seed=1)
    lines = [f"s1 {150}", "~ 50", f"s2 {250}"] if variable else ["s1 150", "s2 250"]
    if variable:
        lines = ["layout 0", *lines]
        layout = "layout 2 100 0\n~ 0 1000(0)/mV 16 0 0 0 0 I\n~ 0 1000(0)/mV 16 0 0 0 0 II\n"
        (folder / "layout.hea").write_text(layout)
    total = 450 if variable else 400
    (folder / "m.hea").write_text(f"m/{len(lines)} 2 {RATE} {total}\n" + "\n".join(lines) + "\n")
    for name in ("s1", "s2"):
        (folder / f"{name}.atr").unlink()


SEEDS: dict[str, Callable[[Path], None]] = {
    "wfdb": wfdb_record,
    "wfdb compressed": lambda folder: wfdb_record(folder, fmt="516"),
    "wfdb segments": wfdb_segments,
}


def mutated(content: bytes, rng: np.random.Generator) -> bytes:
    """Cut short, bytes flipped, a stretch repeated or a digit run changed."""
    kind = rng.integers(0, 4)
    if kind == 0 or len(content) < 8:
        return content[: rng.integers(0, len(content) + 1)]
    changed = bytearray(content)
    where = int(rng.integers(0, min(len(content), 4096) if rng.random() < 0.7 else len(content)))
    if kind == 1:
        for _ in range(int(rng.integers(1, 8))):
            changed[min(len(changed) - 1, where + int(rng.integers(0, 64)))] = int(rng.integers(0, 256))
    elif kind == 2:
        length = int(rng.integers(1, 200))
        changed[where:where] = changed[where : where + length]
    else:
        digits = [i for i, byte in enumerate(content[:4096]) if chr(byte).isdigit()] or [where]
        at = digits[int(rng.integers(0, len(digits)))]
        changed[at : at + 1] = str(rng.choice([0, -1, 9, 99999999999, 4294967295])).encode()
    return bytes(changed)
