"""Recordings that differ → those that go into one dataset, and what one example of it is."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from synth_core.data.events import annotated, event_classes
from synth_core.data.example import NO_LABEL, OTHER_CHANNELS, OTHER_LENGTH, OTHER_MODALITY, SHORT
from synth_core.data.preparation import Preparation
from synth_core.data.recording import Recording
from synth_core.data.reference import AS_RECORDED, referenced
from synth_core.data.spans import span_classes
from synth_core.errors import InvalidSetting, SpecMismatch
from synth_core.types import UNITS, DataSpec


def reconcile(
    recordings: Sequence[Recording], preparation: Preparation, left_out: Counter[str]
) -> tuple[list[Recording], DataSpec]:
    """The recordings of the most frequent modality that share channels and are long enough, and the common spec.

    Parameters
    ----------
    left_out : counts, per reason, the recordings that are not among them.

    Raises
    ------
    InvalidSetting : when none fit the preparation.
    """
    modality = Counter(recording.spec.modality for recording in recordings).most_common(1)[0][0]
    chosen = _keep(recordings, [one.spec.modality == modality for one in recordings], left_out, OTHER_MODALITY)
    classes = _classes(chosen, preparation)
    if preparation.spans is None and not preparation.classes_from_events:  # what is not known is not negative
        chosen = _keep(chosen, [set(classes) <= one.labels.keys() for one in chosen], left_out, NO_LABEL) or chosen
    if modality == "ct":
        size = preparation.image_size
        return chosen, DataSpec("ct", (1, size, size), "HU", size / preparation.field_mm, (), classes)
    available = _available(chosen, preparation)
    chosen = _keep(chosen, [bool(names) for names in available], left_out, OTHER_CHANNELS)
    available = [names for names in available if names]
    channels = preparation.channels or _common_channels(available)
    chosen = _keep(chosen, [set(channels) <= set(names) for names in available], left_out, OTHER_CHANNELS)
    if not chosen:
        found = ", ".join(available[0])
        raise InvalidSetting(f"No recording has all of the channels {', '.join(channels)}. The first has {found}.")
    rate = preparation.rate or Counter(one.spec.rate for one in chosen).most_common(1)[0][0]
    chosen, samples = _long_enough(chosen, preparation, rate, left_out)
    return chosen, DataSpec(modality, (len(channels), samples), UNITS[modality], rate, tuple(channels), classes)


def _long_enough(
    recordings: list[Recording], preparation: Preparation, rate: float, left_out: Counter[str]
) -> tuple[list[Recording], int]:
    """Those that hold a window, and its samples; without a window length, those of the most frequent length."""
    lengths = [round(recording.duration * rate) for recording in recordings]
    seconds = preparation.seconds
    if preparation.around is not None:
        seconds = preparation.before_seconds + preparation.after_seconds
    if seconds is None:
        samples = Counter(lengths).most_common(1)[0][0]
        return _keep(recordings, [length == samples for length in lengths], left_out, OTHER_LENGTH), samples
    samples = round(seconds * rate)
    if samples < 1:
        raise InvalidSetting(f"A window of {seconds:g} s has no sample at {rate:g} Hz; make it longer.")
    kept = _keep(recordings, [length >= samples for length in lengths], left_out, SHORT)
    if not kept:
        longest = max(recording.duration for recording in recordings)
        message = f"No recording is as long as a window of {seconds:g} s; the longest has {longest:g} s."
        raise InvalidSetting(message)
    return kept, samples


def _available(recordings: list[Recording], preparation: Preparation) -> list[tuple[str, ...]]:
    """The channels of each under the reference; none where it cannot be made. InvalidSetting when none can."""
    if preparation.reference != AS_RECORDED and recordings[0].spec.modality != "eeg":
        raise InvalidSetting(f"The reference {preparation.reference!r} is one of EEG; leave an ECG as recorded.")
    available: list[tuple[str, ...]] = []
    problems: list[InvalidSetting] = []
    for recording in recordings:
        if not recording.spec.channels:
            raise SpecMismatch(f"The recording {recording.record} does not name its channels; name them to prepare it.")
        try:
            available.append(referenced(recording.spec.channels, preparation.reference)[0])
        except InvalidSetting as problem:
            available.append(())
            problems.append(problem)
    if problems and not any(available):
        raise problems[0]
    return available


def _common_channels(available: list[tuple[str, ...]]) -> tuple[str, ...]:
    """Those that all have, in the order of the first; where there are none, the most frequent set."""
    shared = set.intersection(*map(set, available))
    if not shared:
        return Counter(available).most_common(1)[0][0]
    return tuple(name for name in available[0] if name in shared)


def _classes(recordings: list[Recording], preparation: Preparation) -> tuple[str, ...]:
    if recordings[0].spec.is_image:
        return _of_recordings(recordings)
    if preparation.spans is not None:
        return span_classes(preparation)
    if not preparation.classes_from_events:
        return _of_recordings(recordings)
    if not any(annotated(recording, preparation) for recording in recordings):
        named = ", ".join(map(repr, preparation.around or ()))
        message = f"No recording has annotated events called {named}, which are to be the classes."
        raise InvalidSetting(f"{message} Choose other events, or classes of the recordings.")
    return event_classes(recordings, preparation)


def _of_recordings(recordings: list[Recording]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(name for recording in recordings for name in recording.labels))


def _keep(recordings: Sequence[Recording], fits: list[bool], left_out: Counter[str], reason: str) -> list[Recording]:
    kept = [recording for recording, fit in zip(recordings, fits, strict=True) if fit]
    if len(kept) < len(recordings):
        left_out[reason] += len(recordings) - len(kept)
    return kept
