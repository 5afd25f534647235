"""What each modality says of its tokens is what `forward` makes of inputs, and values are the linear maps they say."""

from __future__ import annotations

import pytest
import torch
from torch import nn

import perceivers as p
from perceivers.modalities.adapters import as_postprocessor, as_preprocessor
from perceivers.modalities.structure import (
    LinearValues,
    TokensOfGroups,
    TokensOfTables,
    ValuesByModality,
    WholeTokens,
    as_they_are,
)
from perceivers.nn.token_structure import TablePositions

CONFIG = p.PerceiverConfig(
    num_labels=3, d_model=5, vocab_size=31, max_position_embeddings=11, samples_per_patch=4
)
FOURIER = {"num_bands": 2, "max_resolution": (5, 7)}


def pixels(**options):
    return p.PerceiverImagePreprocessor(
        CONFIG, "pixels", 1, fourier_position_encoding_kwargs=FOURIER, **options
    )


def laid_out(part):
    """Tokens [batch, num_tokens, channels] of what they consist of."""
    groups = []
    if part.features is not None:
        mapped = part.feature_map
        groups.append(
            part.features
            if mapped is None
            else nn.functional.linear(part.features, mapped.weight, mapped.bias)
        )
    positions = part.positions
    if isinstance(positions, TablePositions):
        rows, projection = positions.table, positions.projection
        rows = rows if positions.indices is None else rows[positions.indices]
        groups.append(
            rows if projection is None else nn.functional.linear(rows, projection.weight, projection.bias)
        )
    elif positions is not None:
        indices = torch.arange(part.num_tokens) if positions.indices is None else positions.indices
        groups.append(positions.encoding.at(indices, positions.index_dims, positions.rule))
    if part.padding is not None:
        groups.append(part.padding.expand(part.num_tokens, -1))
    batch = 2
    return torch.cat([group.expand(batch, part.num_tokens, -1) for group in groups], dim=-1)


GROUPED = {
    "pixels": (pixels(), torch.randn(2, 3, 5, 7)),
    "learned positions": (
        pixels(
            position_encoding_type="trainable",
            project_pos_dim=6,
            trainable_position_encoding_kwargs={"index_dims": (5, 7), "num_channels": 4},
        ),
        torch.randn(2, 3, 5, 7),
    ),
    "mapped patches": (
        p.PerceiverImagePreprocessor(
            CONFIG,
            "patches",
            2,
            conv_after_patching=True,
            conv_after_patching_in_channels=12,
            out_channels=5,
            fourier_position_encoding_kwargs=FOURIER,
        ),
        torch.randn(2, 3, 6, 4),
    ),
    "sound": (
        p.PerceiverAudioPreprocessor(
            CONFIG, samples_per_patch=4, fourier_position_encoding_kwargs={**FOURIER, "max_resolution": (9,)}
        ),
        torch.randn(2, 12, 1),
    ),
    "a label": (p.PerceiverOneHotPreprocessor(CONFIG), torch.randn(2, 3)),
    "points": (p.PerceiverPointsPreprocessor(CONFIG, 2, 3, num_bands=2), torch.rand(2, 7, 5)),
    "points with their neighbourhoods": (
        p.PerceiverPointsPreprocessor(
            CONFIG,
            2,
            3,
            num_bands=2,
            neighbourhood_widths=(4, 5),
            neighbourhood_centres=(6, 3),
            num_neighbours=3,
        ),
        torch.rand(2, 7, 5),
    ),
    "relative series": (p.PerceiverSeriesPreprocessor(CONFIG, 3, 2, num_bands=2), torch.randn(2, 7, 3)),
    "absolute series": (
        p.PerceiverSeriesPreprocessor(CONFIG, 3, 2, 5, positions="absolute", max_length=13, num_bands=2),
        torch.randn(2, 7, 3),
    ),
    "series with both times": (
        p.PerceiverSeriesPreprocessor(CONFIG, 3, positions="both", max_length=13, num_bands=2),
        torch.randn(2, 7, 3),
    ),
    "relative spectrogram": (
        p.PerceiverSpectrogramPreprocessor(CONFIG, 6, 2, 3, num_bands=2),
        torch.randn(2, 5, 6),
    ),
    "absolute spectrogram": (
        p.PerceiverSpectrogramPreprocessor(
            CONFIG, 6, 2, 3, 4, positions="absolute", max_frames=11, num_bands=2
        ),
        torch.randn(2, 5, 6),
    ),
    "features of a stem": (
        p.PerceiverImagePreprocessor(
            CONFIG, "stem", 2, stem_widths=(4, 5), stem_blocks=1, fourier_position_encoding_kwargs=FOURIER
        ).eval(),
        torch.randn(2, 3, 7, 9),
    ),
    "spectrogram through a stem": (
        p.PerceiverSpectrogramPreprocessor(CONFIG, 6, 2, 2, num_bands=2, stem_widths=(4, 5)).eval(),
        torch.randn(2, 5, 6),
    ),
    "tokens as they are": (as_preprocessor(None, 5), torch.randn(2, 7, 5)),
}


@pytest.mark.parametrize("name", list(GROUPED))
def test_groups_of_channels_are_the_tokens(name):
    preprocessor, inputs = GROUPED[name]
    with torch.no_grad():
        tokens = preprocessor(inputs, interpolate_pos_encoding=False)[0]
        structure = preprocessor.structure()
        assert isinstance(structure, TokensOfGroups)
        assert structure.num_channels == preprocessor.num_channels == tokens.shape[2]
        (part,) = structure.parts(inputs, False).values()
        torch.testing.assert_close(laid_out(part), tokens)


@pytest.mark.parametrize("name", ["pixels", "learned positions", "mapped patches", "sound"])
def test_a_part_is_had_again_from_its_values_and_grid(name):
    preprocessor, inputs = GROUPED[name]
    with torch.no_grad():
        structure = preprocessor.structure()
        part = structure.parts(inputs, False)[""]
        again = structure.of_values(part.features, preprocessor.index_dims(inputs))
        torch.testing.assert_close(laid_out(again), laid_out(part))


def test_several_modalities_are_padded_parts_in_the_order_of_their_names():
    both = p.PerceiverMultimodalPreprocessor(
        {"see": pixels(), "hear": GROUPED["sound"][0], "know": GROUPED["a label"][0]}, {"know": 1.0}, 2
    )
    inputs = {"see": torch.randn(2, 3, 5, 7), "hear": torch.randn(2, 12, 1)}
    with torch.no_grad():
        parts = both.structure().parts(inputs, False)
        tokens, sizes, _ = both(inputs)
        assert list(parts) == ["hear", "know", "see"]
        assert {name: part.num_tokens for name, part in parts.items()} == sizes
        torch.testing.assert_close(torch.cat([laid_out(part) for part in parts.values()], 1), tokens)
    assert both.structure().of_values is None


def test_learned_tables_are_named_those_of_several_modalities_too():
    learned = GROUPED["learned positions"][0]
    table = learned.position_embeddings.position_embeddings
    assert learned.structure().learned[0].table is table
    both = p.PerceiverMultimodalPreprocessor({"a": learned, "b": pixels()})
    assert [each.table is table for each in both.structure().learned] == [True]
    assert pixels().structure().learned == []


def test_texts_are_sums_of_rows_of_two_tables():
    text = p.PerceiverTextPreprocessor(CONFIG)
    ids = torch.randint(0, 31, (2, 7))
    structure = text.structure()
    assert isinstance(structure, TokensOfTables)
    assert structure.lookup(ids, None, False) is None
    torch.testing.assert_close(structure.ids[ids] + structure.positions[:7], text(ids)[0])
    stretched = structure.lookup(torch.zeros(2, 13, dtype=torch.int64), None, True)
    assert stretched.shape == (13, 5)
    with pytest.raises(p.ShapeError, match="at most 11 bytes long"):
        structure.lookup(torch.zeros(2, 13, dtype=torch.int64), None, False)


def test_what_cannot_be_told_apart_says_why():
    reasons = {
        "positions are added": pixels(concat_or_add_pos="add", project_pos_dim=3),
        "a perceptron transforms positions": pixels(n_extra_pos_mlp=1),
        "a linear map mixes the axes": pixels(project_pos_dim=5),
        "tokens of 'a' are masked at random": p.PerceiverMultimodalPreprocessor({"a": pixels()}, {"a": 0.5}),
    }
    for reason, preprocessor in reasons.items():
        structure = preprocessor.structure()
        assert isinstance(structure, WholeTokens)
        assert structure.because.startswith(reason)


def test_modalities_that_cannot_be_told_apart_are_named():
    text = p.PerceiverTextPreprocessor(CONFIG)
    mixture = {"b": text, "a": pixels(n_extra_pos_mlp=1), "c": pixels()}
    structure = p.PerceiverMultimodalPreprocessor(mixture).structure()
    assert structure.whole_because == (
        "'a': a perceptron transforms positions (`n_extra_pos_mlp`); "
        "'b': PerceiverTextPreprocessor looks tokens up in tables, which must be the only tokens"
    )
    assert p.PerceiverMultimodalPreprocessor({"c": pixels()}).structure().whole_because is None


@pytest.mark.parametrize(
    ("postprocessor", "decoded"),
    [
        (p.PerceiverProjectionPostprocessor(5, 2), torch.randn(2, 7, 5)),
        (p.PerceiverAudioPostprocessor(CONFIG, 5), torch.randn(2, 7, 5)),
        (p.PerceiverClassificationPostprocessor(CONFIG, 5), torch.randn(2, 7, 5)),
        (p.PerceiverImagePostprocessor(5, "conv1x1", out_channels=2), torch.randn(2, 7, 5)),
    ],
)
def test_values_are_a_linear_map_laid_out(postprocessor, decoded):
    structure = postprocessor.structure()
    assert isinstance(structure, LinearValues)
    torch.testing.assert_close(structure.arrange(structure.linear(decoded)), postprocessor(decoded))


def test_values_that_are_none_or_belong_to_modalities():
    assert p.PerceiverImagePostprocessor(5, "patches", 2, out_channels=2).structure() is None
    assert as_postprocessor(None).structure() is None
    assert as_postprocessor(lambda answers, modality_sizes=None: answers).structure() is None
    parts = {"a": p.PerceiverProjectionPostprocessor(5, 2)}
    by_name = p.PerceiverMultimodalPostprocessor(parts).structure()
    assert isinstance(by_name, ValuesByModality)
    assert by_name.parts["a"] is parts["a"]
    assert p.PerceiverMultimodalPostprocessor(parts, input_is_dict=True).structure() is None
    values = torch.ones(2)
    assert as_they_are(values) is values
