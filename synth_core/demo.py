"""The three simulated cohorts that the app opens with, prepared as dataset directories."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from synth_core.data import Preparation, Recording, prepare
from synth_core.simulate import ct_cohort, ecg_cohort, eeg_cohort

Progress = Callable[[int, int, str], None]
SEED = 0
STEPS = 100  # of progress, per cohort


@dataclass(frozen=True)
class DemoCohort:
    """How one demo dataset is made.

    Parameters
    ----------
    simulate : number of subjects, seed and `progress` → recordings.
    subjects : enough of each class for a split by subject into three parts.
    preparation : small examples, so that a generator trains in minutes on a processor.
    """

    simulate: Callable[..., list[Recording]]
    subjects: int
    preparation: Preparation


DEMO_COHORTS: dict[str, DemoCohort] = {
    "demo-ecg": DemoCohort(  # 12 × 1000
        partial(ecg_cohort, seconds=60, rate=100),
        subjects=120,
        preparation=Preparation(seconds=10, rate=100, highpass=0.5),
    ),
    "demo-eeg": DemoCohort(  # 19 × 512
        partial(eeg_cohort, seconds=40, rate=128),
        subjects=75,
        preparation=Preparation(seconds=4, rate=128, highpass=1.0, lowpass=45.0),
    ),
    "demo-ct": DemoCohort(  # 1 × 64 × 64
        partial(ct_cohort, size=128, slices=6),
        subjects=72,
        preparation=Preparation(image_size=64),
    ),
}


def build_demo(folder: Path | str, progress: Progress | None = None) -> list[Path]:
    """Make the demo datasets that `folder` does not have yet; about a minute of CPU for all three.

    Parameters
    ----------
    folder : where the dataset directories `demo-ecg`, `demo-eeg` and `demo-ct` are, or will be.
    progress : called with (steps done, all, what is being done); what it raises cancels, and leaves nothing half-made.

    Returns
    -------
    The three dataset directories, in the order of DEMO_COHORTS.
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    for name in DEMO_COHORTS:
        if not (folder / name).exists():
            _make(folder / name, name, progress)
    return [folder / name for name in DEMO_COHORTS]


def _make(path: Path, name: str, progress: Progress | None) -> None:
    cohort = DEMO_COHORTS[name]
    place = list(DEMO_COHORTS).index(name)

    def part(stage: str, share: float, offset: float) -> Progress:
        def report(done: int, total: int, message: str) -> None:
            if progress:
                at = round(STEPS * (place + offset + share * done / total))
                progress(at, STEPS * len(DEMO_COHORTS), f"{stage} {name}, {message}")

        return report

    recordings = cohort.simulate(cohort.subjects, SEED, progress=part("simulating", 0.8, 0.0))
    prepare(recordings, path, cohort.preparation, name=name, progress=part("preparing", 0.2, 0.8))
