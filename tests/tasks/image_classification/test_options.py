"""Sizes and forms of the input that a user may choose, and choices that cannot be."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from perceivers.arguments import DataArguments
from perceivers.configuration import PerceiverConfig
from perceivers.errors import ConfigurationError
from perceivers.tasks.image_classification.options import ImageClassificationArguments
from perceivers.tasks.image_classification.task import ImageClassification
from tiny_pictures import TINY, parts_of


@pytest.mark.parametrize(
    ("changed", "shape"),
    [
        ({"num_latents": 5}, [5, 8]),
        ({"latent_channels": 10}, [3, 10]),
    ],
)
def test_the_size_of_the_latents_is_the_one_asked_for(
    pictures: Path, changed: dict[str, int], shape: list[int]
) -> None:
    task = ImageClassification(ImageClassificationArguments(**{**TINY, **changed}))
    assert list(parts_of(task, pictures).model.get_input_embeddings().shape) == shape


@pytest.mark.parametrize(
    ("changed", "name", "expected"),
    [
        ({"num_fourier_bands": 3}, "Fourier", {"fourier_num_bands": 3, "fourier_max_resolution": [5, 7]}),
        ({"num_fourier_bands": None}, "Fourier", {"fourier_num_bands": 8, "image_size": [5, 7]}),
        (
            {"num_fourier_bands": None, "input_form": "learned", "pixel_channels": 11, "position_channels": 13},
            "Learned",
            {"image_projection_channels": 11, "position_channels": 13, "projected_position_channels": 13},
        ),
        (
            {"input_form": "conv", "image_height": 20, "image_width": 28, "stem_channels": 11},
            "ConvProcessing",
            {"stem_channels": 11, "stem_num_layers": 1, "stem_padding": "transformers", "stem_max_resolution": [5, 7]},
        ),
        (
            {"input_form": "conv", "num_stem_layers": 2, "stem_padding": "same", "stem_batch_norm": False,
             "image_height": 32, "image_width": 48},
            "ConvProcessing",
            {"stem_num_layers": 2, "stem_batch_norm": False, "stem_padding": "same", "stem_max_resolution": [2, 3]},
        ),
        ({"image_channels": 1}, "Fourier", {"image_channels": 1}),
        ({"num_layers": 3, "num_heads": 4, "dropout": 0.3}, "Fourier",
         {"num_self_attends_per_block": 3, "num_self_attention_heads": 4, "attention_probs_dropout_prob": 0.3}),
    ],
)  # fmt: skip
def test_each_form_of_the_input_has_its_class_and_sizes(
    pictures: Path, changed: dict[str, Any], name: str, expected: dict[str, Any]
) -> None:
    parts = parts_of(ImageClassification(ImageClassificationArguments(**{**TINY, **changed})), pictures)
    assert type(parts.model).__name__ == f"PerceiverForImageClassification{name}"
    for key, value in expected.items():
        found = getattr(parts.model.config, key)
        assert (list(found) if isinstance(value, list) else found) == value
    size = changed.get("image_height", 5), changed.get("image_width", 7)
    pixel_values = torch.rand(2, changed.get("image_channels", 3), *size)
    assert parts.model(inputs=pixel_values).logits.shape == (2, 2)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"input_form": "patches"}, "`input_form` must be one of fourier, learned, conv, stem, received 'patches'"),
        ({"input_form": "stem", "stem_widths": (4, 0)}, "`stem_widths` must be one whole number or more, each at least 1"),
        ({"input_form": "stem", "stem_first_pool": 3}, "`stem_first_pool` must be 1 or 2, received 3"),
        ({"jitter": 1.0}, "`jitter` must be"),
        ({"image_channels": 4}, "`image_channels` must be 1 or 3, received 4"),
        ({"pixel_mean": (0.1, 0.2)}, "`pixel_mean` must have one number, or one for each of 3 channels"),
        ({"pixel_std": (0.0,)}, r"`pixel_std` must be above 0, received 0\.0"),
        ({"crop_area": 0.0}, r"`crop_area` must be in \(0, 1\], received 0\.0"),
        ({"centre_crop": 1.5}, r"`centre_crop` must be in \(0, 1\], received 1\.5"),
        ({"flip": 1.5}, r"`flip` must be in \[0, 1\], received 1\.5"),
        ({"rand_augment_magnitude": 11.0}, r"`rand_augment_magnitude` must be in \[0, 10\], received 11\.0"),
        ({"rand_augment_operations": -1}, "`rand_augment_operations` must be at least 0, received -1"),
        ({"mixup": -0.2}, r"`mixup` must be at least 0, received -0\.2"),
    ],
)  # fmt: skip
def test_choices_that_cannot_be_are_named(changed: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        ImageClassificationArguments(**{**TINY, **changed})


def test_a_checkpoint_of_another_form_is_refused(pictures: Path) -> None:
    def build(start: PerceiverConfig, **changed: Any) -> None:
        task = ImageClassification(ImageClassificationArguments(**{**TINY, **changed}))
        task.build(task.load_data(DataArguments(data=str(pictures))), start)

    learned = PerceiverConfig(
        architectures=["PerceiverForImageClassificationLearned"], image_size=(5, 9), image_channels=3
    )
    with pytest.raises(ConfigurationError, match="`input_form` must be 'learned', as in the checkpoint"):
        build(learned)
    without = {"num_fourier_bands": None, "input_form": "learned"}
    with pytest.raises(ConfigurationError, match="`image_height` and `image_width` must be 5 and 9"):
        build(learned, **without)
    with pytest.raises(ConfigurationError, match="`image_channels` must be 3, as in the checkpoint"):
        build(learned, **without, image_channels=1)
