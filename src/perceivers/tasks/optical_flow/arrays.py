"""Flow of frames of any size by an exported file of one grid, without torch: see `perceivers.tasks.optical_flow.estimation`.

What the model itself does in torch (tiles) and what its processor does (contrast, neighbourhoods) is done here with arrays.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from perceivers.nn.tile_layout import TileLayout, tile_layout
from perceivers.processors.optical_flow.settings import LEAST_CONTRAST, FlowSettings
from perceivers.tasks.base import FILES, Prediction, Unreadable
from perceivers.tasks.optical_flow.frames import flows_of_inputs
from perceivers.tasks.optical_flow.options import OpticalFlowArguments
from perceivers.tasks.optical_flow.sizes import pyramid_sizes

Floats = NDArray[np.float32]


def answers_of_export(
    model: Any, arguments: OpticalFlowArguments, inputs: Sequence[str], left_out: list[Unreadable] | None
) -> list[Prediction]:
    """The flow of each frame to the next one, see `perceivers.tasks.registry.TaskEntry.exported`."""
    settings = FlowSettings.from_pretrained(model.folder)

    def estimate(first: np.ndarray, second: np.ndarray) -> Floats:
        frames = np.stack([first, second]).astype(np.float32).transpose(0, 3, 1, 2) / np.float32(127.5) - 1
        return estimate_flow(model, settings, frames.astype(np.float32), arguments)

    return [
        replace(each, shown={FILES: {each.values["flow_file"]: each.shown["flow"]}})
        for each in flows_of_inputs(inputs, arguments, estimate, left_out)
    ]


def estimate_flow(
    model: Any, settings: FlowSettings, frames: Floats, arguments: OpticalFlowArguments
) -> Floats:
    """What `perceivers.tasks.optical_flow.estimation.estimate_flow` gives, of one pair.

    Args:
        model: an exported one.
        settings: of its processor.
        frames: [2, 3, height, width], in [-1, 1].
        arguments: the pyramid and the estimates at each size.

    Returns:
        [height, width, 2], right and down, in pixels.
    """
    height, width = frames.shape[-2:]
    grid = tuple(model.config.train_size)
    flow: Floats | None = None
    for size in pyramid_sizes(height, width, grid, arguments.resize, arguments.pyramid_levels):
        resized = _resized(frames, size)
        flow = None if flow is None else resize_flow(flow, size)
        for _ in range(arguments.iterations):
            flow = _corrected(model, settings, resized, flow)
    assert flow is not None
    return resize_flow(flow, (height, width))


def resize_flow(flow: Floats, size: tuple[int, int]) -> Floats:
    """[height, width, 2] at another size, motions in its pixels."""
    height, width = flow.shape[:2]
    if (height, width) == size:
        return flow
    factors = np.array([size[1] / width, size[0] / height], np.float32)
    return np.moveaxis(_resized(np.moveaxis(flow, -1, 0), size), 0, -1) * factors


def fetch(values: Floats, flow: Floats) -> tuple[Floats, NDArray[np.bool_]]:
    """Values [channels, height, width] from where each pixel's flow [height, width, 2] points to, and whether that is inside.

    Interpolated; beyond the border is what lies on it.
    """
    height, width = values.shape[-2:]
    x = np.arange(width, dtype=np.float32) + flow[..., 0]
    y = np.arange(height, dtype=np.float32)[:, None] + flow[..., 1]
    inside = (x >= 0) & (x <= width - 1) & (y >= 0) & (y <= height - 1)
    x, y = x.clip(0, width - 1), y.clip(0, height - 1)
    left, top = np.floor(x).astype(np.int64), np.floor(y).astype(np.int64)
    right, below = np.minimum(left + 1, width - 1), np.minimum(top + 1, height - 1)
    beside, down = (x - left).astype(np.float32), (y - top).astype(np.float32)
    upper = values[:, top, left] * (1 - beside) + values[:, top, right] * beside
    lower = values[:, below, left] * (1 - beside) + values[:, below, right] * beside
    return upper * (1 - down) + lower * down, inside


def model_inputs(frames: Floats, settings: FlowSettings) -> Floats:
    """What the model takes: [1, 2, patch_size * patch_size * 3, height, width] of frames [2, 3, height, width]."""
    if settings.contrast_window:
        frames = _even_contrast(frames, settings.contrast_window)
    height, width = frames.shape[-2:]
    before, after = (settings.patch_size - 1) // 2, settings.patch_size // 2
    padded = np.pad(frames, ((0, 0), (0, 0), (before, after), (before, after)))
    shifted = [
        padded[..., row : row + height, column : column + width]
        for row in range(settings.patch_size)
        for column in range(settings.patch_size)
    ]
    return np.concatenate(shifted, axis=1)[None]


def _corrected(model: Any, settings: FlowSettings, frames: Floats, flow: Floats | None) -> Floats:
    """Flow found so far (None for none) with what the model finds to be left of it."""
    if flow is None:
        return _estimated(model, settings, frames)
    first, second = frames
    fetched, inside = fetch(second, flow)
    rest = _estimated(model, settings, np.stack([first, np.where(inside, fetched, first)]))
    return rest + np.moveaxis(fetch(np.moveaxis(flow, -1, 0), rest)[0], 0, -1)


def _estimated(model: Any, settings: FlowSettings, frames: Floats) -> Floats:
    """One estimate, in pixels of these frames; small ones are continued to the grid by their borders."""
    height, width = frames.shape[-2:]
    grid_height, grid_width = model.config.train_size
    below, beside = max(grid_height - height, 0), max(grid_width - width, 0)
    if below or beside:
        frames = np.pad(frames, ((0, 0), (0, 0), (0, below), (0, beside)), mode="edge")
    inputs = model_inputs(frames, settings)
    whole_height, whole_width = frames.shape[-2:]
    layout = tile_layout(whole_height, whole_width, grid_height, grid_width, model.config.flow_tile_overlap)
    flow = _blended(model, inputs, layout) * np.float32(settings.flow_scale)
    return flow[:height, :width]


def _blended(model: Any, inputs: Floats, layout: TileLayout) -> Floats:
    """The model's outputs of all tiles [height, width, 2], each weighted by its distance to the tile's edge."""
    rows, columns = np.arange(layout.tile_height), np.arange(layout.tile_width)
    vertical = np.minimum(rows + 1, layout.tile_height - rows)
    horizontal = np.minimum(columns + 1, layout.tile_width - columns)
    weights = np.minimum(vertical[:, None], horizontal[None, :]).astype(np.float32)
    places = [
        (slice(top, top + layout.tile_height), slice(left, left + layout.tile_width))
        for top, left in layout.boxes
    ]
    total = np.zeros((layout.height, layout.width), np.float32)
    for place in places:
        total[place] += weights
    blended = np.zeros((layout.height, layout.width, 2), np.float32)
    for place in places:
        tile = model(inputs=inputs[(..., *place)]).logits[0]
        blended[place] += tile * (weights / total[place])[..., None]
    return blended


def _resized(planes: Floats, size: tuple[int, int]) -> Floats:
    """[..., height, width] at another size, bilinear, without aliasing: Pillow's filter, which torch's is the same as."""
    if planes.shape[-2:] == size:
        return planes
    flat = np.ascontiguousarray(planes, np.float32).reshape(-1, *planes.shape[-2:])
    resized = [
        np.asarray(Image.fromarray(plane).resize(size[::-1], Image.Resampling.BILINEAR)) for plane in flat
    ]
    return np.stack(resized).reshape(*planes.shape[:-2], *size)


def _even_contrast(frames: Floats, window: int) -> Floats:
    """See `perceivers.processors.optical_flow.contrast.normalize_contrast`; frames [2, 3, height, width]."""
    mean = _local_mean(frames.mean(axis=0), window)
    square = _local_mean(np.square(frames).mean(axis=0), window)
    variance = (square - np.square(mean)).mean(axis=0, keepdims=True).clip(min=0)
    return ((frames - mean) / (np.sqrt(variance) + LEAST_CONTRAST)).astype(np.float32)


def _local_mean(pictures: Floats, window: int) -> NDArray[np.float64]:
    """[channels, height, width]; at the border over the pixels that there are."""
    reach, (height, width) = window // 2, pictures.shape[-2:]
    sums = np.zeros((len(pictures), height + 1, width + 1))
    np.cumsum(np.cumsum(pictures, axis=1, dtype=np.float64), axis=2, out=sums[:, 1:, 1:])
    tops, bottoms = _ends(height, reach)
    lefts, rights = _ends(width, reach)
    counts = (bottoms - tops)[:, None] * (rights - lefts)
    boxes = (
        sums[:, bottoms[:, None], rights]
        - sums[:, tops[:, None], rights]
        - sums[:, bottoms[:, None], lefts]
        + sums[:, tops[:, None], lefts]
    )
    means: NDArray[np.float64] = boxes / counts
    return means


def _ends(length: int, reach: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """First pixel of each window along an axis, and the one behind its last."""
    places = np.arange(length)
    return np.maximum(places - reach, 0), np.minimum(places + reach + 1, length)
