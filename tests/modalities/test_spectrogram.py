"""Spectrograms: patches of frames and bins, and their places."""

from __future__ import annotations

import pytest
import torch

import perceivers
from perceivers.errors import ConfigurationError, ShapeError


@pytest.fixture
def config():
    return perceivers.PerceiverConfig()


def preprocessor(config, **options):
    torch.manual_seed(0)
    options = {"mel_bins": 6, "num_bands": 2, "max_resolution": 10, **options}
    return perceivers.PerceiverSpectrogramPreprocessor(config, **options).eval()


def test_a_token_has_all_bins_of_its_frames(config):
    energies, model = torch.randn(2, 5, 6), preprocessor(config, frames_per_patch=2)
    tokens, sizes, values = model(energies)
    assert sizes is None
    assert (model.num_channels, model.index_dims(energies)) == (12 + 5, (3,))
    assert torch.equal(values[1, 1], energies[1, 2:4].flatten())
    assert torch.equal(values[1, 2], torch.cat([energies[1, 4], torch.zeros(6)]))
    assert tokens[0, :, 12].tolist() == [-1, 0, 1]
    assert torch.equal(model(energies[..., None])[0], tokens)
    # A spectrogram whose tokens have all bins is a series of as many channels.
    series = perceivers.PerceiverSeriesPreprocessor(
        config, in_channels=6, steps_per_patch=2, num_bands=2, max_resolution=10
    )
    torch.testing.assert_close(series(energies)[0], tokens)


def test_patches_of_bins_have_a_place_in_time_and_in_frequency(config):
    energies = torch.randn(2, 5, 6)
    model = preprocessor(config, frames_per_patch=2, bins_per_patch=2, max_resolution=(10, 6))
    tokens, _, values = model(energies)
    assert (model.num_channels, model.index_dims(energies)) == (4 + 2 + 8, (3, 3))
    # Patches of one time lie together; inside a patch frame by frame.
    assert torch.equal(values[1, 3 * 1 + 2], energies[1, 2:4, 4:6].flatten())
    assert tokens[0, :, 4].tolist() == [-1, -1, -1, 0, 0, 0, 1, 1, 1]
    assert tokens[0, :, 5].tolist() == [-1, 0, 1] * 3
    kept, _, _ = model(energies, network_input_is_1d=False)
    assert torch.equal(kept, tokens.reshape(2, 3, 3, -1))
    assert model.position_embeddings.max_resolution == (10, 6)


def test_patches_are_mapped(config):
    energies = torch.randn(2, 4, 6)
    model = preprocessor(config, frames_per_patch=2, bins_per_patch=3, out_channels=5)
    _, _, features = model(energies)
    patch = energies[0, 2:4, :3].flatten()
    torch.testing.assert_close(features[0, 2], model.projection(patch))


def test_time_runs_over_the_samples_own_length(config):
    energies = torch.randn(2, 7, 6)
    model = preprocessor(config, frames_per_patch=2, bins_per_patch=3)
    mask = torch.tensor([[1, 1, 1, 1, 1, 0, 0], [1, 1, 1, 1, 1, 1, 1]])
    pos = model.own_positions(energies, mask)
    tokens, _, _ = model(energies, pos=pos)
    assert model.input_mask(mask, tokens, None).tolist() == [[True] * 6 + [False] * 2, [True] * 8]
    energies[0, 5] = 0
    alone, _, _ = model(energies[:1, :5])
    tokens, _, _ = model(energies, pos=pos)
    torch.testing.assert_close(tokens[:1, :6], alone, atol=1e-6, rtol=0)


def test_tokens_of_a_stem_are_the_same_alone_and_in_front_of_zeros(config):
    model = preprocessor(config, frames_per_patch=4, bins_per_patch=2, stem_widths=(4, 5), stem_blocks=1)
    for part in model.modules():
        if isinstance(part, torch.nn.BatchNorm2d):
            torch.nn.init.normal_(part.bias)
    energies = torch.randn(2, 13, 6)
    energies[0, 7:] = 0
    mask = torch.arange(13) < torch.tensor([7, 13])[:, None]
    tokens, _, features = model(energies, pos=model.own_positions(energies, mask))
    assert (model.index_dims(energies), model.num_channels, features.shape[2]) == ((4, 3), 5 + 10, 5)
    # 7 frames are two tokens of 4 in time, each of 3 in frequency.
    assert model.input_mask(mask, tokens, None).sum(dim=1).tolist() == [2 * 3, 4 * 3]
    alone, _, _ = model(energies[:1, :7])
    torch.testing.assert_close(tokens[:1, :6], alone, atol=1e-6, rtol=0)
    # Bins need not fill the last column of tokens.
    odd = preprocessor(config, mel_bins=7, frames_per_patch=2, bins_per_patch=2, stem_widths=(4, 5))
    assert odd(torch.randn(1, 5, 7))[0].shape[1] == 3 * 4 == odd.index_dims(torch.randn(1, 5, 7))[1] * 3
    # Without frames of zeros it is the stem over frames and bins.
    torch.testing.assert_close(
        features[1:], model.stem(energies[1:, None]).movedim(1, -1).flatten(1, 2), atol=1e-6, rtol=0
    )


@pytest.mark.parametrize("bins", [None, 3])
def test_absolute_time_is_the_same_for_the_same_frame_of_any_sound(bins, config):
    model = preprocessor(config, bins_per_patch=bins, positions="absolute", max_frames=9)
    energies = torch.randn(2, 5, 6)
    tokens, _, values = model(energies)
    columns = 1 if bins is None else 2
    times = tokens[0, ::columns, values.shape[2]]
    assert times.tolist() == [-1, -0.75, -0.5, -0.25, 0]
    assert model.own_positions(energies, torch.ones(2, 5)) is None
    with pytest.raises(ShapeError, match=r"at most 9 frames \(`max_frames`\), received 10"):
        model(torch.randn(2, 10, 6))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"mel_bins": 0}, "`mel_bins` must be a whole number of at least 1, received 0"),
        ({"frames_per_patch": 0}, "`frames_per_patch` must be a whole number of at least 1, received 0"),
        ({"bins_per_patch": 4}, "`bins_per_patch` must divide the 6 `mel_bins`, received 4"),
        ({"out_channels": 0}, "`out_channels` must be a whole number of at least 1, received 0"),
        ({"num_bands": 0}, "`num_bands` must be a whole number of at least 1, received 0"),
        ({"positions": "both"}, r"`positions` must be one of \('relative', 'absolute'\), received 'both'"),
        ({"positions": "absolute"}, "`max_frames` must be a whole number of at least 1, received None"),
        ({"max_frames": 9}, "`max_frames` has no effect where `positions` are 'relative', received 9"),
        ({"max_resolution": (8, 9)}, r"`max_resolution` must be a number, or 1 numbers .*received \(8, 9\)"),
        (
            {"stem_widths": (3, 4)},
            "`stem_widths` needs `bins_per_patch`, and ends with .* received None and None",
        ),
        (
            {"stem_widths": (3, 4), "frames_per_patch": 2, "bins_per_patch": 2, "out_channels": 5},
            "leave that out, received 5 and 2 `bins_per_patch`",
        ),
        (
            {"stem_widths": (3, 4), "frames_per_patch": 3, "bins_per_patch": 2},
            "`frames_per_patch` must be 2 or 4 for a stem of 2 stages, received 3",
        ),
        ({"stem_blocks": 1}, "`stem_blocks` needs `stem_widths`, received 1"),
        ({"bins_per_patch": 2, "max_resolution": (8,)}, r"or 2 numbers .*received \(8,\)"),
    ],
)
def test_settings_out_of_range_are_refused(options, message, config):
    with pytest.raises(ConfigurationError, match=message):
        preprocessor(config, **options)


def test_a_mask_of_another_size_is_refused(config):
    model, energies = preprocessor(config, bins_per_patch=3), torch.randn(2, 5, 6)
    tokens, _, _ = model(energies)
    message = r"`attention_mask` must have shape \[2, num_steps\] with 5 to 5 steps.*received \[2, 10\]"
    with pytest.raises(ShapeError, match=message):
        model.input_mask(torch.ones(2, 10), tokens, None)
    with pytest.raises(ShapeError, match=message):
        model.own_positions(energies, torch.ones(2, 10))
