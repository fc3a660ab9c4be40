"""A page of 20 real and 20 synthetic ECGs, mixed, with the key at its end: look before you believe a number.

    python -m benchmarks.look DATASET MODEL docs/heartbeat-look.png

Real ones are of the test part, one per person; synthetic ones have the same labels and are not chosen.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import torch

from synth_core.data import Dataset
from synth_core.training import load_generator
from synth_core.types import Batch, Condition

N, COLUMNS = 20, 2
SHOWN = ("II", "V2", "V5")
APART = 1.5  # mV between leads


def mixed(dataset: Path, model: Path, seed: int) -> tuple[np.ndarray, np.ndarray, Batch]:
    """(40, leads, samples) in mV, (40,) which are real, and the real ones."""
    test = Dataset.open(dataset).split()["test"]
    rng = np.random.default_rng(seed)
    rows = rng.permutation(len(test))
    subjects = test.table["subject"].to_numpy()[rows]
    chosen = rows[np.sort(np.unique(subjects, return_index=True)[1])[:N]]
    real = test.batch(chosen.tolist())
    asked = Condition(labels=real.condition.labels)
    drawn = load_generator(model, device="cpu").sample(asked, rng=torch.Generator().manual_seed(seed))
    leads = [real.spec.channels.index(name) for name in SHOWN]
    values = torch.cat([real.values, drawn.values])[:, leads].numpy()
    order = rng.permutation(2 * N)
    return values[order], order < N, real


def draw(values: np.ndarray, is_real: np.ndarray, spec_rate: float, credit: str, out: Path) -> None:
    """Write the page."""
    import matplotlib as mpl

    mpl.use("Agg")
    import matplotlib.pyplot as plt

    rows = len(values) // COLUMNS
    figure, axes = plt.subplots(rows, COLUMNS, figsize=(16, 1.7 * rows + 1))
    time = np.arange(values.shape[-1]) / spec_rate
    for number, (axis, record) in enumerate(zip(axes.ravel(), values, strict=True), 1):
        for position, row in enumerate(record):
            axis.plot(time, np.clip(row - np.median(row), -2.5, 2.5) - APART * position, color="black", linewidth=0.6)
        axis.set_axis_off()
        axis.set_xlim(0, time[-1])
        axis.set_ylim(-APART * len(record), APART)
        axis.text(0, 0.8 * APART, str(number), fontsize=9, weight="bold")
    real = ", ".join(str(number) for number, yes in enumerate(is_real, 1) if yes)
    title = f"20 real and 20 synthetic ECGs, mixed; {', '.join(SHOWN)}, {APART:g} mV apart, {time[-1]:.0f} s. {credit}"
    figure.text(0.01, 0.996, title, fontsize=9, va="top")
    figure.text(0.01, 0.002, f"Key. Real: {real}. The others are synthetic.", fontsize=9, va="bottom")
    figure.tight_layout(pad=0.2, rect=(0, 0.01, 1, 0.99))
    figure.savefig(out, dpi=62, pil_kwargs={"optimize": True})


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("dataset", type=Path)
    parser.add_argument("model", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    values, is_real, real = mixed(given.dataset, given.model, given.seed)
    source = Dataset.open(given.dataset).info["source"]
    draw(values, is_real, real.spec.rate, f"Real: {source['name']}, {source['licence']}.", given.out)


if __name__ == "__main__":
    main()
