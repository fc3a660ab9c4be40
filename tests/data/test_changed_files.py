"""Files that change after they were opened: a sentence in the same process, whatever the format, never a crash."""

from __future__ import annotations

import os
import pickle
from collections.abc import Callable
from pathlib import Path

import nibabel
import numpy as np
import pytest
import scipy.io

from synth_core.data import Dataset, Preparation, open_recordings, prepare
from synth_core.errors import DamagedFile, DataError
from tests.data.memory import noise_cohort
from tests.data.test_bad_input import ct_slice, edf, project, wfdb_record
from tests.test_stored_array import make_a_folder, make_a_pipe


def npy(folder: Path) -> Path:
    np.save(folder / "a.npy", np.zeros((3, 2, 5000)))
    return folder / "a.npy"


def npz(folder: Path) -> Path:
    np.savez(folder / "a.npz", x=np.zeros((3, 2, 5000)))
    return folder / "a.npz"


def packed_npz(folder: Path) -> Path:
    np.savez_compressed(folder / "a.npz", x=np.random.default_rng(0).normal(size=(3, 2, 5000)))
    return folder / "a.npz"


def nifti(folder: Path) -> Path:
    volume = np.random.default_rng(0).normal(scale=300, size=(16, 16, 8)).astype(np.int16)
    nibabel.save(nibabel.Nifti1Image(volume, np.diag([-1.0, -1, 2, 1])), folder / "a.nii")
    return folder / "a.nii"


def sagittal_nifti(folder: Path) -> Path:
    volume = np.random.default_rng(0).normal(scale=300, size=(8, 16, 16)).astype(np.int16)
    affine = np.array([[0, 0, -1.0, 0], [0, -1, 0, 0], [2, 0, 0, 0], [0, 0, 0, 1]])
    nibabel.save(nibabel.Nifti1Image(volume, affine), folder / "a.nii")
    return folder / "a.nii"


def packed_nifti(folder: Path) -> Path:
    nifti(folder).rename(folder / "b.nii")
    nibabel.save(nibabel.load(folder / "b.nii"), folder / "a.nii.gz")
    (folder / "b.nii").unlink()
    return folder / "a.nii.gz"


def eeglab(folder: Path) -> Path:
    fields = {"nbchan": 2, "pnts": 5000, "trials": 1, "srate": 100, "data": "a.fdt"}
    scipy.io.savemat(folder / "a.set", {"EEG": {**fields, "chanlocs": [{"labels": "Fp1"}, {"labels": "Fp2"}]}})
    np.zeros((5000, 2), "<f4").tofile(folder / "a.fdt")
    return folder / "a.fdt"


def invesalius(folder: Path) -> Path:
    project(folder, shape=(20, 40, 40), stored=32_000)
    return folder / "matrix.dat"


def wfdb(folder: Path) -> Path:
    return wfdb_record(folder, samples=5000, stored=5000).with_suffix(".dat")


def european(folder: Path) -> Path:
    edf(folder / "a.edf", records=50, stored=50)
    return folder / "a.edf"


def dicom(folder: Path) -> Path:
    for position in range(2):
        ct_slice(folder / f"{position}.dcm", position=position)
    return folder / "0.dcm"


FILES: dict[str, Callable[[Path], Path]] = {
    "npy": npy, "npz": npz, "npz packed": packed_npz, "nifti": nifti, "nifti sagittal": sagittal_nifti,
    "nifti packed": packed_nifti, "eeglab": eeglab, "invesalius": invesalius, "wfdb": wfdb, "edf": european,
    "dicom": dicom,
}  # fmt: skip


def shorten(file: Path) -> None:
    os.truncate(file, file.stat().st_size // 2)


def replace_by_a_shorter(file: Path) -> None:
    content = file.read_bytes()[:600]
    file.unlink()
    file.write_bytes(content)


CHANGES: dict[str, Callable[[Path], object]] = {
    "cut to half": shorten, "replaced by a shorter one": replace_by_a_shorter, "removed": Path.unlink,
    "made a folder": make_a_folder, "made a pipe": make_a_pipe,
}  # fmt: skip


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("kind", FILES)
def test_a_recording_whose_file_changed_is_a_sentence(tmp_path: Path, kind: str, change: str) -> None:
    file = FILES[kind](tmp_path)
    last = open_recordings(tmp_path, rate=100, unit="uV", modality={"np": "eeg", "ni": "ct"}.get(kind[:2]))[-1]
    travelled = pickle.loads(pickle.dumps(last))
    np.testing.assert_array_equal(travelled.read(0, 5), last.read(0, 5))
    fresh = pickle.loads(pickle.dumps(last))
    CHANGES[change](file)
    with pytest.raises(DataError, match="again"):
        fresh.read()


@pytest.mark.parametrize("change", CHANGES)
def test_a_dataset_whose_shard_changed_is_a_sentence(tmp_path: Path, change: str) -> None:
    dataset = prepare(noise_cohort(12, [{}]), tmp_path / "dataset", Preparation(seconds=1.0))
    held = pickle.loads(pickle.dumps(dataset))
    dataset.batch([0])
    CHANGES[change](tmp_path / "dataset" / "values-00000.npy")
    for one in (dataset, held, dataset.split()["train"]):
        with pytest.raises(DamagedFile, match=r"values-00000\.npy: .*prepare the dataset again"):
            one.batch(range(len(one)))
    with pytest.raises(DataError, match="again"):
        Dataset.open(tmp_path / "dataset")
