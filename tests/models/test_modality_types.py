"""The types of modalities: their settings checked, and a new one in one file and one line."""

from __future__ import annotations

import pytest
import torch
from torch import nn

import perceivers
from perceivers.errors import ConfigurationError
from perceivers.modalities.image import PerceiverImagePreprocessor
from perceivers.modalities.series import PerceiverSeriesPreprocessor
from perceivers.models.modality_types import (
    MODALITY_TYPES,
    build_preprocessor,
    drop_probabilities,
)


@pytest.fixture
def config():
    return perceivers.PerceiverConfig(d_model=14, vocab_size=31, max_position_embeddings=11)


@pytest.mark.parametrize(
    ("description", "message"),
    [
        ({}, r"`modalities\['it'\]` must have a 'type' that is one of \['audio', .*\], received None"),
        ({"type": "smell"}, r"`modalities\['it'\]` must have a 'type' .*, received 'smell'"),
        (
            {"type": "series", "in_channels": 2, "bands": 3, "channels": 4},
            r"`modalities\['it'\]` of type 'series' must have settings among \['allow_missing', 'in_channels', .*\], "
            r"received \['bands', 'channels'\]",
        ),
        (
            {"type": "series"},
            r"`modalities\['it'\]` of type 'series' must have the settings \['in_channels'\]",
        ),
        ({"type": "image"}, r"must have the settings \['max_resolution'\], received none"),
        (
            {"type": "points", "num_bands": 0},
            r"`modalities\['it'\]` of type 'points': `num_bands` must be a whole number of at least 1, received 0",
        ),
        (
            {"type": "points", "coordinate_range": "wide"},
            r"`modalities\['it'\]` of type 'points': .*not supported between instances of 'int' and 'str'",
        ),
    ],
)
def test_a_wrong_description_is_refused_by_its_name(description, message, config):
    with pytest.raises(ConfigurationError, match=message):
        build_preprocessor(config, "it", description)


def test_sound_is_a_series_of_one_channel(config):
    built = build_preprocessor(
        config,
        "it",
        {
            "type": "audio",
            "samples_per_patch": 3,
            "out_channels": 5,
            "positions": "both",
            "max_samples": 20,
            "num_bands": 2,
            "max_resolution": 9,
        },
    )
    assert isinstance(built, PerceiverSeriesPreprocessor)
    assert (built.in_channels, built.steps_per_patch, built.max_length) == (1, 3, 20)
    assert built.num_channels == 5 + 2 + 2 * 2 * 2
    tokens, _, _ = built(torch.rand(2, 20, 1))
    assert tokens.shape == (2, 7, 15)


@pytest.mark.parametrize(
    ("settings", "channels", "tokens"),
    [
        ({}, 3 * 16, 2 * 3),
        ({"out_channels": 5}, 5, 2 * 3),
        ({"prep_type": "pixels", "spatial_downsample": 1}, 3, 8 * 12),
        ({"prep_type": "conv1x1", "spatial_downsample": 2, "out_channels": 5}, 5, 4 * 6),
        ({"prep_type": "conv", "out_channels": 5}, 5, 1 * 2),
        ({"prep_type": "stem", "stem_widths": [7, 5], "stem_blocks": 1}, 5, 2 * 3),
        ({"in_channels": 2}, 2 * 16, 2 * 3),
    ],
)
def test_pictures_are_prepared_as_said(settings, channels, tokens, config):
    description = {"type": "image", "max_resolution": [8, 12], "num_bands": 2, **settings}
    built = build_preprocessor(config, "it", description)
    assert isinstance(built, PerceiverImagePreprocessor)
    received, _, _ = built(torch.randn(2, settings.get("in_channels", 3), 8, 12))
    assert received.shape == (2, tokens, channels + 2 + 2 * 2 * 2)
    assert built.num_channels == received.shape[2]


def test_batch_norm_can_be_left_out_of_the_stem(config):
    description = {"type": "image", "max_resolution": [8, 12], "prep_type": "conv", "out_channels": 5}
    norms = [
        sum(isinstance(part, nn.BatchNorm2d) for part in build_preprocessor(config, "it", each).modules())
        for each in (description, {**description, "conv2d_use_batchnorm": False})
    ]
    assert norms == [1, 0]


def test_a_stem_has_its_own_padding_or_the_configurations(config):
    description = {"type": "image", "max_resolution": [2, 3], "prep_type": "conv", "out_channels": 5}
    grids = [
        build_preprocessor(config, "it", each).index_dims(torch.zeros(1, 3, 8, 12))
        for each in (description, {**description, "stem_padding": "same"})
    ]
    # SAME padding leaves exactly a quarter; the reference's one less.
    assert grids == [(1, 2), (2, 3)]
    assert config.stem_padding == "transformers"


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"prep_type": "conv"}, "`out_channels` must be given for 'conv', received None"),
        ({"prep_type": "conv1x1"}, "`out_channels` must be given for 'conv1x1', received None"),
        ({"prep_type": "pixels", "out_channels": 5}, "'pixels' has none, received 5: take 'conv1x1'"),
        (
            {"prep_type": "stem", "stem_widths": [7, 5], "out_channels": 5},
            "`out_channels` must be left out for 'stem', whose `stem_widths` end with them, received 5",
        ),
        ({"prep_type": "stem"}, "`stem_widths` must be given for `prep_type` 'stem'"),
        ({"conv2d_use_batchnorm": True}, "`conv2d_use_batchnorm` needs `prep_type` 'conv'"),
        ({"stem_padding": "same"}, "`stem_padding` needs `prep_type` 'conv', received 'patches'"),
        ({"prep_type": "smooth"}, "`prep_type` must be one of"),
    ],
)
def test_settings_of_pictures_that_have_no_effect_are_refused(settings, message, config):
    with pytest.raises(ConfigurationError, match=message):
        build_preprocessor(config, "it", {"type": "image", "max_resolution": [8, 12], **settings})


def test_texts_have_the_configurations_sizes_or_their_own(config):
    own = build_preprocessor(
        config, "it", {"type": "text", "num_channels": 6, "vocab_size": 17, "max_length": 5}
    )
    shapes = {name: tuple(value.shape) for name, value in own.named_parameters()}
    assert shapes == {"embeddings.weight": (17, 6), "position_embeddings.weight": (5, 6)}
    assert own.num_channels == 6
    shared = build_preprocessor(config, "it", {"type": "text"})
    shapes = {name: tuple(value.shape) for name, value in shared.named_parameters()}
    assert shapes == {"embeddings.weight": (31, 14), "position_embeddings.weight": (11, 14)}
    with pytest.raises(ConfigurationError, match="`vocab_size` must be a whole number"):
        build_preprocessor(config, "it", {"type": "text", "vocab_size": 0})
    assert config.d_model == 14


def test_texts_have_the_configurations_n_grams_or_their_own(config):
    def sizes(**settings):
        built = build_preprocessor(config, "it", {"type": "text", **settings})
        return None if built.ngrams is None else (built.ngrams.sizes, built.ngrams.num_rows)

    assert sizes() is None
    assert sizes(ngram_sizes=[2, 3], ngram_rows=17) == ((2, 3), 17)
    config.ngram_sizes, config.ngram_rows = [4], 19
    assert sizes() == ((4,), 19)
    assert sizes(ngram_rows=7) == ((4,), 7)
    assert sizes(ngram_sizes=[]) is None
    with pytest.raises(ConfigurationError, match="`ngram_sizes` must be one or more different whole numbers"):
        sizes(ngram_sizes=[], ngram_rows=7)
    assert config.ngram_sizes == [4]


def test_columns_of_a_table_are_modalities(config):
    numbers = build_preprocessor(config, "it", {"type": "number", "num_columns": 3, "out_channels": 5})
    assert numbers(torch.randn(2, 3))[0].shape == (2, 3, 5)
    kinds = build_preprocessor(config, "it", {"type": "category", "cardinalities": [2, 3]})
    assert kinds(torch.tensor([[3, 4]]))[0].shape == (1, 2, 14)
    with pytest.raises(
        ConfigurationError, match=r"`modalities\['it'\]` of type 'number': `bin_edges` must give"
    ):
        build_preprocessor(config, "it", {"type": "number", "num_columns": 3, "encoding": "piecewise"})
    with pytest.raises(
        ConfigurationError, match=r"of type 'category' must have the settings \['cardinalities'\]"
    ):
        build_preprocessor(config, "it", {"type": "category"})


def test_dropping_needs_a_probability_and_a_second_modality():
    both = {"a": {"type": "audio"}, "v": {"type": "image", "drop_probability": 0.25}}
    assert drop_probabilities(both) == {"v": 0.25}
    assert drop_probabilities({"v": {"type": "image", "drop_probability": 0}}) == {}
    message = r"`modalities\['v'\]\['drop_probability'\]` must be a probability between 0 and 1, received 1.5"
    with pytest.raises(ConfigurationError, match=message):
        drop_probabilities({"v": {"drop_probability": 1.5}, "a": {}})
    with pytest.raises(ConfigurationError, match="needs a second modality: a sample must keep one"):
        drop_probabilities({"v": {"drop_probability": 0.5}})


class PerceiverIntervalsPreprocessor(perceivers.AbstractPreprocessor):
    """What a new modality's one file holds: intervals [batch, num_intervals, 2], each one token."""

    def __init__(self, config, num_channels):
        super().__init__()
        self.map = nn.Linear(2, num_channels)

    @property
    def num_channels(self):
        return self.map.out_features

    def index_dims(self, inputs):
        return (inputs.shape[1],)

    def forward(self, inputs, pos=None, network_input_is_1d=True, interpolate_pos_encoding=False):
        tokens = self.map(inputs)
        return tokens, None, tokens


@pytest.mark.parametrize("names", [("intervals",), ("intervals", "series")])
def test_a_new_modality_is_one_file_and_one_line(names, monkeypatch, tmp_path, lively):
    monkeypatch.setitem(MODALITY_TYPES, "intervals", PerceiverIntervalsPreprocessor)
    described = {
        "intervals": {"type": "intervals", "num_channels": 5},
        "series": {"type": "series", "in_channels": 3, "num_bands": 2},
    }
    inputs = {"intervals": torch.randn(2, 7, 2), "series": torch.randn(2, 5, 3)}
    given = {name: inputs[name] for name in names}
    config = perceivers.PerceiverConfig(
        num_latents=3,
        d_latents=8,
        num_self_attends_per_block=1,
        num_self_attention_heads=2,
        num_cross_attention_heads=1,
        modalities={name: described[name] for name in names},
        answers={"it": {"type": "class", "num_labels": 2}},
    )
    model = perceivers.PerceiverForPrediction(config)
    lively(model)
    model.train()(given, labels=torch.tensor([1, 0])).loss.backward()
    assert all(parameter.grad is not None for parameter in model.parameters())
    mask = torch.ones(2, 7)
    mask[1, 4:] = 0
    logits = model.eval()(given, {"intervals": mask}).logits["it"]
    model.save_pretrained(tmp_path)
    loaded = perceivers.PerceiverForPrediction.from_pretrained(tmp_path)
    assert torch.equal(loaded(given, {"intervals": mask}).logits["it"], logits)
    prepared = model.prepare()
    assert "PerceiverIntervalsPreprocessor" in prepared.plain_parts["input_preprocessor"]
    torch.testing.assert_close(
        prepared(given, attention_mask={"intervals": mask}).logits["it"], logits, atol=1e-5, rtol=1e-4
    )
