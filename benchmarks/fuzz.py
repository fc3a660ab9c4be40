"""Damaged files by the ten thousand: every one must end in recordings or in one sentence, soon and within memory.

    python -m benchmarks.fuzz --files 10000

Takes valid files of every reader, damages one at a time, opens and reads it, and counts what comes. Prints a line per
reader and the totals of each family; the status is 1 when anything but a sentence came out.
"""

from __future__ import annotations

import argparse
import json
import logging
import resource
import signal
import sys
import tempfile
import time
import warnings
from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from synth_core.data import open_recordings
from synth_core.errors import DataError, InvalidSetting
from tests.data import fuzz_ct, fuzz_ecg, fuzz_eeg
from tests.data.fuzz import mutated

FAMILIES: dict[str, Mapping[str, Callable[[Path], object]]] = {
    "eeg": fuzz_eeg.SEEDS,
    "ecg": fuzz_ecg.SEEDS,
    "ct": fuzz_ct.SEEDS,
}
LONGEST = 10  # seconds for one file
LONGEST_SENTENCE = 400  # characters


def main() -> None:
    """Run the campaign on the families named on the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--files", type=int, default=10_000, help="damaged files per family")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("families", nargs="*", default=sorted(FAMILIES))
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    logging.disable(logging.CRITICAL)
    signal.signal(signal.SIGALRM, _too_long)
    faults = 0
    for family in options.families:
        seeds = FAMILIES[family]
        each = -(-options.files // len(seeds))
        for name, make in seeds.items():
            found = _campaign(make, each, options.seed)
            faults += sum(found["faults"].values())
            sys.stdout.write(json.dumps({"family": family, "reader": name, **found}) + "\n")
            sys.stdout.flush()
        total = {"family": family, "files": each * len(seeds), "peak_gb": _peak()}
        sys.stdout.write(json.dumps(total) + "\n")
    raise SystemExit(1 if faults else 0)


def _campaign(make: Callable[[Path], object], count: int, seed: int) -> dict[str, Any]:
    """`count` damaged copies of one collection: how many opened, the slowest, and what went wrong."""
    rng = np.random.default_rng(seed)
    opened, slowest = 0, 0.0
    faults: Counter[str] = Counter()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        make(folder)
        files = sorted(file for file in folder.rglob("*") if file.is_file())
        intact = [file.read_bytes() for file in files]
        for _ in range(count):
            chosen = int(rng.integers(0, len(files)))
            files[chosen].write_bytes(mutated(intact[chosen], rng))
            began = time.process_time()
            fault = _read(folder)
            slowest = max(slowest, time.process_time() - began)
            if fault:
                faults[fault] += 1
            opened += fault is None
            files[chosen].write_bytes(intact[chosen])
    return {"files": count, "opened": opened, "slowest_cpu_s": round(slowest, 2), "faults": dict(faults)}


def _read(folder: Path) -> str | None:
    """Open and read; None when recordings came, "" for a sentence, else what came instead."""
    signal.alarm(LONGEST)
    try:
        for recording in open_recordings(folder):
            recording.read(0, 2)
            if recording.spec.is_image:
                recording.lesion_mask(0, 1)
        return None
    except (DataError, InvalidSetting) as error:
        long = "\n" in str(error) or len(str(error)) > LONGEST_SENTENCE
        return f"no sentence: {str(error)[:80]}" if long else ""
    except Exception as error:
        return f"{type(error).__name__}: {str(error)[:80]}"
    finally:
        signal.alarm(0)


def _too_long(*_: object) -> None:
    raise TimeoutError(f"longer than {LONGEST} s")


def _peak() -> float:
    return round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20, 2)


if __name__ == "__main__":
    main()
