"""Which measures react to which planted faults: the record that decides what may enter a verdict.

`python -m synth_core experiment planted-faults DATASET --record` writes the record; tests/experiments holds it.
"""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path

RECORD = Path(__file__).with_name("reactions.json")  # modality → measure → faults that it reacts to


@cache
def _record() -> dict[str, dict[str, list[str]]]:
    return json.loads(RECORD.read_text(encoding="utf-8"))


def reacts_to(modality: str, measure: str) -> tuple[str, ...]:
    """The planted faults that moved a measure beyond its floor on real data; empty for a measure that never did.

    Parameters
    ----------
    modality : "eeg", "ecg" or "ct".
    measure : the name of a measure of a report.
    """
    return tuple(_record().get(modality, {}).get(measure, ()))
