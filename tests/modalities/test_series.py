"""Series: values, their times, lengths, patches and gaps."""

from __future__ import annotations

import math

import pytest
import torch

import perceivers
from perceivers.errors import ConfigurationError, ShapeError


@pytest.fixture
def config():
    return perceivers.PerceiverConfig()


def preprocessor(config, **options):
    torch.manual_seed(0)
    options = {"in_channels": 2, "num_bands": 2, "max_resolution": 10, **options}
    return perceivers.PerceiverSeriesPreprocessor(config, **options).eval()


def encoded(times):
    """Times and their sines and cosines at the bands 1 and 5, [..., 5]."""
    times = torch.as_tensor(times, dtype=torch.float32)
    phases = [math.pi * band * times for band in (1, 5)]
    return torch.stack([times, *map(torch.sin, phases), *map(torch.cos, phases)], dim=-1)


def test_a_token_is_a_step_and_its_time(config):
    series, model = torch.randn(3, 5, 2), preprocessor(config)
    tokens, sizes, values = model(series)
    assert sizes is None
    assert (model.num_channels, model.index_dims(series)) == (2 + 5, (5,))
    assert torch.equal(values, series)
    assert torch.equal(tokens[..., :2], series)
    expected = encoded([-1, -0.5, 0, 0.5, 1]).expand(3, 5, 5)
    torch.testing.assert_close(tokens[..., 2:], expected, atol=1e-6, rtol=0)


def test_relative_time_runs_over_the_samples_own_length(config):
    series, model = torch.randn(2, 5, 2), preprocessor(config)
    mask = torch.tensor([[1, 1, 1, 0, 0], [1, 1, 1, 1, 1]])
    pos = model.own_positions(series, mask)
    assert pos.shape == (2, 5, 1)
    assert pos[0, :3, 0].tolist() == [-1, 0, 1]
    tokens, _, _ = model(series, pos=pos)
    alone, _, _ = model(series[:1, :3])
    torch.testing.assert_close(tokens[:1, :3], alone, atol=1e-6, rtol=0)


def test_absolute_time_is_the_same_for_the_same_step_of_any_series(config):
    model = preprocessor(config, positions="absolute", max_length=9)
    series = torch.randn(2, 5, 2)
    tokens, _, _ = model(series)
    times = encoded([-1, -0.75, -0.5, -0.25, 0])
    torch.testing.assert_close(tokens[1, :, 2:], times, atol=1e-6, rtol=0)
    assert model.own_positions(series, torch.ones(2, 5)) is None
    assert torch.equal(model(series[:, :3])[0], tokens[:, :3])
    message = r"`inputs` must be at most 9 steps long \(`max_length`\), received 11"
    with pytest.raises(ShapeError, match=message):
        model(torch.randn(2, 11, 2))


def test_both_times_lie_beside_each_other(config):
    model = preprocessor(config, positions="both", max_length=9, max_resolution=(10, 6))
    tokens, _, _ = model(torch.randn(2, 3, 2))
    assert model.num_channels == tokens.shape[2] == 2 + 2 + 2 * 4
    assert tokens[0, :, 2:4].tolist() == [[-1, -1], [0, -0.75], [1, -0.5]]
    # Bands 1 and 5 of relative time, 1 and 3 of absolute time.
    expected = [math.sin(math.pi * phase) for phase in (1, 5, -0.5, -1.5)]
    assert tokens[0, 2, 4:8].tolist() == pytest.approx(expected, abs=1e-6)
    own = model.own_positions(torch.randn(1, 5, 2), torch.tensor([[1, 1, 1, 0, 0]]))
    assert own[0, :3].tolist() == [[-1, -1], [0, -0.75], [1, -0.5]]


def test_times_may_be_given(config):
    series, model = torch.randn(2, 3, 2), preprocessor(config)
    pos = torch.tensor([[[-1.0], [0.1], [0.3]], [[-0.5], [0.0], [0.75]]])
    tokens, _, _ = model(series, pos=pos)
    torch.testing.assert_close(tokens[..., 2:], encoded(pos[..., 0]))
    with pytest.raises(ShapeError, match=r"`pos` must have shape \[2, 3, 1\], received \[2, 4, 1\]"):
        model(series, pos=torch.zeros(2, 4, 1))


def test_a_patch_holds_several_steps_and_is_mapped(config):
    model = preprocessor(config, steps_per_patch=3, out_channels=4)
    series = torch.randn(2, 7, 2)
    tokens, _, features = model(series)
    assert (model.num_channels, model.index_dims(series)) == (4 + 5, (3,))
    filled = torch.cat([series, torch.zeros(2, 2, 2)], dim=1).reshape(2, 3, 6)
    expected = filled @ model.projection.weight.T + model.projection.bias
    torch.testing.assert_close(features, expected)
    torch.testing.assert_close(tokens[..., :4], expected)
    mask = torch.tensor([[1, 1, 1, 0, 0, 0, 0], [1, 1, 1, 1, 1, 1, 1]])
    assert model.input_mask(mask, tokens, None).tolist() == [[True, False, False], [True, True, True]]


def test_a_missing_value_is_zero_and_said_to_be_missing(config):
    model = preprocessor(config, allow_missing=True, steps_per_patch=2)
    series = torch.tensor([[[1.0, 2.0], [math.nan, 4.0], [5.0, math.nan]]])
    tokens, _, _ = model(series)
    assert model.num_channels == 2 * 4 + 5
    assert tokens[0, 0, :8].tolist() == [1, 2, 1, 1, 0, 4, 0, 1]
    assert tokens[0, 1, :8].tolist() == [5, 0, 1, 0, 0, 0, 0, 0]
    with pytest.raises(ShapeError, match="`inputs` must hold finite numbers"):
        model(torch.full((1, 3, 2), math.inf))
    with pytest.raises(ShapeError, match="`inputs` must hold finite numbers"):
        preprocessor(config)(series)


def test_sound_of_one_channel_gives_the_tokens_of_the_audio_preprocessor(config):
    fourier = {"num_bands": 2, "max_resolution": (10,)}
    audio = perceivers.PerceiverAudioPreprocessor(
        config, samples_per_patch=3, fourier_position_encoding_kwargs=fourier
    )
    sound = torch.rand(2, 15, 1) * 2 - 1
    torch.testing.assert_close(preprocessor(config, in_channels=1, steps_per_patch=3)(sound), audio(sound))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"in_channels": 0}, "`in_channels` must be a whole number of at least 1, received 0"),
        ({"steps_per_patch": 0}, "`steps_per_patch` must be a whole number of at least 1, received 0"),
        ({"out_channels": 0}, "`out_channels` must be a whole number of at least 1, received 0"),
        ({"num_bands": 0}, "`num_bands` must be a whole number of at least 1, received 0"),
        ({"positions": "calendar"}, r"`positions` must be one of .*, received 'calendar'"),
        ({"positions": "both"}, "`max_length` must be a whole number of at least 1, received None"),
        ({"max_length": 9}, "`max_length` has no effect where `positions` are 'relative', received 9"),
        ({"max_resolution": (8, 9)}, r"`max_resolution` must be a number, or 1 numbers .*received \(8, 9\)"),
        ({"max_resolution": (0,)}, "`max_resolution` must be a whole number of at least 1, received 0"),
    ],
)
def test_settings_out_of_range_are_refused(options, message, config):
    with pytest.raises(ConfigurationError, match=message):
        preprocessor(config, **options)


def test_a_mask_of_another_size_is_refused(config):
    model = preprocessor(config)
    tokens, _, _ = model(torch.randn(2, 5, 2))
    message = r"`attention_mask` must have shape \[2, num_steps\] with 5 to 5 steps.*received \[2, 6\]"
    with pytest.raises(ShapeError, match=message):
        model.input_mask(torch.ones(2, 6), tokens, None)
    with pytest.raises(ShapeError, match=message):
        model.own_positions(torch.randn(2, 5, 2), torch.ones(2, 6))
