"""What a reader is, and what it is asked."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol, TypedDict

from synth_core.data.readers.files import Files
from synth_core.data.readers.units import volts
from synth_core.data.recording import Recording
from synth_core.errors import DataError, InvalidSetting
from synth_core.types import UNITS, Modality

RATES = (16.0, 100_000.0)  # Hz that an EEG or ECG can have
PIXELS = (0.01, 20.0)  # mm
COLUMN_OPTIONS = {  # option → what must be there for it to mean anything
    "labels_from": "a table of participants",
    "severity_from": "a table of participants",
    "label_column": "a table of samples",
    "subject_column": "a table of samples",
    "time_column": "a table of samples",
}


class Told(TypedDict, total=False):
    """What a caller can say about files; see Opening."""

    unit: str | None
    modality: Modality | None
    channels: tuple[str, ...] | None
    labels_from: str | None
    severity_from: str | None
    label_column: str | None
    subject_column: str | None
    time_column: str | None
    window: tuple[float, float] | None
    hu_offset: float | None
    pixel_mm: float | None
    subject_pattern: str | None
    within: Path | None


@dataclass
class Opening:
    """What the caller wants of an opening, what the files do not say themselves, and what could not be opened.

    Parameters
    ----------
    rate : Hz, for collections that keep each recording at several rates (None takes the collection's usual one) and
        for files that do not say their rate.
    window : HU at black and at white of 8-bit grey. For images None takes 0 … 80, the brain window; arrays and volumes
        ask for it.
    hu_offset : what is added to values of more than 8 bits to make them HU, where they are not; 16-bit images, volumes
        and arrays without a scale ask for it.
    pixel_mm : mm between the pixels of images and arrays, which do not say theirs; None takes the longer side as 250.
    subject_pattern : a regular expression that finds the person in the path of a file, see `identity.identified`.
    skipped : one error for each file of a readable collection that is itself damaged.
    unit : "uV", "mV", "V" or "nV", for files that do not say theirs; what a file says wins, unless no EEG or ECG
        has the amplitudes that follow (see `plausible`).
    modality : "eeg", "ecg" or "ct": what arrays and tables hold; of other files, only channels of it are taken.
    channels : names, in order, for arrays that name none; the columns that are samples, for tables.
    labels_from, severity_from : columns of a table of participants (BIDS). Every value of the one becomes a class,
        the other is scaled to 0 … 1 over the collection.
    label_column, subject_column, time_column : columns of a table of samples; time is in seconds.
    within : tables that lie above what is opened are looked for in no folder outside this one.
    used : which of COLUMN_OPTIONS a reader has made use of.

    Raises
    ------
    InvalidSetting : for a rate that is not positive, a unit that is no voltage, an unknown modality, no channels.
    """

    rate: float | None = None
    window: tuple[float, float] | None = None
    hu_offset: float | None = None
    pixel_mm: float | None = None
    subject_pattern: str | None = None
    skipped: list[DataError] = field(default_factory=list)
    unit: str | None = None
    modality: Modality | None = None
    channels: tuple[str, ...] | None = None
    labels_from: str | None = None
    severity_from: str | None = None
    label_column: str | None = None
    subject_column: str | None = None
    time_column: str | None = None
    within: Path | None = None
    used: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        if self.rate is not None and not (self.rate > 0 and math.isfinite(self.rate)):
            raise InvalidSetting(f"`rate` must be positive. Got {self.rate} instead.")
        if self.unit is not None and volts(self.unit) is None and self.unit != "HU":
            raise InvalidSetting(f"`unit` must be one of uV, mV, V, nV and HU. Got {self.unit!r} instead.")
        if self.modality is not None and self.modality not in UNITS:
            raise InvalidSetting(f"`modality` must be one of {', '.join(UNITS)}. Got {self.modality!r} instead.")
        if self.channels is not None:
            self.channels = tuple(self.channels)
            if not self.channels or len(set(self.channels)) < len(self.channels):
                raise InvalidSetting("`channels` must name at least one channel, and none twice.")

        if self.window is not None and not (self.window[0] < self.window[1] and all(map(math.isfinite, self.window))):
            raise InvalidSetting(f"`window` must go from a lower to a higher HU. Got {self.window} instead.")
        if self.hu_offset is not None and not math.isfinite(self.hu_offset):
            raise InvalidSetting(f"`hu_offset` must be a number of HU. Got {self.hu_offset} instead.")
        low, high = PIXELS
        if self.pixel_mm is not None and not low <= self.pixel_mm <= high:
            raise InvalidSetting(f"`pixel_mm` must be from {low:g} to {high:g} mm. Got {self.pixel_mm:g} instead.")

    def check_used(self) -> None:
        """InvalidSetting for an option that no reader could make use of: it would be ignored in silence."""
        for option, needed in COLUMN_OPTIONS.items():
            if getattr(self, option) is not None and option not in self.used:
                raise InvalidSetting(f"`{option}` was given, but {needed} was not found.")


class Reader(Protocol):
    """A module of `synth_core.data.readers`: one format."""

    def read(self, files: Files, opening: Opening) -> list[Recording]:
        """The recordings of this format among `files`, which it takes; headers only where the format has headers.

        None, and nothing taken, where no file is of the format by its content. A damaged file goes to
        `opening.skipped`; a damaged collection raises DataError.
        """
        ...
