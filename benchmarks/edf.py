"""CPU seconds to open a day of EEG and to read a page of it, and the memory that preparing it takes.

    python -m benchmarks.edf --hours 24

Writes a generated EDF+ file of 32 channels at 256 Hz (1.4 GB for 24 hours) into a temporary folder.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

_CAP = "Fp1 Fp2 AF3 AF4 F7 F3 Fz F4 F8 FC5 FC1 FC2 FC6 T7 C3 Cz C4 T8 CP5 CP1 CP2 CP6 P7 P3 Pz P4 P8 PO3 PO4 O1 Oz O2"
CHANNELS = _CAP.split()
RATE = 256  # Hz
ANNOTATION = 16  # samples of the annotations in one record
CHUNK = 600  # records written at once
GOALS = {"open_cpu_s": 1.0, "page_cpu_s": 0.05, "prepare_peak_mb": 600.0}
OPEN_AND_PAGE = """
import json, sys, time
from synth_core.data import open_recordings
begin = time.process_time()
recording = open_recordings(sys.argv[1])[0]
opened = time.process_time() - begin
pages = []
for share in (0.0, 0.1, 0.5, 0.9, 0.999):
    start = int(share * (recording.spec.shape[1] - 2560))
    begin = time.process_time()
    recording.read(start, start + 2560)
    pages.append(time.process_time() - begin)
print(json.dumps({"open_cpu_s": round(opened, 3), "page_cpu_s": round(max(pages), 4)}))
"""
PREPARE = """
import json, resource, sys
from synth_core.data import Preparation, open_recordings, prepare
recordings = open_recordings(sys.argv[1])
dataset = prepare(recordings, sys.argv[2], Preparation.suggested(recordings))
used = resource.getrusage(resource.RUSAGE_SELF)
print(json.dumps({
    "prepare_peak_mb": round(used.ru_maxrss / 1024, 1),
    "prepare_cpu_s": round(used.ru_utime + used.ru_stime, 1),
    "windows": len(dataset),
}))
"""


def write_long_edf(file: Path, hours: float) -> None:
    """An EDF+C file of 32 channels at 256 Hz in records of one second, written in chunks; noise of about 30 µV."""
    records = round(hours * 3600)
    count = len(CHANNELS) + 1
    columns: list[tuple[int, list[str]]] = [
        (16, [*(f"EEG {name}" for name in CHANNELS), "EDF Annotations"]),
        (80, [""] * count),
        (8, ["uV"] * len(CHANNELS) + [""]),
        (8, ["-3276.8"] * len(CHANNELS) + ["-1"]),
        (8, ["3276.7"] * len(CHANNELS) + ["1"]),
        (8, ["-32768"] * count),
        (8, ["32767"] * count),
        (80, [""] * count),
        (8, [str(RATE)] * len(CHANNELS) + [str(ANNOTATION)]),
        (32, [""] * count),
    ]
    head = b"0       " + b"X X X X".ljust(80) + b"Startdate X X X X".ljust(80) + b"01.01.8500.00.00"
    head += str(256 * (1 + count)).encode().ljust(8) + b"EDF+C".ljust(44)
    head += str(records).encode().ljust(8) + b"1".ljust(8) + str(count).encode().ljust(4)
    head += b"".join(field.encode().ljust(width) for width, fields in columns for field in fields)
    noise = np.random.default_rng(0).normal(0, 300, (CHUNK, len(CHANNELS) * RATE)).astype("<i2")
    with file.open("wb") as out:
        out.write(head)
        for first in range(0, records, CHUNK):
            size = min(CHUNK, records - first)
            lists = [
                f"+{first + i}\x14\x14\0".encode() + (f"+{first + i}\x14minute\x14\0".encode() if i % 60 == 0 else b"")
                for i in range(size)
            ]
            marks = np.frombuffer(b"".join(one.ljust(2 * ANNOTATION, b"\0") for one in lists), "<i2")
            out.write(np.hstack([noise[:size], marks.reshape(size, ANNOTATION)]).tobytes())


def measure(hours: float, *, prepare: bool = True) -> dict[str, float]:
    """Each part in a process of its own, imports not counted in the CPU seconds."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "long.edf")
        write_long_edf(file, hours)
        result = {"hours": hours, "file_mb": round(file.stat().st_size / 1e6, 1), **_run(OPEN_AND_PAGE, str(file))}
        if prepare:
            result |= _run(PREPARE, str(file), str(Path(folder, "dataset")))
    return result


def _run(program: str, *arguments: str) -> dict[str, float]:
    done = subprocess.run([sys.executable, "-c", program, *arguments], capture_output=True, text=True, check=True)
    result: dict[str, float] = json.loads(done.stdout)
    return result


def main() -> None:
    """Measure, print one line of JSON, and fail where a goal is missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--hours", type=float, default=24.0)
    parser.add_argument("--no-prepare", action="store_true", help="leave out what takes minutes")
    given, _ = parser.parse_known_args()
    result = measure(given.hours, prepare=not given.no_prepare)
    print(json.dumps(result))
    missed = [name for name, goal in GOALS.items() if result.get(name, 0.0) > goal]
    if missed:
        raise SystemExit(f"Goals missed: {', '.join(missed)}.")


if __name__ == "__main__":
    main()
