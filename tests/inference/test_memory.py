"""Working memory follows `max_memory`, never the number of inputs times that of latents, or of outputs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.utils import _pytree as pytree
from torch.utils._python_dispatch import TorchDispatchMode

LEAST_MEMORY = 2**20
# A tile of logits fills a quarter of the memory, or as much of it as whole rows give.
ONE_TILE = LEAST_MEMORY // 4
NUM_LATENTS = 83


class LargestTensor(TorchDispatchMode):
    """Records the bytes of the largest tensor that any operation makes; views count as what they look into."""

    def __init__(self) -> None:
        super().__init__()
        self.num_bytes = 0

    def __torch_dispatch__(self, operation: Any, types: Any, arguments: Any = (), options: Any = None) -> Any:
        result = operation(*arguments, **(options or {}))
        for each in pytree.tree_leaves(result):
            if isinstance(each, Tensor):
                self.num_bytes = max(self.num_bytes, _bytes_of(each))
        return result


def _bytes_of(tensor: Tensor) -> int:
    # A packed weight has no storage that could be asked.
    return tensor.numel() * tensor.element_size() if tensor.is_mkldnn else tensor.untyped_storage().nbytes()


def largest(call: Callable[[], Any]) -> int:
    with LargestTensor() as recorded, torch.inference_mode():
        call()
    return recorded.num_bytes


def num_bytes(inputs: Any) -> int:
    values = inputs.values() if isinstance(inputs, dict) else [inputs]
    return max(value.numel() * value.element_size() for value in values)


def test_the_recorder_sees_what_the_plain_model_builds(small):
    model = small("image_fourier", num_latents=NUM_LATENTS, attn_implementation="eager")
    pictures = torch.randn(1, 3, 61, 67)
    with torch.no_grad():
        assert largest(lambda: model(pictures)) >= 4 * 61 * 67 * NUM_LATENTS


@pytest.mark.parametrize("task", ["image_fourier", "image_learned", "image_conv"])
def test_encoding_pictures_takes_no_more_for_four_times_the_pixels(task, small):
    options = {"interpolate_pos_encoding": True} if task == "image_learned" else {}
    model = small(task, num_latents=NUM_LATENTS, position_channels=3, image_projection_channels=4)
    prepared = model.prepare(max_memory=LEAST_MEMORY)
    measured = []
    for side in (1, 2):
        pictures = torch.randn(1, 3, 61 * side, 67 * side)
        made = largest(lambda some=pictures: prepared(some, **options))
        # The convolutional stem's features, and learned positions of another size, are as large as pictures may be.
        channels = {"image_fourier": 3, "image_conv": 5, "image_learned": 4}[task]
        measured.append((made, channels * pictures.numel() // 3 * 4))
    (first, _), (second, own) = measured
    assert second <= max(first, own, ONE_TILE)
    assert second < 4 * 122 * 134 * NUM_LATENTS / (1 if task != "image_conv" else 16)


def test_flow_takes_no_more_for_four_times_the_pixels(small):
    model = small("optical_flow", num_latents=NUM_LATENTS, train_size=(100, 100))
    prepared = model.prepare(max_memory=LEAST_MEMORY)
    measured = []
    for side in (1, 2):
        frames = torch.randn(1, 2, 27, 31 * side, 37 * side)
        measured.append((largest(lambda some=frames: prepared(some)), num_bytes(frames)))
    (first, _), (second, own) = measured
    assert second <= max(first, own, ONE_TILE)
    assert second < 4 * 62 * 74 * NUM_LATENTS


def test_videos_take_no_more_for_four_times_the_frames(small, video):
    model = small("multimodal", num_latents=NUM_LATENTS)
    prepared = model.prepare(max_memory=LEAST_MEMORY)
    measured = []
    for frames in (3, 12):
        inputs = video(1, frames, 26, 34, 57 * frames)
        measured.append((largest(lambda some=inputs: prepared.reconstruct(some)), num_bytes(inputs)))
    (first, _), (second, own) = measured
    assert second <= max(first, own, ONE_TILE)
    # The plain decoder's weights would be as large for all outputs, the encoder's for all tokens.
    assert second < 4 * 12 * 26 * 34 * NUM_LATENTS / 10


def test_texts_never_have_all_their_attention_weights(small):
    model = small("masked_lm", num_latents=NUM_LATENTS, max_position_embeddings=1009)
    prepared = model.prepare(max_memory=LEAST_MEMORY)
    ids = torch.randint(0, 31, (3, 1009))
    made = largest(lambda: prepared(ids))
    # The largest arrays are keys and values, or the answers themselves.
    assert made <= 4 * max(1009 * (6 + 18) * 3, 3 * 1009 * 31, ONE_TILE)
    assert made < 4 * 3 * 2 * NUM_LATENTS * 1009


@pytest.mark.parametrize("max_memory", [2**20, 2**22, 2**24])
def test_tiles_fit_into_the_memory_allowed(max_memory, small):
    model = small("image_fourier", num_latents=211)
    prepared = model.prepare(max_memory=max_memory)
    pictures = torch.randn(7, 3, 31, 37)
    assert largest(lambda: prepared(pictures)) <= max(max_memory // 4, num_bytes(pictures))


def test_many_samples_are_taken_a_few_at_a_time(small, assert_equal):
    model = small("image_fourier", num_latents=211)
    pictures = torch.randn(23, 3, 31, 37)
    prepared = model.prepare(max_memory=LEAST_MEMORY)
    with torch.no_grad():
        assert_equal(prepared(pictures), model(pictures))
