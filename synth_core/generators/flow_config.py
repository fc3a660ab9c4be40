"""Settings of the rectified flow."""

from __future__ import annotations

from typing import Any, ClassVar, Literal

from pydantic import Field

from synth_core.generators.base import GeneratorConfig
from synth_core.generators.signals import ConditionDropout, Guidance


class FlowConfig(GeneratorConfig):
    """Settings of the rectified flow; "paper" is the plain method, with its network and sampler as here."""

    PRESETS: ClassVar[dict[str, dict[str, Any]]] = {
        "paper": {
            "prediction": "velocity",
            "time_sampling": "uniform",
            "time_shift": 1.0,
            "whitening": 0.0,
            "calibration": "none",
            "learning_rate": 2e-4,
            "weight_decay": 0.0,
            "solver": "heun",
        },
    }

    dim: int = Field(
        128,
        title="Transformer width",
        ge=32,
        le=1024,
        multiple_of=16,
        description="Width; 128 trains on a CPU, 384 wants a GPU.",
    )
    depth: int = Field(
        4, title="Transformer blocks", ge=1, le=24, description="Transformer blocks; 4 on a CPU, 12 on a GPU."
    )
    heads: int = Field(4, title="Attention heads", ge=1, le=16, description="Attention heads; must divide the width.")
    patch: int | None = Field(
        None,
        title="Patch length",
        ge=1,
        le=64,
        description="Samples (or pixels a side) per token; chosen from the length when empty.",
    )
    width: int = Field(
        32, title="Stem channels", ge=4, le=256, description="Channels of the stem and head that hide patch seams."
    )
    mixing: Literal["folded", "factorised"] | None = Field(
        None,
        title="Mixing of channels",
        description="folded: all channels of a patch are one token; factorised: attention over time and over "
        "electrodes in turn, a quarter of the stem channels for each electrode. Empty: folded up to 16 channels.",
        json_schema_extra={"modalities": ["eeg", "ecg"]},
    )
    latent: Literal[1, 4, 8] = Field(
        1,
        title="Latent factor",
        description="Long records and slices of 256 pixels: an autoencoder, trained in the first 30 % of the steps, "
        "shortens each axis by this factor, and the flow runs on what it makes. 1: on the values themselves.",
    )
    learning_rate: float = Field(
        1e-3, title="Learning rate", gt=0, le=0.1, description="AdamW; small networks take 1e-3, large ones 2e-4."
    )
    weight_decay: float = Field(
        0.01, title="Weight decay", ge=0, le=1, description="Of AdamW; mild: the moving average smooths already."
    )
    condition_dropout: ConditionDropout = 0.1
    part_dropout: float = Field(
        0.2,
        title="Label or severity dropout",
        ge=0,
        le=0.9,
        description="Examples trained without their labels, and as many without their severity, where there are both: "
        "either can then be asked for alone.",
    )
    mask_dropout: float = Field(
        0.5,
        title="Mask dropout",
        ge=0,
        le=0.9,
        description="Slices trained without their lesion mask, on its own: they can then be drawn by class alone.",
        json_schema_extra={"modalities": ["ct"]},
    )
    prediction: Literal["data", "velocity"] | None = Field(
        None,
        title="Network predicts",
        description="data: clean slices and beats from small networks; velocity: for noise-like signals. "
        "Empty: velocity for EEG, data for ECG and CT.",
    )
    time_sampling: Literal["logit-normal", "mixed", "uniform"] | None = Field(
        None,
        title="Training times",
        description="logit-normal spends more of them where the velocity is hard; mixed takes half of them uniform, "
        "for the fine grain of late times. Empty: mixed where data are predicted.",
    )
    time_shift: float | None = Field(
        None,
        title="Time shift",
        ge=0.1,
        le=30,
        description="Above 1 spends more of training and sampling close to the noise, where rhythm and anatomy are "
        "decided. Empty: 1 for EEG, 8 for ECG, 2 for CT.",
    )
    whitening: float | None = Field(
        None,
        title="Spectral whitening",
        ge=0,
        le=0.5,
        description="0.5 weighs all frequencies alike, 0 as they are. Empty: 0.5 for EEG, 0.25 for ECG.",
        json_schema_extra={"modalities": ["eeg", "ecg"]},
    )
    calibration: Literal["spectrum", "stop band", "none"] | None = Field(
        None,
        title="Calibration",
        description="spectrum: after training a filter per channel and class takes away what the mean spectrum is off "
        "by; stop band: it takes away what the source's filter had taken, and nothing else. Empty: spectrum for EEG, "
        "stop band for ECG, where the other also raises the grain between the beats.",
        json_schema_extra={"modalities": ["eeg", "ecg"]},
    )
    steps: int = Field(20, title="Sampler steps", ge=1, le=500, description="Steps when sampling; 10 to 25 are enough.")
    solver: Literal["heun", "ab2", "dpm2m"] | None = Field(
        None,
        title="Solver",
        description="heun evaluates the network twice a step; ab2 and dpm2m once, with the memory of the step before. "
        "Empty: ab2 where the velocity is predicted, dpm2m where data are.",
    )
    infilling: float = Field(
        0.0,
        title="Infilling examples",
        ge=0,
        le=1,
        description="Share of examples trained with a part of them known. Missing leads are filled in without as "
        "well, but closer to the truth with it.",
    )
    guidance: Guidance = 1.0


# What a model without the setting was made with, where that is not the default of today.
BEFORE: dict[str, Any] = {"mixing": "folded", "solver": "heun", "calibration": "none"}
