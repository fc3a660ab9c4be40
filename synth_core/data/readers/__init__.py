"""The formats that are read, one module each. To add a format, write its module and list it here."""

from synth_core.data.readers import (
    arrays,
    bids,
    bonn,
    brainvision,
    dicom_ct,
    edf,
    eeglab,
    fif,
    gdf,
    invesalius,
    ptbxl,
    table,
    uci_csv,
    wfdb,
)
from synth_core.data.readers.base import Reader

# in order of trial: collections that use a general format come before the format
READERS: tuple[Reader, ...] = (
    ptbxl,
    bids,
    wfdb,
    invesalius,
    edf,
    brainvision,
    eeglab,
    fif,
    gdf,
    bonn,
    uci_csv,
    dicom_ct,
    arrays,
    table,
)
