"""The formats that are read, one module each. To add a format, write its module and list it here."""

from synth_core.data.readers import (
    bonn,
    dicom_ct,
    dicom_ecg,
    edf,
    heartbeats_csv,
    hl7_aecg,
    image_folder,
    invesalius,
    nifti,
    ptbxl,
    raw_volume,
    uci_csv,
    wfdb,
    wfdb_segments,
)
from synth_core.data.readers.base import Reader

# in order of trial: collections that use a general format come before the format
READERS: tuple[Reader, ...] = (
    image_folder,
    ptbxl,
    wfdb_segments,
    wfdb,
    invesalius,
    edf,
    bonn,
    uci_csv,
    heartbeats_csv,
    hl7_aecg,
    dicom_ecg,
    dicom_ct,
    nifti,
    raw_volume,
)
