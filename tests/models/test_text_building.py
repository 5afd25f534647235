"""Text models for training: configuration of a new one and of one that starts from a checkpoint, and its positions."""

from __future__ import annotations

import pytest
import torch

from perceivers.arguments.fill_mask import FillMaskArguments
from perceivers.arguments.text_classification import TextClassificationArguments
from perceivers.errors import ConfigurationError
from perceivers.models.masked_language_modeling import PerceiverForMaskedLM
from perceivers.models.sequence_classification import PerceiverForSequenceClassification
from perceivers.models.text_building import start_with_waves, text_config
from perceivers.nn.waves import wave_table

SMALL = {"num_latents": 3, "latent_channels": 8, "num_layers": 1, "embedding_channels": 16, "max_length": 11}


def test_a_new_model_has_the_sizes_that_are_asked_for() -> None:
    config = text_config(
        FillMaskArguments(**SMALL, ngram_sizes=(2,), ngram_rows=13).config_values(),
        None,
        problem_type="regression",
    )
    assert (config.num_latents, config.d_latents, config.d_model) == (3, 8, 16)
    assert (config.max_position_embeddings, config.ngram_sizes, config.ngram_rows) == (11, (2,), 13)
    assert config.problem_type == "regression"


def test_a_checkpoints_sizes_go_first_and_its_labels_do_not_stay() -> None:
    start = text_config(
        FillMaskArguments(**SMALL, ngram_sizes=(2,), ngram_rows=13).config_values(),
        None,
        id2label={0: "a", 1: "b", 2: "c"},
    )
    wanted = TextClassificationArguments(num_latents=5, max_length=9, dropout=0.25).config_values()
    config = text_config(wanted, start, id2label={0: "no", 1: "yes"})
    assert (config.num_latents, config.d_latents, config.max_position_embeddings) == (3, 8, 11)
    assert (tuple(config.ngram_sizes), config.ngram_rows) == ((2,), 13)
    assert config.attention_probs_dropout_prob == 0.25
    assert config.id2label == {0: "no", 1: "yes"}


def test_a_text_that_the_checkpoint_cannot_take_is_refused() -> None:
    start = text_config(FillMaskArguments(**SMALL).config_values())
    with pytest.raises(ConfigurationError, match=r"`max_length` must be at most 11, .* received 12"):
        text_config(TextClassificationArguments(max_length=12).config_values(), start)


def test_positions_of_inputs_and_of_as_many_outputs_start_as_waves() -> None:
    config = text_config(FillMaskArguments(**SMALL).config_values())
    expected = wave_table(11, 16, config.initializer_range)
    model = PerceiverForMaskedLM(config)
    start_with_waves(model)
    assert torch.equal(model.perceiver.input_preprocessor.position_embeddings.weight, expected)
    assert torch.equal(model.perceiver.decoder.output_position_encodings.position_embeddings, expected)


def test_the_query_of_a_classifier_is_left_alone() -> None:
    torch.manual_seed(0)
    model = PerceiverForSequenceClassification(
        text_config(TextClassificationArguments(**SMALL).config_values())
    )
    before = {key: value.clone() for key, value in model.state_dict().items()}
    start_with_waves(model)
    changed = [key for key, value in model.state_dict().items() if not torch.equal(value, before[key])]
    assert changed == ["perceiver.input_preprocessor.position_embeddings.weight"]
