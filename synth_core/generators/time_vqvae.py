"""TimeVQVAE: tokens of two frequency bands and a prior over them, Lee et al. 2023, arXiv 2303.04743.

First the tokenisers learn: a short-time Fourier transform is cut into its lowest bin and the rest, and each band gets
an encoder, a codebook and a decoder. Then two bidirectional transformers learn the tokens, those of the high band given
those of the low one. Sampling draws tokens by iterative unmasking (MaskGIT) and adds the two decoded bands.

preset="paper" follows ML4ITS/TimeVQVAE. Its high band of 64 tokens and a 32-wide prior loses the QRS complex: "modern"
keeps more tokens of it, models them with a prior as wide as that of the low band, and brings idle codes back.
"""

from __future__ import annotations

import math
from typing import Any, ClassVar

import torch
import torch.nn.functional as F
from pydantic import Field
from torch import Tensor, nn

from synth_core.errors import SpecMismatch
from synth_core.generators.base import Phase
from synth_core.generators.nets.embedding import ConditionEmbedding
from synth_core.generators.nets.masked_prior import MaskedPrior, random_mask, unmask
from synth_core.generators.nets.quantiser import Quantiser
from synth_core.generators.nets.time_frequency import analyse, high_signal, low_signal, resized
from synth_core.generators.nets.tokeniser import Decoder, Encoder
from synth_core.generators.signals import SignalConfig, SignalGenerator, checked_steps, guided
from synth_core.types import Batch, Condition

SHORTEST = 32  # samples: below, the coarsest band has no column left


class TimeVQVAEConfig(SignalConfig):
    """Settings of TimeVQVAE."""

    PRESETS: ClassVar[dict[str, dict[str, Any]]] = {
        "paper": {
            "low_columns": 8,
            "high_columns": 32,
            "stem": 4,
            "widest": 4096,
            "blocks": 2,
            "dropout": 0.3,
            "oversample": True,
            "revive_below": 0.0,
            "high_width": 32,
            "high_depth": 1,
            "high_heads": 1,
            "prior_multiple": 1,
            "spread_condition": False,
            "token_dropout": 0.3,
            "tokeniser_rate": 5e-3,
            "whitening": 0.0,
            "low_temperature": 10.0,
        }
    }

    low_columns: int | None = Field(
        None,
        title="Low-band columns",
        ge=2,
        le=512,
        description="Tokens in time of the low band; 8 in the source. Empty: one per 8 samples, at most 128.",
    )
    high_columns: int | None = Field(
        None,
        title="High-band columns",
        ge=2,
        le=512,
        description="Tokens in time of the high band, in two rows; 32 in the source. Empty: one per 4 samples, at most "
        "256; fewer are faster.",
    )
    stem: int = Field(
        24, title="First channels", ge=2, le=128, description="Of the tokenisers, doubled per stage; 4 in the source."
    )
    widest: int = Field(
        192,
        title="Most channels",
        ge=8,
        le=4096,
        description="Of a stage of the tokenisers; the source has no bound, and a thousand channels at 5000 samples.",
    )
    dim: int = Field(
        128, title="Latent channels", ge=8, le=512, description="Width of what is quantised, as the source."
    )
    blocks: int = Field(
        1, title="Residual blocks", ge=0, le=8, description="Per stage of the tokenisers; 2 in the source."
    )
    dropout: float = Field(
        0.0, title="Dropout", ge=0, le=0.9, description="In the tokenisers; the source's 0.3 blurs what they rebuild."
    )
    oversample: bool = Field(
        False,
        title="Oversampled decoder",
        description="The source's decoder makes twice the samples and is then resized: slower, not sharper.",
    )
    codes: int = Field(1024, title="Codes", ge=8, le=65_536, description="Of each codebook; 1024 in the source.")
    code_dim: int = Field(
        8, title="Code width", ge=2, le=256, description="Narrow codes are all used; 8 in the source."
    )
    decay: float = Field(0.8, title="Codebook decay", ge=0, lt=1, description="Of the moving codebook, as the source.")
    revive_below: float = Field(
        0.1,
        title="Idle code below",
        ge=0,
        le=100,
        description="Vectors per step below which a code begins again; 0: never.",
    )
    prior_width: int = Field(
        128, title="Low prior width", ge=16, le=1024, description="Of the low band's transformer; 128 in the source."
    )
    prior_depth: int = Field(
        4, title="Low prior blocks", ge=1, le=24, description="Of the low band's transformer; 4 in the source."
    )
    prior_heads: int = Field(2, title="Low prior heads", ge=1, le=16, description="Of 64 channels each, as the source.")
    high_width: int = Field(
        128, title="High prior width", ge=16, le=1024, description="The source's 32 cannot hold a QRS complex."
    )
    high_depth: int = Field(3, title="High prior blocks", ge=1, le=24, description="1 in the source.")
    high_heads: int = Field(2, title="High prior heads", ge=1, le=16, description="1 in the source.")
    prior_multiple: int = Field(
        2, title="Feed-forward multiple", ge=1, le=8, description="Of two thirds of the width; 1 in the source."
    )
    spread_condition: bool = Field(
        True,
        title="Condition at every token",
        description="Added to every token: learned sooner than from the one token in front, which the source has.",
    )
    token_dropout: float = Field(
        0.1, title="Token dropout", ge=0, le=0.9, description="On known tokens, so that sampling survives its errors."
    )
    tokeniser_rate: float = Field(
        2e-3, title="Tokeniser learning rate", gt=0, le=0.1, description="AdamW; the source's 5e-3 is for long runs."
    )
    prior_rate: float = Field(1e-3, title="Prior learning rate", gt=0, le=0.1, description="AdamW, as the source.")
    condition_dropout: float = Field(
        0.2,
        title="Condition dropout",
        ge=0,
        le=0.9,
        description="Share of examples trained without their condition; 0.2 in the source.",
    )
    steps: int = Field(
        10, title="Unmasking steps", ge=1, le=200, description="Per band; 10 in the source, more for long records."
    )
    low_temperature: float = Field(
        4.0,
        title="Low-band temperature",
        ge=0,
        le=100,
        description="Of the noise on which tokens stay; 10 in the source.",
    )
    high_temperature: float = Field(
        0.0, title="High-band temperature", ge=0, le=100, description="0 keeps the most certain, as the source."
    )


class Band(nn.Module):
    """Tokeniser of one band: encoder, codebook, decoder; `rows` bins of the transform."""

    def __init__(self, channels: int, length: int, columns: int, config: TimeVQVAEConfig, *, low: bool) -> None:
        super().__init__()
        self.low, self.length, self.rows = low, length, 1 if low else 2
        stages = max(1, round(math.log2(length / columns)))
        self.shape = (self.rows, (length + 1) >> stages)
        about: dict[str, Any] = {
            "rows": 1 if low else 3,
            "widths": [min(config.stem << stage, config.widest) for stage in range(stages)],
            "dim": config.dim,
            "blocks": config.blocks,
            "dropout": config.dropout,
        }
        self.encoder = Encoder(2 * channels, **about)
        self.quantiser = Quantiser(
            config.dim, config.codes, config.code_dim, decay=config.decay, revive_below=config.revive_below
        )
        self.decoder = Decoder(2 * channels, oversample=config.oversample, **about)

    @property
    def tokens(self) -> int:
        """Tokens of one example."""
        return math.prod(self.shape)

    def part(self, bins: Tensor) -> Tensor:
        """This band's bins of (2C, 3, W, B)."""
        return bins[:, :1] if self.low else bins[:, 1:]

    def signal(self, bins: Tensor) -> Tensor:
        """(2C, rows, W, B) to (C, length, B)."""
        return resized(low_signal(bins) if self.low else high_signal(bins), self.length)

    def forward(self, bins: Tensor, rng: torch.Generator) -> tuple[Tensor, Tensor, Tensor]:
        """One training pass: rebuilt signal (C, length, B), tokens (B, tokens) and commitment loss."""
        vectors = self.encoder(self.part(bins), rng).permute(3, 1, 2, 0)  # (B, rows, columns, dim)
        codes, tokens, commitment = self.quantiser(vectors.flatten(0, 2), rng)
        rebuilt = self.decoder(codes.view_as(vectors).permute(3, 1, 2, 0).contiguous(), rng)
        return self.signal(rebuilt), tokens.view(len(vectors), -1), commitment

    @torch.no_grad()
    def encode(self, bins: Tensor) -> Tensor:
        """(2C, 3, W, B) to tokens (B, tokens)."""
        vectors = self.encoder(self.part(bins), None).permute(3, 1, 2, 0)
        flat = self.quantiser.project_in(vectors.flatten(0, 2))
        return self.quantiser.nearest(flat).view(len(vectors), -1)

    def decode(self, tokens: Tensor) -> Tensor:
        """(B, tokens) to the band's signal (B, C, length)."""
        codes = self.quantiser.decode(tokens).view(len(tokens), *self.shape, -1)
        return self.signal(self.decoder(codes.permute(3, 1, 2, 0).contiguous(), None)).permute(2, 0, 1)


class TimeVQVAE(SignalGenerator):
    """TimeVQVAE on signals, conditioned on labels and severity."""

    name = "time_vqvae"
    title = "TimeVQVAE, masked tokens of two bands"
    reference = "Lee et al. 2023, arXiv 2303.04743; Chang et al. 2022, arXiv 2202.04200"
    phases = (Phase("tokeniser", share=1 / 3), Phase("prior", share=2 / 3))  # 20,000 and 40,000 steps in the source
    copied = ("tokeniser",)
    Config = TimeVQVAEConfig
    config: TimeVQVAEConfig

    def build(self) -> None:
        """Two tokenisers, and two priors with their embeddings of conditions.

        Raises
        ------
        SpecMismatch : for examples shorter than 32 samples.
        """
        config, (channels, length) = self.config, self.scaling.shape
        if length < SHORTEST:
            raise SpecMismatch(f"Generator time_vqvae needs at least {SHORTEST} samples. Got {length} instead.")
        low = Band(channels, length, config.low_columns or suggested_columns(length, 8, 128), config, low=True)
        high = Band(channels, length, config.high_columns or suggested_columns(length, 4, 256), config, low=False)
        self.tokeniser = nn.ModuleDict({"low": low, "high": high})
        shared: dict[str, Any] = {
            "embedding": 128,
            "multiple": config.prior_multiple,
            "dropout": config.token_dropout,
            "spread": config.spread_condition,
        }
        self.low_prior = MaskedPrior(
            config.codes,
            low.tokens,
            dim=config.prior_width,
            depth=config.prior_depth,
            heads=config.prior_heads,
            **shared,
        )
        self.high_prior = MaskedPrior(
            config.codes,
            high.tokens,
            dim=config.high_width,
            depth=config.high_depth,
            heads=config.high_heads,
            other_codes=config.codes,
            **shared,
        )
        classes = len(self.spec.classes)
        self.low_embedding = ConditionEmbedding(classes, self.low_prior.condition_width)
        self.high_embedding = ConditionEmbedding(classes, self.high_prior.condition_width)

    def loss(self, batch: Batch, phase: str, rng: torch.Generator) -> dict[str, Tensor]:
        """Rebuilding and commitment (sec. 3.1), or cross-entropy of hidden tokens (sec. 3.2).

        The codebooks and the statistics of the batch normalisation change in the first phase alone.
        """
        data = self.scaling.to_scaled(batch.values)
        bins = analyse(data.permute(1, 2, 0).contiguous())
        self.tokeniser.train(phase == "tokeniser")
        return self._rebuilding(bins, rng) if phase == "tokeniser" else self._masked(bins, batch.condition, rng)

    def _rebuilding(self, bins: Tensor, rng: torch.Generator) -> dict[str, Tensor]:
        low, high = self._band("low"), self._band("high")
        low_rebuilt, low_tokens, low_commitment = low(bins, rng)
        high_rebuilt, high_tokens, high_commitment = high(bins, rng)
        terms = {
            "low": F.mse_loss(low_rebuilt, low_signal(bins[:, :1])),
            "high": F.l1_loss(high_rebuilt, high_signal(bins[:, 1:])),
            "commitment": low_commitment + high_commitment,
        }
        used = {"low_codes": _perplexity(low_tokens), "high_codes": _perplexity(high_tokens)}
        return {"total": torch.stack(list(terms.values())).sum(), **terms, **used}

    def _masked(self, bins: Tensor, condition: Condition, rng: torch.Generator) -> dict[str, Tensor]:
        low, high = self._band("low").encode(bins), self._band("high").encode(bins)
        keep = self.kept(len(low), rng)
        low_loss = self._hidden_loss(self.low_prior, self.low_embedding(condition, len(low), keep), low, None, rng)
        high_loss = self._hidden_loss(self.high_prior, self.high_embedding(condition, len(low), keep), high, low, rng)
        return {"total": low_loss + high_loss, "low": low_loss, "high": high_loss}

    def _hidden_loss(
        self, prior: MaskedPrior, condition: Tensor, tokens: Tensor, other: Tensor | None, rng: torch.Generator
    ) -> Tensor:
        hidden = random_mask(len(tokens), tokens.shape[1], lambda shape: self.uniform(shape, rng))
        logits = prior(torch.where(hidden, prior.mask, tokens), condition, other, rng)
        return F.cross_entropy(logits[hidden].float(), tokens[hidden])

    def _band(self, name: str) -> Band:
        band = self.tokeniser[name]
        assert isinstance(band, Band)
        return band

    def sample_scaled(
        self, condition: Condition, n: int, *, rng: torch.Generator, steps: int | None, guidance: float | None
    ) -> Tensor:
        """Low tokens, high tokens given them, and the sum of what they decode to."""
        strength = self.strength(guidance)
        rounds = checked_steps(self.config.steps if steps is None else steps, 200)

        def drawn(prior: MaskedPrior, embed: nn.Module, count: int, other: Tensor | None, temperature: float) -> Tensor:
            def logits_of(tokens: Tensor) -> Tensor:
                return guided(lambda known: prior(tokens, embed(known, n), other), condition, strength)

            return unmask(
                logits_of,
                n,
                count,
                prior.mask,
                steps=rounds,
                temperature=temperature,
                uniform=lambda shape: self.uniform(shape, rng),
            )

        low, high = self._band("low"), self._band("high")
        low_tokens = drawn(self.low_prior, self.low_embedding, low.tokens, None, self.config.low_temperature)
        high_tokens = drawn(self.high_prior, self.high_embedding, high.tokens, low_tokens, self.config.high_temperature)
        return low.decode(low_tokens) + high.decode(high_tokens)

    def parameters_of(self, phase: str) -> list[nn.Parameter]:
        """The tokenisers', or those of the priors and their embeddings."""
        own = set(self.tokeniser.parameters())
        return [parameter for parameter in self.parameters() if (parameter in own) == (phase == "tokeniser")]

    def optimizer(self, phase: str) -> torch.optim.Optimizer:
        """AdamW on the parameters of the phase."""
        rate = self.config.tokeniser_rate if phase == "tokeniser" else self.config.prior_rate
        return torch.optim.AdamW(self.parameters_of(phase), lr=rate, betas=(0.9, 0.99), weight_decay=0.01)


def suggested_columns(length: int, least: int, most: int) -> int:
    """One column per `least` samples, halved until there are at most `most`."""
    columns = length / least
    while columns > most:
        columns /= 2
    return max(2, round(columns))


def _perplexity(tokens: Tensor) -> Tensor:
    """How many codes are in use, as the exponential of the entropy of their shares."""
    shares = torch.bincount(tokens.flatten()).double() / tokens.numel()
    return torch.special.entr(shares).sum().exp()
