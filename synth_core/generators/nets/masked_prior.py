"""Bidirectional transformer over masked tokens and its sampler: MaskGIT, Chang et al. 2022, arXiv 2202.04200.

As TimeVQVAE (arXiv 2303.04743, sec. 3.2) uses it: a class token in front, and for the high band the tokens of the low
one, stretched to the same length and joined to each token.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from synth_core.generators.nets.convolution import Convolution
from synth_core.generators.nets.tokeniser import dropped
from synth_core.generators.nets.unet import ChannelNorm

HEAD_WIDTH = 64


class _Attention(nn.Module):
    """Self-attention with unit queries and keys, and one key and value that belong to no token."""

    def __init__(self, dim: int, heads: int) -> None:
        super().__init__()
        self.heads, inner = heads, heads * HEAD_WIDTH
        self.norm, self.norm_out = nn.LayerNorm(dim), nn.LayerNorm(dim)
        self.qkv = nn.Linear(dim, 3 * inner, bias=False)
        self.nothing = nn.Parameter(torch.randn(2, heads, 1, HEAD_WIDTH))
        self.query_scale = nn.Parameter(torch.ones(HEAD_WIDTH))
        self.key_scale = nn.Parameter(torch.ones(HEAD_WIDTH))
        self.out = nn.Linear(inner, dim, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """(B, N, dim) → (B, N, dim)."""
        batch, tokens, _ = x.shape
        qkv = self.qkv(self.norm(x)).view(batch, tokens, 3, self.heads, HEAD_WIDTH)
        query, key, value = qkv.permute(2, 0, 3, 1, 4)  # each (B, heads, N, width)
        none_key, none_value = self.nothing[:, None].expand(-1, batch, -1, -1, -1)
        key, value = torch.cat([none_key, key], dim=2), torch.cat([none_value, value], dim=2)
        query, key = F.normalize(query, dim=-1) * self.query_scale, F.normalize(key, dim=-1) * self.key_scale
        # the source leaves 1/√width, with which unit vectors begin at an almost even attention
        mixed = F.scaled_dot_product_attention(query, key, value, scale=HEAD_WIDTH**0.5)
        out: Tensor = self.norm_out(self.out(mixed.transpose(1, 2).reshape(batch, tokens, -1)))
        return out


class _FeedForward(nn.Sequential):
    def __init__(self, dim: int, multiple: int) -> None:
        inner = int(dim * multiple * 2 / 3)
        super().__init__(
            nn.LayerNorm(dim),
            nn.Linear(dim, inner, bias=False),
            nn.GELU(),
            nn.LayerNorm(inner),
            nn.Linear(inner, dim, bias=False),
        )


class MaskedPrior(nn.Module):
    """Logits of every token from the known ones, a condition and, where `other_codes` is given, another band's tokens.

    Token `codes` is the mask. With `spread` the condition is added to every token, not only put in front of them.
    """

    def __init__(
        self,
        codes: int,
        tokens: int,
        *,
        embedding: int,
        dim: int,
        depth: int,
        heads: int,
        multiple: int,
        dropout: float,
        other_codes: int = 0,
        spread: bool = False,
    ) -> None:
        super().__init__()
        self.spread = spread
        joined = 2 * embedding if other_codes else embedding
        self.mask, self.dropout, self.condition_width = codes, dropout, joined
        self.token = nn.Embedding(codes + 1, embedding)
        self.position = nn.Parameter(torch.randn(tokens, joined))
        self.enter = nn.Linear(joined, dim)
        blocks = [(_Attention(dim, heads), _FeedForward(dim, multiple)) for _ in range(depth)]
        self.blocks = nn.ModuleList(part for block in blocks for part in block)
        self.head = nn.Sequential(nn.Linear(dim, dim), nn.GELU(), nn.LayerNorm(dim), nn.Linear(dim, codes))
        if other_codes:
            self.other_token = nn.Embedding(other_codes, embedding)
            self.stretch = nn.Sequential(
                Convolution(embedding, 2 * embedding, 7, padding=3),
                nn.GELU(),
                ChannelNorm(2 * embedding),
                Convolution(2 * embedding, embedding, 7, padding=6, dilation=2),
            )

    def forward(
        self, tokens: Tensor, condition: Tensor, other: Tensor | None = None, rng: torch.Generator | None = None
    ) -> Tensor:
        """(B, N) tokens, (B, condition_width), the other band's (B, M) → logits (B, N, codes); `rng` for dropout."""
        embedded = self.token(tokens)
        known = (tokens != self.mask)[..., None]
        embedded = torch.where(known, dropped(embedded, self.dropout, rng), embedded)
        if other is not None:
            embedded = torch.cat([self._stretched(other, tokens.shape[1], rng), embedded], dim=-1)
        embedded = embedded + self.position
        embedded = embedded + condition[:, None] if self.spread else embedded
        x = self.enter(torch.cat([condition[:, None], embedded], dim=1))
        for part in self.blocks:
            x = x + part(x)
        logits: Tensor = self.head(x[:, 1:])
        return logits

    def _stretched(self, other: Tensor, length: int, rng: torch.Generator | None) -> Tensor:
        embedded = dropped(self.other_token(other), self.dropout, rng)
        nearest = torch.arange(length, device=other.device) * other.shape[1] // length
        stretched: Tensor = self.stretch(embedded[:, nearest].permute(2, 0, 1))  # (embedding, B, length)
        return stretched.permute(1, 2, 0)


def random_mask(n: int, tokens: int, uniform: Callable[[tuple[int, ...]], Tensor]) -> Tensor:
    """(n, tokens) True where a token is hidden: ⌊cos(π r / 2) · tokens⌋ are known, r uniform for each example.

    At least one is hidden. `uniform` draws a tensor of numbers in [0, 1).
    """
    known = (torch.cos(uniform((n, 1)) * math.pi / 2) * tokens).floor().clamp_max(tokens - 1)
    rank = uniform((n, tokens)).argsort(dim=1).argsort(dim=1)
    return rank >= known


def hidden_after(step: int, steps: int, tokens: int) -> int:
    """How many of `tokens` are still hidden after step 1 … `steps`: ⌊cos(π step / 2 steps) · tokens⌋, 0 at the end."""
    return 0 if step >= steps else int(math.cos(math.pi * step / (2 * steps)) * tokens)


def unmask(
    logits_of: Callable[[Tensor], Tensor],
    n: int,
    tokens: int,
    mask: int,
    *,
    steps: int,
    temperature: float,
    uniform: Callable[[tuple[int, ...]], Tensor],
) -> Tensor:
    """Draw (n, tokens) in `steps` rounds (Chang et al. 2022, sec. 3.2).

    Each round draws every hidden token and hides the least certain again; certainty is the log-probability of the token
    with Gumbel noise, whose `temperature` falls to zero with the rounds.

    Parameters
    ----------
    logits_of : (n, tokens) with `mask` where hidden → (n, tokens, codes).
    uniform : draws a tensor of numbers in [0, 1).
    """
    drawn = torch.full((n, tokens), mask, device=uniform((1,)).device)
    for step in range(1, steps + 1):
        log_shares = logits_of(drawn).float().log_softmax(-1)
        hidden = drawn == mask
        choice = (log_shares + gumbel(uniform(tuple(log_shares.shape)))).argmax(-1)
        choice = torch.where(hidden, choice, drawn)
        certain = log_shares.gather(-1, choice[..., None])[..., 0]
        certain = certain + temperature * (1 - step / steps) * gumbel(uniform((n, tokens)))
        certain = torch.where(hidden, certain, torch.inf)
        rank = certain.argsort(dim=1).argsort(dim=1)
        drawn = torch.where(rank < hidden_after(step, steps, tokens), mask, choice)
    return drawn


def gumbel(uniform: Tensor) -> Tensor:
    """Standard Gumbel noise from uniform numbers in [0, 1)."""
    return -(-uniform.clamp(1e-20, 1 - 1e-7).log()).log()
