"""Damaged files of every EEG reader: read, or refused in one sentence; never a crash, a hang or a library's error."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import pytest

from synth_core.data import open_recordings
from synth_core.errors import DataError
from tests.data.fuzz import mutated
from tests.data.fuzz_eeg import SEEDS

MUTATIONS = 20  # of every family; the campaign of issue 3 makes 10,000


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("family", SEEDS)
def test_damaged_files_are_read_or_refused_in_a_sentence(tmp_path: Path, family: str) -> None:
    SEEDS[family](tmp_path)
    intact = {file: file.read_bytes() for file in sorted(tmp_path.rglob("*")) if file.is_file()}
    assert open_recordings(tmp_path)
    rng = np.random.default_rng(0)
    for _ in range(MUTATIONS):
        file = list(intact)[rng.integers(0, len(intact))]
        file.write_bytes(mutated(intact[file], rng))
        refusal = ""
        begin = time.process_time()
        try:
            for recording in open_recordings(tmp_path)[:4]:
                recording.read(0, 5)
                recording.read(max(0, recording.spec.shape[1] - 5))
        except DataError as error:
            refusal = str(error)
        assert "\n" not in refusal
        assert len(refusal) < 400
        assert time.process_time() - begin < 10
        file.write_bytes(intact[file])
