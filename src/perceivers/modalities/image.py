"""Pictures, videos and pairs of frames: pixels with positions into tokens, and decoded tokens back into pixels."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from torch import Tensor, nn

from perceivers.configuration import PerceiverConfig
from perceivers.errors import ConfigurationError, ShapeError
from perceivers.modalities.base import AbstractPostprocessor, Preprocessed, require_finite, require_tensor
from perceivers.modalities.positioned import PositionedPreprocessor
from perceivers.modalities.structure import InputStructure, LinearValues
from perceivers.nn.ceil_division import ceil_division
from perceivers.nn.convolution import Conv2DDownsample, ConvUpsample, stem_size
from perceivers.nn.patches import depth_to_space, space_to_depth
from perceivers.nn.stems import ConvolutionalStem, first_pool
from perceivers.nn.token_structure import AffineMap

_PREP_TYPES = ("conv", "conv1x1", "patches", "pixels", "stem")
_POST_TYPES = ("pixels", "patches", "conv", "conv1x1")


class PerceiverImagePreprocessor(PositionedPreprocessor):
    """Features of pixels, with positions.

    Args:
        config: gives `stem_padding` (see StemLayer); the other numbers are arguments.
        prep_type: "conv" (the papers' convolutional stem), "conv1x1" (a linear map of each pixel), "patches" (pixels of a
            patch into channels), "pixels" (every n-th pixel as it is) or "stem" (stages of 3 x 3 convolutions, see
            `perceivers.nn.stems`).
        spatial_downsample: factor between the picture's sides and the token grid's. "conv": a power of 4, one stem layer
            each; 1 means one layer too, as in the reference. "stem": 2 for each stage but the first, and once more 2 where
            the first stage halves the sides as well.
        temporal_downsample: factor between numbers of frames; "patches" and "pixels" only.
        position_encoding_type: "fourier" or "trainable".
        in_channels: channels of a pixel.
        out_channels: channels of features for "conv", "conv1x1", and for `conv_after_patching`.
        conv_after_patching: a linear map of each patch to out_channels ("patches" only).
        conv_after_patching_in_channels: channels of a patch that this map takes.
        conv2d_use_batchnorm: normalise in the stem ("conv" only; "stem" always does).
        concat_or_add_pos: put positions beside the features ("concat") or add them ("add").
        project_pos_dim: channels of projected positions; -1 for no projection.
        n_extra_pos_mlp: number of further linear layers on the positions, ReLU between them.
        trainable_position_encoding_kwargs: see `build_position_encoding`.
        fourier_position_encoding_kwargs: see `build_position_encoding`.
        stem_widths: channels of each stage ("stem" only, which needs them).
        stem_blocks: residual blocks of each stage but the first ("stem" only).
    """

    def __init__(
        self,
        config: PerceiverConfig,
        prep_type: str = "conv",
        spatial_downsample: int = 4,
        temporal_downsample: int = 1,
        position_encoding_type: str = "fourier",
        in_channels: int = 3,
        out_channels: int = 64,
        conv_after_patching: bool = False,
        conv_after_patching_in_channels: int = 54,
        conv2d_use_batchnorm: bool = True,
        concat_or_add_pos: str = "concat",
        project_pos_dim: int = -1,
        n_extra_pos_mlp: int = 0,
        trainable_position_encoding_kwargs: Mapping[str, Any] | None = None,
        fourier_position_encoding_kwargs: Mapping[str, Any] | None = None,
        stem_widths: Sequence[int] | None = None,
        stem_blocks: int = 0,
    ) -> None:
        super().__init__()
        if prep_type not in _PREP_TYPES:
            raise ConfigurationError(f"`prep_type` must be one of {_PREP_TYPES}, received {prep_type!r}")
        if min(spatial_downsample, temporal_downsample) < 1:
            raise ConfigurationError(
                "`spatial_downsample` and `temporal_downsample` must be at least 1, "
                f"received {spatial_downsample} and {temporal_downsample}"
            )
        if temporal_downsample != 1 and prep_type in ("conv", "conv1x1", "stem"):
            raise ConfigurationError(
                f"`temporal_downsample` must be 1 for {prep_type!r}, received {temporal_downsample}"
            )
        if conv_after_patching and prep_type != "patches":
            raise ConfigurationError(
                f"`conv_after_patching` needs `prep_type` 'patches', received {prep_type!r}"
            )
        if (stem_widths is None) == (prep_type == "stem") or (stem_blocks and prep_type != "stem"):
            raise ConfigurationError(
                "`stem_widths` must be given for `prep_type` 'stem', and `stem_widths` and `stem_blocks` for no other, "
                f"received {stem_widths} and {stem_blocks} with {prep_type!r}"
            )
        self.config = config
        self.prep_type = prep_type
        self.spatial_downsample = spatial_downsample
        self.temporal_downsample = temporal_downsample
        self.conv_after_patching = conv_after_patching
        self.stem_padding = config.stem_padding
        self.in_channels = in_channels
        patch_pixels = spatial_downsample**2 * temporal_downsample
        feature_channels = in_channels
        if prep_type == "conv":
            self.num_stem_layers = _stem_layers(spatial_downsample)
            self.convnet = Conv2DDownsample(
                self.num_stem_layers, in_channels, out_channels, conv2d_use_batchnorm, config.stem_padding
            )
            feature_channels = out_channels
        elif stem_widths is not None:
            pool = first_pool("spatial_downsample", spatial_downsample, len(stem_widths))
            self.stem = ConvolutionalStem(in_channels, stem_widths, (pool, pool), stem_blocks)
            feature_channels = stem_widths[-1]
        elif prep_type == "conv1x1":
            self.convnet_1x1 = nn.Conv2d(in_channels, out_channels, kernel_size=1, stride=spatial_downsample)
            feature_channels = out_channels
        elif conv_after_patching:
            if conv_after_patching_in_channels % patch_pixels != 0:
                raise ConfigurationError(
                    f"`conv_after_patching_in_channels` must be divisible by the {patch_pixels} pixels of a patch, "
                    f"received {conv_after_patching_in_channels}"
                )
            self.in_channels = conv_after_patching_in_channels // patch_pixels
            feature_channels = out_channels
        elif prep_type == "patches":
            feature_channels = in_channels * patch_pixels
        self._build_positions(
            feature_channels=feature_channels,
            position_encoding_type=position_encoding_type,
            concat_or_add_pos=concat_or_add_pos,
            project_pos_dim=project_pos_dim,
            n_extra_pos_mlp=n_extra_pos_mlp,
            trainable_position_encoding_kwargs=trainable_position_encoding_kwargs,
            fourier_position_encoding_kwargs=fourier_position_encoding_kwargs,
        )
        if conv_after_patching:
            # Published checkpoints call this linear map a convolution, and store it after the positions.
            self.conv_after_patches = nn.Linear(conv_after_patching_in_channels, out_channels)

    def index_dims(self, inputs: Tensor) -> tuple[int, ...]:
        """(rows, columns) or (steps, rows, columns) of the tokens."""
        rows, columns = (self._downsampled(size) for size in inputs.shape[-2:])
        if inputs.ndim == 4:
            return rows, columns
        steps = ceil_division(inputs.shape[1], self.temporal_downsample)
        return (rows, columns) if self._drops_steps(steps) else (steps, rows, columns)

    def output_dims(self, inputs: Tensor) -> tuple[int, ...]:
        """(height, width) or (frames, height, width) of the pixels."""
        return (*inputs.shape[1:-3], *inputs.shape[-2:])

    def forward(
        self,
        inputs: Tensor,
        pos: Tensor | None = None,
        network_input_is_1d: bool = True,
        interpolate_pos_encoding: bool = False,
    ) -> Preprocessed:
        """Tokens of pictures.

        Args:
            inputs: floating-point pictures [batch, in_channels, height, width] or videos
                [batch, frames, in_channels, height, width].
            pos: see AbstractPreprocessor.
            network_input_is_1d: see AbstractPreprocessor.
            interpolate_pos_encoding: fit learned positions to another picture size (bicubic).

        Returns:
            Tokens [batch, num_tokens, num_channels], None, and the features without positions.
        """
        self._validate(inputs)
        features = self._features(inputs)
        if features.ndim == 5 and self._drops_steps(features.shape[1]):
            features = features[:, 0]
        return self._with_positions(features, pos, network_input_is_1d, interpolate_pos_encoding)

    def structure(self) -> InputStructure:
        """See AbstractPreprocessor; values are pixels, patches, or what a convolutional stem gives."""
        feature_map: AffineMap | None = None
        if self.prep_type == "conv1x1":
            feature_map = AffineMap.of(self.convnet_1x1)
        elif self.conv_after_patching:
            feature_map = AffineMap.of(self.conv_after_patches)
        return self._structure(self._unmapped, feature_map)

    def _unmapped(self, inputs: Tensor) -> Tensor:
        """Features before the linear map of each pixel or patch, where there is one; [batch, num_tokens, in_channels]."""
        self._validate(inputs)
        is_linear = self.prep_type == "conv1x1"
        return (self._kept_pixels(inputs) if is_linear else self._values(inputs)).flatten(1, -2)

    def _features(self, inputs: Tensor) -> Tensor:
        """[batch, (steps,) rows, columns, channels]."""
        if self.prep_type == "conv1x1":
            return _each_frame(self.convnet_1x1, inputs)
        values = self._values(inputs)
        return self.conv_after_patches(values) if self.conv_after_patching else values

    def _values(self, inputs: Tensor) -> Tensor:
        """Features before the linear map of patches, where there is one; the same axes."""
        if self.prep_type == "conv":
            return _each_frame(self.convnet, inputs)
        if self.prep_type == "stem":
            return _each_frame(self.stem, inputs)
        if self.prep_type == "patches":
            return space_to_depth(inputs, self.temporal_downsample, self.spatial_downsample)
        return self._kept_pixels(inputs)

    def _kept_pixels(self, inputs: Tensor) -> Tensor:
        kept = inputs[..., :: self.spatial_downsample, :: self.spatial_downsample]
        return (kept if kept.ndim == 4 else kept[:, :: self.temporal_downsample]).movedim(-3, -1)

    def _downsampled(self, size: int) -> int:
        if self.prep_type == "conv":
            return stem_size(size, self.num_stem_layers, self.stem_padding)
        return ceil_division(size, self.spatial_downsample)

    def _drops_steps(self, steps: int) -> bool:
        """Whether a single step loses its axis: pairs of frames do, videos with positions in time keep it."""
        return steps == 1 and self.position_embeddings.num_dimensions < 3

    def _validate(self, inputs: Tensor) -> None:
        require_tensor("inputs", inputs)
        if (
            inputs.ndim not in (4, 5)
            or inputs.shape[-3] != self.in_channels
            or not inputs.is_floating_point()
        ):
            raise ShapeError(
                f"`inputs` must be floating-point pictures [batch, {self.in_channels}, height, width] or videos "
                f"[batch, frames, {self.in_channels}, height, width], received {list(inputs.shape)} of {inputs.dtype}"
            )
        if 0 in inputs.shape:
            raise ShapeError(f"`inputs` must not be empty, received {list(inputs.shape)}")
        if self.prep_type == "conv" and min(self._downsampled(size) for size in inputs.shape[-2:]) < 1:
            raise ShapeError(
                f"`inputs` must be larger than the convolutional stem, received {list(inputs.shape)}"
            )
        require_finite("inputs", inputs)


class PerceiverImagePostprocessor(AbstractPostprocessor):
    """Pixels of decoded tokens on a grid (ImagePostprocessor of the original code).

    Args:
        in_channels: channels of a decoded token.
        postproc_type: "pixels" (tokens are pixels already), "conv1x1" (a linear map of each token), "patches" (a linear map,
            then the channels of a token laid out as a patch of pixels) or "conv" (transposed convolutions).
        spatial_upsample: factor between the grid's sides and the picture's; "conv": a power of 2.
        temporal_upsample: the same for frames.
        out_channels: channels of a pixel; "pixels" keeps those of the token.
        input_reshape_size: sizes of the grid, (rows, columns) or (steps, rows, columns), where decoded tokens come in a row.
    """

    def __init__(
        self,
        in_channels: int,
        postproc_type: str = "pixels",
        spatial_upsample: int = 1,
        temporal_upsample: int = 1,
        out_channels: int = 3,
        input_reshape_size: Sequence[int] | None = None,
    ) -> None:
        super().__init__()
        if postproc_type not in _POST_TYPES:
            raise ConfigurationError(
                f"`postproc_type` must be one of {_POST_TYPES}, received {postproc_type!r}"
            )
        if postproc_type in ("pixels", "conv1x1") and (spatial_upsample, temporal_upsample) != (1, 1):
            raise ConfigurationError(
                f"`spatial_upsample` and `temporal_upsample` must be 1 for {postproc_type!r}, "
                f"received {spatial_upsample} and {temporal_upsample}"
            )
        if postproc_type == "pixels" and out_channels != in_channels:
            raise ConfigurationError(
                f"`out_channels` must be `in_channels` ({in_channels}) for 'pixels', received {out_channels}"
            )
        self.postproc_type = postproc_type
        self.in_channels = in_channels
        self.spatial_upsample = spatial_upsample
        self.temporal_upsample = temporal_upsample
        self.input_reshape_size = None if input_reshape_size is None else tuple(input_reshape_size)
        self.pointwise = postproc_type in ("pixels", "conv1x1") and input_reshape_size is None
        if postproc_type in ("conv1x1", "patches"):
            self.classifier = nn.Linear(in_channels, out_channels * spatial_upsample**2 * temporal_upsample)
        elif postproc_type == "conv":
            self._by_frame = temporal_upsample == 1
            self.convnet = ConvUpsample(
                in_channels,
                out_channels,
                _exponent("spatial_upsample", spatial_upsample, 2),
                None if self._by_frame else _exponent("temporal_upsample", temporal_upsample, 2),
            )

    def structure(self) -> LinearValues | None:
        """See AbstractPostprocessor."""
        return LinearValues(self.classifier) if self.pointwise and self.postproc_type == "conv1x1" else None

    def forward(
        self, inputs: Tensor, pos: Tensor | None = None, modality_sizes: Mapping[str, int] | None = None
    ) -> Tensor:
        """Pixels, channels last.

        Args:
            inputs: [batch, (steps,) rows, columns, in_channels], or [batch, num_tokens, in_channels] where
                `input_reshape_size` says the grid.
            pos: not used.
            modality_sizes: not used.

        Returns:
            [batch, (frames,) height, width, out_channels].
        """
        if self.input_reshape_size is not None and inputs.ndim == 3:
            if inputs.shape[1] != math.prod(self.input_reshape_size):
                raise ShapeError(
                    f"`inputs` must hold the {math.prod(self.input_reshape_size)} tokens of `input_reshape_size` "
                    f"{list(self.input_reshape_size)}, received {list(inputs.shape)}"
                )
            inputs = inputs.unflatten(1, self.input_reshape_size)
        if inputs.shape[-1] != self.in_channels:
            raise ShapeError(
                f"`inputs` must have {self.in_channels} channels on the last axis, received {list(inputs.shape)}"
            )
        if self.postproc_type == "conv":
            if inputs.ndim == 5 and self._by_frame:
                return self.convnet(inputs.flatten(0, 1)).unflatten(0, inputs.shape[:2])
            return self.convnet(inputs)
        if self.postproc_type == "patches":
            return depth_to_space(self.classifier(inputs), self.temporal_upsample, self.spatial_upsample)
        return self.classifier(inputs) if self.postproc_type == "conv1x1" else inputs


def _each_frame(layer: nn.Module, inputs: Tensor) -> Tensor:
    """A layer of pictures on pictures, or on every frame of videos; channels last afterwards."""
    if inputs.ndim == 4:
        return layer(inputs).movedim(1, -1)
    return layer(inputs.flatten(0, 1)).unflatten(0, inputs.shape[:2]).movedim(2, -1)


def _stem_layers(spatial_downsample: int) -> int:
    return 1 if spatial_downsample == 1 else _exponent("spatial_downsample", spatial_downsample, 4)


def _exponent(argument: str, factor: int, base: int) -> int:
    """The power that `base` is raised to for `factor`."""
    exponent = round(math.log(factor, base)) if factor >= 1 else -1
    if exponent < 0 or base**exponent != factor:
        raise ConfigurationError(f"`{argument}` must be a power of {base} for 'conv', received {factor}")
    return exponent
