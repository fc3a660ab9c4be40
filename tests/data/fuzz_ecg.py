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
    folder: Path,
    name: str = "r1",
    fmt: str = "16",
    names: tuple[str, ...] = LEADS,
    samples: int = 400,
    seed: int = 0,
    rate: float = RATE,
) -> None:
    """A record with reference beats, one rhythm mark and one noise mark."""
    import wfdb

    count = len(names)
    gain = 100.0 if fmt in ("80", "508") else 1000.0
    wfdb.wrsamp(
        name, rate, ["mV"] * count, list(names), waves(samples, count, seed), fmt=[fmt] * count,
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


def heartbeats(folder: Path, rows: int = 6, name: str = "mitbih_train.csv") -> None:
    """Rows as the published table writes them, classes 0 to 4 in turn."""
    values = np.zeros((rows, 188))
    values[:, :120] = np.random.default_rng(1).uniform(0, 1, (rows, 120))
    values[:, 187] = np.arange(rows) % 5
    np.savetxt(folder / name, values, delimiter=",", fmt="%.18e")


def aecg(folder: Path, name: str = "a.xml", digits: np.ndarray | None = None) -> None:
    """An annotated ECG of leads I and II at 500 Hz, 2.5 µV per digit, with a representative beat to be ignored."""
    stored = np.arange(-100, 100) if digits is None else digits

    def series(values: np.ndarray) -> str:
        leads = "".join(
            f"""<component><sequence><code code="MDC_ECG_LEAD_{lead}" codeSystem="2.16.840.1.113883.6.24"/>
            <value xsi:type="SLIST_PQ"><origin value="10" unit="uV"/><scale value="{2.5 * sign}" unit="uV"/>
            <digits>{" ".join(map(str, values))}</digits></value></sequence></component>"""
            for lead, sign in (("I", 1), ("AVF", -1))
        )
        return f"""<code code="RHYTHM"/><component><sequenceSet><component><sequence><code code="TIME_ABSOLUTE"/>
            <value xsi:type="GLIST_TS"><head value="20020101"/><increment value="2" unit="ms"/></value></sequence>
            </component>{leads}</sequenceSet></component>"""

    (folder / name).write_text(f"""<?xml version="1.0" encoding="UTF-8"?>
<AnnotatedECG xmlns="urn:hl7-org:v3" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"><componentOf>
<timepointEvent><componentOf><subjectAssignment><subject><trialSubject><id root="1.2.3" extension="SBJ-7"/>
<subjectDemographicPerson><name>Jane Roe</name><administrativeGenderCode code="F"/></subjectDemographicPerson>
</trialSubject></subject></subjectAssignment></componentOf></timepointEvent></componentOf>
<component><series>{series(stored)}<derivation><derivedSeries>{series(stored[:9])}</derivedSeries></derivation>
</series></component></AnnotatedECG>""")


def dicom_ecg(folder: Path, name: str = "e.dcm", padding: bool = False) -> None:
    """A 12-lead ECG object: a median beat of three leads, then a rhythm of the same; channel 3 has a baseline."""
    import pydicom
    from pydicom.dataset import Dataset, FileDataset, FileMetaDataset

    meta = FileMetaDataset()
    meta.TransferSyntaxUID = pydicom.uid.ExplicitVRLittleEndian
    meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID = "1.2.840.10008.5.1.4.1.1.9.1.1", "1.2.3.4"
    data = FileDataset(str(folder / name), {}, file_meta=meta, preamble=b"\0" * 128)
    data.SOPClassUID, data.SOPInstanceUID = meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID
    data.Modality, data.PatientID, data.PatientName, data.PatientSex, data.PatientAge = (
        "ECG",
        "4711",
        "Roe",
        "F",
        "061Y",
    )
    groups = []
    for samples in (60, 500):
        group = Dataset()
        group.NumberOfWaveformChannels, group.NumberOfWaveformSamples, group.SamplingFrequency = 3, samples, 500
        group.WaveformBitsAllocated, group.WaveformSampleInterpretation = 16, "SS"
        channels = []
        for code, meaning in (("2:1", "Lead I"), ("5.6.3-9-62", "aVR"), ("", "Lead V7 (posterior)")):
            channel, source, unit = Dataset(), Dataset(), Dataset()
            source.CodeValue, source.CodingSchemeDesignator, source.CodeMeaning = code, "MDC", meaning
            unit.CodeValue, unit.CodingSchemeDesignator, unit.CodeMeaning = "uV", "UCUM", "microvolt"
            channel.ChannelSourceSequence, channel.ChannelSensitivityUnitsSequence = [source], [unit]
            channel.ChannelSensitivity, channel.ChannelSensitivityCorrectionFactor = "1.25", "2"
            channel.ChannelBaseline, channel.WaveformBitsStored = "0" if code else "-40", 16
            channels.append(channel)
        group.ChannelDefinitionSequence = channels
        stored = np.random.default_rng(samples).integers(-2000, 2000, (samples, 3)).astype("<i2")
        if padding:
            stored[:5] = -32768
            group.add_new("WaveformPaddingValue", "OW", np.array([-32768], "<i2").tobytes())
        group.add_new("WaveformData", "OW", stored.tobytes())
        groups.append(group)
    data.WaveformSequence = groups
    data.save_as(folder / name, enforce_file_format=True)


SEEDS: dict[str, Callable[[Path], None]] = {
    "wfdb": wfdb_record,
    "wfdb compressed": lambda folder: wfdb_record(folder, fmt="516"),
    "wfdb segments": wfdb_segments,
    "heartbeats": heartbeats,
    "aecg": aecg,
    "dicom ecg": dicom_ecg,
}
