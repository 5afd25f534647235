"""Coarse-to-fine estimation: its geometry by hand, its arithmetic with models whose answers are known."""

from types import SimpleNamespace

import pytest
import torch

from perceivers.errors import ConfigurationError
from perceivers.processors.optical_flow.processor import PerceiverOpticalFlowProcessor
from perceivers.tasks.optical_flow.estimation import (
    estimate_flow,
    fetch,
    resize_flow,
    resize_frames,
)
from perceivers.tasks.optical_flow.sizes import pyramid_sizes

PROCESSOR = PerceiverOpticalFlowProcessor(patch_size=1, flow_scale=2.0)
GRID = (5, 7)


def answering(*flow):
    """A model that gives the same motion everywhere, and notes the sizes it was asked for."""
    asked = []

    def model(inputs):
        asked.append(tuple(inputs.shape[-2:]))
        logits = torch.tensor(flow) / 2.0
        return SimpleNamespace(logits=logits.expand(inputs.shape[0], *inputs.shape[-2:], 2))

    return model, asked


def test_pyramids_stop_where_the_grid_does_not_fit():
    assert pyramid_sizes(40, 56, GRID, 1.0, 3) == [(10, 14), (20, 28), (40, 56)]
    assert pyramid_sizes(40, 56, GRID, 1.0, 9) == [(5, 7), (10, 14), (20, 28), (40, 56)]
    assert pyramid_sizes(40, 56, GRID, 0.5, 2) == [(10, 14), (20, 28)]
    assert pyramid_sizes(3, 4, GRID, 1.0, 4) == [(3, 4)]


def test_flow_at_another_size_is_in_its_pixels():
    flow = torch.tensor([3.0, -4.0]).expand(2, 6, 10, 2)
    larger = resize_flow(flow, (18, 20))
    assert larger.shape == (2, 18, 20, 2)
    torch.testing.assert_close(larger, torch.tensor([6.0, -12.0]).expand(2, 18, 20, 2))
    torch.testing.assert_close(resize_flow(larger, (6, 10)), flow)


def test_frames_are_resized_without_aliasing():
    stripes = torch.tensor([1.0, -1.0]).repeat(8).expand(1, 2, 3, 12, 16)
    assert resize_frames(stripes, (6, 8)).abs().max() < 0.3
    assert resize_frames(stripes, (12, 16)) is stripes


def test_fetching_looks_where_the_flow_points():
    values = torch.arange(35.0).reshape(1, 1, 5, 7)
    flow = torch.zeros(1, 5, 7, 2)
    flow[0, 1, 2] = torch.tensor([1.0, 2.0])
    flow[0, 0, 0] = torch.tensor([0.5, 0.0])
    flow[0, 4, 6] = torch.tensor([0.25, 0.0])
    fetched, inside = fetch(values, flow)
    assert float(fetched[0, 0, 1, 2]) == pytest.approx(values[0, 0, 3, 3])
    assert float(fetched[0, 0, 0, 0]) == pytest.approx(0.5)
    assert float(fetched[0, 0, 4, 6]) == pytest.approx(34.0)
    assert not inside[0, 4, 6]
    assert int(inside.sum()) == 34


def test_one_estimate_is_the_models_answer_in_pixels():
    model, asked = answering(1.5, -0.5)
    flow = estimate_flow(model, PROCESSOR, torch.rand(2, 2, 3, 20, 28), grid=GRID)
    torch.testing.assert_close(flow, torch.tensor([1.5, -0.5]).expand(2, 20, 28, 2))
    assert asked == [(20, 28)]


def test_resized_frames_give_flow_in_pixels_of_the_whole_frame():
    model, asked = answering(1.0, 2.0)
    flow = estimate_flow(model, PROCESSOR, torch.rand(1, 2, 3, 20, 28), grid=GRID, resize=0.5)
    torch.testing.assert_close(flow, torch.tensor([2.0, 4.0]).expand(1, 20, 28, 2))
    assert asked == [(10, 14)]


def test_levels_and_iterations_add_up():
    model, asked = answering(1.0, 0.0)
    flow = estimate_flow(
        model, PROCESSOR, torch.rand(1, 2, 3, 20, 28), grid=GRID, pyramid_levels=3, iterations=2
    )
    assert asked == [(5, 7), (5, 7), (10, 14), (10, 14), (20, 28), (20, 28)]
    # 2 pixels at a quarter are 4 at a half; 6 there are 12; and 2 more: 14.
    torch.testing.assert_close(flow, torch.tensor([14.0, 0.0]).expand(1, 20, 28, 2))


def test_the_second_estimate_sees_the_second_frame_fetched_back():
    seen = []

    def model(inputs):
        seen.append(inputs)
        motion = [3.0, 0.0] if len(seen) == 1 else [0.0, 0.0]
        logits = torch.tensor(motion) / 2.0
        return SimpleNamespace(logits=logits.expand(1, *inputs.shape[-2:], 2))

    first = torch.rand(1, 3, 20, 28)
    second = first.roll(3, dims=-1)
    estimate_flow(model, PROCESSOR, torch.stack([first, second], dim=1), grid=GRID, iterations=2)
    # Where the flow leaves the frame, the first frame stands: nothing is left to correct anywhere.
    torch.testing.assert_close(seen[1][:, 1], seen[1][:, 0], atol=1e-5, rtol=0)
    assert (seen[0][:, 1] - seen[0][:, 0]).abs().max() > 0.1


def test_a_frame_smaller_than_the_grid_is_continued_to_it():
    model, asked = answering(1.0, 1.0)
    assert estimate_flow(model, PROCESSOR, torch.rand(1, 2, 3, 3, 11), grid=GRID).shape == (1, 3, 11, 2)
    assert asked == [(5, 11)]


def test_wrong_choices_are_named():
    model, _ = answering(0.0, 0.0)
    for name, value in (("resize", 0.0), ("resize", 2.0), ("pyramid_levels", 0), ("iterations", 0)):
        with pytest.raises(ConfigurationError, match="`resize` must be in"):
            estimate_flow(model, PROCESSOR, torch.rand(1, 2, 3, 5, 7), grid=GRID, **{name: value})
