"""The ImageNet configuration with Fourier positions, in `perceiver-pytorch` from PyPI and here: forward time, peak memory.

Run: pip install perceiver-pytorch einops; python benchmarks/peers.py [--repetitions 5] [--batch-size 1] [--output table.md]

224 x 224 pictures, so 50,176 inputs x 261 channels; 512 latents x 1024; one cross-attend; 8 blocks of the same 6
self-attends; 1000 classes. The peer has no class for just this, so it runs in the two forms that come nearest, whose
differences are written under the table. All weights are drawn, no gradients, float32; the sides take turns in one process
for the time, and run alone in fresh processes for the memory.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from measuring import (
    circumstances,
    in_bytes,
    in_fresh_process,
    in_ratio,
    in_seconds,
    interleaved,
    largest_relative_error,
    markdown_table,
    medians,
    report,
)

PACKAGES = {"perceiver_pytorch": "perceiver-pytorch", "einops": "einops"}
TOLERANCE = 1e-5
HEADER = ("side", "parameters", "forward", "time / ours", "peak memory", "peak / ours")


@dataclass(frozen=True)
class Sizes:
    """The network: pixels of a side, Fourier bands, latents, their channels, blocks, layers in a block, heads, classes."""

    picture: int = 224
    bands: int = 64
    latents: int = 512
    channels: int = 1024
    blocks: int = 8
    layers: int = 6
    heads: int = 8
    classes: int = 1000

    @property
    def input_channels(self) -> int:
        """Channels of an input: colours, two coordinates, a sine and a cosine of each band and axis."""
        return 3 + 2 * (2 * self.bands + 1)

    def describe(self) -> str:
        """The network in words."""
        return (
            f"{self.picture**2:,} inputs x {self.input_channels} channels, {self.latents} latents x {self.channels}, "
            f"one cross-attend, {self.blocks} blocks of the same {self.layers} self-attends of {self.heads} heads, "
            f"{self.classes} classes"
        )


SMALL = Sizes(picture=23, bands=5, latents=11, channels=28, blocks=2, layers=3, heads=7, classes=13)


@dataclass(frozen=True)
class Side:
    """One form of the network.

    Attributes:
        name: in the table.
        build: makes the forward pass, pictures [batch, 3, height, width] to scores [batch, classes], and counts parameters.
        differences: from the configuration above, as a sentence; empty where there are none.
    """

    name: str
    build: Callable[[Sizes], tuple[Callable[[Any], Any], int]]
    differences: str = ""


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--repetitions", type=int, default=5, help="timed forward passes of each side")
    parser.add_argument("--batch-size", type=int, default=1, help="pictures in a forward pass")
    parser.add_argument("--small", action="store_true", help="tiny models: shows that the script works")
    parser.add_argument("--output", type=Path, help="file for the table, in Markdown")
    options = parser.parse_args(arguments)
    require_peer()

    sizes = SMALL if options.small else Sizes()
    heading = (
        f"# Forward pass of the ImageNet-Fourier configuration, batch size {options.batch_size}"
        f"{', tiny models' if options.small else ''}\n\n"
        f"{circumstances(('torch', 'perceivers', 'perceiver-pytorch', 'einops'))}\n"
        f"{sizes.describe()}; medians of {options.repetitions} passes in turns.\n"
    )
    figures = {
        name: in_fresh_process(forward_alone, name, sizes, options.batch_size) for name in available_sides()
    }
    seconds = in_fresh_process(
        forward_in_turns, list(figures), sizes, options.batch_size, options.repetitions
    ).value
    times = medians(seconds)
    rows = [
        [
            name,
            f"{outcome.value:,}",
            in_seconds(times[name]),
            in_ratio(times[name], times[OURS]),
            in_bytes(outcome.peak),
            in_ratio(outcome.peak, figures[OURS].peak),
        ]
        for name, outcome in figures.items()
    ]
    notes = "\n".join(f"- {name}: {SIDES[name].differences}" for name in figures if SIDES[name].differences)
    report(f"{heading}\n{markdown_table(HEADER, rows)}\n\n{notes}", options.output)


def require_peer() -> None:
    """End with the command to type where the peer is not installed."""
    missing = [package for module, package in PACKAGES.items() if find_spec(module) is None]
    if missing:
        raise SystemExit(
            f"this comparison needs {' and '.join(missing)}, which the other benchmarks do not: "
            f"pip install {' '.join(missing)}"
        )


def forward_alone(name: str, sizes: Sizes, batch_size: int) -> int:
    """Two forward passes of one side, in a process of its own; the number of its parameters."""
    forward, num_parameters = SIDES[name].build(sizes)
    for _ in range(2):
        _one_pass(forward, sizes, batch_size)()
    return num_parameters


def forward_in_turns(
    names: Sequence[str], sizes: Sizes, batch_size: int, repetitions: int
) -> dict[str, list[float]]:
    """Seconds of each forward pass, by side; our two forms have to give the same scores."""
    passes = {name: _one_pass(SIDES[name].build(sizes)[0], sizes, batch_size) for name in names}
    if PREPARED in passes:
        error = largest_relative_error(passes[PREPARED](), passes[OURS]())
        if not error <= TOLERANCE:
            raise SystemExit(f"the prepared form differs from the plain model by {error:.1e}")
    return interleaved(passes, repetitions)


def available_sides() -> list[str]:
    """Names of the sides that this version can run; ours comes first."""
    import perceivers

    prepared = hasattr(perceivers.PerceiverForImageClassificationFourier, "prepare")
    return [name for name in SIDES if name != PREPARED or prepared]


def _one_pass(forward: Callable[[Any], Any], sizes: Sizes, batch_size: int) -> Callable[[], Any]:
    import torch

    generator = torch.Generator().manual_seed(1)
    pictures = torch.randn(batch_size, 3, sizes.picture, sizes.picture, generator=generator)

    def run() -> Any:
        with torch.no_grad():
            scores = forward(pictures)
        # A side that computed something else would not be worth timing.
        assert scores.shape == (batch_size, sizes.classes), f"scores have shape {list(scores.shape)}"
        return scores

    return run


def build_ours(sizes: Sizes) -> tuple[Callable[[Any], Any], int]:
    """The plain model, as it is trained."""
    model = _our_model(sizes)
    return lambda pictures: model(pictures).logits, model.num_parameters()


def build_prepared(sizes: Sizes) -> tuple[Callable[[Any], Any], int]:
    """The exact fast form of the same model."""
    model = _our_model(sizes)
    num_parameters = model.num_parameters()
    prepared = model.prepare(consume=True)
    return lambda pictures: prepared(pictures).logits, num_parameters


def build_repeated_cross_attend(sizes: Sizes) -> tuple[Callable[[Any], Any], int]:
    """The peer's `Perceiver` by its constructor alone."""
    import torch
    from perceiver_pytorch import Perceiver

    torch.manual_seed(0)
    model = Perceiver(
        input_channels=3,
        input_axis=2,
        num_freq_bands=sizes.bands,
        max_freq=float(sizes.picture),
        depth=sizes.blocks,
        self_per_cross_attn=sizes.layers,
        weight_tie_layers=True,
        num_latents=sizes.latents,
        latent_dim=sizes.channels,
        cross_heads=1,
        cross_dim_head=sizes.input_channels,
        latent_heads=sizes.heads,
        latent_dim_head=sizes.channels // sizes.heads,
        num_classes=sizes.classes,
    ).eval()
    return lambda pictures: model(pictures.movedim(1, -1)), _count(model)


def build_composed(sizes: Sizes) -> tuple[Callable[[Any], Any], int]:
    """The peer's `PerceiverIO`, its layers shared between blocks and its perceptrons narrowed."""
    import torch
    from perceiver_pytorch import PerceiverIO

    torch.manual_seed(0)
    model = PerceiverIO(
        depth=sizes.layers,
        dim=sizes.input_channels,
        queries_dim=sizes.channels,
        logits_dim=sizes.classes,
        num_latents=sizes.latents,
        latent_dim=sizes.channels,
        cross_heads=1,
        cross_dim_head=sizes.input_channels,
        latent_heads=sizes.heads,
        latent_dim_head=sizes.channels // sizes.heads,
        decoder_ff=True,
    ).eval()
    for holder in list(model.modules()):
        # By name: encoder and decoder have a class of this name each.
        wide = getattr(holder, "fn", None)
        if type(wide).__name__ == "FeedForward":
            holder.fn = type(wide)(sizes.channels, mult=1)
    # Its forward pass runs through `layers` (and as many empty `attn_residuals`) in order: the same ones, again and again.
    model.layers = torch.nn.ModuleList(list(model.layers) * sizes.blocks)
    model.attn_residuals = torch.nn.ModuleList(list(model.attn_residuals) * sizes.blocks)
    query = torch.randn(1, sizes.channels)
    positions = _positions(sizes)

    def forward(pictures: Any) -> Any:
        pixels = pictures.movedim(1, -1).flatten(1, 2)
        tokens = torch.cat([pixels, positions.expand(pixels.shape[0], -1, -1)], dim=-1)
        return model(tokens, queries=query)[:, 0]

    return forward, _count(model) + query.numel()


def _positions(sizes: Sizes) -> Any:
    """Fourier features of the pixels, [num_pixels, channels]; made once, which is in the peer's favour."""
    from perceivers.nn.fourier import fourier_features, grid_coordinates

    resolution = (sizes.picture, sizes.picture)
    return fourier_features(grid_coordinates(resolution), sizes.bands, resolution)


def _our_model(sizes: Sizes) -> Any:
    import torch

    import perceivers

    torch.manual_seed(0)
    config = perceivers.PerceiverConfig(
        num_latents=sizes.latents,
        d_latents=sizes.channels,
        d_model=sizes.input_channels,
        num_blocks=sizes.blocks,
        num_self_attends_per_block=sizes.layers,
        num_self_attention_heads=sizes.heads,
        num_cross_attention_heads=1,
        fourier_num_bands=sizes.bands,
        fourier_max_resolution=(sizes.picture, sizes.picture),
        num_labels=sizes.classes,
    )
    return perceivers.PerceiverForImageClassificationFourier(config).eval()


def _count(model: Any) -> int:
    return sum(parameter.numel() for parameter in model.parameters())


OURS, PREPARED = "ours", "ours, prepared"
_GATED = "a perceptron whose hidden layer is gated (GEGLU: two first matrices where ours has one)"
SIDES: Mapping[str, Side] = {
    side.name: side
    for side in (
        Side(OURS, build_ours),
        Side(PREPARED, build_prepared),
        Side(
            "perceiver-pytorch, PerceiverIO",
            build_composed,
            "put together to come as near as possible: its layers shared between the blocks after construction, its "
            "perceptrons replaced by its own FeedForward(mult=1), position features made once outside the measured pass. "
            f"Left: {_GATED}, no biases on queries, keys and values, a decoder head of the input's channels (ours: the "
            "latents').",
        ),
        Side(
            "perceiver-pytorch, Perceiver",
            build_repeated_cross_attend,
            "as its constructor gives it (depth = blocks, weight_tie_layers, self_per_cross_attn = layers, cross_dim_head "
            "= input channels, latent_dim_head = channels / heads). It looks at the inputs before every block, not once; "
            f"the first block has weights of its own; {_GATED}, four times as wide as the latents; the mean of the "
            "latents instead of a decoder.",
        ),
    )
}


if __name__ == "__main__":
    main()
