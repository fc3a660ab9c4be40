"""BrainVision, EEGLAB, FIF and GDF: what MNE reads, of one modality, and nothing outside the folder."""

from __future__ import annotations

import shutil
import struct
from pathlib import Path

import h5py
import mne
import numpy as np
import pytest
import scipy.io

from synth_core.data import Annotation, open_recordings
from synth_core.errors import DamagedFile, DataError
from tests.data.fuzz_eeg import brainvision, eeglab, fif, gdf

pytestmark = pytest.mark.filterwarnings("ignore::RuntimeWarning")


def assert_equals_mne(recording: object, raw: mne.io.BaseRaw, names: list[str]) -> None:
    volts = raw.get_data(picks=names)
    expected = (volts * (1e6 if recording.spec.unit == "uV" else 1e3)).astype(np.float32)  # type: ignore[attr-defined]
    np.testing.assert_array_equal(recording.read(), expected)  # type: ignore[attr-defined]
    np.testing.assert_array_equal(recording.read(17, 99), expected[:, 17:99])  # type: ignore[attr-defined]


@pytest.mark.data
def test_the_brainvision_file_of_mne(shared_data: Path) -> None:
    file = shared_data / "eeg/brainvision_mne/test.vhdr"
    recording = open_recordings(file.parent)[0]
    raw = mne.io.read_raw_brainvision(file, verbose="ERROR")
    assert (recording.spec.shape, recording.spec.rate) == ((26, 7900), 1000.0)
    assert_equals_mne(recording, raw, raw.ch_names[:26])
    assert recording.metadata["channels left out"] == ["CP5", "CP6", "HL", "HR", "Vb", "ReRef"]
    assert [one.onset for one in recording.annotations] == list(raw.annotations.onset)
    assert recording.metadata["removed"] == ["measurement date"]


@pytest.mark.data
def test_the_eeglab_file_with_its_samples_beside_it(shared_data: Path) -> None:
    file = shared_data / "eeg/eeglab_sample/eeglab_data.set"
    recording = open_recordings(file.parent)[0]
    raw = mne.io.read_raw_eeglab(file, verbose="ERROR")
    assert (recording.spec.shape, recording.spec.rate) == ((30, 30504), 128.0)
    assert_equals_mne(recording, raw, [name for name in raw.ch_names if not name.startswith("EOG")])
    stored = np.fromfile(file.with_suffix(".fdt"), "<f4").reshape(-1, 32).T
    np.testing.assert_allclose(recording.read()[0], stored[0], rtol=1e-6)
    assert len(recording.annotations) == 154


@pytest.mark.parametrize("name", ["x.vhdr", "x.txt", "header"])
def test_brainvision_is_told_by_its_content(tmp_path: Path, name: str) -> None:
    brainvision(tmp_path).rename(tmp_path / name)
    recordings = open_recordings(tmp_path)
    assert [one.spec.shape for one in recordings] == [(2, 300)]
    stored = np.fromfile(tmp_path / "x.eeg", "<i2").reshape(-1, 2).T
    np.testing.assert_allclose(recordings[0].read(), 0.5 * stored, rtol=1e-6)
    assert recordings[0].annotations[-1] == Annotation(0.5, 0.004, "Stimulus/S  1")


@pytest.mark.parametrize("name", ["../x.eeg", "/etc/passwd", "a/x.eeg", "C:\\x.eeg"])
@pytest.mark.parametrize("entry", ["data", "marker"])
def test_brainvision_cannot_name_a_file_elsewhere(tmp_path: Path, name: str, entry: str) -> None:
    with pytest.raises(DamagedFile, match="outside its own folder"):
        open_recordings(brainvision(tmp_path, **{entry: name}))


@pytest.mark.parametrize("settings", [{}, {"data": "x.fdt"}, {"flat": True}, {"compress": True}, {"data": "gone.fdt"}])
def test_eeglab_with_samples_inside_and_beside(tmp_path: Path, settings: dict[str, object]) -> None:
    recording = open_recordings(eeglab(tmp_path, **settings))[0]  # type: ignore[arg-type]
    values = np.random.default_rng(0).normal(0, 20, (2, 200)).astype(np.float32)
    np.testing.assert_allclose(recording.read(), values, rtol=1e-6)
    assert recording.spec.channels == ("Cz", "Pz")
    assert [(one.onset, one.text) for one in recording.annotations] == [(0.0, "a"), (0.5, "b")]


def test_eeglab_is_told_by_its_content(tmp_path: Path) -> None:
    eeglab(tmp_path).rename(tmp_path / "x.mat")
    assert open_recordings(tmp_path)[0].spec.shape == (2, 200)


def eeglab_7(file: Path, data: h5py.ExternalLink | np.ndarray) -> Path:
    """The layout of MATLAB 7.3: every field an array of the HDF5 file, texts as numbers, a header of MATLAB before."""
    with h5py.File(file, "w", userblock_size=512) as content:
        group = content.create_group("EEG")
        group.attrs["MATLAB_class"] = np.bytes_("struct")
        for name, value in {"nbchan": 2.0, "pnts": 200.0, "trials": 1.0, "srate": 100.0, "xmin": 0.0}.items():
            group.create_dataset(name, data=[[value]]).attrs["MATLAB_class"] = np.bytes_("double")
        if isinstance(data, h5py.ExternalLink):
            group["data"] = data
        else:
            group.create_dataset("data", data=data.T).attrs["MATLAB_class"] = np.bytes_("single")
        texts = content.create_group("#refs#")
        references = []
        for i, name in enumerate(("Cz", "Pz")):
            array = texts.create_dataset(str(i), data=np.array([[ord(one)] for one in name], np.uint16))
            array.attrs["MATLAB_class"] = np.bytes_("char")
            references.append([array.ref])
        locations = group.create_group("chanlocs")
        locations.attrs["MATLAB_class"] = np.bytes_("struct")
        locations.create_dataset("labels", data=np.array(references, dtype=h5py.ref_dtype))
        for name in ("event", "epoch", "icaweights", "icawinv", "icasphere"):
            group.create_dataset(name, data=np.zeros(2, np.uint64)).attrs["MATLAB_empty"] = 1
    with file.open("r+b") as opened:
        opened.write(b"MATLAB 7.3 MAT-file".ljust(124) + b"\x00\x02IM")
    return file


def test_eeglab_of_version_7(tmp_path: Path) -> None:
    values = np.random.default_rng(0).normal(0, 20, (2, 200)).astype(np.float32)
    recording = open_recordings(eeglab_7(tmp_path / "x.set", values))[0]
    np.testing.assert_allclose(recording.read(), values, rtol=1e-6)
    assert recording.spec.channels == ("Cz", "Pz")


def test_eeglab_of_version_7_cannot_lead_to_another_file(tmp_path: Path) -> None:
    file = eeglab_7(tmp_path / "x.set", h5py.ExternalLink("/etc/passwd", "/data"))
    with pytest.raises(DamagedFile, match="refers to another file"):
        open_recordings(file)


def test_fif_has_types_of_its_own(tmp_path: Path) -> None:
    file = fif(tmp_path)
    recording = open_recordings(tmp_path)[0]
    assert recording.spec.channels == ("Cz", "probe")
    assert recording.metadata["channels left out"] == ["heart", "MEG 001"]
    assert_equals_mne(recording, mne.io.read_raw_fif(file, verbose="ERROR"), ["Cz", "probe"])
    assert recording.annotations == (Annotation(1.0, 0.5, "spike"),)
    heart = open_recordings(tmp_path, modality="ecg")[0]
    assert (heart.spec.channels, heart.spec.unit) == (("heart",), "mV")


def test_nothing_personal_of_a_fif_is_kept(tmp_path: Path) -> None:
    fif(tmp_path)
    recording = open_recordings(tmp_path)[0]
    assert recording.metadata["removed"] == ["subject", "experimenter"]
    assert recording.subject.startswith("patient-")
    for word in ("4711", "Doe", "Dr No"):
        assert word not in repr(recording)


def test_the_parts_of_a_fif_are_one_recording(tmp_path: Path) -> None:
    file = fif(tmp_path, seconds=2000, split="3MB")
    assert len(list(tmp_path.iterdir())) > 1
    recording = open_recordings(tmp_path)[0]
    assert len(open_recordings(tmp_path)) == 1
    assert recording.record == "x_raw"
    assert_equals_mne(recording, mne.io.read_raw_fif(file, verbose="ERROR"), ["Cz", "probe"])
    (tmp_path / "x_raw-1.fif").unlink()
    with pytest.raises(DataError, match="x_raw"):
        open_recordings(tmp_path / "x_raw.fif")


def test_a_fif_cannot_name_a_part_elsewhere(tmp_path: Path) -> None:
    file = fif(tmp_path)
    name = b"/etc/passwd"
    tag = struct.pack(">iiii", 118, 10, len(name), 0) + name
    content = file.read_bytes()
    first = 16 + 20
    file.write_bytes(
        content[:12] + struct.pack(">i", len(content)) + content[16:] + tag[:12] + struct.pack(">i", first) + name
    )
    with pytest.raises(DamagedFile, match="outside its own folder"):
        open_recordings(file)


def test_epochs_are_refused_in_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="holds 3 epochs"):
        open_recordings(eeglab(tmp_path, trials=3))
    (tmp_path / "x.set").unlink()
    info = mne.create_info(["Cz"], 100.0, "eeg")
    mne.EpochsArray(np.zeros((2, 1, 50)), info, verbose="ERROR").save(tmp_path / "x-epo.fif", verbose="ERROR")
    with pytest.raises(DataError, match="no continuous recording"):
        open_recordings(tmp_path)


@pytest.mark.parametrize("name", ["x.gdf", "x.dat"])
def test_gdf_equals_mne(tmp_path: Path, name: str) -> None:
    file = gdf(tmp_path)
    shutil.copy(file, tmp_path.parent / "as_mne_wants.gdf")
    file.rename(tmp_path / name)
    recording = open_recordings(tmp_path)[0]
    raw = mne.io.read_raw_gdf(tmp_path.parent / "as_mne_wants.gdf", verbose="ERROR")
    assert recording.spec.shape == (2, 300)
    assert_equals_mne(recording, raw, raw.ch_names)
    stored = np.frombuffer((tmp_path / name).read_bytes()[768:], "<i2").reshape(3, 2, 100)
    np.testing.assert_allclose(recording.read()[1], stored[:, 1].reshape(-1) * 0.1, atol=1e-3)
    assert "Jane" not in repr(recording)


BAD = {
    "brainvision, no samples": (lambda folder: brainvision(folder, data="y.eeg"), "y.eeg, which is not beside it"),
    "brainvision, many channels": (lambda folder: brainvision(folder, channels="99999999"), "declares 99999999"),
    "brainvision, cut": (lambda folder: (brainvision(folder), (folder / "x.eeg").write_bytes(b"")), "x.vhdr: "),
    "eeglab, no samples": (lambda folder: (eeglab(folder, data="x.fdt"), (folder / "x.fdt").unlink()), "not beside"),
    "eeglab, elsewhere": (lambda folder: eeglab(folder, data="../x.fdt"), "outside its own folder"),
    "eeglab, cut": (lambda folder: (eeglab(folder), cut(folder / "x.set")), "ends before its last variable"),
    "eeglab, cut samples": (lambda folder: (eeglab(folder, data="x.fdt"), cut(folder / "x.fdt")), "x.fdt: is cut"),
    "gdf, cut": (lambda folder: (gdf(folder), cut(folder / "x.gdf")), "is cut short"),
    "gdf, many records": (lambda folder: gdf(folder, declared=2**50), "records"),
    "fif, cut": (lambda folder: (fif(folder), cut(folder / "x_raw.fif")), "x_raw.fif: "),
}


def cut(file: Path) -> None:
    file.write_bytes(file.read_bytes()[: file.stat().st_size * 3 // 4])


@pytest.mark.parametrize("case", BAD)
def test_a_bad_file_is_one_sentence(tmp_path: Path, case: str) -> None:
    make, expected = BAD[case]
    make(tmp_path)
    with pytest.raises(DataError) as caught:
        open_recordings(tmp_path)
    assert expected in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_small_matlab_file_that_unpacks_to_gigabytes_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from synth_core.data.readers import matlab

    monkeypatch.setattr(matlab, "LARGEST", 2**20)
    scipy.io.savemat(tmp_path / "x.mat", {"EEG": np.zeros((2, 2**20))}, do_compression=True)
    assert (tmp_path / "x.mat").stat().st_size < 2**17
    with pytest.raises(DataError, match="unpacks to more than"):
        open_recordings(tmp_path)
