"""Runs that start from another checkpoint."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from perceivers.arguments import StartArguments
from perceivers.configuration import PerceiverConfig
from perceivers.errors import CheckpointError, ConfigurationError
from perceivers.models.masked_language_modeling import PerceiverForMaskedLM
from perceivers.models.sequence_classification import PerceiverForSequenceClassification
from perceivers.tasks.sizes import values_of_size
from perceivers.tasks.table.options import TableArguments
from perceivers.tasks.table.task import TableTask
from perceivers.training.starting import freeze, reads_inputs, start_config, take_sizes, take_weights

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


@pytest.fixture
def start_of_rows(tmp_path: Path) -> StartArguments:
    """A checkpoint of a network for tables."""
    sizes = TableArguments(
        size="usual", num_latents=3, latent_channels=8, num_layers=2, num_heads=2, qk_channels=4, dropout=0.2
    )
    PerceiverConfig(**sizes.config_values()).save_pretrained(tmp_path / "start")
    return StartArguments(start=str(tmp_path / "start"))


def test_the_network_of_the_start_is_that_of_the_run(start_of_rows: StartArguments) -> None:
    task = TableTask(TableArguments(target=("y",), num_latents=3, mlp_dropout=0.3))
    take_sizes(task, start_of_rows)
    found = task.arguments
    assert (found.num_latents, found.latent_channels, found.num_layers, found.num_heads) == (3, 8, 2, 2)
    assert (found.qk_channels, found.widening_factor) == (4, 2)
    assert (found.dropout, found.mlp_dropout) == (0.2, 0.3)
    config = start_config(start_of_rows, found)
    assert config is not None
    assert (config.attention_probs_dropout_prob, config.mlp_dropout_prob) == (0.2, 0.3)


def test_sizes_that_the_start_has_not_are_refused(start_of_rows: StartArguments) -> None:
    task = TableTask(TableArguments(target=("y",), num_latents=5, num_layers=2))
    with pytest.raises(
        ConfigurationError,
        match=r"`start` '.*start' has a network of its own, whose sizes are taken, received num_latents 5, the checkpoint 3: "
        r"leave these options out, or --start",
    ):
        take_sizes(task, start_of_rows)


def test_a_named_size_that_the_start_has_not_is_refused_and_its_own_is_taken(
    tmp_path: Path, start_of_rows: StartArguments
) -> None:
    tiny = TableTask(TableArguments(target=("y",), size="tiny"))
    with pytest.raises(
        ConfigurationError, match=r"whose sizes are taken, received size 'tiny': leave these options out"
    ):
        take_sizes(tiny, start_of_rows)
    PerceiverConfig(
        **TableArguments(size="usual", **values_of_size("table", "tiny")).config_values()
    ).save_pretrained(tmp_path / "tiny")
    take_sizes(tiny, StartArguments(start=str(tmp_path / "tiny")))
    assert tiny.arguments.num_latents == 16


def test_usual_sizes_are_not_taken_for_given_ones(start_of_rows: StartArguments) -> None:
    task = TableTask(TableArguments(target=("y",), size="usual"))
    take_sizes(task, start_of_rows)
    assert task.arguments.latent_channels == 8


def test_without_a_start_the_network_stays_open() -> None:
    task = TableTask(TableArguments(target=("y",)))
    take_sizes(task, StartArguments())
    assert task.arguments == task.asked
