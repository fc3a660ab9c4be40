"""Small valid EEG files of every reader, and mutations of them: tests and the fuzz campaign damage these."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np


@dataclass(frozen=True)
class Channel:
    """One signal of an EDF or BDF file."""

    label: str
    unit: str = "uV"
    low: float = -3276.8
    high: float = 3276.7
    samples: int = 100


def tal(onset: float, *texts: str, duration: float | None = None) -> bytes:
    """A time-stamped annotation list, without the zero that ends it."""
    length = b"" if duration is None else b"\x15" + f"{duration:g}".encode()
    return f"{onset:+g}".encode() + length + b"".join(b"\x14" + text.encode() for text in texts) + b"\x14\0"


def edf_bytes(
    channels: Sequence[Channel] = (Channel("EEG Fp1"), Channel("EEG Fp2")),
    *,
    records: int = 4,
    declared: int | None = None,
    seconds: bytes = b"1",
    bdf: bool = False,
    onsets: Sequence[float] = (),
    discontinuous: bool = True,
    keeping: bool = True,
    marks: Mapping[int, Sequence[str]] | None = None,
    lists: Mapping[int, bytes] | None = None,
    patient: bytes = b"X X X X",
    recording: bytes = b"Startdate 05-NOV-1999 X X X",
    keep: int | None = None,
) -> bytes:
    """An EDF or BDF file with a random walk in every channel, as EDF+ where records have `onsets`."""
    channels = list(channels)
    samples = [channel.samples for channel in channels]
    if onsets:
        records = len(onsets)
        channels.append(Channel("BDF Annotations" if bdf else "EDF Annotations", "", -1, 1, 40))
        samples.append(40)
    edge = 2**23 if bdf else 2**15
    kind = ("BDF+" if bdf else "EDF+") + ("D" if discontinuous else "C") if onsets else "24BIT" if bdf else ""
    columns: list[tuple[int, list[object]]] = [
        (16, [one.label for one in channels]),
        (80, ["electrode"] * len(channels)),
        (8, [one.unit for one in channels]),
        (8, [one.low for one in channels]),
        (8, [one.high for one in channels]),
        (8, [-edge] * len(channels)),
        (8, [edge - 1] * len(channels)),
        (80, ["HP:0.1Hz"] * len(channels)),
        (8, samples),
        (32, [""] * len(channels)),
    ]
    head = (b"\xffBIOSEMI" if bdf else b"0       ") + patient.ljust(80) + recording.ljust(80) + b"05.11.9911.22.33"
    head += str(256 * (1 + len(channels))).encode().ljust(8) + kind.encode().ljust(44)
    head += str(records if declared is None else declared).encode().ljust(8) + seconds.ljust(8)
    head += str(len(channels)).encode().ljust(4)
    for width, fields in columns:
        head += b"".join(str(field).encode("latin-1").ljust(width) for field in fields)
    content = bytearray(head)
    rng = np.random.default_rng(0)
    for number in range(records):
        for size in (max(one.samples, 0) for one in channels[: len(channels) - bool(onsets)]):
            stored = rng.integers(-edge, edge, size, dtype=np.int32)
            content += stored.view(np.uint8).reshape(-1, 4)[:, : 3 if bdf else 2].tobytes()
        if onsets:
            onset = onsets[number]
            texts = tal(onset, "") if keeping else b""
            texts += b"".join(tal(onset, text) for text in (marks or {}).get(number, ()))
            texts += (lists or {}).get(number, b"")
            content += texts.ljust(40 * (3 if bdf else 2), b"\0")
    return bytes(content if keep is None else content[:keep])


def _edf(folder: Path) -> None:
    (folder / "x.edf").write_bytes(edf_bytes(records=2))


def _edf_plus(folder: Path) -> None:
    (folder / "x.edf").write_bytes(edf_bytes(onsets=[0.0, 1.0, 3.0], marks={1: ["spike"]}))


def _bdf(folder: Path) -> None:
    (folder / "x.bdf").write_bytes(edf_bytes(onsets=[0.0, 1.0], bdf=True, discontinuous=False))


def brainvision(folder: Path, *, data: str = "x.eeg", marker: str = "x.vmrk", channels: str = "2") -> Path:
    """A header `x.vhdr` for two channels of 300 samples at 250 Hz, 0.5 µV per step."""
    (folder / "x.vhdr").write_text(
        "Brain Vision Data Exchange Header File Version 1.0\n[Common Infos]\nCodepage=UTF-8\n"
        f"DataFile={data}\nMarkerFile={marker}\nDataFormat=BINARY\nDataOrientation=MULTIPLEXED\n"
        f"NumberOfChannels={channels}\nSamplingInterval=4000\n[Binary Infos]\nBinaryFormat=INT_16\n"
        "[Channel Infos]\nCh1=Fp1,,0.5,µV\nCh2=Fp2,,0.5,µV\n"
    )
    (folder / "x.vmrk").write_text(
        "Brain Vision Data Exchange Marker File, Version 1.0\n[Common Infos]\nCodepage=UTF-8\nDataFile=x.eeg\n"
        "[Marker Infos]\nMk1=New Segment,,1,1,0,20010203040506000000\nMk2=Stimulus,S  1,126,1,0\n"
    )
    stored = np.random.default_rng(0).integers(-500, 500, (300, 2)).astype("<i2")
    (folder / "x.eeg").write_bytes(stored.tobytes())
    return folder / "x.vhdr"


def eeglab_structure(data: object, *, trials: int = 1, labels: Sequence[str] = ("Cz", "Pz")) -> dict[str, object]:
    """The fields of EEGLAB that matter, for two channels of 200 samples at 100 Hz."""
    locations = np.zeros(len(labels), dtype=[("labels", object), ("type", object)])
    locations["labels"], locations["type"] = labels, ""
    events = np.zeros(2, dtype=[("type", object), ("latency", object), ("duration", object)])
    events["type"], events["latency"], events["duration"] = ["a", "b"], [1.0, 51.0], [0.0, 0.0]
    return {
        "setname": "", "nbchan": 2.0, "pnts": 200.0, "trials": float(trials), "srate": 100.0, "xmin": 0.0,
        "data": data, "chanlocs": locations, "event": events, "epoch": np.zeros(0), "chaninfo": {"nosedir": "+X"},
        "icaweights": np.zeros(0), "icawinv": np.zeros(0), "icasphere": np.zeros(0), "ref": "common",
    }  # fmt: skip


def eeglab(
    folder: Path, *, data: str | None = None, trials: int = 1, flat: bool = False, compress: bool = False
) -> Path:
    """`x.set` of version 5 with its samples inside, or in the file `data`."""
    import scipy.io

    values = np.random.default_rng(0).normal(0, 20, (2, 200)).astype("<f4")
    structure = eeglab_structure(values if data is None else data, trials=trials)
    content = structure if flat else {"EEG": structure}
    scipy.io.savemat(folder / "x.set", content, appendmat=False, do_compression=compress)
    if data is not None:
        (folder / "x.fdt").write_bytes(values.T.tobytes())
    return folder / "x.set"


def fif(folder: Path, *, name: str = "x_raw.fif", seconds: int = 4, split: str | None = None) -> Path:
    """Two EEG channels, one ECG channel of no known name and one of MEG, at 200 Hz, with a person in the header."""
    import mne

    rng = np.random.default_rng(0)
    info = mne.create_info(["Cz", "probe", "heart", "MEG 001"], 200.0, ["eeg", "eeg", "ecg", "mag"])
    info["subject_info"] = {"his_id": "4711", "last_name": "Doe"}
    info["experimenter"] = "Dr No"
    raw = mne.io.RawArray(rng.normal(0, 2e-5, (4, 200 * seconds)), info, verbose="ERROR")
    raw.set_annotations(mne.Annotations([1.0], [0.5], ["spike"]))
    with mne.utils.use_log_level("ERROR"):
        raw.save(folder / name, overwrite=True, split_size=split or "2GB")
    return folder / name


def gdf(folder: Path, *, records: int = 3, declared: int | None = None, channels: int = 2) -> Path:
    """`x.gdf` of version 2.2: two channels of 100 samples per second as int16 in µV."""
    import struct

    fixed = b"GDF 2.20" + b"P-77 X Jane_Doe".ljust(66) + bytes(10 + 4) + b"".ljust(64) + bytes(16 + 16)
    fixed += struct.pack("<H", 1 + channels) + bytes(6 + 8 + 6 + 6 + 12 + 12)
    fixed += struct.pack("<qIIHH", records if declared is None else declared, 1, 1, channels, 0)
    columns = [
        b"EEG Fp1".ljust(16) + b"EEG Fp2".ljust(16),
        b" " * 160,
        b"uV".ljust(6) * 2,
        struct.pack("<HH", 4275, 4275),
    ]
    columns += [struct.pack("<dd", edge, edge) for edge in (-3276.8, 3276.7, -32768, 32767)]
    columns += [bytes(68 * 2), struct.pack("<ff", 70, 70), struct.pack("<ff", 0.1, 0.1), struct.pack("<ff", 50, 50)]
    columns += [struct.pack("<II", 100, 100), struct.pack("<II", 3, 3), bytes(32 * 2)]
    stored = np.random.default_rng(0).integers(-(2**15), 2**15, (records, 2, 100)).astype("<i2")
    (folder / "x.gdf").write_bytes(fixed + b"".join(columns) + stored.tobytes())
    return folder / "x.gdf"


def bids(root: Path, participants: str = "participant_id\tgroup\nsub-01\ta\nsub-02\tb\n") -> Path:
    """Two sessions of sub-01 and one each of sub-02 and sub-03 as EDF, with tables beside and above them."""
    root.mkdir(exist_ok=True)
    (root / "dataset_description.json").write_text('{"Name": "Made", "BIDSVersion": "1.8.0", "License": "CC0"}')
    (root / "participants.tsv").write_text(participants)
    (root / "task-rest_eeg.json").write_text('{"SamplingFrequency": 100, "PowerLineFrequency": 50}')
    (root / "task-rest_channels.tsv").write_text(
        "name\ttype\tunits\tstatus\nEEG Fp1\tEOG\tuV\tgood\nleft\tEEG\tuV\tgood\nright\tEEG\tuV\tbad\n"
    )
    channels = [Channel("EEG Fp1"), Channel("left"), Channel("right")]
    for folder, name in {
        "sub-01/ses-1/eeg": "sub-01_ses-1_task-rest", "sub-01/ses-2/eeg": "sub-01_ses-2_task-rest",
        "sub-02/eeg": "sub-02_task-rest", "sub-03/eeg": "sub-03_task-rest",
    }.items():  # fmt: skip
        (root / folder).mkdir(parents=True)
        (root / folder / f"{name}_eeg.edf").write_bytes(edf_bytes(channels))
    events = "onset\tduration\ttrial_type\tvalue\n0.5\t1.0\tspike\t1\n2.0\tn/a\tn/a\t7\n"
    (root / "sub-01/ses-1/eeg/sub-01_ses-1_task-rest_events.tsv").write_text(events)
    return root


def _arrays(write: Callable[..., None], name: str) -> Callable[[Path], None]:
    values = np.random.default_rng(0).normal(0, 20, (4, 2, 50)).astype(np.float32)
    said = {"fs": 100.0, "unit": "uV", "modality": "eeg", "y": np.array([0, 1, 0, 1])}
    return lambda folder: write(folder / name, X=values, **said)


def _hdf5(file: Path, **arrays: object) -> None:
    import h5py

    with h5py.File(file, "w") as content:
        for name, value in arrays.items():
            content[name] = value


def _matlab(file: Path, **arrays: object) -> None:
    import scipy.io

    scipy.io.savemat(file, arrays)


def _csv(folder: Path) -> None:
    lines = [f"{i / 100},{i % 7},{i % 5}" for i in range(200)]
    (folder / "x.csv").write_text("time,Fp1 (uV),Cz (uV)\n" + "\n".join(lines) + "\n")


def _parquet(folder: Path) -> None:
    import pandas as pd

    pd.DataFrame({"time": np.arange(200) / 100, "Cz (uV)": np.arange(200.0)}).to_parquet(folder / "x.parquet")


SEEDS: dict[str, Callable[[Path], object]] = {
    "edf": _edf,
    "edf+": _edf_plus,
    "bdf+": _bdf,
    "brainvision": brainvision,
    "eeglab": eeglab,
    "eeglab, compressed": lambda folder: eeglab(folder, compress=True),
    "eeglab, fdt": lambda folder: eeglab(folder, data="x.fdt"),
    "fif": fif,
    "gdf": gdf,
    "bids": bids,
    "npz": _arrays(np.savez, "x.npz"),
    "npz, compressed": _arrays(np.savez_compressed, "x.npz"),
    "hdf5": _arrays(_hdf5, "x.h5"),
    "mat": _arrays(_matlab, "x.mat"),
    "csv": _csv,
    "parquet": _parquet,
}
