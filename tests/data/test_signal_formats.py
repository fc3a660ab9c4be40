"""Recordings as headsets, amplifiers and hospitals write them: read, or refused in a sentence that names the format."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from synth_core.data import open_recordings
from synth_core.data.recording import Recording
from synth_core.errors import DataError, InvalidSetting
from tests import conftest

CASES = conftest.CASES / "signals"
needs_cases = pytest.mark.skipif(not CASES.is_dir(), reason="no ../shared/cases here")
WAVES = np.random.default_rng(5).normal(0, 20, (640, 4)).round(2)


def only(folder: Path, **told: object) -> Recording:
    (recording,) = open_recordings(folder, **told)  # type: ignore[arg-type]
    return recording


def rows(columns: Sequence[object], separator: str = ",") -> str:
    """Lines of cells; a column is a list, or a function of the number of the row."""
    cells = [[str(column(i) if callable(column) else column[i]) for column in columns] for i in range(len(WAVES))]  # type: ignore[index]
    return "".join(separator.join(one) + "\n" for one in cells)


VALUES = [list(column) for column in WAVES.T]

# case → channels, samples, rate, first values of the first channel
READ = {
    "csv_emotiv": (("AF3", "T7", "Pz", "T8", "AF4"), 1280, 128.0, (4221.9659, 4211.3245)),
    "openbci_txt": (tuple(f"EXG Channel {i}" for i in range(8)), 2560, 250.0, (21.9659, 11.3245)),
}
READ_WITH_UNIT = {
    "csv_semicolon": (("C3", "C4"), 2560, 256.0, (21.9659, 11.3245)),
    "csv_time_ms": (("C3", "C4", "O1", "O2"), 2000, 250.0, (21.9659, 11.3245)),
    "csv_32ch": (tuple(f"EEG{i}" for i in range(1, 33)), 2560, 256.0, (21.9659, 11.3245)),
}


@needs_cases
@pytest.mark.parametrize("case", sorted({**READ, **READ_WITH_UNIT}))
def test_tables_of_the_cases_are_read(case: str) -> None:
    channels, samples, rate, first = {**READ, **READ_WITH_UNIT}[case]
    recording = only(CASES / case, unit=None if case in READ else "uV")
    assert (recording.spec.channels, recording.spec.shape[1], recording.spec.rate) == (channels, samples, rate)
    assert (recording.spec.modality, recording.spec.unit) == ("eeg", "uV")
    np.testing.assert_allclose(recording.read(0, 2)[0], first, rtol=1e-5)


@needs_cases
def test_the_tables_that_leave_something_open_ask() -> None:
    with pytest.raises(DataError, match="state the `unit`"):
        only(CASES / "csv_semicolon")
    with pytest.raises(DataError, match=r"counts samples; state the `rate`"):
        only(CASES / "csv_t_index")
    assert only(CASES / "csv_t_index", unit="mV", rate=250).spec.channels == ("I", "II")


EPOC = (
    "title:eeg, recorded:11.09.13 10:25:13, timestamp started:2013-09-11T10:25:13, sampling:128, subject:anna1, "
    "labels:COUNTER INTERPOLATED AF3 F7 T7 O1 GYROX MARKER , chan:8, units:emotiv\n"
)
PRO = (
    "title:rest,start timestamp:1600000000.1,stop timestamp:1600000005.1,headset type:EPOCX,headset serial:E2,"
    "channels:9,sampling rate:eeg_256;mot_64,samples:640,version:2.1\n"
    "Timestamp,OriginalTimestamp,EEG.Counter,EEG.AF3,EEG.F7,EEG.T7,EEG.O1,EEG.RawCq,MarkerValueInt,CQ.AF3,POW.F7.Alpha\n"
)


def test_emotiv_of_both_kinds(tmp_path: Path) -> None:
    mark = [0] * 100 + [3] + [0] * 539
    (tmp_path / "epoc.csv").write_text(EPOC + rows([lambda i: i % 129, lambda i: 0, *VALUES, lambda i: 1, mark]))
    old = only(tmp_path / "epoc.csv")
    stamps = [f"{1.6e9 + i / 256:.6f}" for i in range(len(WAVES))]
    text = ["" if i != 100 else "3" for i in range(len(WAVES))]
    columns = [stamps, stamps, lambda i: i % 128, *VALUES, lambda i: 0, text, lambda i: 4, lambda i: ""]
    (tmp_path / "pro.csv").write_text(PRO + rows(columns))
    new = only(tmp_path / "pro.csv")
    for recording, rate in ((old, 128.0), (new, 256.0)):
        assert (recording.spec.channels, recording.spec.rate) == (("AF3", "F7", "T7", "O1"), rate)
        np.testing.assert_allclose(recording.read(), WAVES.T, rtol=1e-5)
        assert [(mark.onset, mark.text) for mark in recording.annotations] == [(100 / rate, "marker 3")]
        assert "left out" in " ".join(recording.warnings)
    assert old.basis == "stated"
    assert "anna1" not in old.subject


def test_emotiv_whose_time_stamps_contradict_its_rate_is_said(tmp_path: Path) -> None:
    stamps = [f"{1.6e9 + i / 200:.6f}" for i in range(len(WAVES))]
    columns = [stamps, stamps, lambda i: i, *VALUES, lambda i: 0, lambda i: "", lambda i: 4, lambda i: 1]
    (tmp_path / "a.csv").write_text(PRO + rows(columns))
    recording = only(tmp_path)
    assert recording.spec.rate == 256
    assert "Time stamps say 200 Hz" in " ".join(recording.warnings)


def openbci(device: str, rate: str, columns: Sequence[object], names: str = "") -> str:
    above = f"%{device}\n%Number of channels = 4\n%Sample Rate = {rate}\n%Board = OpenBCI_GUI$BoardGanglionBLE\n"
    return above + names + rows(columns, ", ")


OLD_OPENBCI = openbci(
    "OpenBCI Raw EEG Data",
    "250.0 Hz",
    [lambda i: i % 256, *VALUES, lambda i: 0.1, lambda i: 0.2, lambda i: f"16:15:{17 + i // 250}.{4 * i % 1000:03}"],
    "%First Column = SampleIndex\n%Last Column = Timestamp \n"
    "%Other Columns = EEG data in microvolts followed by Accel Data (in G) interleaved with Aux Data\n",
)
GANGLION = openbci(
    "OpenBCI Raw EXG Data",
    "200 Hz",
    [lambda i: i % 201, *VALUES, lambda i: 0.0, lambda i: 1.6e9, lambda i: "2020-09-13 12:26:40.000"],
    "Sample Index, EXG Channel 0, EXG Channel 1, EXG Channel 2, EXG Channel 3, Accel Channel 0, Timestamp, "
    "Timestamp (Formatted)\n",
)


@pytest.mark.parametrize(("content", "rate"), [(OLD_OPENBCI, 250.0), (GANGLION, 200.0)])
def test_openbci_of_each_version(tmp_path: Path, content: str, rate: float) -> None:
    (tmp_path / "OpenBCI-RAW.txt").write_text(content)
    recording = only(tmp_path)
    assert (recording.spec.rate, recording.spec.unit, len(recording.spec.channels)) == (rate, "uV", 4)
    np.testing.assert_allclose(recording.read(), WAVES.T, rtol=1e-5)
    said = " ".join(recording.warnings)
    assert "taken as EEG" in said
    assert "left out: Sample Index" in said
    assert "counter of samples" not in said
    named = only(tmp_path, channels=("Fp1", "Fp2", "O1", "O2"), modality="eeg")
    assert named.spec.channels == ("Fp1", "Fp2", "O1", "O2")
    heart = only(tmp_path, modality="ecg")
    np.testing.assert_allclose(heart.read(), WAVES.T / 1000, rtol=1e-5)
    with pytest.raises(InvalidSetting, match="has 4 channels, but 1 names"):
        only(tmp_path, channels=("Fp1",))


def test_lost_samples_and_a_missing_rate_of_openbci_are_said(tmp_path: Path) -> None:
    names = "Sample Index, EXG Channel 0, EXG Channel 1, EXG Channel 2, EXG Channel 3\n"
    columns = [lambda i: (i + (i > 99) + 5 * (i > 300)) % 256, *VALUES]
    (tmp_path / "a.txt").write_text(openbci("OpenBCI Raw EXG Data", "250 Hz", columns, names))
    assert "skips 2 times" in " ".join(only(tmp_path).warnings)
    (tmp_path / "a.txt").write_text(openbci("OpenBCI Raw EXG Data", "", columns, names))
    with pytest.raises(DataError, match="state the `rate`"):
        only(tmp_path)
    (tmp_path / "a.txt").write_text("%OpenBCI Raw EXG Data\n%Number of channels = 4\n%Sample Rate = 250 Hz\n")
    with pytest.raises(DataError, match="no rows"):
        only(tmp_path)


MUSE = "TimeStamp,Delta_TP9,RAW_TP9,RAW_AF7,RAW_AF8,RAW_TP10,AUX_RIGHT,Accelerometer_X,Battery,Elements\n"


def test_muse_by_mind_monitor(tmp_path: Path) -> None:
    lines = []
    for i, values in enumerate(WAVES):
        stamp = f"2020-03-01 12:00:{i / 256:06.3f}"
        lines.append(",".join([stamp, "0.1", *map(str, values), "800.1", "0.2", "90", ""]))
        if i == 255:
            lines.append(f"{stamp},,,,,,,,,/muse/elements/blink")
    (tmp_path / "mindMonitor_2020.csv").write_text(MUSE + "\n".join(lines) + "\n")
    recording = only(tmp_path)
    assert (recording.spec.rate, recording.spec.channels) == (256.0, ("TP9", "AF7", "AF8", "TP10"))
    np.testing.assert_allclose(recording.read(), WAVES.T, rtol=1e-5)
    assert [(mark.onset, mark.text) for mark in recording.annotations] == [(1.0, "/muse/elements/blink")]
    (tmp_path / "mindMonitor_2020.csv").write_text(MUSE + "\n".join(lines[::8]) + "\n")
    with pytest.raises(DataError, match="saved at an interval"):
        only(tmp_path)


LAY = """[FileInfo]
File=C:\\\\Data\\\\a.dat
FileType=Interleaved
SamplingRate=256
HeaderLength=0
Calibration={calibration}
WaveformCount=4
DataType={kind}
[Patient]
First=Anna
Last=Kuhn
ID=pat4711
[ChannelMap]
Cz-Ref=2
Fp1-Ref=1
O2-Ref=3
ECG=4
[SampleTimes]
0=0.0
[Comments]
1.5,0.25,0,100,seizure, left
0.5,0,0,100,eyes closed
without fields
"""


@pytest.mark.parametrize(("kind", "dtype"), [("0", "<i2"), ("7", "<i4")])
def test_persyst(tmp_path: Path, kind: str, dtype: str) -> None:
    stored = np.round(WAVES * 10).astype(dtype)
    (tmp_path / "a.dat").write_bytes(stored.tobytes())
    (tmp_path / "a.lay").write_text(LAY.format(calibration=0.5, kind=kind))
    recording = only(tmp_path)
    assert (recording.spec.channels, recording.spec.rate) == (("Fp1", "Cz", "O2"), 256.0)
    np.testing.assert_allclose(recording.read(), stored[:, :3].T * 0.5, rtol=1e-5)
    marks = [(mark.onset, mark.duration, mark.text) for mark in recording.annotations]
    assert sorted(marks) == [(0.5, 0.0, "eyes closed"), (1.5, 0.25, "seizure, left")]
    assert recording.basis == "stated"
    told = repr((recording.subject, recording.metadata, recording.evidence, recording.annotations))
    assert not any(private in told for private in ("Anna", "Kuhn", "pat4711"))


def test_a_damaged_persyst_file_says_what_is_wrong(tmp_path: Path) -> None:
    (tmp_path / "a.dat").write_bytes(np.zeros((10, 4), "<i2").tobytes())
    whole = LAY.format(calibration=0.5, kind=0)
    broken = {
        "states no Calibration": whole.replace("Calibration=0.5\n", ""),
        "declares 4 channels but names 3": whole.replace("ECG=4\n", ""),
        "not interleaved": whole.replace("Interleaved", "Compressed"),
        "type, or a header": whole.replace("DataType=0", "DataType=3"),
        "'b.dat', which is not beside": whole.replace("a.dat", "b.dat"),
        "cannot be opened": whole.replace("SamplingRate=256", "SamplingRate=fast"),
    }
    for expected, text in broken.items():
        (tmp_path / "a.lay").write_text(text)
        with pytest.raises(DataError, match=f"Persyst.*{expected}"):
            only(tmp_path)
    (tmp_path / "a.lay").write_text(whole)
    (tmp_path / "a.dat").write_bytes(b"\0" * 77)
    with pytest.raises(DataError, match="Persyst"):
        only(tmp_path)


def nihon(blocks: Sequence[np.ndarray]) -> bytes:
    """A file of blocks, (samples, channels) each, whose samples are a multiple of a tenth of a second at 200 Hz."""
    version = b"EEG-1100C V01.00"
    start = bytearray(0x1800)
    start[:16] = start[0x81:0x91] = version
    start[0x17FE] = start[0x91] = 1
    start[0x92:0x96] = (0x400).to_bytes(4, "little")
    start[0x400 + 17] = len(blocks)
    body = b""
    for number, values in enumerate(blocks):
        place = 0x400 + 18 + 20 * number
        start[place : place + 4] = (0x1800 + len(body)).to_bytes(4, "little")
        channels = values.shape[1]
        head = bytearray(0x27 + 10 * channels)
        head[0x1A:0x1C] = (200).to_bytes(2, "little")
        head[0x1C:0x20] = (len(values) // 20).to_bytes(4, "little")
        head[0x26] = channels
        head[0x27::10] = bytes(range(channels))  # FP1, FP2, F3, …
        marked = np.column_stack([values, np.zeros(len(values))]).astype("<i2")
        body += bytes(head) + (marked.astype(np.int32) + 0x8000).astype("<u2").tobytes()
    return bytes(start) + body


def test_nihon_kohden_with_the_files_beside_it(tmp_path: Path) -> None:
    stored = np.round(WAVES * 50).astype(np.int16)
    (tmp_path / "a.eeg").write_bytes(nihon([stored[:400], stored[400:]]))
    expected = stored.T * (6399.902 / 65535) + (-3200 + 32768 * 6399.902 / 65535)
    plain = only(tmp_path)
    assert (plain.spec.channels, plain.spec.rate) == (("Fp1", "Fp2", "F3", "F4"), 200.0)
    assert ".21E" in " ".join(plain.warnings)
    np.testing.assert_allclose(plain.read(), expected, atol=1e-3)
    np.testing.assert_allclose(plain.read(100, 601), expected[:, 100:601], atol=1e-3)
    (tmp_path / "a.21e").write_text("[ELECTRODE]\n0000=Cz\n0001=Pz\n0002=O1\n0003=O2\n")
    (tmp_path / "a.pnt").write_bytes(b"EEG-1100C V01.00".ljust(0x40, b"\0") + b"20200301120000" + b"\0" * 64)
    (tmp_path / "b").mkdir()
    for file in tmp_path.glob("a.*"):
        file.rename(tmp_path / "b" / file.name)
    named = only(tmp_path / "b")
    assert named.spec.channels == ("Cz", "Pz", "O1", "O2")
    assert "measurement date" in named.metadata["removed"]


def test_a_damaged_nihon_kohden_file_says_so(tmp_path: Path) -> None:
    whole = nihon([np.zeros((200, 4), np.int16)])
    for content in (whole[:-100], whole[:616], whole[:0x17FE] + b"\7\7" + whole[0x1800:]):
        (tmp_path / "a.EEG").write_bytes(content)
        with pytest.raises(DataError, match="Nihon Kohden"):
            only(tmp_path)


def muse(
    *, lead: str = "", per_bit: str = "4.88", rate: str = "500", kind: str = "Rhythm", names: Sequence[str]
) -> str:
    stored = np.round(WAVES[:, 0] * 10).astype("<i2")
    leads = "".join(
        f"<LeadData><LeadID>{name}</LeadID><LeadSampleCountTotal>{len(stored)}</LeadSampleCountTotal>"
        f"<LeadAmplitudeUnitsPerBit>{per_bit}</LeadAmplitudeUnitsPerBit><LeadAmplitudeUnits>MICROVOLTS"
        f"</LeadAmplitudeUnits><LeadSampleSize>2</LeadSampleSize><WaveFormData>\n"
        f"{lead or base64.encodebytes((stored * (i + 1)).astype('<i2').tobytes()).decode()}</WaveFormData></LeadData>"
        for i, name in enumerate(names)
    )
    return (
        '<?xml version="1.0" encoding="ISO-8859-1"?>\n<!DOCTYPE RestingECG SYSTEM "restecg.dtd">\n<RestingECG>'
        "<PatientDemographics><PatientID>pat4711</PatientID><Gender>FEMALE</Gender><PatientLastName>Kuhn"
        "</PatientLastName></PatientDemographics><Waveform><WaveformType>Median</WaveformType></Waveform>"
        f"<Waveform><WaveformType>{kind}</WaveformType><SampleBase>{rate}</SampleBase>"
        f"<SampleExponent>0</SampleExponent>{leads}</Waveform></RestingECG>"
    )


KEPT = ("I", "II", "V1", "V2", "V3", "V4", "V5", "V6")


def test_ge_muse_with_the_four_leads_that_follow(tmp_path: Path) -> None:
    (tmp_path / "a.xml").write_text(muse(names=KEPT))
    recording = only(tmp_path)
    assert recording.spec.channels == ("I", "II", "III", "aVR", "aVL", "aVF", "V1", "V2", "V3", "V4", "V5", "V6")
    assert (recording.spec.rate, recording.spec.unit) == (500.0, "mV")
    one = np.round(WAVES[:, 0] * 10) * 4.88e-3
    leads = dict(zip(recording.spec.channels, recording.read(), strict=True))
    np.testing.assert_allclose(leads["I"], one, rtol=1e-5)
    np.testing.assert_allclose(leads["II"], 2 * one, rtol=1e-5)
    np.testing.assert_allclose(leads["V6"], 8 * one, rtol=1e-5)
    np.testing.assert_allclose(leads["I"] + leads["III"], leads["II"], atol=1e-5)  # Einthoven
    np.testing.assert_allclose(leads["aVR"] + leads["aVL"] + leads["aVF"], 0, atol=1e-5)  # Goldberger
    np.testing.assert_allclose(leads["aVF"], (leads["II"] + leads["III"]) / 2, atol=1e-5)
    assert "computed from I and II" in " ".join(recording.warnings)
    assert (recording.basis, recording.metadata["sex"]) == ("stated", "female")
    assert "pat4711" not in repr(recording)


def test_a_damaged_ge_muse_file_says_what_is_wrong(tmp_path: Path) -> None:
    broken = {
        "without the waveforms": muse(names=()),
        "whose lead I states no unit": muse(names=KEPT, per_bit=""),
        "states no sampling rate": muse(names=KEPT, rate=""),
        "is not base64": muse(names=KEPT, lead="?!"),
        "has 2 of 640 samples": muse(names=KEPT, lead="AAAAAA=="),
        "not valid XML": muse(names=KEPT)[:-20],
    }
    for expected, text in broken.items():
        (tmp_path / "a.xml").write_text(text)
        with pytest.raises(DataError, match=f"GE MUSE.*{expected}"):
            only(tmp_path)


VENDORS: dict[str, tuple[str, bytes]] = {
    "Philips": ("a.xml", b'<?xml version="1.0"?><restingecgdata xmlns="x"><documentinfo/></restingecgdata>'),
    r"Philips.*compressed \(XLI\)": (
        "b.xml",
        b'<restingecgdata><waveforms><parsedwaveforms compression="XLI"/></waveforms></restingecgdata>',
    ),
    "Schiller": ("a.xml", b"<!-- x --><examdescript version='1'/>"),
    "Mortara": ("a.xml", b"<ECG ACQUISITION_TIME='1'><SUBJECT/><UNIPRO/></ECG>"),
    "CardioSoft": ("a.xml", b"\xef\xbb\xbf<CardiologyXML/>"),
    "SCP-ECG": ("renamed.bin", b"\x12\x34\0\x10\0\0" + bytes(4) + b"\x88\0\0\0\x0d\x0dSCPECG" + bytes(99)),
    "ISHNE": ("a.ecg", b"ISHNE1.0" + bytes(600)),
    "Micromed": ("a.TRC", b"* MICROMED  Brain-Quick file *\x1a" + bytes(600)),
    "BCI2000": ("a.dat", b"BCI2000V= 1.1 HeaderLen=  9000 SourceCh= 8 StatevectorLen= 16 DataFormat= int16\r\n"),
    "NicoletOne": ("a.e", bytes(range(256))),
    "Natus or XLTEK": ("a.erd", bytes(range(256))),
    "Compumedics": ("a.rda", bytes(range(256))),
    "Neuroscan": ("a.cnt", b"Version 3.0\0" + bytes(900)),
    "EGI": ("a.mff/signal1.bin", bytes(100)),
    "Curry": ("a.cdt", bytes(range(256))),
    r"header.*\.hea.*\.lay": ("b.dat", bytes(range(256))),
    "Excel": ("a.xls", b"\xd0\xcf\x11\xe0" + bytes(99)),
}


@pytest.mark.parametrize("expected", sorted(VENDORS))
def test_what_is_not_read_is_named_with_the_way_out(tmp_path: Path, expected: str) -> None:
    name, content = VENDORS[expected]
    file = tmp_path / name
    file.parent.mkdir(exist_ok=True)
    file.write_bytes(content)
    for path in (tmp_path, file):
        with pytest.raises(DataError, match=expected) as caught:
            open_recordings(path)
        assert any(way in str(caught.value) for way in ("export it", "save its", "put the file"))


def test_a_vendor_format_beside_recordings_is_left_out_and_said(tmp_path: Path) -> None:
    (tmp_path / "a.TRC").write_bytes(b"* MICROMED  Brain-Quick file *" + bytes(600))
    (tmp_path / "notes.e").write_text("plain text")
    (tmp_path / "OpenBCI-RAW.txt").write_text(GANGLION)
    skipped: list[DataError] = []
    assert len(open_recordings(tmp_path, skipped=skipped)) == 1
    assert [error.path.name for error in skipped] == ["a.TRC"]


CASE_SAYS = {
    "ge_muse_xml": "GE MUSE.*waveforms",
    "philips_xml": "Philips.*export",
    "scp": "SCP-ECG.*export",
    "xdf": "XDF.*damaged",
    "nihon": "Nihon Kohden",
    "persyst": r"Persyst.*'a\.dat', which is not beside",
}


@needs_cases
@pytest.mark.parametrize("case", sorted(CASE_SAYS))
def test_stubs_of_vendors_are_named(case: str) -> None:
    with pytest.raises(DataError, match=CASE_SAYS[case]):
        open_recordings(CASES / case)


def not_fetched(file: Path, *, unlocked: bool = False) -> None:
    """What git-annex leaves in the place of a file: a link, or a line where files are unlocked."""
    file.unlink(missing_ok=True)
    target = f".git/annex/objects/1k/2p/MD5E-s9--abc{file.suffix}/MD5E-s9--abc{file.suffix}"
    if unlocked:
        file.write_text(f"/annex/objects/MD5E-s9--abc{file.suffix}\n")
    else:
        file.symlink_to(target)


PARTS = {  # what is fetched → what belongs to it and is not
    "rec.hea": ("rec.dat", "rec 1 250 500\nrec.dat 16 200/mV 16 0 0 0 0 II\n"),
    "rec.lay": ("rec.dat", "[FileInfo]\nFile=rec.dat\n"),
    "rec.vhdr": (
        "rec.eeg",
        "Brain Vision Data Exchange Header File Version 1.0\n[Common Infos]\nDataFile=rec.eeg\nNumberOfChannels=1\n"
        "SamplingInterval=4000\n",
    ),
}


@pytest.mark.parametrize("unlocked", [False, True])
@pytest.mark.parametrize("name", ["a.edf", "a b.csv", "a.xdf", "a.xml", "a.txt", "a.dcm", "a.nii.gz", "a.zip"])
def test_a_file_of_git_annex_that_was_not_fetched(tmp_path: Path, name: str, unlocked: bool) -> None:
    not_fetched(tmp_path / name, unlocked=unlocked)
    for path in (tmp_path, tmp_path / name):
        with pytest.raises(DataError, match=r"not downloaded.*`datalad get [^`]+` or `git annex get [^`]+`"):
            open_recordings(path)


@pytest.mark.parametrize("header", sorted(PARTS))
def test_samples_that_were_not_fetched_beside_their_header(tmp_path: Path, header: str) -> None:
    samples, text = PARTS[header]
    (tmp_path / header).write_text(text)
    not_fetched(tmp_path / samples)
    for path in (tmp_path, tmp_path / header):
        with pytest.raises(DataError, match=f"{samples}: is not downloaded.*datalad get"):
            open_recordings(path)


def test_a_folder_that_was_not_fetched_names_one_command(tmp_path: Path) -> None:
    for number in range(5):
        not_fetched(tmp_path / f"{number}.edf")
    with pytest.raises(DataError, match=rf"and so are 4 more.*`datalad get {tmp_path}`"):
        open_recordings(tmp_path)
    (tmp_path / "4.edf").unlink()
    (tmp_path / "OpenBCI-RAW.txt").write_text(GANGLION)
    skipped: list[DataError] = []
    assert len(open_recordings(tmp_path, skipped=skipped)) == 1
    assert "not downloaded" in str(skipped[0])
    (tmp_path / ".datalad").mkdir()
    (tmp_path / "inner").mkdir()
    with pytest.raises(DataError, match=r"not downloaded.*`datalad get .*inner`"):
        open_recordings(tmp_path / "inner")


def test_a_pointer_of_git_lfs(tmp_path: Path) -> None:
    (tmp_path / "a.edf").write_text("version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 9\n")
    for path in (tmp_path, tmp_path / "a.edf"):
        with pytest.raises(DataError, match=r"not downloaded.*`git lfs pull`"):
            open_recordings(path)


@needs_cases
def test_a_unit_that_was_lost_on_the_way_can_be_stated(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"'\.V'\. State the `unit`"):
        only(CASES / "edf_micro_dotV")
    assert only(CASES / "edf_micro_utf8").spec.unit == "uV"
    content = (CASES / "edf_micro_dotV" / "a.edf").read_bytes()
    (tmp_path / "a.edf").write_bytes(content.replace(b".V      ", b"uV      "))
    right = only(tmp_path)
    np.testing.assert_allclose(only(CASES / "edf_micro_dotV", unit="uV").read(), right.read())
    np.testing.assert_allclose(only(CASES / "edf_micro_dotV", unit="mV").read(), right.read() * 1000, rtol=1e-6)
    (tmp_path / "a.edf").write_bytes(content.replace(b".V      ", b"        "))
    assert "leaves the unit of channels empty" in " ".join(only(tmp_path).warnings)
    (tmp_path / "a.edf").write_bytes(content.replace(b".V      ", b"bpm     "))
    with pytest.raises(DataError, match="'bpm'"):
        only(tmp_path, unit="uV")


@needs_cases
def test_the_signals_of_the_other_cases() -> None:
    event = only(CASES / "edf_C_subsecond").annotations[0]
    assert (event.onset, event.text) == (pytest.approx(5.0), "stim")
    for case, sentence in (("edf_dur0", "record duration is 0"), ("edf_trunc", "is cut short")):
        with pytest.raises(DataError, match=sentence):
            only(CASES / case)
    uncalibrated = only(CASES / "wfdb_gain0")
    assert "200 units per mV" in " ".join(uncalibrated.warnings)
    several = only(CASES / "wfdb_multifreq")
    assert (several.spec.channels, several.spec.rate, several.spec.shape[1]) == (("II",), 250.0, 10_000)
    assert several.read().max() == pytest.approx(1.0, abs=0.02)
    beats = open_recordings(CASES / "ptbdb")
    given = {name for one in beats for name, label in one.labels.items() if label}
    assert given == {"normal", "abnormal"}


def test_emotiv_as_a_spreadsheet_saves_it(tmp_path: Path) -> None:
    text = EPOC + rows([lambda i: i % 129, lambda i: 0, *VALUES, lambda i: 1, lambda i: 0])
    (tmp_path / "epoc.csv").write_text(text.replace(",", ";").replace(".", ","), encoding="utf-16")
    recording = only(tmp_path)
    assert (recording.spec.channels, recording.spec.rate) == (("AF3", "F7", "T7", "O1"), 128.0)
    np.testing.assert_allclose(recording.read(), WAVES.T, rtol=1e-5)


def test_xml_of_nobody_known_says_what_is_read(tmp_path: Path) -> None:
    (tmp_path / "a.xml").write_text("<?xml version='1.0'?>\n<heart:StudyReport xmlns:heart='x'/>")
    with pytest.raises(DataError, match=r"'StudyReport'.*HL7 aECG"):
        open_recordings(tmp_path)
    compressed = '<?xml version="1.0"?><restingecgdata><parsedwaveforms compression="XLI"/></restingecgdata>'
    (tmp_path / "a.xml").write_text(compressed, encoding="utf-16")
    with pytest.raises(DataError, match=r"Philips.*compressed"):
        open_recordings(tmp_path)


@needs_cases
def test_one_channel_whose_unit_was_lost_is_left_out_and_said(tmp_path: Path) -> None:
    content = (CASES / "edf_micro_dotV" / "a.edf").read_bytes()
    (tmp_path / "a.edf").write_bytes(content.replace(b".V      ", b"uV      ", 2))
    recording = only(tmp_path)
    assert len(recording.spec.channels) == 2
    assert "unit cannot be read" in " ".join(recording.warnings)
    assert len(only(tmp_path, unit="uV").spec.channels) == 3
