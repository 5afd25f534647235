"""Text models for training: configuration of a new one and of one that starts from a checkpoint, and its positions."""

from __future__ import annotations

import pytest
import torch

from perceivers.errors import ConfigurationError
from perceivers.models.masked_language_modeling import PerceiverForMaskedLM
from perceivers.models.sequence_classification import PerceiverForSequenceClassification
from perceivers.models.text_building import SHARPNESS, align, start_positions, text_config
from perceivers.nn.waves import wave_table, waves_at
from perceivers.tasks.fill_mask.options import FillMaskArguments
from perceivers.tasks.text_classification.options import TextClassificationArguments

SMALL = {
    "size": "usual",
    "num_latents": 3,
    "latent_channels": 8,
    "num_layers": 1,
    "embedding_channels": 16,
    "max_length": 11,
}


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
    wanted = TextClassificationArguments(
        size="usual", num_latents=5, max_length=9, dropout=0.25
    ).config_values()
    config = text_config(wanted, start, id2label={0: "no", 1: "yes"})
    assert (config.num_latents, config.d_latents, config.max_position_embeddings) == (3, 8, 11)
    assert (tuple(config.ngram_sizes), config.ngram_rows) == ((2,), 13)
    assert config.attention_probs_dropout_prob == 0.25
    assert config.id2label == {0: "no", 1: "yes"}


def test_a_text_that_the_checkpoint_cannot_take_is_refused() -> None:
    start = text_config(FillMaskArguments(**SMALL).config_values())
    with pytest.raises(ConfigurationError, match=r"`max_length` must be at most 11, .* received 12"):
        text_config(TextClassificationArguments(size="usual", max_length=12).config_values(), start)


def test_positions_of_inputs_and_of_as_many_outputs_start_as_waves() -> None:
    config = text_config(FillMaskArguments(**SMALL).config_values())
    expected = wave_table(11, 16, config.initializer_range)
    model = PerceiverForMaskedLM(config)
    start_positions(model, "waves")
    assert torch.equal(model.perceiver.input_preprocessor.position_embeddings.weight, expected)
    assert torch.equal(model.perceiver.decoder.output_position_encodings.position_embeddings, expected)


def test_the_query_of_a_classifier_is_left_alone() -> None:
    torch.manual_seed(0)
    model = PerceiverForSequenceClassification(
        text_config(TextClassificationArguments(**SMALL).config_values())
    )
    before = {key: value.clone() for key, value in model.state_dict().items()}
    start_positions(model, "waves")
    changed = [key for key, value in model.state_dict().items() if not torch.equal(value, before[key])]
    assert changed == ["perceiver.input_preprocessor.position_embeddings.weight"]


def test_random_positions_stay_as_they_were_drawn() -> None:
    model = PerceiverForMaskedLM(text_config(FillMaskArguments(**SMALL).config_values()))
    before = {key: value.clone() for key, value in model.state_dict().items()}
    start_positions(model, "random")
    assert all(torch.equal(value, before[key]) for key, value in model.state_dict().items())


def test_aligned_latents_are_waves_of_places_spread_evenly_over_the_text() -> None:
    sizes = {**SMALL, "latent_channels": 16, "max_length": 12}
    model = PerceiverForMaskedLM(text_config(FillMaskArguments(**sizes).config_values()))
    start_positions(model, "aligned")
    # The middles of positions 0 to 3, 4 to 7, 8 to 11.
    expected = waves_at(torch.tensor([1.5, 5.5, 9.5]), 12, 16, 1.0)
    assert torch.allclose(model.perceiver.embeddings.latents, expected)


def test_an_aligned_latent_looks_at_its_own_byte_first_and_is_asked_for_it_first() -> None:
    torch.manual_seed(0)
    sizes = {**SMALL, "latent_channels": 62, "embedding_channels": 62, "num_latents": 11, "num_heads": 2}
    heads = {"num_cross_heads": 1, "num_decoder_heads": 1}
    model = PerceiverForMaskedLM(text_config(FillMaskArguments(**sizes, **heads).config_values())).eval()
    start_positions(model, "aligned")
    with torch.no_grad():
        weights = model(torch.full((1, 11), 97), output_attentions=True).cross_attentions
    assert len(weights) == 2
    for each in weights:
        assert each[0, 0].argmax(dim=1).tolist() == list(range(11))


@pytest.mark.parametrize(
    ("channels", "size", "num_heads"), [(14, 14, 1), (14, 14, 7), (6, 14, 7), (6, 14, 1)]
)
def test_equal_vectors_have_logits_of_the_stated_sharpness(channels: int, size: int, num_heads: int) -> None:
    torch.manual_seed(0)
    query, key = torch.nn.Linear(channels, size), torch.nn.Linear(channels, size)
    with torch.no_grad():
        align(query, key, num_heads)
        same = torch.nn.functional.layer_norm(torch.randn(channels), (channels,))
        products = (query(same) - query.bias) * (key(same) - key.bias)
    logits = products.unflatten(0, (num_heads, -1)).sum(dim=1) / (size / num_heads) ** 0.5
    assert float(logits.mean()) == pytest.approx(SHARPNESS, rel=1e-4)


def test_fewer_channels_of_queries_keep_the_sharpness_on_average() -> None:
    torch.manual_seed(0)
    query, key = torch.nn.Linear(97, 13), torch.nn.Linear(97, 13)
    vectors = torch.nn.functional.layer_norm(torch.randn(997, 97), (97,))
    with torch.no_grad():
        align(query, key, 1)
        logits = (vectors @ query.weight.T * (vectors @ key.weight.T)).sum(dim=1) / 13**0.5
    assert float(logits.mean()) == pytest.approx(SHARPNESS, rel=0.05)


def test_latents_of_other_channels_cannot_be_aligned() -> None:
    model = PerceiverForMaskedLM(text_config(FillMaskArguments(**SMALL).config_values()))
    with pytest.raises(
        ConfigurationError, match="`latent_channels` as `embedding_channels`, received 8 and 16"
    ):
        start_positions(model, "aligned")
