"""What whoever uses windows around events or under spans should know: sentences for the dataset."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from synth_core.data.events import annotated, moments
from synth_core.data.marks import asked_for
from synth_core.data.placement import BEATS
from synth_core.data.preparation import Preparation
from synth_core.data.recording import Recording
from synth_core.data.spans import SpanLabels
from synth_core.types import DataSpec


def notes(recordings: Sequence[Recording], spec: DataSpec, preparation: Preparation) -> list[str]:
    """The sentences that hold for a preparation; none for slices of CT, and none where windows just slide."""
    if spec.is_image:
        return []
    if preparation.spans is not None:
        return list(_of_spans(recordings, preparation))
    if preparation.around is not None and preparation.around != (BEATS,):
        return list(_of_events(recordings, spec, preparation))
    return []


def _of_events(recordings: Sequence[Recording], spec: DataSpec, preparation: Preparation) -> Iterator[str]:
    before = round(preparation.before_seconds * spec.rate)
    placed = [moments(annotated(one, preparation), spec.rate, before, spec.shape[1]) for one in recordings]
    shared = sum(moment.overlaps for own in placed for moment in own)
    if shared and preparation.classes_from_events and not preparation.drop_overlapping:
        yield (
            f"{shared} windows around events share samples with a window of another class; `drop_overlapping` leaves "
            "them out."
        )
    leads = sorted({mark.channel for one in recordings for mark, _ in asked_for(one, preparation.around or ())} - {""})
    if leads:
        yield f"Each lead was marked by itself; windows lie around the marks of {', '.join(leads)}."


def _of_spans(recordings: Sequence[Recording], preparation: Preparation) -> Iterator[str]:
    without = sum(not SpanLabels(one, preparation) for one in recordings)
    if without and preparation.outside_spans:
        yield (
            f"{without} of {len(recordings)} recordings have none of the spans, so all of their windows count as "
            f"{preparation.outside_spans!r}: check that they were looked at."
        )
