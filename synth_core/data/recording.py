"""One file or series, opened lazily, in physical units."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import PurePath
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from synth_core.types import DataSpec

BEAT, RHYTHM, NOISE = "beat", "rhythm", "noise"
Basis = Literal["stated", "table", "layout", "pattern", "guess"]


@dataclass(frozen=True)
class Annotation:
    """Something marked in time: seconds from the start, seconds long, in the words of the file.

    `kind` is BEAT, RHYTHM or NOISE where the format tells them apart; the text of a beat begins with its symbol.
    `channel` is the lead or electrode that it was marked in, "" where it holds for all.
    """

    onset: float
    duration: float
    text: str
    kind: str = ""
    channel: str = ""


@dataclass(frozen=True)
class Evidence:
    """What is known of whose a recording is, before `identity` decides.

    Parameters
    ----------
    place : where the file lies, with all folders above it; inside an archive, below the place of the archive.
    shown : the path that a user sees and that a pattern is searched in: from the opened folder on.
    stated : the code of the patient in the file, "" where it has none. public : whether it may be shown as it is.
    table : the person that a table names.
    known : a collection that was recognised by more than its path. Each of its records is one person; with a note,
        which says that this is not known, it counts as one.
    collection : goes before the name of the person where several collections were opened together.
    whole : who it is from where nothing says so, such as the file for all examples in it; "" for the record.
    note : the sentence that is then said.
    """

    place: PurePath
    shown: str
    stated: str = field(default="", repr=False)
    public: bool = False
    table: str = ""
    known: str = ""
    collection: str = ""
    whole: str = ""
    note: str = ""


@dataclass(frozen=True)
class Source:
    """Where recordings come from: the name of the collection, its licence and how to cite it, when known.

    `simulated`: made from equations. `synthetic`: drawn from a generator that was trained on data; `origin` says which.
    """

    name: str
    licence: str = "not stated"
    citation: str = ""
    simulated: bool = False
    synthetic: bool = False
    origin: str = ""

    @classmethod
    def joined(cls, sources: Iterable[Source]) -> Source:
        """All of them as one, each name, licence and citation once; simulated, and synthetic, when any is."""
        each = list(dict.fromkeys(sources))

        def together(parts: Iterable[str]) -> str:
            return "; ".join(dict.fromkeys(part for part in parts if part))

        return cls(
            together(source.name for source in each),
            together(source.licence for source in each),
            together(source.citation for source in each),
            any(source.simulated for source in each),
            any(source.synthetic for source in each),
            together(source.origin for source in each),
        )


@dataclass
class Recording(ABC):
    """One recording; a reader subclasses it and implements `read`.

    Parameters
    ----------
    spec : the whole recording: (channels, samples) for signals; (1, height, width), one slice, for CT.
    subject : who it is from; a file where the archive names no person. Splits keep a subject together.
    record : a name unique within its collection.
    labels : class name → 1 or 0, over all classes that the collection knows; a class that is missing is not known.
    basis : what `subject` rests on: stated in the file, a table, the layout of a known collection, the pattern of the
        user, or a guess.
    warnings : sentences that whoever uses the recording should know; they travel into what is made of it.
    stated_unit : the unit that the file states for its numbers, "" for none; values are in that of the spec.
    evidence : what a reader knows of the subject; `open_recordings` decides by it (see `identity`).
    slice_labels : for CT whose classes are known slice by slice, one mapping per slice.
    severity : in [0, 1] where the collection has one.
    annotations : events in time, for signals.
    slices : number of slices of a CT series, 1 for signals.
    source : collection, licence, citation.
    metadata : what else the file says, for display.
    """

    spec: DataSpec
    subject: str
    record: str
    labels: Mapping[str, int] = field(default_factory=dict)
    severity: float | None = None
    annotations: tuple[Annotation, ...] = ()
    slices: int = 1
    source: Source = Source("unnamed")
    metadata: Mapping[str, Any] = field(default_factory=dict)
    basis: Basis = "stated"
    warnings: tuple[str, ...] = ()
    evidence: Evidence | None = None
    slice_labels: tuple[Mapping[str, int], ...] = ()
    stated_unit: str = ""

    @property
    def duration(self) -> float:
        """Seconds for signals, number of slices for CT."""
        return float(self.slices) if self.spec.is_image else self.spec.seconds

    @abstractmethod
    def read(self, start: int | None = None, stop: int | None = None) -> NDArray[np.float32]:
        """Samples (or slices) start … stop − 1, as `x[start:stop]` would give.

        Returns
        -------
        (channels, stop − start) in the spec's unit for signals; (stop − start, height, width) in HU for CT.

        Raises
        ------
        DamagedFile : when the file ends early or contradicts its header.
        """

    def lesion_mask(self, start: int | None = None, stop: int | None = None) -> NDArray[np.float32] | None:
        """(stop − start, height, width) in [0, 1] for CT whose lesions are known, else None."""
        return None

    def span(self, start: int | None, stop: int | None) -> tuple[int, int]:
        """`start` and `stop` as `x[start:stop]` takes them: within the recording, `stop` never before `start`."""
        length = self.slices if self.spec.is_image else self.spec.shape[1]
        first, last, _ = slice(start, stop).indices(length)
        return first, max(first, last)


@dataclass(kw_only=True)
class MemoryRecording(Recording):
    """A signal that was read whole, as tables are; `values` is (channels, samples) in the unit of the spec."""

    values: NDArray[np.float32] = field(repr=False)

    def read(self, start: int | None = None, stop: int | None = None) -> NDArray[np.float32]:
        """See Recording."""
        first, last = self.span(start, stop)
        return self.values[:, first:last].copy()
