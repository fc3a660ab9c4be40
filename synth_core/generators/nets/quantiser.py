"""Vector quantisation, its codebook a moving mean: van den Oord et al. 2017, arXiv 1711.00937, appendix A."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

MEANS_ROUNDS = 10  # of k-means, as in the public implementation
SMOOTHING = 1e-5  # Laplace, so that a code without vectors keeps a finite mean


class Quantiser(nn.Module):
    """Vectors to the nearest of `codes` code vectors; the codebook lives in buffers and has no gradient.

    Buffers travel with checkpoints and models. They change in `forward` with `rng`, and nowhere else.
    """

    codebook: Tensor
    sums: Tensor
    counts: Tensor
    started: Tensor

    def __init__(self, dim: int, codes: int, code_dim: int, *, decay: float, revive_below: float) -> None:
        super().__init__()
        self.decay, self.revive_below = decay, revive_below
        self.project_in, self.project_out = nn.Linear(dim, code_dim), nn.Linear(code_dim, dim)
        self.register_buffer("codebook", torch.randn(codes, code_dim) * code_dim**-0.5)
        self.register_buffer("sums", torch.zeros(codes, code_dim))
        self.register_buffer("counts", torch.zeros(codes))
        self.register_buffer("started", torch.zeros((), dtype=torch.bool))

    def forward(self, z: Tensor, rng: torch.Generator | None = None) -> tuple[Tensor, Tensor, Tensor]:
        """(n, dim) to quantised (n, dim), tokens (n,) and the commitment loss; with `rng` the codebook learns."""
        vectors = self.project_in(z)
        if rng is not None and not self.started:
            self._start(vectors.detach(), rng)
        tokens = self.nearest(vectors)
        codes = F.embedding(tokens, self.codebook)
        if rng is not None:
            self._follow(vectors.detach(), tokens, rng)
        commitment = F.mse_loss(vectors, codes)
        # straight through: the gradient of the code is that of the vector
        return self.project_out(vectors + (codes - vectors).detach()), tokens, commitment

    def nearest(self, vectors: Tensor) -> Tensor:
        """(n, code_dim) to (n,) indices by Euclidean distance."""
        # distances of near codes differ in digits that half precision does not have
        with torch.no_grad(), torch.autocast(vectors.device.type, enabled=False):
            lengths = self.codebook.square().sum(1)
            return torch.addmm(lengths, vectors.float(), self.codebook.t(), alpha=-2).argmin(1)

    def decode(self, tokens: Tensor) -> Tensor:
        """(…,) tokens to (…, dim)."""
        codes: Tensor = self.project_out(F.embedding(tokens, self.codebook))
        return codes

    @torch.no_grad()
    def _start(self, vectors: Tensor, rng: torch.Generator) -> None:
        """k-means on the first vectors; an empty cluster keeps its mean."""
        self.codebook.copy_(self._drawn(vectors, rng))
        for _ in range(MEANS_ROUNDS):
            sums, counts = self._collected(vectors, self.nearest(vectors))
            self.codebook.copy_(torch.where(counts[:, None] > 0, sums / counts[:, None].clamp_min(1), self.codebook))
        _, counts = self._collected(vectors, self.nearest(vectors))
        self.counts.copy_(counts)
        self.sums.copy_(self.codebook * counts[:, None].clamp_min(SMOOTHING))
        self.started.fill_(True)

    @torch.no_grad()
    def _follow(self, vectors: Tensor, tokens: Tensor, rng: torch.Generator) -> None:
        """Moving sums and counts (eq. 6 to 8); codes that hardly any vector chose begin again at a vector."""
        sums, counts = self._collected(vectors, tokens)
        self.counts.lerp_(counts, 1 - self.decay)
        self.sums.lerp_(sums, 1 - self.decay)
        total, codes = self.counts.sum(), len(self.counts)
        smoothed = (self.counts + SMOOTHING) / (total + codes * SMOOTHING) * total
        self.codebook.copy_(self.sums / smoothed.clamp_min(1e-12)[:, None])
        if self.revive_below > 0:
            idle = self.counts < self.revive_below
            fresh = self._drawn(vectors, rng)
            self.codebook.copy_(torch.where(idle[:, None], fresh, self.codebook))
            self.counts.copy_(torch.where(idle, self.revive_below, self.counts))
            self.sums.copy_(torch.where(idle[:, None], fresh * self.revive_below, self.sums))

    def _collected(self, vectors: Tensor, tokens: Tensor) -> tuple[Tensor, Tensor]:
        sums = torch.zeros_like(self.sums).index_add_(0, tokens, vectors.to(self.sums.dtype))
        return sums, torch.bincount(tokens, minlength=len(self.counts)).to(self.counts.dtype)

    def _drawn(self, vectors: Tensor, rng: torch.Generator) -> Tensor:
        chosen = torch.randint(len(vectors), (len(self.counts),), generator=rng, device=rng.device)
        return vectors[chosen.to(vectors.device)].to(self.codebook.dtype)
