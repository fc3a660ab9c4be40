"""Mutated files of each CT format are read or refused in a sentence; nothing else comes out of a reader."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import pytest

from synth_core.data import open_recordings
from synth_core.errors import DataError
from tests.data.fuzz import mutated
from tests.data.fuzz_ct import SEEDS

MUTATIONS = 25  # of each seed


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("family", SEEDS)
def test_mutated_files_are_read_or_refused(tmp_path: Path, family: str) -> None:
    SEEDS[family](tmp_path)
    files = sorted(file for file in tmp_path.rglob("*") if file.is_file())
    intact = [file.read_bytes() for file in files]
    rng = np.random.default_rng(sum(family.encode()))
    for _ in range(MUTATIONS):
        chosen = int(rng.integers(0, len(files)))
        files[chosen].write_bytes(mutated(intact[chosen], rng))
        started = time.process_time()
        problem = _problem(tmp_path)
        assert problem == "" or problem.rstrip().endswith((".", "it first"))
        assert "\n" not in problem
        assert time.process_time() - started < 10
        files[chosen].write_bytes(intact[chosen])


def _problem(folder: Path) -> str:
    try:
        for recording in open_recordings(folder):
            assert recording.read(0, 2).dtype == np.float32
            recording.lesion_mask(0, 1)
    except DataError as error:
        return str(error)
    return ""
