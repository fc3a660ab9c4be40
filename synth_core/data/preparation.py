"""What is done to recordings on their way into a dataset."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal, Self

from pydantic import Field, JsonValue, model_validator

from synth_core.data.placement import ECG, SIGNALS, Placement
from synth_core.data.recording import Recording
from synth_core.data.reference import AS_RECORDED, Reference
from synth_core.errors import InvalidSetting
from synth_core.settings import checked

EEG: list[JsonValue] = ["eeg"]
CT: list[JsonValue] = ["ct"]
BONN_RATE = 173.61  # Hz
BONN_WINDOW = 178  # samples of the published benchmark, 1.025 s


class Preparation(Placement):
    """Settings of `prepare`; None means not applied. Signals use the first group, CT the second.

    Raises
    ------
    pydantic.ValidationError : for a value out of its bounds; `Preparation.checked` raises InvalidSetting instead.
    """

    seconds: float | None = Field(
        default=None,
        gt=0,
        le=3600,
        description="Length of a window. Not set: whole recordings, those of the most frequent length.",
        json_schema_extra={"unit": "s", "modalities": SIGNALS},
        title="Window",
    )
    stride_seconds: float | None = Field(
        default=None,
        gt=0,
        le=3600,
        description="From the start of one window to the next. Not set: windows follow one another without overlap.",
        json_schema_extra={"unit": "s", "modalities": SIGNALS},
        title="Stride",
    )
    rate: float | None = Field(
        default=None,
        gt=0,
        le=50_000,
        description="Sampling rate of the dataset. Not set: the most frequent rate of the recordings.",
        json_schema_extra={"unit": "Hz", "modalities": SIGNALS},
        title="Rate",
    )
    highpass: float | None = Field(
        default=None,
        gt=0,
        description="Removes drift below this, zero-phase. Above 0.67 Hz it bends the ST segment of an ECG.",
        json_schema_extra={"unit": "Hz", "modalities": SIGNALS},
        title="High-pass",
    )
    lowpass: float | None = Field(
        default=None,
        gt=0,
        description="Removes muscle and mains noise above this, zero-phase.",
        json_schema_extra={"unit": "Hz", "modalities": SIGNALS},
        title="Low-pass",
    )
    notch: float | None = Field(
        default=None,
        gt=0,
        description="Removes mains hum, 50 or 60, where no low-pass does.",
        json_schema_extra={"unit": "Hz", "modalities": SIGNALS},
        title="Notch",
    )
    baseline: Literal["highpass", "median"] | None = Field(
        default=None,
        description="How baseline wander goes. High-pass: at the corner above, or 0.5 Hz. Median: two running medians "
        "of 200 and 600 ms are subtracted (de Chazal et al. 2004), for ECG; the ST segment keeps its shape.",
        title="Baseline wander",
        json_schema_extra={"modalities": ECG},
    )
    reference: Reference = Field(
        default=AS_RECORDED,
        description="What an EEG electrode is measured against. Bipolar chains make channels such as Fp1-F7.",
        title="Reference",
        json_schema_extra={"modalities": EEG},
    )
    channels: tuple[str, ...] | None = Field(
        default=None,
        description="Channels to keep, in this order. Not set: those that all recordings have.",
        title="Channels",
        json_schema_extra={"modalities": SIGNALS},
    )
    flat_seconds: float = Field(
        default=2.0,
        gt=0,
        le=60,
        description="A channel that does not change for this long is disconnected: the window is left out.",
        json_schema_extra={"unit": "s", "modalities": SIGNALS},
        title="Longest flat stretch",
    )
    max_abs: float | None = Field(
        default=None,
        gt=0,
        description="A window that goes beyond this after filtering is an artefact and left out.",
        json_schema_extra={"unit": "µV or mV", "modalities": SIGNALS},
        title="Largest amplitude",
    )
    max_clipped: float = Field(
        default=0.01,
        ge=0,
        le=1,
        description="Share of samples that may sit at the end of the range; a window with more is left out.",
        title="Largest clipped share",
        json_schema_extra={"modalities": SIGNALS},
    )
    max_step: float | None = Field(
        default=None,
        gt=0,
        description="A window that jumps by more than this from one sample to the next is an artefact and left out.",
        json_schema_extra={"unit": "µV or mV", "modalities": SIGNALS},
        title="Largest jump",
    )
    max_line_noise: float | None = Field(
        default=None,
        gt=0,
        le=1,
        description="Share of the power of a channel, before filtering, that may lie within 1 Hz of 50 or of 60 Hz; "
        "a window with more is left out.",
        title="Largest share of mains hum",
        json_schema_extra={"modalities": SIGNALS},
    )
    bad_channel_z: float | None = Field(
        default=None,
        gt=0,
        le=100,
        description="A channel whose log variance is further than this from the median of its recording, in robust "
        "standard deviations, is bad: the windows that need it are left out. 5 is usual (Bigdely-Shamlo et al. 2015).",
        title="Bad channel, by variance (z)",
        json_schema_extra={"modalities": SIGNALS},
    )
    bad_channel_correlation: float | None = Field(
        default=None,
        gt=0,
        lt=1,
        description="A channel that correlates with no other by this much is bad: the windows that need it are left "
        "out. 0.4 is usual (Bigdely-Shamlo et al. 2015).",
        title="Bad channel, by correlation",
        json_schema_extra={"modalities": SIGNALS},
    )
    image_size: Literal[64, 128, 256] = Field(
        default=64,
        description="Height and width of a CT slice: 64 trains in minutes on a processor, 256 shows fine structure.",
        json_schema_extra={"unit": "pixels", "modalities": CT},
        title="Size of a slice",
    )
    field_mm: float = Field(
        default=250.0,
        ge=50,
        le=600,
        description="Side of the square that is cut around the head; 250 holds an adult head.",
        json_schema_extra={"unit": "mm", "modalities": CT},
        title="Field",
    )
    min_head: float = Field(
        default=0.1,
        ge=0,
        le=1,
        description="Share of the square that the head must fill; slices with less are left out.",
        title="Least share of head",
        json_schema_extra={"modalities": CT},
    )

    hu_low: float | None = Field(
        default=None,
        ge=-1024,
        le=3000,
        description="Values below are raised to this. Not set: nothing is cut; generators scale air to bone as it is.",
        json_schema_extra={"unit": "HU", "modalities": CT},
        title="Lowest value",
    )
    hu_high: float | None = Field(
        default=None,
        ge=-1000,
        le=32_000,
        description="Values above are lowered to this; calcifications reach 400 and more. Not set: nothing is cut.",
        json_schema_extra={"unit": "HU", "modalities": CT},
        title="Highest value",
    )
    lesions: Literal["none", "candidates", "mask"] = Field(
        default="mask",
        description="Lesion masks: none; those that come with the recordings, when all have one (mask); or, where "
        "a recording has none, what in the brain is as dense as calcification (candidates).",
        title="Lesion masks",
        json_schema_extra={"modalities": CT},
    )
    lesion_threshold: float = Field(
        default=100.0,
        ge=50,
        le=1000,
        description="What is denser inside the brain is a candidate; clotted blood stays below about 90.",
        json_schema_extra={"unit": "HU", "modalities": CT},
        title="Lesion threshold",
    )
    lesion_smallest: float = Field(
        default=5.0,
        ge=0,
        le=10_000,
        description="Candidates smaller than this in a slice are noise.",
        json_schema_extra={"unit": "mm³", "modalities": CT},
        title="Smallest lesion",
    )
    lesion_largest: float = Field(
        default=30_000.0,
        gt=0,
        le=1_000_000,
        description="Candidates larger than this in a slice are something else: contrast, metal.",
        json_schema_extra={"unit": "mm³", "modalities": CT},
        title="Largest lesion",
    )
    lesion_region: Literal["brain", "basal ganglia"] = Field(
        default="brain",
        description="Where candidates are looked for; the basal ganglia are a fixed share of the brain's outline.",
        title="Lesion region",
        json_schema_extra={"modalities": CT},
    )
    severity_from_volume: bool = Field(
        default=False,
        description="Severity is v / (v + 1000 mm³) of the lesions of a series, in place of what the recording says.",
        title="Severity from lesion volume",
        json_schema_extra={"modalities": CT},
    )

    @model_validator(mode="after")
    def _corners_in_order(self) -> Self:
        if self.highpass is not None and self.lowpass is not None and self.highpass >= self.lowpass:
            raise ValueError(f"the high-pass of {self.highpass:g} Hz must be below the low-pass of {self.lowpass:g} Hz")
        if self.hu_low is not None and self.hu_high is not None and self.hu_low >= self.hu_high:
            raise ValueError(f"the lowest value of {self.hu_low:g} HU must be below the highest of {self.hu_high:g} HU")
        if self.lesions == "candidates" and self.hu_high is not None and self.hu_high <= self.lesion_threshold:
            raise ValueError(f"a highest value of {self.hu_high:g} HU would cut the lesions that are looked for")
        if self.lesion_smallest >= self.lesion_largest:
            raise ValueError("the smallest lesion must be smaller than the largest")
        if self.channels is not None and (not self.channels or len(set(self.channels)) != len(self.channels)):
            raise ValueError("name at least one channel, and none twice")
        return self

    @classmethod
    def checked(cls, settings: dict[str, Any]) -> Self:
        """From a form or the command line; InvalidSetting names the first setting that does not fit."""
        return checked(cls, settings, "the preparation")

    @classmethod
    def suggested(cls, recordings: Sequence[Recording]) -> Self:
        """Defaults for these recordings, by the modality of the first.

        CT: 64 pixels over 250 mm. ECG: 10 s at its own rate, high-pass 0.5 Hz (zero-phase, so the ST segment stays:
        Kligfield et al. 2007). EEG of the Bonn sets: the published 178 samples, unfiltered as archived. Other EEG:
        4 s at 128 Hz between 1 and 45 Hz. Windows are shortened to the shortest recording.
        """
        if not recordings:
            raise InvalidSetting("There are no recordings to suggest a preparation for.")
        first = recordings[0].spec
        if first.modality == "ct":
            return cls()
        shortest = min(recording.duration for recording in recordings if recording.spec.modality == first.modality)
        if recordings[0].metadata.get("amplitude") == "relative":  # single beats, padded with zeros: not to be filtered
            return cls(seconds=shortest, max_clipped=1.0)
        if first.modality == "ecg":
            return cls(seconds=min(10.0, shortest), highpass=0.5, max_abs=20.0)
        if abs(first.rate - BONN_RATE) < 0.01:
            return cls(seconds=BONN_WINDOW / first.rate)
        rate = min(128.0, first.rate)
        return cls(seconds=min(4.0, shortest), rate=rate, highpass=1.0, lowpass=min(45.0, 0.4 * rate), max_abs=1000.0)
