"""What the comments of a WFDB header say: diagnoses, age, sex, patient. Every collection writes them its own way."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from synth_core.data.readers.files import read_bounded
from synth_core.data.readers.snomed import diagnosis_name

_AGE = re.compile(r"<?age>?\s*:\s*(\d{1,3})\b", re.IGNORECASE)
_SEX = re.compile(r"<?sex>?\s*:\s*([mf])", re.IGNORECASE)
_AGE_AND_SEX = re.compile(r"^(\d{1,3}) ([MF])\b")  # MIT-BIH: "69 M 1085 1629 x1"
_PATIENT = re.compile(r"^patient\s*:?\s*(\d{1,4})$", re.IGNORECASE)  # St Petersburg INCART: "patient 1"
# folders of the Challenge that leave out which records are of one patient: PTB-XL, PTB, St Petersburg
_SEVERAL_EACH = re.compile(r"^(HR\d{5}|S\d{4}|I\d{4})$")
SEVERAL_EACH = (
    "This copy of the collection does not say which records are of one patient, and patients have several: a split "
    "may put one person on both sides. Use the original collection, which names them."
)


def patient(comments: Iterable[str]) -> str:
    """The number of the patient, where a comment is nothing but that; else ""."""
    found = next((match for comment in comments if (match := _PATIENT.match(comment.strip()))), None)
    return f"patient-{found[1]}" if found else ""


def names_no_patients(record: str, comments: Iterable[str]) -> bool:
    """Whether a record is of a copy made for the Challenge of a collection with several records per patient."""
    return bool(_SEVERAL_EACH.match(record) and codes_of(comments))


def age_and_sex(comments: Iterable[str]) -> dict[str, Any]:
    """{"age": years, "sex": "male" or "female"}, where the comments of a header say so."""
    found: dict[str, Any] = {}
    for comment in comments:
        both = _AGE_AND_SEX.match(comment.strip())
        age = both or _AGE.search(comment)
        sex = both[2] if both else (named[1] if (named := _SEX.search(comment)) else "")
        if age:
            found.setdefault("age", int(age[1]))
        if sex:
            found.setdefault("sex", "male" if sex.lower() == "m" else "female")
    return found


def without_free_text(metadata: Mapping[str, Any]) -> dict[str, Any]:
    """Metadata without what people wrote into the header, which can hold a name; `removed` says that it was there."""
    kept = {name: value for name, value in metadata.items() if name != "comments"}
    return kept | ({"removed": ["comments of the header"]} if metadata.get("comments") else {})


def codes_of(comments: Iterable[str]) -> list[str]:
    """The codes or abbreviations of the `#Dx:` comment."""
    for comment in comments:
        key, _, value = comment.partition(":")
        if key.strip().lower() == "dx":
            return [code.strip() for code in value.split(",") if code.strip().lower() not in ("", "unknown")]
    return []


def diagnoses(header: Path, comments: Iterable[str]) -> list[str]:
    """The names of the diagnoses of a record; of codes that are not known, as a table in its folder has them."""
    names = [(code, diagnosis_name(code)) for code in codes_of(comments)]
    return [_table_of(header.parent).get(code, code) if name == code else name for code, name in names]


@cache
def _table_of(folder: Path) -> dict[str, str]:
    """SNOMED code → name, from `ConditionNames_SNOMED-CT.csv` (Chapman-Shaoxing) where the folder has it."""
    file = folder / "ConditionNames_SNOMED-CT.csv"
    if not file.is_file():
        return {}
    text = read_bounded(file, 2**20, "a table of conditions").decode("utf-8-sig", "replace")
    rows = csv.DictReader(io.StringIO(text))
    return {row["Snomed_CT"]: row["FullName"] for row in rows if row.get("Snomed_CT") and row.get("FullName")}
