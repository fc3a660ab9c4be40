"""Convolutional generator and critic: a ladder of strided stages between a small map and the example.

WaveGAN (Donahue et al. 2018, arXiv 1802.04208), the public WGAN-GP example and DCGAN are all of this form; they differ
in kernel, widths, normalisation and the last layer.
"""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from synth_core.generators.nets.attention import SelfAttention
from synth_core.generators.nets.lesion import MaskModulation, mask_channels
from synth_core.generators.nets.shift import phase_shuffle
from synth_core.types import Condition

NARROWEST = 16  # channels of a stage
ATTENDED = {1: 128, 2: 1024}  # positions that attention looks at, about: 32 × 32 in SAGAN
PROJECTED = 64  # length of the vectors whose product says how well an example fits its condition


@dataclass(frozen=True)
class Ladder:
    """Sizes and widths of the stages, from the smallest map to the example.

    Parameters
    ----------
    channels, size : of an example, as the network sees it.
    smallest : size of the smallest map.
    stride : factor between stages.
    widths : channels of the maps, the smallest first; one per stage.
    kernel : of the strided convolutions.
    """

    channels: int
    size: tuple[int, ...]
    smallest: tuple[int, ...]
    stride: int
    widths: tuple[int, ...]
    kernel: int

    @classmethod
    def over(cls, shape: tuple[int, ...], *, kernel: int, widest: int = 0, narrowest: int = 0) -> Ladder:
        """The ladder of an example of `shape` (channels, *size): about 16 samples or 4 pixels a side at its foot.

        Widths halve from `widest` upwards, or double from `narrowest` downwards.
        """
        size = shape[1:]
        stride, foot = (4, 16) if len(size) == 1 else (2, 4)
        stages = max(1, round(math.log(max(size) / foot, stride)))
        widths = [max(NARROWEST, widest >> stage) for stage in range(stages)]
        if narrowest:
            widths = [narrowest << stage for stage in reversed(range(stages))]
        return cls(shape[0], size, tuple(math.ceil(s / stride**stages) for s in size), stride, tuple(widths), kernel)

    @property
    def maps(self) -> list[tuple[int, ...]]:
        """Size of the map after each stage, the smallest first."""
        return [tuple(s * self.stride**stage for s in self.smallest) for stage in range(len(self.widths) + 1)]

    @property
    def features(self) -> int:
        """Values in the smallest map."""
        return self.widths[0] * math.prod(self.smallest)

    @property
    def attended(self) -> int | None:
        """The map that attention looks at: the one nearest to ATTENDED positions, neither the first nor the last."""
        between = range(1, len(self.widths))
        wanted = ATTENDED[len(self.size)]
        return min(between, key=lambda i: abs(math.log(math.prod(self.maps[i]) / wanted)), default=None)


class Synthesis(nn.Module):
    """Noise and condition to a scaled example: dense, then one transposed convolution per stage.

    Parameters
    ----------
    ladder : the stages.
    latent : length of the noise.
    embedding : condition to (B, embedded), joined to the noise; None for no condition.
    head : length of a last convolution at full size; 0 when the last stage puts the example out itself.
    attention : self-attention at about 32 × 32 pixels or 128 samples.
    masked : modulate every stage by the lesion mask.
    bounded : end in a tanh.
    """

    def __init__(
        self,
        ladder: Ladder,
        latent: int,
        embedding: nn.Module | None = None,
        embedded: int = 0,
        *,
        head: int = 0,
        attention: bool = False,
        masked: bool = False,
        bounded: bool = False,
    ) -> None:
        super().__init__()
        self.ladder, self.bounded, self.embedding = ladder, bounded, embedding
        convolution, transposed = _layers(ladder)
        widths = [*ladder.widths, ladder.widths[-1] if head else ladder.channels]
        padding, extra = _padding(ladder)
        self.dense = nn.Linear(latent + embedded, ladder.features)
        self.stages = nn.ModuleList(
            transposed(before, after, ladder.kernel, ladder.stride, padding=padding, output_padding=extra)
            for before, after in itertools.pairwise(widths)
        )
        self.head = convolution(widths[-1], ladder.channels, head, padding=head // 2) if head else None
        at = ladder.attended if attention else None
        self.attention = nn.ModuleDict({} if at is None else {str(at): SelfAttention(widths[at], len(ladder.size))})
        modulated = widths if head else widths[:-1]
        self.modulation = nn.ModuleList(MaskModulation(width) for width in modulated) if masked else None
        glorot(self)

    def forward(self, noise: Tensor, condition: Condition) -> Tensor:
        """(B, latent) → (B, channels, *size)."""
        ladder, n = self.ladder, len(noise)
        joined = noise if self.embedding is None else torch.cat([noise, self.embedding(condition, n)], dim=1)
        mask = self._mask(condition, noise)
        x = self.dense(joined).view(n, ladder.widths[0], *ladder.smallest)
        for position, stage in enumerate(self.stages):
            x = stage(F.relu(self._modulated(x, mask, position)))
            if str(position + 1) in self.attention:
                x = self.attention[str(position + 1)](x)
        if self.head is not None:
            x = self.head(F.relu(self._modulated(x, mask, len(self.stages))))
        x = x[(..., *(slice(size) for size in ladder.size))]
        return x.tanh() if self.bounded else x

    def _mask(self, condition: Condition, noise: Tensor) -> Tensor | None:
        if self.modulation is None:
            return None
        return F.pad(mask_channels(condition, len(noise), self.ladder.size, noise), _margin(self.ladder))

    def _modulated(self, x: Tensor, mask: Tensor | None, position: int) -> Tensor:
        return x if self.modulation is None or mask is None else self.modulation[position](x, mask)


class Critic(nn.Module):
    """Scaled example and condition to one score, by projection (Miyato & Koyama 2018, arXiv 1802.05637).

    Parameters
    ----------
    ladder : the stages, climbed down.
    embedding : condition to (B, PROJECTED); None for no condition.
    normalised : layer normalisation from the second stage on. Batch normalisation would couple the examples whose
        gradients are penalised one by one.
    attention, masked : as in `Synthesis`; the mask joins the example as two channels.
    shuffle : most samples of phase shuffle after each stage but the last; 0 for none.
    shuffle_each : one shift per example instead of one per batch.
    bounded : end in a sigmoid.
    """

    def __init__(
        self,
        ladder: Ladder,
        embedding: nn.Module | None = None,
        *,
        normalised: bool = False,
        attention: bool = False,
        masked: bool = False,
        shuffle: int = 0,
        shuffle_each: bool = False,
        bounded: bool = False,
    ) -> None:
        super().__init__()
        self.ladder, self.masked, self.bounded = ladder, masked, bounded
        self.shuffle, self.shuffle_each = shuffle, shuffle_each
        convolution, _ = _layers(ladder)
        widths = [ladder.channels + 2 * masked, *reversed(ladder.widths)]
        padding = math.ceil((ladder.kernel - ladder.stride) / 2)
        self.stages = nn.ModuleList(
            convolution(before, after, ladder.kernel, ladder.stride, padding=padding)
            for before, after in itertools.pairwise(widths)
        )
        # over channels and positions together
        self.norms = nn.ModuleList(nn.GroupNorm(1, width) for width in widths[2:]) if normalised else None
        at = ladder.attended if attention else None
        stage = None if at is None else len(self.stages) - at
        self.attention = nn.ModuleDict(
            {} if stage is None else {str(stage): SelfAttention(widths[stage], len(ladder.size))}
        )
        self.score = nn.Linear(ladder.features, 1)
        self.embedding = embedding
        self.project = None if embedding is None else nn.Linear(ladder.features, PROJECTED)
        glorot(self)

    def forward(self, x: Tensor, condition: Condition, rng: torch.Generator | None = None) -> Tensor:
        """(B, channels, *size) → (B,); `rng` shifts the phases, without it they stay."""
        if self.masked:
            x = torch.cat([x, mask_channels(condition, len(x), self.ladder.size, x)], dim=1)
        x = F.pad(x, _margin(self.ladder))
        for position, stage in enumerate(self.stages, 1):
            x = stage(x)
            if self.norms is not None and position > 1:
                x = self.norms[position - 2](x)
            x = F.leaky_relu(x, 0.2)
            if self.shuffle and rng is not None and position < len(self.stages):
                x = phase_shuffle(x, self.shuffle, rng, self.shuffle_each)
            if str(position) in self.attention:
                x = self.attention[str(position)](x)
        score = self._scored(x.flatten(1), condition)
        return score.sigmoid() if self.bounded else score

    def _scored(self, features: Tensor, condition: Condition) -> Tensor:
        score: Tensor = self.score(features)[:, 0]
        if self.embedding is None or self.project is None:
            return score
        agreement = (self.project(features) * self.embedding(condition, len(features))).sum(1)
        return score + agreement / math.sqrt(PROJECTED)


def glorot(module: nn.Module) -> None:
    """Glorot's uniform weights and no bias in convolutions and dense layers, the default where the sources were made.

    PyTorch's own are smaller: through five rectified stages a generator would start at a hundredth of the amplitude.
    """
    for layer in module.modules():
        if isinstance(layer, nn.Linear | nn.modules.conv._ConvNd):
            nn.init.xavier_uniform_(layer.weight)
            if layer.bias is not None:
                nn.init.zeros_(layer.bias)


def _layers(ladder: Ladder) -> tuple[Any, Any]:
    return (nn.Conv1d, nn.ConvTranspose1d) if len(ladder.size) == 1 else (nn.Conv2d, nn.ConvTranspose2d)


def _padding(ladder: Ladder) -> tuple[int, int]:
    """Padding and output padding with which a transposed convolution gives exactly `stride` times its input."""
    extra = (ladder.stride - ladder.kernel) % 2
    return (ladder.kernel - ladder.stride + extra) // 2, extra


def _margin(ladder: Ladder) -> list[int]:
    """What `F.pad` adds behind an example to fill the largest map."""
    pairs = zip(reversed(ladder.size), reversed(ladder.maps[-1]), strict=True)
    return [side for size, full in pairs for side in (0, full - size)]
