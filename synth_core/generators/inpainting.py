"""Infilling: the rest of an example, given a part of it, by a flow that was trained on whole examples.

Along the straight path x_t = (1 − t) noise + t data the known part of x_t is known but for its noise. At each step the
network's estimate of the data takes on the known values, in physical units, and the path goes on towards it: without
whitening that is the replacement of Song et al. 2021, arXiv 2011.13456, app. I.2, with the noise of the start; with it
the estimate is local where x_t is not (null-space projection, Wang et al. 2023, arXiv 2212.00490, eq. 9). Going back
and repeating steps lets the unknown part settle with the known one (RePaint, Lugmayr et al. 2022, arXiv 2201.09865,
alg. 1).
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from synth_core.errors import InvalidSetting, SpecMismatch
from synth_core.generators.scaling import Scaling
from synth_core.types import Batch, DataSpec

CERTAIN = 1e-4  # how far the weight of a determined lead may be from 1


def keep_all_but(
    spec: DataSpec,
    channels: Sequence[str] = (),
    span: tuple[float, float] | None = None,
    region: tuple[int, int, int, int] | None = None,
) -> Tensor:
    """(1, *spec.shape) bool for `Flow.inpaint`: False for what is to be made.

    Parameters
    ----------
    channels : names of leads or electrodes; with a span, its part of these channels alone.
    span : (begin, end) in seconds; of all channels where none are named.
    region : (y0, x0, y1, x1) in pixels of a slice, the last row and column not included.

    Raises
    ------
    InvalidSetting : a channel that is not there, a part outside the example, or one that its modality does not have.
    """
    keep = torch.ones(1, *spec.shape, dtype=torch.bool)
    if region is not None and (not spec.is_image or channels or span):
        raise InvalidSetting("A region is a part of a slice; signals have channels and a span in seconds.")
    if region is not None:
        y0, x0, y1, x1 = region
        if not (0 <= y0 < y1 <= spec.shape[1] and 0 <= x0 < x1 <= spec.shape[2]):
            raise InvalidSetting(f"The region (y0, x0, y1, x1) must lie in {spec.shape[1:]} pixels. Got {region}.")
        keep[:, :, y0:y1, x0:x1] = False
        return keep
    if spec.is_image or not (channels or span):
        wanted = "a region" if spec.is_image else "channels, a span or both"
        raise InvalidSetting(f"Say what is to be made: {wanted}.")
    unknown = [name for name in channels if name not in spec.channels]
    if unknown:
        raise InvalidSetting(f"There is no channel {unknown[0]!r}. Known are {', '.join(spec.channels) or 'none'}.")
    rows = [spec.channels.index(name) for name in channels] or list(range(spec.shape[0]))
    keep[:, rows, _samples(spec, span or (0.0, spec.seconds))] = False
    return keep


def _samples(spec: DataSpec, span: tuple[float, float]) -> slice:
    begin, end = (round(second * spec.rate) for second in span)
    if not 0 <= begin < end <= spec.shape[-1]:
        raise InvalidSetting(f"The span must lie in 0 … {spec.seconds:g} s. Got {span} instead.")
    return slice(begin, end)


class Known:
    """The known values of some examples, and what follows from them.

    Parameters
    ----------
    scaling : of the generator, which says what its networks see of an example.
    batch : n examples in physical units; what is not kept may be anything, NaN as well.
    keep : (n or 1, *spec.shape) bool, True for what is known.

    Raises
    ------
    SpecMismatch : for a `keep` of another type or shape.
    InvalidSetting : where a value that is to be kept is not finite.
    """

    def __init__(self, scaling: Scaling, batch: Batch, keep: Tensor) -> None:
        if keep.dtype != torch.bool or tuple(keep.shape[1:]) != batch.spec.shape or len(keep) not in (1, len(batch)):
            wanted = ", ".join(map(str, batch.spec.shape))
            raise SpecMismatch(
                f"`keep` must be bool of shape (n or 1, {wanted}). Got {keep.dtype} {tuple(keep.shape)}."
            )
        self.scaling, self.values, self.keep = scaling, batch.values, keep.expand_as(batch.values)
        if not bool(torch.isfinite(self.values[self.keep]).all()):
            raise InvalidSetting("A known value is not a finite number; leave such samples out of `keep`.")
        self._coupled = scaling.derive_leads and scaling.shape != batch.spec.shape
        if self._coupled:
            self._couple(scaling.lead_matrix)

    def _couple(self, matrix: Tensor) -> None:
        """Limb leads are two numbers a sample: what those that are known say about both, by least squares."""
        derived = (matrix != 0).sum(1) > 1
        self._columns = (matrix[derived] != 0).any(0).nonzero()[:, 0]  # I and II among the independent leads
        self._rows = (matrix[:, self._columns] != 0).any(1).nonzero()[:, 0]  # the limb leads among all
        self._matrix = matrix[self._rows][:, self._columns]  # (limb leads, 2)
        count = len(self._rows)
        bits = 2 ** torch.arange(count, device=matrix.device)
        patterns = (torch.arange(2**count, device=matrix.device)[:, None] & bits) > 0
        table = torch.linalg.pinv(patterns[..., None] * self._matrix, rtol=1e-4)  # (patterns, 2, limb leads)
        self._pattern = (self.keep[:, self._rows] * bits[:, None]).sum(1)  # (n, samples)
        self._inverse = table[self._pattern]  # (n, samples, 2, limb leads)
        certain = torch.diagonal(table @ (patterns[..., None] * self._matrix), dim1=-2, dim2=-1)
        self._certain = (certain > 1 - CERTAIN)[self._pattern].transpose(1, 2)  # (n, 2, samples)

    def fill(self, values: Tensor) -> Tensor:
        """Physical (n, *spec.shape) with the known values, and with limb leads that agree with the known ones."""
        filled = torch.where(self.keep, self.values, values)
        if not self._coupled:
            return filled
        residual = torch.where(self.keep, self.values - values, 0.0)[:, self._rows]
        independent = torch.as_tensor(self.scaling.leads, device=values.device)[self._columns]
        moved = values[:, independent] + torch.einsum("ntij,njt->nit", self._inverse, residual)
        filled[:, self._rows] = self._matrix @ moved
        return torch.where(self.keep, self.values, filled)  # exactly as given, rounding and all

    def certain(self) -> Tensor:
        """(n, *scaling.shape) bool: which independent channels are known where, of themselves or from others."""
        known = self.keep[:, self.scaling.leads].clone()
        if self._coupled:
            known[:, self._columns] = self._certain
        return known

    def channels(self) -> Tensor:
        """(n, 2 × channels, *size): what is known in scaled values, the middle elsewhere; then 1 where it is known."""
        n = len(self.values)
        middle = self.scaling.to_physical(self.values.new_zeros(1, *self.scaling.shape)).expand_as(self.values)
        known = self.certain()
        return torch.cat([self.scaling.to_scaled(self.fill(middle)), known.to(self.values.dtype)], dim=1).view(
            n, 2 * self.scaling.shape[0], *self.scaling.shape[1:]
        )


def infill(
    estimate: Callable[[Tensor, Tensor], Tensor],
    project: Callable[[Tensor], Tensor],
    noise: Callable[[], Tensor],
    times: Tensor,
    resampling: int,
) -> Tensor:
    """Scaled examples from noise, the known part of each estimate replaced.

    Parameters
    ----------
    estimate : (x_t, t) to what the network thinks the data are.
    project : puts the known values into such an estimate.
    noise : fresh standard normal noise of the right shape.
    times : 0 … 1, increasing.
    resampling : how often each step between noise and data is made (r in RePaint's table 2).
    """
    x = noise()
    for now, after in itertools.pairwise(times):
        if after == 1:
            break
        for repeat in range(resampling if now > 0 else 1):
            if repeat:
                x = _back(x, after, now, noise())
            data = project(estimate(x, now))
            x = x + (after - now) / (1 - now) * (data - x)
    return project(estimate(x, times[-2]))


def _back(x: Tensor, after: Tensor, now: Tensor, noise: Tensor) -> Tensor:
    """From x at time `after` to the earlier time `now`: the data scaled down, noise added up to (1 − now)."""
    shrink = now / after
    added = ((1 - now) ** 2 - (shrink * (1 - after)) ** 2).clamp_min(0).sqrt()
    return shrink * x + added * noise


def random_keep(spec: DataSpec, n: int, share: float, rng: torch.Generator) -> Tensor:
    """(n, *spec.shape) bool for training: of a `share` of examples a part is hidden, of the others all of it.

    The part is a span of 5 to 50 % of the samples or a random set of channels, as often; or a rectangle of a slice.
    """

    def uniform(*shape: int) -> Tensor:
        return torch.rand(shape, generator=rng, device=rng.device)

    def stretch(length: int) -> Tensor:
        size = (0.05 + 0.45 * uniform(n, 1)) * length
        begin = uniform(n, 1) * (length - size)
        at = torch.arange(length, device=rng.device) + 0.5
        return (at >= begin) & (at < begin + size)  # (n, length)

    if spec.is_image:
        hidden = (stretch(spec.shape[1])[:, :, None] & stretch(spec.shape[2])[:, None])[:, None]
    else:
        of_time = stretch(spec.shape[1])[:, None].expand(n, *spec.shape)
        of_channels = (uniform(n, spec.shape[0]) < uniform(n, 1))[:, :, None].expand(n, *spec.shape)
        hidden = torch.where((uniform(n) < 0.5)[:, None, None], of_time, of_channels)
    some = (uniform(n) < share).view(-1, *[1] * len(spec.shape))
    return some & ~hidden
