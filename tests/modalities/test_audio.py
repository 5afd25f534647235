"""Sound: patches of samples, and samples of tokens."""

from __future__ import annotations

import math

import pytest
import torch
from torch.nn import functional as F

import perceivers
from perceivers.errors import ConfigurationError, ShapeError

FOURIER = {"num_bands": 2, "max_resolution": (10,)}


@pytest.fixture
def config():
    return perceivers.PerceiverConfig(samples_per_patch=3)


def preprocessor(config, **options):
    torch.manual_seed(0)
    options = {"samples_per_patch": 3, "fourier_position_encoding_kwargs": FOURIER, **options}
    return perceivers.PerceiverAudioPreprocessor(config, **options)


def test_a_token_is_a_patch_of_samples_and_its_place_in_time(config):
    sound = torch.randn(2, 15, 1)
    model = preprocessor(config)
    tokens, sizes, patches = model(sound)
    assert sizes is None
    assert tokens.shape == (2, 5, 3 + 5)
    assert (model.num_channels, model.index_dims(sound), model.output_dims(sound)) == (8, (5,), (5,))
    assert torch.equal(patches[1, 2], sound[1, 6:9, 0])
    assert torch.equal(tokens[..., :3], patches)
    # Patch 1 of 5 lies at -0.5; bands 1 and 5.
    expected = [-0.5, *(math.sin(math.pi * -0.5 * band) for band in (1, 5))]
    expected += [math.cos(math.pi * -0.5 * band) for band in (1, 5)]
    torch.testing.assert_close(tokens[0, 1, 3:], torch.tensor(expected), atol=1e-6, rtol=0)


def test_each_sample_may_have_its_own_times(config):
    sound, model = torch.randn(2, 9, 1), preprocessor(config)
    pos = torch.tensor([[[0.25], [0.5], [1.0]], [[-1.0], [0.0], [0.75]]])
    tokens, _, _ = model(sound, pos=pos)
    assert torch.equal(tokens[..., 3], pos[..., 0])
    torch.testing.assert_close(tokens[1, 2, 4], torch.tensor(math.sin(math.pi * 0.75)))


@pytest.mark.parametrize("n_extra_pos_mlp", [0, 1, 3])
def test_positions_are_projected_and_added(n_extra_pos_mlp, config):
    model = preprocessor(config, concat_or_add_pos="add", project_pos_dim=3, n_extra_pos_mlp=n_extra_pos_mlp)
    sound = torch.randn(2, 15, 1)
    tokens, _, patches = model(sound)
    assert model.num_channels == 3
    positions = model.position_embeddings((5,), 2) @ model.positions_projection.weight.T
    positions = positions + model.positions_projection.bias
    if n_extra_pos_mlp:
        layers = [layer for layer in model.extra_position_mlp if isinstance(layer, torch.nn.Linear)]
        assert len(layers) == n_extra_pos_mlp
        for index, layer in enumerate(layers):
            positions = F.linear(positions.relu() if index else positions, layer.weight, layer.bias)
    torch.testing.assert_close(tokens, patches + positions)


def test_learned_times_are_stretched_when_asked(config):
    table = {"index_dims": 5, "num_channels": 4}
    model = preprocessor(config, position_encoding_type="trainable", trainable_position_encoding_kwargs=table)
    vectors = model.position_embeddings.position_embeddings
    tokens, _, _ = model(torch.randn(2, 15, 1))
    assert torch.equal(tokens[1, :, 3:], vectors)
    longer = torch.randn(2, 21, 1)
    message = (
        r"`inputs` must give the 5 tokens that learned positions exist for, \[5\], received a grid of \[7\]"
    )
    with pytest.raises(ShapeError, match=message):
        model(longer)
    tokens, _, _ = model(longer, interpolate_pos_encoding=True)
    stretched = F.interpolate(vectors.T[None], size=7, mode="linear", align_corners=False)[0].T
    torch.testing.assert_close(tokens[0, :, 3:], stretched)
    with pytest.raises(ShapeError, match="`pos` needs Fourier positions"):
        model(longer, pos=torch.zeros(2, 7, 1))


@pytest.mark.parametrize(
    ("sound", "message"),
    [
        (
            torch.randn(2, 15),
            r"must be floating-point samples \[batch, num_samples, 1\], received \[2, 15\] of torch",
        ),
        (
            torch.randn(2, 15, 2),
            r"must be floating-point samples \[batch, num_samples, 1\], received \[2, 15, 2\]",
        ),
        (torch.zeros(2, 15, 1, dtype=torch.int16), "must be floating-point samples .* of torch.int16"),
        (
            torch.randn(2, 16, 1),
            r"must hold a number of samples divisible by `samples_per_patch` \(3\), received 16",
        ),
        (torch.randn(0, 15, 1), r"must not be empty, received \[0, 15, 1\]"),
        (torch.randn(2, 0, 1), r"must not be empty, received \[2, 0, 1\]"),
        (torch.full((1, 3, 1), math.nan), "must hold finite numbers, received NaN or infinity"),
    ],
)
def test_sound_that_is_none_is_refused(sound, message, config):
    with pytest.raises(ShapeError, match=f"`inputs` {message}"):
        preprocessor(config)(sound)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"prep_type": "mel"}, "`prep_type` must be 'patches' for audio, received 'mel'"),
        ({"samples_per_patch": 0}, "`samples_per_patch` must be at least 1, received 0"),
        ({"concat_or_add_pos": "mix"}, "`concat_or_add_pos` must be 'concat' or 'add', received 'mix'"),
        (
            {"concat_or_add_pos": "add"},
            "positions must have the features' 3 channels where `concat_or_add_pos` is 'add', received 5: set `pro",
        ),
        (
            {"project_pos_dim": 2, "out_channels": 7},
            "`out_channels` must be the 5 channels of the position encoding",
        ),
    ],
)
def test_options_that_contradict_each_other_are_refused(options, message, config):
    with pytest.raises(ConfigurationError, match=message):
        preprocessor(config, **options)


def test_a_token_becomes_samples(config):
    model = perceivers.PerceiverAudioPostprocessor(config, in_channels=4)
    decoded = torch.randn(2, 5, 4)
    sound = model(decoded)
    assert sound.shape == (2, 15)
    torch.testing.assert_close(sound[1, 6:9], model.classifier(decoded[1, 2]))
    with pytest.raises(
        ConfigurationError, match="`postproc_type` must be 'patches' for audio, received 'mel'"
    ):
        perceivers.PerceiverAudioPostprocessor(config, 4, postproc_type="mel")
