"""True flow is read by its file's ending, and marks of unknown motion become a mask."""

import numpy as np
import pytest
import torch

from perceivers.errors import DataError
from perceivers.processors.optical_flow.files import write_flow
from perceivers.processors.optical_flow.kitti import write_kitti_flow
from perceivers.processors.optical_flow.truth import known_part, read_known_flow


def test_every_mark_of_unknown_motion_is_seen():
    flow = torch.tensor([[[1.0, 2.0], [1.6e9, 1.6e9], [float("nan"), 0.0], [3.0, float("inf")], [-2e8, 1.0]]])
    values, known = known_part(flow)
    assert known.tolist() == [[True, False, False, False, False]]
    assert values.tolist() == [[[1, 2], [0, 0], [0, 0], [0, 0], [0, 0]]]


def test_both_formats_are_read(tmp_path):
    flow = torch.tensor([[[1.5, -2.0], [1e10, 1e10], [3.25, 0.0]]])
    write_flow(tmp_path / "a.flo", flow)
    valid = torch.tensor([[True, False, True]])
    write_kitti_flow(tmp_path / "a.png", flow, valid)
    for name in ("a.flo", "a.png"):
        values, known = read_known_flow(tmp_path / name)
        assert torch.equal(known, valid)
        assert values.tolist() == [[[1.5, -2.0], [0, 0], [3.25, 0.0]]]


def test_other_endings_are_named(tmp_path):
    with pytest.raises(DataError, match=r"a.exr` is not a flow file: it must end in one of .flo, .png, .pfm"):
        read_known_flow(tmp_path / "a.exr")


def test_arrays_are_read_with_channels_last_or_first(tmp_path):
    flow = np.arange(30.0).reshape(3, 5, 2)
    flow[1, 2] = np.nan
    np.save(tmp_path / "last.npy", flow)
    np.save(tmp_path / "first.npy", flow.transpose(2, 0, 1))
    for name in ("last", "first"):
        read, known = read_known_flow(tmp_path / f"{name}.npy")
        assert read.dtype == torch.float32
        assert known.sum() == 14
        assert not known[1, 2]
        assert read[2, 4].tolist() == [28.0, 29.0]
        assert read[0, 1].tolist() == [2.0, 3.0]
    np.save(tmp_path / "none.npy", np.zeros((3, 5)))
    with pytest.raises(
        DataError, match=r"\[2, height, width\] to be flow, received float64 of the shape \[3, 5\]"
    ):
        read_known_flow(tmp_path / "none.npy")
