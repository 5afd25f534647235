"""What flow looks like: colours of the wheel where its motion is, frames untouched beside it, legends that say their size."""

import numpy as np
import torch
from PIL import Image

from perceivers.processors.optical_flow.colours import flow_to_image
from perceivers.tasks.base import Prediction
from perceivers.tasks.optical_flow.drawing import GAP, colour_legend, draw_flow, show_flows
from perceivers.tasks.optical_flow.frames import FlowFolder, KeptFlow

FRAME = np.random.default_rng(0).integers(0, 256, (23, 31, 3), dtype=np.uint8)


def test_the_legend_has_at_each_place_the_colour_of_the_motion_to_it():
    legend = np.asarray(colour_legend(101, extent=3.0))
    left = (legend.shape[1] - 101) // 2
    for x, y in ((25, 0), (0, 25), (-25, 0), (0, -25), (15, -20)):
        motion = torch.tensor([[[x / 50 * 3.0, y / 50 * 3.0]]])
        expected = flow_to_image(motion, max_flow=3.0)[0, 0].tolist()
        assert np.abs(legend[50 + y, left + 50 + x].astype(int) - expected).max() <= 1
    # Standing still is white, and so is what lies beyond the rim.
    assert legend[50, left + 50].min() >= 254
    assert legend[0, left].min() == 255


def test_the_legend_says_its_size_and_is_wide_enough_for_it():
    small, other = (np.asarray(colour_legend(48, extent)) for extent in (3.0, 4.0))
    assert small.shape[1] > 48
    text = small[48:]
    assert (text < 128).any()
    # Nothing is cut off at the sides.
    assert (text[:, 0] > 128).all()
    assert not np.array_equal(text, other[48:])
    assert np.array_equal(small[:48], other[:48])


def test_a_frame_its_flow_and_the_legend_stand_side_by_side():
    flow = torch.zeros(23, 31, 2)
    flow[:, 10:, 0], flow[:, 20:, 0] = 4.0, 8.0
    drawn = np.asarray(draw_flow(FRAME, flow, extent=4.0))
    np.testing.assert_array_equal(drawn[GAP : GAP + 23, GAP : GAP + 31], FRAME)
    shown = drawn[GAP : GAP + 23, 31 + 2 * GAP : 62 + 2 * GAP]
    # Red is to the right, in full where the motion is the extent, darker where it is more (by hand: three quarters).
    assert shown[0, 5].tolist() == [255, 255, 255]
    assert shown[0, 15].tolist() == [255, 0, 0]
    assert shown[0, 25].tolist() == [191, 0, 0]
    legend = np.asarray(colour_legend(48, 4.0))
    beside = drawn[GAP : GAP + legend.shape[0], 62 + 3 * GAP : 62 + 3 * GAP + legend.shape[1]]
    np.testing.assert_array_equal(beside, legend)


def test_hardly_any_motion_makes_no_colours_of_noise(tmp_path):
    from perceivers.processors.optical_flow.files import write_flow

    kept = FlowFolder()
    write_flow(kept.path / "0.flo", torch.full((23, 31, 2), 0.01))
    flow = KeptFlow(kept, kept.path / "0.flo", FRAME, None, 25.0, extent=0.014)
    written = show_flows([Prediction("still", {"flow_file": "deep/still.flo"}, {"flow": flow})], tmp_path)
    assert written == [tmp_path / "deep/still.flo", tmp_path / "deep/still.png"]
    drawn = np.asarray(Image.open(written[1]))[GAP : GAP + 23, 31 + 2 * GAP : 62 + 2 * GAP]
    assert drawn.min() > 230


def test_flows_on_disk_go_with_the_last_object_that_refers_to_them():
    folder = FlowFolder()
    path = folder.path
    assert path.is_dir()
    del folder
    assert not path.exists()
