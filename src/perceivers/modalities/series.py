"""Series: steps of several channels, of unequal length, with their times."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from perceivers.configuration import PerceiverConfig
from perceivers.configuration_rules import require_count
from perceivers.errors import ConfigurationError, ShapeError
from perceivers.modalities.base import Preprocessed, require_finite, require_tensor
from perceivers.modalities.positioned import PositionedPreprocessor, axis_resolutions
from perceivers.modalities.structure import InputStructure, TokensOfGroups, tokens_as_features
from perceivers.nn.ceil_division import ceil_division
from perceivers.nn.fourier import axis_coordinates
from perceivers.nn.time_steps import own_length_positions, patch_mask, step_patches
from perceivers.nn.token_structure import AffineMap, FourierPositions, TokenStructure

POSITIONS = ("relative", "absolute", "both")


class PerceiverSeriesPreprocessor(PositionedPreprocessor):
    """Steps, or patches of consecutive steps, with Fourier features of their times beside them.

    A sample gives the same tokens alone and in a batch where `attention_mask` hides what was appended to it.

    Args:
        config: kept for hand-made compositions; this class takes its numbers from the other arguments.
        in_channels: channels of a step.
        steps_per_patch: steps in a token; the last token is filled up with zeros.
        out_channels: channels that a learned linear map makes of each patch; None leaves its values as they are.
        positions: what time 1 is. "relative": the end of the sample itself, so that time runs from -1 to 1 over each sample's
            own length, as `attention_mask` tells. "absolute": step `max_length`, the same step at the same time in samples of
            any length. "both": the two beside each other.
        max_length: steps of the longest sample that can come; needed for absolute times, and for them alone.
        num_bands: frequencies of an axis of time.
        max_resolution: half of it is the highest frequency, in half-periods over [-1, 1]: the number of tokens to be told
            apart. Two numbers (relative, absolute) are possible for "both".
        allow_missing: take NaN for a missing value: it becomes 0, and each channel gets a second one that is 1 where there is
            a value and 0 where none is, or in what a patch is filled up with. False refuses NaN.
    """

    def __init__(
        self,
        config: PerceiverConfig,
        in_channels: int,
        steps_per_patch: int = 1,
        out_channels: int | None = None,
        positions: str = "relative",
        max_length: int | None = None,
        num_bands: int = 32,
        max_resolution: int | Sequence[int] = 256,
        allow_missing: bool = False,
    ) -> None:
        super().__init__()
        for name, value in (
            ("in_channels", in_channels),
            ("steps_per_patch", steps_per_patch),
            ("num_bands", num_bands),
        ):
            require_count(name, value)
        if positions not in POSITIONS:
            raise ConfigurationError(f"`positions` must be one of {POSITIONS}, received {positions!r}")
        self._max_tokens = _max_tokens(positions, max_length, steps_per_patch)
        self.config = config
        self.in_channels = in_channels
        self.steps_per_patch = steps_per_patch
        self.positions = positions
        self.max_length = max_length
        self.allow_missing = allow_missing
        patch_channels = in_channels * steps_per_patch * (2 if allow_missing else 1)
        if out_channels is not None:
            require_count("out_channels", out_channels)
            self.projection = nn.Linear(patch_channels, out_channels)
        self._build_positions(
            feature_channels=patch_channels if out_channels is None else out_channels,
            position_encoding_type="fourier",
            concat_or_add_pos="concat",
            project_pos_dim=-1,
            n_extra_pos_mlp=0,
            trainable_position_encoding_kwargs=None,
            fourier_position_encoding_kwargs={
                "num_bands": num_bands,
                "max_resolution": axis_resolutions(max_resolution, 2 if positions == "both" else 1),
            },
        )

    def index_dims(self, inputs: Tensor) -> tuple[int, ...]:
        """(number of patches,)."""
        return (ceil_division(inputs.shape[1], self.steps_per_patch),)

    def forward(
        self,
        inputs: Tensor,
        pos: Tensor | None = None,
        network_input_is_1d: bool = True,
        interpolate_pos_encoding: bool = False,
    ) -> Preprocessed:
        """Tokens of series.

        Args:
            inputs: floating-point values [batch, time, in_channels]; shorter samples end with zeros (or NaN, where that means
                missing), which `attention_mask` hides.
            pos: times in [-1, 1] of each token, [batch, num_tokens, 1], or 2 where positions are "both"; None: as `positions`
                says, without any mask.
            network_input_is_1d: a series is a row of tokens either way.
            interpolate_pos_encoding: Fourier features fit any length either way.

        Returns:
            Tokens [batch, ceil(time / steps_per_patch), num_channels], None, and the tokens without times.
        """
        patches = self._patches(inputs)
        features = self.projection(patches) if hasattr(self, "projection") else patches
        if pos is None and self.positions != "relative":
            pos = self._times(axis_coordinates(patches.shape[1], device=inputs.device)[None])[0]
        return self._with_positions(features, pos, network_input_is_1d, interpolate_pos_encoding)

    def structure(self) -> InputStructure:
        """See AbstractPreprocessor; tokens with both times are one group of channels."""
        if self.positions == "both":
            return tokens_as_features(self)
        feature_map = AffineMap.of(self.projection) if hasattr(self, "projection") else None
        if self.positions == "relative":
            return self._structure(self._patches, feature_map)
        return TokensOfGroups(self.num_channels, partial(self._absolute_part, feature_map))

    def _absolute_part(
        self, feature_map: AffineMap | None, inputs: Tensor, _interpolate_pos_encoding: bool
    ) -> dict[str, TokenStructure]:
        patches = self._patches(inputs)
        num_tokens = patches.shape[1]
        assert self._max_tokens is not None
        encoding: Any = self.position_embeddings
        places = torch.arange(num_tokens, device=inputs.device) if num_tokens < self._max_tokens else None
        times = FourierPositions(encoding, (self._max_tokens,), indices=places)
        return {"": TokenStructure(num_tokens, patches, feature_map, times)}

    def input_mask(self, mask: Tensor, tokens: Tensor, modality_sizes: Mapping[str, int] | None) -> Tensor:
        """A bool mask over tokens.

        Args:
            mask: [batch, time], nonzero where a step counts: a token counts where one of its steps does; or
                [batch, num_tokens].
            tokens: what `forward` returned.
            modality_sizes: not used.
        """
        return patch_mask(mask, tokens.shape[0], tokens.shape[1], self.steps_per_patch)

    def own_positions(self, inputs: Tensor, mask: Tensor) -> Tensor | None:
        """Times over each sample's own length, [batch, num_tokens, 1 or 2]; None where positions are "absolute"."""
        self._require_series(inputs)
        if self.positions == "absolute":
            return None
        counts = patch_mask(mask, inputs.shape[0], self.index_dims(inputs)[0], self.steps_per_patch)
        return self._times(own_length_positions(counts))

    def _times(self, relative: Tensor) -> Tensor:
        """[batch, num_tokens, num_axes] from relative times [batch, num_tokens]."""
        if self.positions == "relative":
            return relative[..., None]
        assert self._max_tokens is not None
        whole = axis_coordinates(self._max_tokens, device=relative.device)
        absolute = whole[: relative.shape[1]].expand_as(relative)
        return torch.stack([relative, absolute] if self.positions == "both" else [absolute], dim=-1)

    def _patches(self, inputs: Tensor) -> Tensor:
        """[batch, num_tokens, values of a patch]."""
        self._require_series(inputs)
        values = inputs
        if self.allow_missing:
            there = ~torch.isnan(inputs)
            values = torch.where(there, inputs, torch.zeros_like(inputs))
        require_finite("inputs", values)
        if self.allow_missing:
            values = torch.cat([values, there.to(values.dtype)], dim=-1)
        return step_patches(values, self.steps_per_patch)

    def _require_series(self, inputs: Tensor) -> None:
        require_tensor("inputs", inputs)
        if inputs.ndim != 3 or inputs.shape[2] != self.in_channels or not inputs.is_floating_point():
            raise ShapeError(
                f"`inputs` must be a floating-point series [batch, time, {self.in_channels}], "
                f"received {list(inputs.shape)} of {inputs.dtype}"
            )
        if 0 in inputs.shape:
            raise ShapeError(f"`inputs` must not be empty, received {list(inputs.shape)}")
        if self.max_length is not None and inputs.shape[1] > self.max_length:
            raise ShapeError(
                f"`inputs` must be at most {self.max_length} steps long (`max_length`), received {inputs.shape[1]}: "
                "cut them, or build the model with a larger `max_length`"
            )


def _max_tokens(positions: str, max_length: int | None, steps_per_patch: int) -> int | None:
    """Tokens of the longest series, where positions are absolute."""
    if positions == "relative":
        if max_length is not None:
            raise ConfigurationError(
                f"`max_length` has no effect where `positions` are 'relative', received {max_length}: leave it out, or take "
                "'absolute' or 'both'"
            )
        return None
    require_count("max_length", max_length)
    assert max_length is not None
    return ceil_division(max_length, steps_per_patch)
