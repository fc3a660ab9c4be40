"""CPU seconds of a training step, forward and backward, beside public code of the same architecture; and of drawing.

    OMP_NUM_THREADS=1 python -m benchmarks.generators --peers /tmp/peers --out generators.json

`--peers` is a folder into which the wheels of `denoising-diffusion-pytorch`, `einops`, `ema-pytorch`, `accelerate`,
`timevqvae`, `ecgen` and the source of `diffwave` are unpacked (`pip download --no-deps`, then unzip or tar).
Both sides take turns on one thread, and the least of all turns counts: other work on the machine only adds to a time.
A peer that is not there shows as such. Untrained networks draw, as fast as trained ones.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
import types
import warnings
from collections.abc import Callable
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from synth_core.generators import build
from synth_core.generators.nets.dilated import DilatedNetwork
from synth_core.generators.nets.transformer import PatchTransformer
from synth_core.generators.nets.unet import UNet
from synth_core.types import Batch, Condition, DataSpec

ECG = DataSpec("ecg", (12, 1000), "mV", 100.0, (), ("a", "b"))
Step = Callable[[], None]
PEER_STUBS = (
    "torchaudio",
    "torchvision",
    "torchvision.transforms",
    "torchvision.utils",
)  # that peers import, idly here


def main() -> None:
    """Print the training steps and the drawing; write JSON with `--out`."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--peers", type=Path, default=Path("/tmp/peers"))
    parser.add_argument("--turns", type=int, default=8)
    parser.add_argument("--batches", type=int, nargs="*", default=[4, 16])
    parser.add_argument("--out", type=Path)
    given, _ = parser.parse_known_args()
    warnings.simplefilter("ignore")
    torch.set_num_threads(1)
    rows = measure(given.peers, given.batches, given.turns)
    print(table(rows), flush=True)
    drawing = measure_drawing(given.turns)
    print(drawing_table(drawing))
    if given.out:
        given.out.write_text(json.dumps({"training": rows, "drawing": drawing}, indent=2) + "\n")


def measure(peers: Path, batches: list[int], turns: int) -> list[dict[str, object]]:
    """One row per method and batch size; `public` is None where the peer is not there."""
    find_peers(peers)
    rows: list[dict[str, object]] = []
    for name, (ours, public) in CASES.items():
        for batch in batches:
            torch.manual_seed(0)
            steps = {"ours": ours(batch)}
            with suppress(ImportError):
                steps["public"] = public(batch)
            least = interleaved(steps, turns)
            rows.append({"method": name, "batch": batch, "ours": least["ours"], "public": least.get("public")})
    return rows


def measure_drawing(turns: int) -> list[dict[str, object]]:
    """One row per way of drawing an ECG, each alone; then a thousand, from a batch of `DRAWN_TOGETHER`."""
    least = interleaved({name: _drawing(made, steps, 1) for name, (made, steps) in DRAWERS.items()}, turns)
    slowest = max(least.values())
    rows: list[dict[str, object]] = [
        {"method": name, "examples": 1, "seconds": seconds, "ratio": slowest / seconds}
        for name, seconds in least.items()
    ]
    name, (made, steps) = next(iter(DRAWERS.items()))
    together = interleaved({name: _drawing(made, steps, DRAWN_TOGETHER)}, min(turns, 3))[name]
    return [*rows, {"method": name, "examples": 1000, "seconds": together * 1000 / DRAWN_TOGETHER, "ratio": None}]


def _drawing(made: dict[str, Any], steps: int, n: int) -> Step:
    given = dict(made)
    torch.manual_seed(0)
    generator = build(given.pop("name"), ECG, **given)
    labels = Condition(labels=torch.eye(2)[torch.arange(n) % 2])

    def draw() -> None:
        generator.sample(labels, rng=torch.Generator().manual_seed(0), steps=steps)

    return draw


def drawing_table(rows: list[dict[str, object]]) -> str:
    """Plain text, one line per row."""
    lines = [f"{'drawing, 12 × 1000':<40}{'examples':>9}{'ours s':>10}{'faster than the slowest':>25}"]
    for row in rows:
        ratio = f"{row['ratio']:>24.1f}×" if isinstance(row["ratio"], float) else f"{'from ' + str(DRAWN_TOGETHER):>25}"
        lines.append(f"{row['method']:<40}{row['examples']:>9}{row['seconds']:>10.3f}{ratio}")
    return "\n".join(lines)


def interleaved(steps: dict[str, Step], turns: int) -> dict[str, float]:
    """Least CPU seconds of each, after one turn to warm up."""
    least = dict.fromkeys(steps, float("inf"))
    for turn in range(turns + 1):
        for name, step in steps.items():
            began = time.process_time()
            step()
            if turn:
                least[name] = min(least[name], time.process_time() - began)
    return {name: round(seconds, 4) for name, seconds in least.items()}


def table(rows: list[dict[str, object]]) -> str:
    """Plain text, one line per row."""
    lines = [f"{'12 × 1000, one thread':<26}{'batch':>6}{'ours s':>10}{'public s':>16}{'faster':>8}"]
    for row in rows:
        ours, public = row["ours"], row["public"]
        known = isinstance(public, float) and isinstance(ours, float)
        shown = f"{public:>16.3f}{public / ours:>7.2f}×" if known else f"{'not installed':>16}"
        lines.append(f"{row['method']:<26}{row['batch']:>6}{ours:>10.3f}{shown}")
    return "\n".join(lines)


def find_peers(folder: Path) -> None:
    """Make unpacked peers importable, without what they import for training on files alone."""
    sys.path[:0] = [str(folder), *(str(path) for path in folder.glob("diffwave-*/src"))]
    for name in PEER_STUBS:
        sys.modules.setdefault(name, types.ModuleType(name))
    for name in ("denoising_diffusion_pytorch", "ecgen"):  # whose __init__ imports all of their models, and plotting
        package = types.ModuleType(name)
        package.__path__ = [str(folder / name)]
        sys.modules.setdefault(name, package)


def our_diffwave(batch: int) -> Step:
    network = DilatedNetwork(12, width=64, layers=30, cycle=10, steps=50)
    x, noise, step = torch.randn(batch, 12, 1000), torch.randn(batch, 12, 1000), torch.randint(0, 50, (batch,))
    nothing = torch.zeros(batch, 512)
    return _training(network, lambda: F.l1_loss(network(x, step, nothing), noise))


def public_diffwave(batch: int) -> Step:
    """Its modules, with 12 channels at the 1×1 ends and without the mel conditioner, as it has it unconditioned."""
    model = import_module("diffwave.model")

    class Block(nn.Module):
        def __init__(self, dilation: int) -> None:
            super().__init__()
            whole = model.ResidualBlock(1, 64, dilation)
            self.dilated_conv, self.step = whole.dilated_conv, whole.diffusion_projection
            self.output_projection = whole.output_projection

        def forward(self, x: Tensor, step: Tensor) -> tuple[Tensor, Tensor]:
            gate, value = self.dilated_conv(x + self.step(step).unsqueeze(-1)).chunk(2, dim=1)
            residual, skip = self.output_projection(torch.sigmoid(gate) * torch.tanh(value)).chunk(2, dim=1)
            return (x + residual) / 2**0.5, skip

    class Network(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.enter, self.skip, self.leave = model.Conv1d(12, 64, 1), model.Conv1d(64, 64, 1), nn.Conv1d(64, 12, 1)
            self.embed = model.DiffusionEmbedding(50)
            self.blocks = nn.ModuleList(Block(2 ** (i % 10)) for i in range(30))

        def forward(self, x: Tensor, step: Tensor) -> Tensor:
            x, step, skips = F.relu(self.enter(x)), self.embed(step), []
            for block in self.blocks:
                x, skip = block(x, step)
                skips.append(skip)
            return self.leave(F.relu(self.skip(torch.sum(torch.stack(skips), dim=0) / 30**0.5)))

    network = Network()
    x, noise, step = torch.randn(batch, 12, 1000), torch.randn(batch, 12, 1000), torch.randint(0, 50, (batch,))
    return _training(network, lambda: F.l1_loss(network(x, step), noise))


def our_unet(batch: int) -> Step:
    network = UNet(12, width=32, multiples=(1, 2, 4, 8))
    x, time_, nothing = torch.randn(batch, 12, 1000), 1000 * torch.rand(batch), torch.zeros(batch, 128)
    return _training(network, lambda: F.mse_loss(network(x, time_, nothing), x))


def public_unet(batch: int) -> Step:
    network = import_module("denoising_diffusion_pytorch.denoising_diffusion_pytorch_1d").Unet1D(32, channels=12)
    x, time_ = torch.randn(batch, 12, 1000), 1000 * torch.rand(batch)
    return _training(network, lambda: F.mse_loss(network(x, time_), x))


def our_transformer(batch: int) -> Step:
    network = PatchTransformer(12, (1000,), dim=128, depth=4, heads=4, patch=20, width=32)
    x, time_, nothing = torch.randn(batch, 12, 1000), torch.rand(batch), torch.zeros(batch, 128)
    return _training(network, lambda: F.mse_loss(network(x, time_, nothing), x))


def public_transformer(batch: int) -> Step:
    """Of the same width, depth and patch; it has no convolutions at full rate before and behind, as ours has."""
    network = import_module("ecgen.nn.backbones.dit1d").DiT1d(12, patch_size=20, dim=128, depth=4, heads=4)
    x, time_ = torch.randn(batch, 12, 1000), 1000 * torch.rand(batch)
    return _training(network, lambda: F.mse_loss(network(x, time_), x))


def public_transformer_in_convolutions(batch: int) -> Step:
    """With the same convolutions at full rate as ours, and the same skip around the transformer."""
    model = import_module("ecgen.nn.backbones.dit1d")

    class Network(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.stem = nn.Conv1d(12, 32, 7, padding="same")
            self.inner = model.DiT1d(32, patch_size=20, dim=128, depth=4, heads=4)
            self.head = nn.Sequential(
                nn.Conv1d(64, 32, 7, padding="same"), nn.SiLU(), nn.Conv1d(32, 12, 7, padding="same")
            )

        def forward(self, x: Tensor, time: Tensor) -> Tensor:
            local = F.silu(self.stem(x))
            out: Tensor = self.head(torch.cat([local, self.inner(local, time)], dim=1))
            return out

    network = Network()
    x, time_ = torch.randn(batch, 12, 1000), 1000 * torch.rand(batch)
    return _training(network, lambda: F.mse_loss(network(x, time_), x))


def our_vqvae(phase: str) -> Callable[[int], Step]:
    """Step of one phase at the settings of the source."""

    def made(batch: int) -> Step:
        generator = build("time_vqvae", ECG, preset="paper")
        examples = Batch(torch.randn(batch, 12, 1000), ECG, Condition(labels=torch.eye(2)[torch.arange(batch) % 2]))
        own = set(generator.parameters_of(phase))
        for parameter in generator.parameters():
            parameter.requires_grad_(parameter in own)
        rng = torch.Generator().manual_seed(0)
        return _training(generator, lambda: generator.loss(examples, phase, rng)["total"])

    return made


def public_tokeniser(batch: int) -> Step:
    network = import_module("timevqvae.vqvae").VQVAE(12, 1000)
    x = torch.randn(batch, 12, 1000)

    def loss() -> Tensor:
        out = network(x)
        return (sum(out.recons_loss.values()) + sum(part["loss"] for part in out.vq_losses.values())).sum()

    return _training(network, loss)


def public_prior(batch: int) -> Step:
    module = import_module("timevqvae.maskgit")
    tokeniser = import_module("timevqvae.vqvae").VQVAE(12, 1000)
    x, label = torch.randn(batch, 12, 1000), torch.arange(batch)[:, None] % 2
    tokeniser(x)  # it counts its tokens in the first pass
    shared = {"ff_mult": 1, "use_rmsnorm": True, "p_unconditional": 0.2}
    network = module.MaskGIT(
        vqvae=tokeniser,
        lf_choice_temperature=10.0,
        hf_choice_temperature=0.0,
        lf_num_sampling_steps=10,
        hf_num_sampling_steps=10,
        lf_codebook_size=1024,
        hf_codebook_size=1024,
        transformer_embedding_dim=128,
        lf_prior_model_config=module.PriorModelConfig(hidden_dim=128, n_layers=4, heads=2, **shared),
        hf_prior_model_config=module.PriorModelConfig(hidden_dim=32, n_layers=1, heads=1, **shared),
        classifier_free_guidance_scale=1.0,
        n_classes=2,
    )
    return _training(network, lambda: network(x, label).total_mask_prediction_loss)


def _training(module: nn.Module, loss: Callable[[], Tensor]) -> Step:
    module.train()

    def step() -> None:
        module.zero_grad(set_to_none=True)
        loss().backward()

    return step


DRAWN_TOGETHER = 64
DRAWERS: dict[str, tuple[dict[str, Any], int]] = {  # settings, sampler steps
    "flow, width 64, 10 steps": ({"name": "flow", "dim": 64}, 10),
    "flow, width 128, 10 steps": ({"name": "flow"}, 10),
    "flow, width 128, 20 steps": ({"name": "flow"}, 20),
    "diffwave, 50 steps": ({"name": "diffwave"}, 50),
    "diffwave as published, 50 steps": ({"name": "diffwave", "preset": "paper"}, 50),
}
CASES: dict[str, tuple[Callable[[int], Step], Callable[[int], Step]]] = {
    "diffwave": (our_diffwave, public_diffwave),
    "time_diffusion, U-Net 32": (our_unet, public_unet),
    "flow, transformer 128": (our_transformer, public_transformer),
    "flow, public in our ends": (our_transformer, public_transformer_in_convolutions),
    "time_vqvae, tokeniser": (our_vqvae("tokeniser"), public_tokeniser),
    "time_vqvae, prior": (our_vqvae("prior"), public_prior),
}


if __name__ == "__main__":
    main()
