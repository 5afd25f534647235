"""Flow of frames of any size by a model that sees a small grid: overlapping tiles, and coarse to fine.

The model alone finds motions of the length that it was trained on. Three things reach farther: frames resized down, where
motions are shorter; a pyramid, where the flow found at a small size is where the next larger one begins; and repeated
estimates. In the last two the second frame is fetched back along the flow found so far, `w(x) = second(x + flow(x))`, and
the model finds what is left, r, with `first(x) = w(x + r(x))`. Together that is exactly `r(x) + flow(x + r(x))`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from perceivers.errors import ConfigurationError
from perceivers.processors.optical_flow.processor import PerceiverOpticalFlowProcessor
from perceivers.tasks.optical_flow.sizes import pyramid_sizes


def estimate_flow(
    model: Callable[..., Any],
    processor: PerceiverOpticalFlowProcessor,
    frames: Tensor,
    *,
    grid: tuple[int, int],
    resize: float = 1.0,
    pyramid_levels: int = 1,
    iterations: int = 1,
) -> Tensor:
    """Estimate the flow from the first to the second frame.

    Args:
        model: a PerceiverForOpticalFlow or its prepared form.
        processor: the model's.
        frames: [batch, 2, 3, height, width], in [-1, 1].
        grid: (height, width) of the model's `train_size`; smaller frames are continued to it by their borders.
        resize: factor of the largest size that flow is estimated at, in (0, 1].
        pyramid_levels: number of sizes, each half the next; those that the grid does not fit into are left out.
        iterations: estimates at each size.

    Returns:
        [batch, height, width, 2], right and down, in pixels of the frames as they are given.
    """
    if not 0.0 < resize <= 1.0 or pyramid_levels < 1 or iterations < 1:
        raise ConfigurationError(
            f"`resize` must be in (0, 1], `pyramid_levels` and `iterations` at least 1, received {resize}, "
            f"{pyramid_levels} and {iterations}"
        )
    height, width = frames.shape[-2:]
    flow: Tensor | None = None
    for size in pyramid_sizes(height, width, grid, resize, pyramid_levels):
        resized = resize_frames(frames, size)
        flow = None if flow is None else resize_flow(flow, size)
        for _ in range(iterations):
            flow = _corrected(model, processor, resized, flow, grid)
    assert flow is not None
    return resize_flow(flow, (height, width))


def resize_frames(frames: Tensor, size: tuple[int, int]) -> Tensor:
    """[batch, 2, channels, height, width] at another size, without aliasing."""
    if tuple(frames.shape[-2:]) == size:
        return frames
    flat = functional.interpolate(
        frames.flatten(0, 1), size=size, mode="bilinear", antialias=True, align_corners=False
    )
    return flat.unflatten(0, frames.shape[:2])


def resize_flow(flow: Tensor, size: tuple[int, int]) -> Tensor:
    """[batch, height, width, 2] at another size, motions in its pixels."""
    height, width = flow.shape[1:3]
    if (height, width) == size:
        return flow
    shrinks = size[0] < height or size[1] < width
    resized = functional.interpolate(
        flow.movedim(-1, 1), size=size, mode="bilinear", antialias=shrinks, align_corners=False
    )
    factors = torch.tensor([size[1] / width, size[0] / height], dtype=flow.dtype, device=flow.device)
    return resized.movedim(1, -1) * factors


def fetch(values: Tensor, flow: Tensor) -> tuple[Tensor, Tensor]:
    """Values from where each pixel's flow points to.

    Args:
        values: [batch, channels, height, width].
        flow: [batch, height, width, 2], right and down, in pixels.

    Returns:
        [batch, channels, height, width], interpolated, the border continued beyond itself; and bool [batch, height, width],
        whether the place lies inside.
    """
    height, width = values.shape[-2:]
    rows = torch.arange(height, dtype=flow.dtype, device=flow.device)[:, None]
    columns = torch.arange(width, dtype=flow.dtype, device=flow.device)
    x, y = columns + flow[..., 0], rows + flow[..., 1]
    inside = (x >= 0) & (x <= width - 1) & (y >= 0) & (y <= height - 1)
    places = torch.stack([x * (2 / max(width - 1, 1)) - 1, y * (2 / max(height - 1, 1)) - 1], dim=-1)
    fetched = functional.grid_sample(
        values, places.to(values.dtype), mode="bilinear", padding_mode="border", align_corners=True
    )
    return fetched, inside


def _corrected(
    model: Callable[..., Any],
    processor: PerceiverOpticalFlowProcessor,
    frames: Tensor,
    flow: Tensor | None,
    grid: tuple[int, int],
) -> Tensor:
    """Flow found so far (None for none) with what the model finds to be left of it."""
    if flow is None:
        return _estimated(model, processor, frames, grid)
    first, second = frames[:, 0], frames[:, 1]
    fetched, inside = fetch(second, flow)
    # What left the frame cannot be compared: showing the first frame there says that nothing is left to correct.
    fetched = torch.where(inside[:, None], fetched, first)
    rest = _estimated(model, processor, torch.stack([first, fetched], dim=1), grid)
    return rest + fetch(flow.movedim(-1, 1), rest)[0].movedim(1, -1)


def _estimated(
    model: Callable[..., Any],
    processor: PerceiverOpticalFlowProcessor,
    frames: Tensor,
    grid: tuple[int, int],
) -> Tensor:
    """One estimate, in pixels of these frames."""
    height, width = frames.shape[-2:]
    below, beside = max(grid[0] - height, 0), max(grid[1] - width, 0)
    if below or beside:
        continued = functional.pad(frames.flatten(0, 1), (0, beside, 0, below), mode="replicate")
        frames = continued.unflatten(0, frames.shape[:2])
    flow = processor.post_process(model(inputs=processor.process_frames(frames)))
    return flow[:, :height, :width]
