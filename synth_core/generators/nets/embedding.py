"""Embeddings of time and of conditions."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from synth_core.types import Condition


def sinusoidal(positions: Tensor, dim: int, longest: float = 10_000.0) -> Tensor:
    """(…,) positions to (…, dim): half sines, half cosines, wavelengths up to `longest` (Vaswani 2017, 3.5)."""
    frequencies = torch.exp(-math.log(longest) * torch.arange(dim // 2, device=positions.device) / (dim // 2))
    angles = positions[..., None].float() * frequencies
    return torch.cat([angles.sin(), angles.cos()], dim=-1)


class ConditionEmbedding(nn.Module):
    """Labels (several may be 1) and severity to one vector; each part may be missing, for some rows or for all.

    A missing part is a vector of its own, not zero: "unknown" must differ from "no class" for guidance.
    """

    def __init__(self, classes: int, dim: int) -> None:
        super().__init__()
        self.labels = nn.Linear(classes, dim) if classes else None
        self.severity = nn.Sequential(nn.Linear(1, dim), nn.SiLU(), nn.Linear(dim, dim))
        self.missing_labels = nn.Parameter(torch.randn(dim) * 0.02)
        self.missing_severity = nn.Parameter(torch.zeros(dim))

    def forward(
        self, condition: Condition, n: int, keep: Tensor | None = None, keep_severity: Tensor | None = None
    ) -> Tensor:
        """(n, dim); rows where `keep` (n,) is False are embedded as if nothing were given.

        With `keep_severity` (n,) this is asked of the severity instead, and `keep` of the labels alone. A severity of
        NaN is embedded as if it were not given.
        """
        keep_severity = keep if keep_severity is None else keep_severity
        missing = self.missing_labels.expand(n, -1)
        labels = missing
        if self.labels is not None and condition.labels is not None:
            labels = self.labels(condition.labels.to(missing.dtype))
            labels = labels if keep is None else torch.where(keep[:, None], labels, missing)
        missing = self.missing_severity.expand(n, -1)
        severity = missing
        if condition.severity is not None:
            known = ~condition.severity.isnan()
            keep_severity = known if keep_severity is None else known & keep_severity
            severity = self.severity(condition.severity.nan_to_num(0.0)[:, None].to(missing.dtype))
            severity = torch.where(keep_severity[:, None], severity, missing)
        return labels + severity


class LabelEmbedding(nn.Module):
    """Labels (several may be 1) to one vector; zeros where none are given."""

    def __init__(self, classes: int, dim: int) -> None:
        super().__init__()
        self.labels = nn.Linear(classes, dim, bias=False)

    def forward(self, condition: Condition, n: int) -> Tensor:
        """(n, dim)."""
        weight = self.labels.weight
        if condition.labels is None:
            return weight.new_zeros(n, len(weight))
        embedded: Tensor = self.labels(condition.labels.to(weight.dtype))
        return embedded
