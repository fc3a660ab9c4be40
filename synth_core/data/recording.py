"""One file or series, opened lazily, in physical units."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from synth_core.types import DataSpec

BEAT, RHYTHM, NOISE = "beat", "rhythm", "noise"


@dataclass(frozen=True)
class Annotation:
    """Something marked in time: seconds from the start, seconds long, in the words of the file.

    `kind` is BEAT, RHYTHM or NOISE where the format tells them apart; the text of a beat begins with its symbol.
    """

    onset: float
    duration: float
    text: str
    kind: str = ""


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
    labels : class name → 1 or 0, over all classes that the collection knows.
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
