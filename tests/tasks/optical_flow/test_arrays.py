"""Flow with arrays, by a file of one grid: the flow that torch finds with the model's own tiles."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch

from perceivers.nn.tile_layout import tile_layout
from perceivers.nn.tiles import blend_tiles
from perceivers.processors.optical_flow.processor import PerceiverOpticalFlowProcessor
from perceivers.tasks.optical_flow import estimation
from perceivers.tasks.optical_flow.arrays import estimate_flow, fetch, model_inputs
from perceivers.tasks.optical_flow.options import OpticalFlowArguments

GRID, OVERLAP = (11, 13), 4


def of_a_grid(inputs: Any) -> Any:
    """What stands for a model, of one grid: a motion that differs from pixel to pixel, array or tensor."""
    first, second = inputs[:, 0], inputs[:, 1]
    across = (first[:, 1] - second[:, 4]) * 0.3
    down = (second[:, 0] * first[:, 2]) * 0.2
    stack = np.stack if isinstance(inputs, np.ndarray) else torch.stack
    return stack([across, down], -1)


def by_tiles(inputs: torch.Tensor) -> Any:
    """The same of any size, as the model in torch cuts it."""
    layout = tile_layout(*inputs.shape[-2:], *GRID, OVERLAP)
    tiles = [of_a_grid(inputs[..., top : top + GRID[0], left : left + GRID[1]]) for top, left in layout.boxes]
    return SimpleNamespace(logits=blend_tiles(tiles, layout))


class File:
    """The same as a file, which refuses other sizes than its grid."""

    config = SimpleNamespace(train_size=list(GRID), flow_tile_overlap=OVERLAP)

    def __call__(self, inputs: np.ndarray) -> Any:
        assert inputs.shape[-2:] == GRID
        return SimpleNamespace(logits=of_a_grid(inputs))


@pytest.mark.parametrize("size", [(11, 13), (7, 29), (37, 41)])
@pytest.mark.parametrize(
    "chosen",
    [
        {"contrast_window": 0, "patch_size": 3},
        {"contrast_window": 0, "patch_size": 3, "resize": 0.7, "iterations": 2},
        {"pyramid_levels": 2, "contrast_window": 5, "patch_size": 2},
    ],
)
def test_the_flow_is_that_of_torch(size: tuple[int, int], chosen: dict[str, Any]) -> None:
    arguments = OpticalFlowArguments(size="usual", **chosen)
    processor = PerceiverOpticalFlowProcessor(arguments.patch_size, 3.0, arguments.contrast_window)
    frames = np.random.default_rng(0).uniform(-1, 1, (2, 3, *size)).astype(np.float32)
    expected = estimation.estimate_flow(
        by_tiles,
        processor,
        torch.from_numpy(frames)[None],
        grid=GRID,
        resize=arguments.resize,
        pyramid_levels=arguments.pyramid_levels,
        iterations=arguments.iterations,
    )[0]
    received = estimate_flow(File(), processor.settings, frames, arguments)
    assert received.dtype == np.float32
    # Of motions up to 6 pixels; the contrast of flat places magnifies rounding.
    np.testing.assert_allclose(received, expected.numpy(), atol=2e-4)


def test_the_models_input_is_that_of_the_processor() -> None:
    processor = PerceiverOpticalFlowProcessor(3, contrast_window=7)
    frames = np.random.default_rng(0).uniform(-1, 1, (2, 3, 11, 13)).astype(np.float32)
    expected = processor.process_frames(torch.from_numpy(frames)[None])
    np.testing.assert_allclose(model_inputs(frames, processor.settings), expected.numpy(), atol=1e-5)


def test_values_are_fetched_from_where_the_flow_points() -> None:
    values = np.arange(35, dtype=np.float32).reshape(1, 5, 7)
    flow = np.zeros((5, 7, 2), np.float32)
    flow[1, 2], flow[0, 0], flow[4, 6] = (1, 2), (0.5, 0.25), (3, 0)
    fetched, inside = fetch(values, flow)
    # Three rows of 7 and 3 columns; half a column and a quarter of a row; the border itself.
    assert [fetched[0, 1, 2], fetched[0, 0, 0], fetched[0, 4, 6]] == [24, 2.25, 34]
    assert np.argwhere(~inside).tolist() == [[4, 6]]
