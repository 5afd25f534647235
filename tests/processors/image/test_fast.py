"""The torch processor gives the Pillow processor's values, in batches and on other devices."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from perceivers.processors.image.fast import PerceiverImageProcessorFast
from perceivers.processors.image.pillow import PerceiverImageProcessor

BYTES = {"do_rescale": False, "do_normalize": False, "return_tensors": "np"}


@settings(max_examples=60)
@given(
    sizes=st.lists(st.tuples(st.integers(5, 83), st.integers(5, 83)), min_size=1, max_size=4),
    size=st.tuples(st.integers(13, 61), st.integers(13, 61)),
    resample=st.integers(0, 5),
    crop_mode=st.sampled_from(["transformers", "deepmind"]),
    mode=st.sampled_from(["RGB", "L", "RGBA", "P", "CMYK"]),
    disable_grouping=st.booleans(),
    seed=st.integers(0, 2**32 - 1),
)
def test_both_processors_agree(sizes, size, resample, crop_mode, mode, disable_grouping, seed):
    generator = np.random.default_rng(seed)
    pictures = [
        Image.fromarray(generator.integers(0, 256, (*shape, 3), dtype=np.uint8)).convert(mode)
        for shape in sizes
    ]
    options = {
        "size": size,
        "crop_size": 61,
        "resample": 3 if crop_mode == "deepmind" else resample,
        "crop_mode": crop_mode,
        "return_tensors": "np",
    }
    fast = PerceiverImageProcessorFast(**options, disable_grouping=disable_grouping)(pictures)
    expected = PerceiverImageProcessor(**options)(pictures).pixel_values
    # Overshoots of DeepMind's resize are floats, summed in another order for another batch.
    np.testing.assert_allclose(
        fast.pixel_values, expected, rtol=0, atol=1e-5 if crop_mode == "deepmind" else 0
    )


@pytest.mark.parametrize("name", ["china.jpg", "flower.jpg"])
@pytest.mark.parametrize("size", [224, 61, (97, 331)])
def test_photographs_are_within_1_of_255_of_the_reference(name, size):
    reference = pytest.importorskip("transformers").PerceiverImageProcessorPil
    picture = pytest.importorskip("sklearn.datasets").load_sample_image(name)
    expected = reference(size=size)(picture, **BYTES).pixel_values.astype(int)
    received = PerceiverImageProcessorFast(size=size)(picture, **BYTES).pixel_values.astype(int)
    assert np.abs(received - expected).max() <= 1


def test_tensors_are_processed_where_they_are():
    pictures = torch.zeros(2, 3, 37, 53, dtype=torch.uint8)
    listed = PerceiverImageProcessorFast(size=7)(pictures).pixel_values
    assert [type(entry) for entry in listed] == [torch.Tensor, torch.Tensor]
    assert listed[0].device == pictures.device


def test_a_single_picture_needs_no_list():
    pixels = PerceiverImageProcessorFast(size=7)(Image.new("L", (53, 37)), return_tensors="pt").pixel_values
    assert pixels.shape == (1, 3, 7, 7)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_a_gpu_gives_the_same_values():
    pictures = [torch.randint(0, 256, (3, 37, 53), dtype=torch.uint8) for _ in range(3)]
    on_gpu = PerceiverImageProcessorFast(device="cuda", return_tensors="pt")(pictures).pixel_values
    assert on_gpu.device.type == "cuda"
    expected = PerceiverImageProcessor(return_tensors="pt")(pictures).pixel_values
    torch.testing.assert_close(on_gpu.cpu(), expected, rtol=0, atol=1e-6)
