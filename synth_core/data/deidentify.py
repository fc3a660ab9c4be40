"""De-identification of DICOM objects: the Basic Application Level Confidentiality Profile, DICOM PS3.15 Annex E.

With the option to retain dates that are shifted, alike for all objects of a patient (E.3.6): intervals stay true.
Pixels are not looked at: `burned_in_warning` says when text may stand in them.
"""

from __future__ import annotations

import copy
import hashlib
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from synth_core.data.basic_profile import BASIC_PROFILE

if TYPE_CHECKING:
    from pydicom import DataElement, Dataset
    from pydicom.tag import BaseTag

METHOD = "SynthScope: DICOM PS3.15 Annex E basic profile, dates shifted"
SECONDARY_CAPTURE = "1.2.840.10008.5.1.4.1.1.7"
OF_THE_STANDARD = "1.2.840.10008."  # SOP classes and transfer syntaxes: these UIDs say what, not whose
LONGEST_SHIFT = 3650  # days
PRIVATE = "private attributes"
CURVES, OVERLAYS = range(0x5000, 0x5100), range(0x6000, 0x6100)
_DUMMIES: dict[str, Any] = {
    "AS": "000Y", "TM": "000000", "DS": "0", "IS": "0", "OB": b"\0\0", "UN": b"", "UR": "removed",
    **dict.fromkeys(("US", "SS", "UL", "SL", "UV", "SV", "FL", "FD"), 0),
}  # fmt: skip


def deidentified(dataset: Dataset, salt: str) -> tuple[Dataset, list[str]]:
    """A copy without what identifies a person, and the names of the attributes that were removed or overwritten.

    Parameters
    ----------
    dataset : left as it is; preamble and file meta are cleaned in the copy, where there are such.
    salt : a secret of the one who exports. The same salt gives the same UIDs and, for one patient ID, the same shift.

    Raises
    ------
    ValueError : for an empty salt, with which ids could be found by trying.
    """
    if not salt:
        raise ValueError("The `salt` of a de-identification must not be empty.")
    clean = copy.deepcopy(dataset)
    shift = _shift(str(dataset.get("PatientID", "")), salt)
    removed = list(personal_attributes(clean))
    _clean(clean, salt, shift)
    meta = getattr(clean, "file_meta", None)
    if meta is not None:
        _clean(meta, salt, shift)
    if hasattr(clean, "preamble"):
        clean.preamble = b"\0" * 128
    clean.PatientIdentityRemoved = "YES"
    clean.DeidentificationMethod = METHOD
    clean.LongitudinalTemporalInformationModified = "MODIFIED"
    return clean, removed


def personal_attributes(dataset: Dataset) -> list[str]:
    """Names of the attributes with content, also within sequences, that the profile does not leave as they are.

    UIDs, which are only replaced, are not among them; all private attributes count as one.
    """
    return sorted(dict.fromkeys(_personal(dataset)))


def burned_in_warning(dataset: Dataset) -> str | None:
    """A sentence when the header says that text, which may name the patient, can stand in the pixels."""
    if str(dataset.get("BurnedInAnnotation", "")).upper() == "YES":
        return "The header says that text is burned into the image, which may name the patient: look before sharing."
    if str(dataset.get("SOPClassUID", "")).startswith(SECONDARY_CAPTURE):
        return "A secondary capture, such as a screen shot, may show the name of the patient: look before sharing."
    return None


def _personal(dataset: Dataset) -> Iterator[str]:
    """Without reading values, which elsewhere in a header may be broken."""
    from pydicom.datadict import dictionary_description

    for tag in dataset.keys():  # noqa: SIM118 - iterating a Dataset reads the values
        element = dataset.get_item(tag)
        action = _action(tag, element.VR)
        if action == "K" and element.VR == "SQ":
            for item in dataset[tag].value:
                yield from _personal(item)
        elif action not in "KU" and element.value not in (None, b"", ""):
            yield PRIVATE if tag.is_private else dictionary_description(tag) if _keyword(tag) else str(tag)


def _keyword(tag: BaseTag) -> str:
    """As in the dictionary of the standard; "" for what is not in it."""
    from pydicom.datadict import keyword_for_tag

    return keyword_for_tag(tag)


def _action(tag: BaseTag, representation: str | None) -> str:
    """X, Z, D, U as in BASIC_PROFILE, or K: keep. Beyond the table, names, free text and what is unknown go too."""
    keyword = _keyword(tag)
    if tag.is_private or tag.group in CURVES or not keyword:
        return "X"
    if tag.group in OVERLAYS and tag.element in (0x3000, 0x4000):
        return "X"
    beyond = {"PN": "Z", "UI": "U", "LT": "X", "ST": "X", "UT": "X"}.get(representation or "", "K")
    return BASIC_PROFILE.get(keyword, beyond)


def _clean(dataset: Dataset, salt: str, shift: timedelta) -> None:
    for element in list(dataset):
        action = _action(element.tag, element.VR)
        if action == "X":
            del dataset[element.tag]
        elif element.VR == "SQ" and action in "KU":
            for item in element.value:
                _clean(item, salt, shift)
        elif action == "U":
            element.value = _other_uids(element.value, salt)
        elif action in "ZD" and not element.is_empty:
            element.value = _replaced(element, action, salt, shift)


def _replaced(element: DataElement, action: str, salt: str, shift: timedelta) -> Any:
    if element.VR in ("DA", "DT") and element.keyword != "PatientBirthDate":
        return _shifted(element.value, shift)
    if action == "Z":
        return [] if element.VR == "SQ" else None
    if element.keyword == "PatientID":
        return pseudonym(str(element.value), salt)
    return [] if element.VR == "SQ" else _DUMMIES.get(element.VR, "REMOVED")


def pseudonym(identity: str, salt: str = "") -> str:
    """patient-… : the same for the same identity, which it does not show."""
    return f"patient-{_digest(identity, salt)[:8]}"


def _other_uids(value: Any, salt: str) -> Any:
    if value is None or isinstance(value, str):
        return value if not value or value.startswith(OF_THE_STANDARD) else _other_uid(value, salt)
    return [_other_uids(each, salt) for each in value]


def _other_uid(uid: str, salt: str) -> str:
    """PS3.5 B.2: 2.25 and a 128-bit number."""
    return f"2.25.{int(_digest(uid, salt)[:32], 16)}"


def _shift(patient: str, salt: str) -> timedelta:
    return timedelta(days=1 + int(_digest(patient, salt, "dates")[:8], 16) % LONGEST_SHIFT)


def _shifted(value: Any, shift: timedelta) -> Any:
    """Dates as YYYYMMDD earlier by the shift, without the time of day; empty where the text is no date."""
    if not isinstance(value, str):
        return [_shifted(str(each), shift) for each in value]
    try:
        return (datetime.strptime(value[:8], "%Y%m%d") - shift).strftime("%Y%m%d")
    except (ValueError, OverflowError):
        return ""


def _digest(*parts: str) -> str:
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()
