"""The state dictionaries of the released checkpoints: keys, order, shapes and sizes that may never change."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch

RELEASED_PARAMETERS = {
    "deepmind/language-perceiver": 201_108_230,
    "deepmind/vision-perceiver-learned": 62_255_848,
    "deepmind/vision-perceiver-fourier": 48_440_627,
    "deepmind/vision-perceiver-conv": 48_646_522,
    "deepmind/optical-flow-perceiver": 41_057_134,
    "deepmind/multimodal-perceiver": 19_858_855,
}

SMALL_COUNTS = {
    "PerceiverModel": (17_268, 51),
    "PerceiverForMaskedLM": (60_735, 73),
    "PerceiverForSequenceClassification": (26_775, 74),
    "PerceiverForImageClassificationLearned": (367_767, 77),
    "PerceiverForImageClassificationFourier": (28_265, 72),
    "PerceiverForImageClassificationConvProcessing": (40_363, 78),
    "PerceiverForOpticalFlow": (255_672, 73),
    "PerceiverForMultimodalAutoencoding": (366_043, 87),
}


def build_without_memory(class_name: str, **sizes: Any) -> Any:
    import perceivers

    with torch.device("meta"):
        return getattr(perceivers, class_name)(perceivers.PerceiverConfig(**sizes))


def layout_of(model: Any) -> list[tuple[str, list[int]]]:
    return [(key, list(tensor.shape)) for key, tensor in model.state_dict().items()]


def count_parameters(model: Any) -> int:
    return sum(parameter.numel() for parameter in model.parameters())


@pytest.mark.parametrize("name", list(RELEASED_PARAMETERS))
def test_a_released_checkpoint_keeps_its_keys_order_and_shapes(
    name: str, released_layouts: dict[str, Any]
) -> None:
    layout = released_layouts[name]
    model = build_without_memory(layout["class"], **layout["config"])
    assert layout_of(model) == [(key, shape) for key, shape in layout["state_dict"].items()]
    assert count_parameters(model) == layout["n_params"] == RELEASED_PARAMETERS[name]


@pytest.mark.parametrize("name", list(RELEASED_PARAMETERS))
def test_every_tensor_of_a_released_model_built_on_meta_is_on_meta(
    name: str, released_layouts: dict[str, Any]
) -> None:
    layout = released_layouts[name]
    model = build_without_memory(layout["class"], **layout["config"])
    tensors = [*model.parameters(), *model.buffers()]
    hanging = [
        f"{path}.{attribute}"
        for path, module in model.named_modules()
        for attribute, value in vars(module).items()
        if isinstance(value, torch.Tensor)
    ]
    assert {tensor.device.type for tensor in tensors} == {"meta"}
    assert hanging == []


def test_sequence_classification_with_the_language_configuration_keeps_its_layout(
    released_layouts: dict[str, Any],
) -> None:
    import transformers

    sizes = {"qk_channels": 256, "v_channels": 1280, "num_labels": 2}
    model = build_without_memory("PerceiverForSequenceClassification", **sizes)
    with torch.device("meta"):
        reference = transformers.PerceiverForSequenceClassification(transformers.PerceiverConfig(**sizes))
    assert layout_of(model) == layout_of(reference)

    language = released_layouts["deepmind/language-perceiver"]["state_dict"]
    shared = [
        (key, shape)
        for key, shape in language.items()
        if not key.startswith(("perceiver.decoder.", "embedding_decoder."))
    ]
    heads = [(key, shape) for key, shape in layout_of(model) if key.startswith("perceiver.decoder.")]
    assert layout_of(model) == shared + heads
    assert heads[0] == ("perceiver.decoder.decoder.output_position_encodings.position_embeddings", [1, 1280])
    assert heads[-2:] == [
        ("perceiver.decoder.decoder.final_layer.weight", [2, 1280]),
        ("perceiver.decoder.decoder.final_layer.bias", [2]),
    ]


@pytest.mark.parametrize("class_name", list(SMALL_COUNTS))
def test_the_small_models_have_the_observed_numbers_of_parameters_and_keys(
    class_name: str, small_sizes: dict[str, Any]
) -> None:
    model = build_without_memory(class_name, **small_sizes)
    assert (count_parameters(model), len(model.state_dict())) == SMALL_COUNTS[class_name]


@pytest.mark.parametrize("class_name", list(SMALL_COUNTS))
@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"qk_channels": None, "v_channels": None},
        {"qk_channels": None, "v_channels": None, "cross_attention_shape_for_attention": "q"},
        {"use_query_residual": False, "num_blocks": 3, "self_attention_widening_factor": 1},
    ],
    ids=["small", "channels from the inputs", "channels from the queries", "no residual, three blocks"],
)
def test_the_small_models_have_the_layout_of_transformers(
    class_name: str, changes: dict[str, Any], small_sizes: dict[str, Any]
) -> None:
    import transformers

    sizes = {**small_sizes, **changes}
    with torch.device("meta"):
        reference = getattr(transformers, class_name)(transformers.PerceiverConfig(**sizes))
    assert layout_of(build_without_memory(class_name, **sizes)) == layout_of(reference)


def test_our_layout_does_not_depend_on_the_attention_implementation(our_config: Callable[..., Any]) -> None:
    import perceivers

    layouts = [
        layout_of(perceivers.PerceiverForMaskedLM(our_config(attn_implementation=name)))
        for name in ("sdpa", "eager")
    ]
    assert layouts[0] == layouts[1]
