"""How a file is compared with its model: shares of the largest output, other sizes, and when it fails."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from perceivers.errors import ConfigurationError, ShapeError
from perceivers.export.proof import Proof, difference, other_sizes, prove


def doubled(tensors):
    return {"logits": tensors["inputs"] * 2}


def test_a_difference_is_a_share_of_the_largest_output_of_its_name() -> None:
    expected = {"a": torch.tensor([1.0, -4.0]), "b": torch.tensor([100.0, 0.0])}
    received = {"a": np.array([1.0, -4.2]), "b": np.array([101.0, 0.0])}
    # 0.2 of 4, and 1 of 100.
    assert difference(expected, received) == pytest.approx(0.05)
    assert difference({"a": torch.zeros(2)}, {"a": np.array([0.0, 3.0])}) == 3.0
    with pytest.raises(
        ConfigurationError, match=r"`a` must have shape \[2\], as the model's, received \[3\]"
    ):
        difference({"a": torch.ones(2)}, {"a": np.ones(3)})


def test_other_sizes_follow_the_free_axes_and_masks_still_fit() -> None:
    sample = {"inputs": torch.arange(12.0).reshape(4, 3), "mask": torch.ones(4, 3, dtype=torch.bool)}
    free = {"inputs": (0, 1), "mask": (0, 1)}
    shapes = [(tuple(each["inputs"].shape), tuple(each["mask"].shape)) for each in other_sizes(sample, free)]
    # Half, one and a half, twice, one less.
    assert shapes == [((2, 1), (2, 1)), ((6, 4), (6, 4)), ((8, 6), (8, 6)), ((3, 2), (3, 2))]
    only_batch = next(other_sizes(sample, {"inputs": (0,)}))
    assert only_batch["inputs"].tolist() == [[0, 1, 2], [3, 4, 5]]
    assert only_batch["mask"].shape == (4, 3)


def test_a_file_is_run_at_two_other_sizes_and_sizes_that_the_model_refuses_are_passed_over() -> None:
    def refusing(tensors):
        if len(tensors["inputs"]) == 2:
            raise ShapeError("not two")
        return doubled(tensors)

    sample = {"inputs": torch.ones(4, 3)}
    proof = prove(refusing, doubled, [sample], other_sizes(sample, {"inputs": (0,)}))
    assert [each["inputs"] for each in proof.sizes] == [(4, 3), (6, 3), (8, 3)]
    assert proof.error == 0.0
    proof.require("model.onnx")


def test_a_real_sample_that_the_model_refuses_is_an_error() -> None:
    def refusing(tensors):
        raise ShapeError("none")

    with pytest.raises(ShapeError, match="none"):
        prove(refusing, doubled, [{"inputs": torch.ones(1)}])


def test_a_file_that_is_off_or_was_run_at_too_few_sizes_fails() -> None:
    sizes = tuple({"inputs": (size,)} for size in (1, 2, 3))
    Proof(9.9e-5, sizes).require("model.onnx")
    with pytest.raises(ConfigurationError, match=r"`model.onnx` differs .* by 1.1e-04 .* --form plain"):
        Proof(1.1e-4, sizes).require("model.onnx")
    with pytest.raises(ConfigurationError, match="differs"):
        Proof(float("nan"), sizes).require("model.onnx")
    with pytest.raises(ConfigurationError, match="compared at 2 sizes beside the sample's, received 1"):
        Proof(0.0, sizes[:2]).require("model.onnx")


def test_what_hides_members_is_compared_as_hidden_and_makes_no_difference_small() -> None:
    lowest = torch.finfo(torch.float32).min
    expected = {"logits": torch.tensor([[2.0, 1.0, lowest]])}
    assert difference(expected, {"logits": np.array([[2.0, 1.5, -1e30]])}) == pytest.approx(0.25)
    assert difference(expected, {"logits": np.array([[2.0, 1.0, -3.0]])}) == np.inf


def test_what_is_no_number_is_off_by_more_than_anything_else() -> None:
    expected = {"logits": torch.tensor([[3.0, 5.0], [7.0, 2.0]])}
    broken = np.array([[3.0, 5.0], [np.nan, 2.0]], np.float32)
    assert difference(expected, {"logits": broken}) == np.inf
    assert difference({"logits": torch.from_numpy(broken)}, {"logits": broken}) == 0.0
    with pytest.raises(ConfigurationError, match=r"`model\.onnx` differs from the model by inf"):
        Proof(difference(expected, {"logits": broken}), ()).require("model.onnx")
