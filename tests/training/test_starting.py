"""Runs that start from another checkpoint."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from perceivers.arguments import StartArguments
from perceivers.configuration import PerceiverConfig
from perceivers.errors import CheckpointError
from perceivers.models.masked_language_modeling import PerceiverForMaskedLM
from perceivers.models.sequence_classification import PerceiverForSequenceClassification
from perceivers.training.starting import freeze, reads_inputs, start_config, take_weights

SIZES = {
    "num_latents": 3, "d_latents": 8, "d_model": 8, "num_self_attends_per_block": 1, "num_self_attention_heads": 2,
    "num_cross_attention_heads": 2, "qk_channels": 8, "v_channels": 8, "max_position_embeddings": 11,
    "decoder_num_heads": 2, "decoder_qk_channels": 8,
}  # fmt: skip


@pytest.fixture
def language(tmp_path: Path) -> tuple[Path, PerceiverForMaskedLM]:
    model = PerceiverForMaskedLM(PerceiverConfig(**SIZES))
    model.save_pretrained(tmp_path)
    return tmp_path, model


def classifier(num_labels: int = 5) -> PerceiverForSequenceClassification:
    return PerceiverForSequenceClassification(PerceiverConfig(**SIZES, num_labels=num_labels))


@pytest.mark.parametrize(("stored", "expected"), [({}, None), ({"fan_in_scaling": False}, 0.5)])
def test_what_is_new_starts_by_its_fan_in_unless_the_checkpoint_says_otherwise(
    tmp_path: Path, stored: dict[str, bool], expected: float | None
) -> None:
    PerceiverConfig(initializer_range=0.5, **stored).save_pretrained(tmp_path)
    config = start_config(StartArguments(start=str(tmp_path)))
    assert config.initializer_range == 0.5
    assert config.matrix_std == expected


def test_without_a_start_nothing_is_taken() -> None:
    assert start_config(StartArguments()) is None
    assert take_weights(classifier(), StartArguments()) == []


def test_the_sizes_of_the_start_are_read(language: tuple[Path, PerceiverForMaskedLM]) -> None:
    config = start_config(StartArguments(start=str(language[0])))
    assert config is not None
    assert (config.num_latents, config.max_position_embeddings) == (3, 11)


def test_what_fits_is_taken_and_the_rest_is_listed(language: tuple[Path, PerceiverForMaskedLM]) -> None:
    folder, source = language
    model = classifier()
    before = {key: tensor.clone() for key, tensor in model.state_dict().items()}
    fresh = take_weights(model, StartArguments(start=str(folder)))
    state = source.state_dict()
    for key, tensor in model.state_dict().items():
        expected = before[key] if key in fresh else state[key]
        assert torch.equal(tensor, expected), key
    assert "perceiver.decoder.decoder.final_layer.weight" in fresh
    assert not any(reads_inputs(key) for key in fresh)


def test_another_set_of_labels_is_drawn_anew(tmp_path: Path) -> None:
    classifier(num_labels=7).save_pretrained(tmp_path)
    fresh = take_weights(classifier(num_labels=5), StartArguments(start=str(tmp_path)))
    assert fresh == [
        "perceiver.decoder.decoder.final_layer.bias",
        "perceiver.decoder.decoder.final_layer.weight",
    ]


def test_the_encoder_alone_may_be_taken(tmp_path: Path) -> None:
    classifier().save_pretrained(tmp_path)
    model = classifier()
    fresh = take_weights(model, StartArguments(start=str(tmp_path), start_from="encoder"))
    assert fresh == sorted(key for key in model.state_dict() if not reads_inputs(key))
    assert any("decoder" in key for key in fresh)


def test_the_decoder_alone_may_be_trained(language: tuple[Path, PerceiverForMaskedLM]) -> None:
    model = classifier()
    freeze(model, StartArguments(start=str(language[0]), trained="decoder"))
    trained = {name for name, parameter in model.named_parameters() if parameter.requires_grad}
    assert trained == {name for name, _ in model.named_parameters() if not reads_inputs(name)}
    assert 0 < len(trained) < len(list(model.parameters()))
    freeze(model, StartArguments())
    assert {name for name, parameter in model.named_parameters() if parameter.requires_grad} == trained


def test_a_start_that_does_not_exist_is_named(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="gone"):
        start_config(StartArguments(start=str(tmp_path / "gone")))
