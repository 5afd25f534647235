"""Pictures and videos: every way to make tokens of pixels, and pixels of tokens."""

from __future__ import annotations

import math

import pytest
import torch
from torch import nn
from torch.nn import functional as F

import perceivers
from perceivers.errors import ConfigurationError, ShapeError

PLANE = {"num_bands": 2, "max_resolution": (5, 7)}
SPACE = {"num_bands": 2, "max_resolution": (3, 5, 7)}
TABLE = {"index_dims": (2, 3), "num_channels": 4}


@pytest.fixture
def config():
    return perceivers.PerceiverConfig()


@pytest.fixture
def build(config):
    def preprocessor(prep_type, **options):
        torch.manual_seed(0)
        options.setdefault("fourier_position_encoding_kwargs", PLANE)
        return perceivers.PerceiverImagePreprocessor(config, prep_type, **options).eval()

    return preprocessor


def features_of(model, inputs, dims):
    """The features, checked to be those in front of the tokens, on a grid of these sizes."""
    assert model.index_dims(inputs) == dims
    tokens, sizes, features = model(inputs)
    assert sizes is None
    assert tokens.shape == (inputs.shape[0], math.prod(dims), model.num_channels)
    assert torch.equal(tokens[..., : features.shape[-1]], features)
    encoded = model.position_embeddings.grid(dims)
    torch.testing.assert_close(tokens[1, :, features.shape[-1] :], encoded)
    gridded, _, on_grid = model(inputs, network_input_is_1d=False)
    assert torch.equal(gridded.flatten(1, -2), tokens)
    assert gridded.shape[1:-1] == dims
    return on_grid


# Features


def test_pixels_are_every_nth_one_in_space(build):
    pictures = torch.randn(2, 3, 5, 8)
    features = features_of(build("pixels", spatial_downsample=3), pictures, (2, 3))
    assert torch.equal(features[1, 1, 2], pictures[1, :, 3, 6])
    whole = features_of(build("pixels", spatial_downsample=1), pictures, (5, 8))
    assert torch.equal(whole, pictures.permute(0, 2, 3, 1))


def test_pixels_are_every_nth_one_in_time_too(build):
    frames = torch.randn(2, 5, 3, 4, 6)
    model = build(
        "pixels", spatial_downsample=2, temporal_downsample=2, fourier_position_encoding_kwargs=SPACE
    )
    features = features_of(model, frames, (3, 2, 3))
    assert torch.equal(features[1, 2, 1, 2], frames[1, 4, :, 2, 4])
    assert model.output_dims(frames) == (5, 4, 6)


def test_patches_are_laid_into_channels(build):
    pictures = torch.randn(2, 3, 4, 6)
    features = features_of(build("patches", spatial_downsample=2), pictures, (2, 3))
    # Row, column, channel inside a patch.
    expected = pictures[1, :, 2:4, 4:6].permute(1, 2, 0).flatten()
    assert torch.equal(features[1, 1, 2], expected)


def test_patches_of_videos_begin_with_time(build):
    frames = torch.randn(2, 6, 3, 4, 6)
    model = build(
        "patches", spatial_downsample=2, temporal_downsample=3, fourier_position_encoding_kwargs=SPACE
    )
    features = features_of(model, frames, (2, 2, 3))
    expected = frames[1, 3:6, :, 2:4, 0:2].permute(0, 2, 3, 1).flatten()
    assert torch.equal(features[1, 1, 1, 0], expected)
    assert model.output_dims(frames) == (6, 4, 6)


def test_a_pair_of_frames_is_one_grid(build):
    frames = torch.randn(2, 2, 5, 4, 6)
    model = build(
        "patches",
        spatial_downsample=1,
        temporal_downsample=2,
        conv_after_patching=True,
        conv_after_patching_in_channels=10,
        out_channels=7,
    )
    features = features_of(model, frames, (4, 6))
    both = torch.cat([frames[:, 0], frames[:, 1]], dim=1).permute(0, 2, 3, 1)
    torch.testing.assert_close(features, model.conv_after_patches(both))
    assert model.num_channels == 7 + 2 * 2 * 2 + 2


@pytest.mark.parametrize("stride", [1, 3])
def test_a_convolution_of_one_pixel_is_a_linear_map_of_every_nth(stride, build):
    pictures = torch.randn(2, 3, 5, 8)
    model = build("conv1x1", spatial_downsample=stride, out_channels=4)
    dims = (5, 8) if stride == 1 else (2, 3)
    features = features_of(model, pictures, dims)
    layer = model.convnet_1x1
    kept = pictures[:, :, ::stride, ::stride].permute(0, 2, 3, 1)
    torch.testing.assert_close(features, F.linear(kept, layer.weight[..., 0, 0], layer.bias))
    frames = torch.stack([pictures, 2 * pictures], dim=1)
    video = build(
        "conv1x1", spatial_downsample=stride, out_channels=4, fourier_position_encoding_kwargs=SPACE
    )
    on_frames = features_of(video, frames, (2, *dims))
    torch.testing.assert_close(on_frames[:, 0], features)


@pytest.mark.parametrize("num_layers", [1, 2])
@pytest.mark.parametrize("padding", ["transformers", "same"])
def test_a_convolutional_stem_is_a_convolution_and_a_pool_for_each_layer(num_layers, padding):
    config = perceivers.PerceiverConfig(stem_padding=padding)
    model = perceivers.PerceiverImagePreprocessor(
        config,
        "conv",
        spatial_downsample=4**num_layers,
        out_channels=5,
        conv2d_use_batchnorm=False,
        fourier_position_encoding_kwargs=PLANE,
    )
    pictures = torch.randn(2, 3, 41, 64)
    layers = [layer for layer in model.modules() if isinstance(layer, nn.Conv2d)]
    assert len(layers) == num_layers
    hidden = pictures
    for layer in layers:
        rows, columns = hidden.shape[2:]
        if padding == "same":
            # 7 wide, stride 2: five pixels around an even size, six around an odd one, the odd pixel after.
            around = [amount for size in (columns, rows) for amount in ((3, 3) if size % 2 else (2, 3))]
            hidden = F.relu(F.conv2d(F.pad(hidden, around), layer.weight, stride=2))
            after = [amount for size in hidden.shape[:1:-1] for amount in ((1, 1) if size % 2 else (0, 1))]
            hidden = F.max_pool2d(F.pad(hidden, after, value=-math.inf), 3, 2)
        else:
            hidden = F.max_pool2d(F.relu(F.conv2d(hidden, layer.weight, stride=2, padding=3)), 3, 2)
    features = features_of(model, pictures, tuple(hidden.shape[2:]))
    torch.testing.assert_close(features, hidden.permute(0, 2, 3, 1))


def test_a_stem_goes_over_every_frame(build):
    frames = torch.randn(2, 3, 3, 13, 17)
    model = build("conv", out_channels=5, fourier_position_encoding_kwargs=SPACE)
    features = features_of(model, frames, (3, 3, 4))
    alone = build("conv", out_channels=5)
    alone.load_state_dict(model.state_dict())
    torch.testing.assert_close(features[:, 1], alone(frames[:, 1], network_input_is_1d=False)[2])


def test_stages_halve_pictures_and_every_frame_of_videos(build):
    model = build("stem", spatial_downsample=4, stem_widths=(4, 5), stem_blocks=1)
    pictures = torch.randn(2, 3, 11, 14)
    features = features_of(model, pictures, (3, 4))
    torch.testing.assert_close(features, model.stem(pictures).movedim(1, -1))
    videos = build("stem", spatial_downsample=2, stem_widths=(4, 5), fourier_position_encoding_kwargs=SPACE)
    frames = torch.randn(2, 3, 3, 6, 7)
    features = features_of(videos, frames, (3, 3, 4))
    torch.testing.assert_close(features[:, 1], videos.stem(frames[:, 1]).movedim(1, -1), atol=1e-5, rtol=1e-5)


def test_grey_pictures_have_one_channel(build):
    grey = torch.randn(2, 1, 4, 6)
    for prep_type, options in {
        "pixels": {"spatial_downsample": 1},
        "patches": {"spatial_downsample": 2},
        "conv1x1": {"spatial_downsample": 1},
    }.items():
        tokens, _, _ = build(prep_type, in_channels=1, **options)(grey)
        assert torch.isfinite(tokens).all()
    with pytest.raises(
        ShapeError, match=r"`inputs` must be floating-point pictures \[batch, 1, height, width\] or vid"
    ):
        build("pixels", in_channels=1)(torch.randn(2, 3, 4, 6))


# Positions


def test_positions_are_beside_the_features_or_added_to_them(build):
    pictures = torch.randn(2, 3, 4, 6)
    beside = build("patches", spatial_downsample=2, project_pos_dim=5)
    assert beside.num_channels == 12 + 5
    tokens, _, features = beside(pictures)
    encoded = beside.positions_projection(beside.position_embeddings.grid((2, 3)))
    torch.testing.assert_close(tokens, torch.cat([features, encoded.expand(2, -1, -1)], dim=-1))
    added = build("patches", spatial_downsample=2, project_pos_dim=12, concat_or_add_pos="add")
    assert added.num_channels == 12
    tokens, _, features = added(pictures)
    encoded = added.positions_projection(added.position_embeddings.grid((2, 3)))
    torch.testing.assert_close(tokens, features + encoded)


@pytest.mark.parametrize("n_extra_pos_mlp", [1, 2])
def test_positions_go_through_further_layers(n_extra_pos_mlp, build):
    model = build("patches", spatial_downsample=2, n_extra_pos_mlp=n_extra_pos_mlp)
    tokens, _, _ = model(torch.randn(2, 3, 4, 6))
    encoded = model.position_embeddings.grid((2, 3))
    layers = list(model.extra_position_mlp)
    assert [type(layer).__name__ for layer in layers] == ["Linear", "ReLU", "Linear"][
        : 2 * n_extra_pos_mlp - 1
    ]
    for layer in layers:
        encoded = layer(encoded)
    torch.testing.assert_close(tokens[0, :, 12:], encoded)


@pytest.mark.parametrize("shape", [(2, 6, 2), (2, 2, 3, 2), (6, 2)])
def test_coordinates_may_be_given(shape, build):
    model, pictures = build("patches", spatial_downsample=2), torch.randn(2, 3, 4, 6)
    pos = torch.rand(shape) * 2 - 1
    tokens, _, _ = model(pictures, pos=pos)
    places = pos.reshape(-1, 6, 2).expand(2, -1, -1)
    torch.testing.assert_close(tokens[..., 12:14], places)
    torch.testing.assert_close(tokens[1, 5, 14], torch.sin(math.pi * places[1, 5, 0]))


def test_coordinates_of_another_shape_are_refused(build):
    model = build("patches", spatial_downsample=2)
    with pytest.raises(ShapeError, match=r"`pos` must have shape \[2, 6, 2\], received \[2, 24, 2\]"):
        model(torch.randn(2, 3, 4, 6), pos=torch.zeros(2, 24, 2))


def test_positions_in_space_need_videos(build):
    model = build("pixels", spatial_downsample=1, fourier_position_encoding_kwargs=SPACE)
    with pytest.raises(
        ShapeError, match=r"`inputs` must give tokens on a grid of 3 axes \(one for each entry of .* \[4, 6\]"
    ):
        model(torch.randn(2, 3, 4, 6))


def test_learned_positions_serve_their_own_grid_or_are_resized(build):
    model = build(
        "pixels",
        spatial_downsample=1,
        position_encoding_type="trainable",
        trainable_position_encoding_kwargs=TABLE,
    )
    tokens, _, _ = model(torch.randn(2, 3, 2, 3))
    vectors = model.position_embeddings.position_embeddings
    assert torch.equal(tokens[1, :, 3:], vectors)
    other = torch.randn(2, 3, 5, 4)
    with pytest.raises(
        ShapeError, match=r"the 6 tokens that learned positions exist for, \[2, 3\].*\[5, 4\]: pass"
    ):
        model(other)
    with pytest.raises(
        ShapeError, match=r"learned positions exist for, \[2, 3\], received a grid of \[3, 2\]"
    ):
        model(torch.randn(2, 3, 3, 2))
    tokens, _, _ = model(other, interpolate_pos_encoding=True)
    resized = F.interpolate(vectors.T.reshape(1, 4, 2, 3), size=(5, 4), mode="bicubic", align_corners=False)
    torch.testing.assert_close(tokens[0, :, 3:], resized[0].flatten(1).T)
    with pytest.raises(
        ShapeError, match="`pos` needs Fourier positions; learned positions have no coordinates"
    ):
        model(torch.randn(2, 3, 2, 3), pos=torch.zeros(2, 6, 2))


def test_a_table_of_so_many_positions_serves_any_grid_of_as_many(build):
    model = build(
        "pixels",
        spatial_downsample=1,
        position_encoding_type="trainable",
        trainable_position_encoding_kwargs={"index_dims": 6, "num_channels": 4},
    )
    for size in ((2, 3), (3, 2), (6, 1)):
        assert torch.equal(
            model(torch.randn(1, 3, *size))[0][0, :, 3:], model.position_embeddings.position_embeddings
        )


def test_learned_positions_of_videos_are_not_resized(build):
    table = {"index_dims": (2, 4, 6), "num_channels": 4}
    model = build(
        "pixels",
        spatial_downsample=1,
        position_encoding_type="trainable",
        trainable_position_encoding_kwargs=table,
    )
    assert model(torch.randn(1, 2, 3, 4, 6))[0].shape == (1, 48, 7)
    message = r"learned positions exist for a grid of \[2, 4, 6\], received one of \[3, 4, 6\]"
    with pytest.raises(ShapeError, match=message):
        model(torch.randn(1, 3, 3, 4, 6), interpolate_pos_encoding=True)


# Bad input


@pytest.mark.parametrize(
    ("pictures", "message"),
    [
        (torch.randn(3, 4, 6), r"must be floating-point pictures .*received \[3, 4, 6\] of torch.float32"),
        (
            torch.zeros(1, 3, 4, 6).byte(),
            r"must be floating-point pictures .*received \[1, 3, 4, 6\] of torch.uint8",
        ),
        (torch.randn(0, 3, 4, 6), r"must not be empty, received \[0, 3, 4, 6\]"),
        (
            torch.full((1, 3, 4, 6), math.nan),
            r"must hold finite numbers, received NaN or infinity in \[1, 3, 4, 6\]",
        ),
        (
            torch.randn(1, 3, 5, 6),
            r"must have sizes divisible by the patch sizes \[1, 1, 2, 2\], received \[1, 3, 5, 6\]",
        ),
    ],
)
def test_pictures_that_are_none_are_refused(pictures, message, build):
    with pytest.raises(ShapeError, match=f"`inputs` {message}"):
        build("patches", spatial_downsample=2)(pictures)


def test_videos_of_broken_patches_are_refused(build):
    model = build(
        "patches", spatial_downsample=2, temporal_downsample=2, fourier_position_encoding_kwargs=SPACE
    )
    with pytest.raises(
        ShapeError, match=r"`inputs` must have sizes divisible by the patch sizes \[1, 2, 1, 2, 2\]"
    ):
        model(torch.randn(1, 3, 3, 4, 6))
    with pytest.raises(ShapeError, match="`inputs` must be videos for patches of 2 frames, received"):
        model(torch.randn(1, 3, 4, 6))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            {"prep_type": "raw"},
            r"`prep_type` must be one of \('conv', 'conv1x1', 'patches', 'pixels', 'stem'\), received 'raw'",
        ),
        (
            {"prep_type": "conv", "temporal_downsample": 2},
            "`temporal_downsample` must be 1 for 'conv', received 2",
        ),
        (
            {"prep_type": "conv1x1", "temporal_downsample": 3},
            "`temporal_downsample` must be 1 for 'conv1x1', received 3",
        ),
        (
            {"prep_type": "stem", "temporal_downsample": 2, "stem_widths": (3, 4)},
            "`temporal_downsample` must be 1 for 'stem', received 2",
        ),
        (
            {"prep_type": "stem", "stem_widths": (3, 4), "spatial_downsample": 8},
            "`spatial_downsample` must be 2 or 4 for a stem of 2 stages, received 8",
        ),
        (
            {"prep_type": "stem"},
            "`stem_widths` must be given for `prep_type` 'stem', and .* received None and 0 with 'stem'",
        ),
        (
            {"prep_type": "pixels", "stem_widths": (3, 4)},
            r"for no other, received \(3, 4\) and 0 with 'pixels'",
        ),
        (
            {"prep_type": "conv", "stem_blocks": 1},
            "for no other, received None and 1 with 'conv'",
        ),
        (
            {"prep_type": "conv", "spatial_downsample": 8},
            "`spatial_downsample` must be a power of 4 for 'conv', received 8",
        ),
        (
            {"prep_type": "pixels", "spatial_downsample": 0},
            "`spatial_downsample` and `temporal_downsample` must be at least 1, received 0 and 1",
        ),
        (
            {"prep_type": "pixels", "conv_after_patching": True},
            "`conv_after_patching` needs `prep_type` 'patches', received 'pixels'",
        ),
        (
            {"prep_type": "patches", "conv_after_patching": True, "conv_after_patching_in_channels": 50},
            "`conv_after_patching_in_channels` must be divisible by the 16 pixels of a patch, received 50",
        ),
        (
            {"prep_type": "pixels", "concat_or_add_pos": "add"},
            "positions must have the features' 3 channels where `concat_or_add_pos` is 'add', received 10",
        ),
        (
            {"prep_type": "pixels", "concat_or_add_pos": ""},
            "`concat_or_add_pos` must be 'concat' or 'add', received ''",
        ),
        (
            {"prep_type": "pixels", "position_encoding_type": "rotary"},
            "`position_encoding_type` must be 'trainable' or 'fourier', received 'rotary'",
        ),
        (
            {"prep_type": "pixels", "position_encoding_type": "trainable"},
            "`trainable_position_encoding_kwargs` must be given for trainable positions",
        ),
    ],
)
def test_options_that_contradict_each_other_are_refused(options, message, build):
    with pytest.raises(ConfigurationError, match=message):
        build(**options)


# Back to pixels


def test_tokens_that_are_pixels_are_laid_on_their_grid():
    decoded = torch.randn(2, 6, 3)
    assert perceivers.PerceiverImagePostprocessor(3)(decoded) is decoded
    model = perceivers.PerceiverImagePostprocessor(3, input_reshape_size=(2, 3))
    assert torch.equal(model(decoded), decoded.reshape(2, 2, 3, 3))


def test_tokens_are_mapped_one_by_one():
    model = perceivers.PerceiverImagePostprocessor(4, "conv1x1", out_channels=2)
    decoded = torch.randn(2, 3, 5, 4)
    torch.testing.assert_close(model(decoded), model.classifier(decoded))


def test_tokens_become_patches_of_pixels():
    model = perceivers.PerceiverImagePostprocessor(
        5, "patches", 2, 3, out_channels=2, input_reshape_size=(2, 2, 3)
    )
    decoded = torch.randn(2, 12, 5)
    video = model(decoded)
    assert video.shape == (2, 6, 4, 6, 2)
    # Step 1, row 0, column 2 of the grid: token 6 + 2; frame 1, row 1, column 0 in the patch.
    patch = model.classifier(decoded[1, 8]).reshape(3, 2, 2, 2)
    torch.testing.assert_close(video[1, 3 + 1, 1, 4 + 0], patch[1, 1, 0])


def test_patches_of_pictures_are_undone():
    pictures = torch.randn(2, 3, 4, 6)
    before = perceivers.PerceiverImagePreprocessor(
        perceivers.PerceiverConfig(), "patches", 2, fourier_position_encoding_kwargs=PLANE
    )
    after = perceivers.PerceiverImagePostprocessor(
        12, "patches", 2, out_channels=3, input_reshape_size=(2, 3)
    )
    with torch.no_grad():
        after.classifier.weight.copy_(torch.eye(12))
        after.classifier.bias.zero_()
    torch.testing.assert_close(after(before(pictures)[2]), pictures.permute(0, 2, 3, 1))


@pytest.mark.parametrize(
    ("grid", "space", "time", "expected"),
    [
        ((2, 3), 2, 1, (4, 6)),
        ((2, 3), 4, 1, (8, 12)),
        ((2, 2, 3), 4, 1, (2, 8, 12)),
        ((2, 2, 3), 2, 4, (8, 4, 6)),
        ((3, 2, 3), 1, 2, (6, 2, 3)),
    ],
)
def test_transposed_convolutions_double_the_sides(grid, space, time, expected):
    model = perceivers.PerceiverImagePostprocessor(
        5, "conv", space, time, out_channels=2, input_reshape_size=grid
    )
    assert model(torch.randn(2, math.prod(grid), 5)).shape == (2, *expected, 2)
    kernels = [layer for layer in model.modules() if isinstance(layer, nn.modules.conv._ConvTransposeNd)]
    widths = [layer.out_channels for layer in kernels]
    assert widths == [2 * 2**step for step in reversed(range(len(kernels)))]


def test_one_transposed_convolution_by_hand():
    model = perceivers.PerceiverImagePostprocessor(1, "conv", 2, out_channels=1, input_reshape_size=(1, 1))
    (layer,) = model.convnet.layers
    with torch.no_grad():
        layer.weight.copy_(torch.arange(16.0).reshape(1, 1, 4, 4))
        layer.bias.fill_(100.0)
    # The middle of the 4 x 4 kernel, twice.
    expected = torch.tensor([[5.0, 6.0], [9.0, 10.0]]) * 2 + 100
    torch.testing.assert_close(model(torch.full((1, 1, 1), 2.0))[0, :, :, 0], expected)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            {"postproc_type": "raft"},
            r"`postproc_type` must be one of \('pixels', 'patches', 'conv', 'conv1x1'\), rec",
        ),
        (
            {"spatial_upsample": 2},
            "`spatial_upsample` and `temporal_upsample` must be 1 for 'pixels', received 2 and 1",
        ),
        ({"postproc_type": "conv1x1", "temporal_upsample": 3}, "must be 1 for 'conv1x1', received 1 and 3"),
        ({"out_channels": 2}, r"`out_channels` must be `in_channels` \(3\) for 'pixels', received 2"),
        (
            {"postproc_type": "conv", "spatial_upsample": 3},
            "`spatial_upsample` must be a power of 2 for 'conv', received 3",
        ),
        (
            {"postproc_type": "conv"},
            r"\(`spatial_upsample` or `temporal_upsample` at least 2 for 'conv'\), received 0 and None",
        ),
    ],
)
def test_options_of_a_postprocessor_that_contradict_each_other_are_refused(options, message):
    with pytest.raises(ConfigurationError, match=message):
        perceivers.PerceiverImagePostprocessor(3, **options)


def test_tokens_that_fit_no_grid_are_refused():
    model = perceivers.PerceiverImagePostprocessor(4, "conv1x1", input_reshape_size=(2, 3))
    message = r"`inputs` must hold the 6 tokens of `input_reshape_size` \[2, 3\], received \[1, 5, 4\]"
    with pytest.raises(ShapeError, match=message):
        model(torch.randn(1, 5, 4))
    with pytest.raises(
        ShapeError, match=r"`inputs` must have 4 channels on the last axis, received \[1, 6, 3\]|\[1, 2"
    ):
        model(torch.randn(1, 6, 3))


def test_videos_are_doubled_in_space_without_a_reshape_size():
    model = perceivers.PerceiverImagePostprocessor(5, "conv", 2, out_channels=2)
    assert model(torch.randn(2, 2, 3, 5)).shape == (2, 4, 6, 2)
    videos = torch.randn(2, 3, 2, 3, 5)
    doubled = model(videos)
    assert doubled.shape == (2, 3, 4, 6, 2)
    torch.testing.assert_close(doubled[:, 1], model(videos[:, 1]))
