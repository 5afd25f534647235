"""Spectrograms: patches of frames and frequency bins, with their places in both."""

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
from perceivers.modalities.structure import InputStructure, TokensOfGroups
from perceivers.nn.ceil_division import ceil_division
from perceivers.nn.fourier import axis_coordinates
from perceivers.nn.stems import ConvolutionalStem, first_pool
from perceivers.nn.time_steps import own_length_positions, patch_mask, step_patches
from perceivers.nn.token_structure import AffineMap, FourierPositions, TokenStructure

POSITIONS = ("relative", "absolute")


class PerceiverSpectrogramPreprocessor(PositionedPreprocessor):
    """Patches of a spectrogram, or features of a stem, with Fourier features of their times (and frequencies) beside them.

    A sample gives the same tokens alone and in a batch where `attention_mask` hides what was appended to it.

    Args:
        config: kept for hand-made compositions; this class takes its numbers from the other arguments.
        mel_bins: frequency bins of a frame.
        frames_per_patch: frames in a token; the last ones are filled up with zeros.
        bins_per_patch: frequency bins in a token, a divisor of `mel_bins` where tokens are patches. None: all of them, and
            positions are times alone.
        out_channels: channels that a learned linear map makes of each patch; None leaves its values as they are. A stem has
            no such map.
        positions: what time 1 is. "relative": the end of the sample itself, as `attention_mask` tells. "absolute": frame
            `max_frames`, in samples of any length. Frequencies run from -1 to 1 either way.
        max_frames: frames of the longest sample that can come; needed for absolute times, and for them alone.
        num_bands: frequencies of each axis of the positions.
        max_resolution: half of it is the highest frequency, in half-periods over [-1, 1]: the number of patches to be told
            apart; one number, or one for time and one for frequency where there are patches of both.
    """

    def __init__(
        self,
        config: PerceiverConfig,
        mel_bins: int,
        frames_per_patch: int = 1,
        bins_per_patch: int | None = None,
        out_channels: int | None = None,
        positions: str = "relative",
        max_frames: int | None = None,
        num_bands: int = 32,
        max_resolution: int | Sequence[int] = 256,
        stem_widths: Sequence[int] | None = None,
        stem_blocks: int = 0,
    ) -> None:
        super().__init__()
        bins = mel_bins if bins_per_patch is None else bins_per_patch
        for name, value in (
            ("mel_bins", mel_bins),
            ("frames_per_patch", frames_per_patch),
            ("bins_per_patch", bins),
            ("num_bands", num_bands),
        ):
            require_count(name, value)
        if stem_widths is None and mel_bins % bins != 0:
            raise ConfigurationError(
                f"`bins_per_patch` must divide the {mel_bins} `mel_bins`, received {bins_per_patch}"
            )
        if positions not in POSITIONS:
            raise ConfigurationError(f"`positions` must be one of {POSITIONS}, received {positions!r}")
        if positions == "absolute":
            require_count("max_frames", max_frames)
        elif max_frames is not None:
            raise ConfigurationError(
                f"`max_frames` has no effect where `positions` are 'relative', received {max_frames}: leave it out, or take "
                "'absolute'"
            )
        self.config = config
        self.mel_bins = mel_bins
        self.frames_per_patch = frames_per_patch
        self.bins_per_patch = bins
        self.max_frames = max_frames
        self._columns = ceil_division(mel_bins, bins)
        patch_values = frames_per_patch * bins
        if stem_widths is not None:
            if out_channels is not None or bins_per_patch is None:
                raise ConfigurationError(
                    "`stem_widths` needs `bins_per_patch`, and ends with the channels that `out_channels` would say: leave "
                    f"that out, received {out_channels} and {bins_per_patch} `bins_per_patch`"
                )
            pools = (
                first_pool("frames_per_patch", frames_per_patch, len(stem_widths)),
                first_pool("bins_per_patch", bins_per_patch, len(stem_widths)),
            )
            self.stem = ConvolutionalStem(1, stem_widths, pools, stem_blocks)
            patch_values = stem_widths[-1]
        elif stem_blocks:
            raise ConfigurationError(f"`stem_blocks` needs `stem_widths`, received {stem_blocks}")
        if out_channels is not None:
            require_count("out_channels", out_channels)
            self.projection = nn.Linear(patch_values, out_channels)
        self._build_positions(
            feature_channels=patch_values if out_channels is None else out_channels,
            position_encoding_type="fourier",
            concat_or_add_pos="concat",
            project_pos_dim=-1,
            n_extra_pos_mlp=0,
            trainable_position_encoding_kwargs=None,
            fourier_position_encoding_kwargs={
                "num_bands": num_bands,
                "max_resolution": axis_resolutions(max_resolution, 1 if bins_per_patch is None else 2),
            },
        )

    def index_dims(self, inputs: Tensor) -> tuple[int, ...]:
        """(patches of frames, patches of bins); (patches of frames,) where a token has all bins."""
        rows = ceil_division(inputs.shape[1], self.frames_per_patch)
        return (rows, self._columns) if self._has_columns else (rows,)

    def forward(
        self,
        inputs: Tensor,
        pos: Tensor | None = None,
        network_input_is_1d: bool = True,
        interpolate_pos_encoding: bool = False,
    ) -> Preprocessed:
        """Tokens of spectrograms.

        Args:
            inputs: floating-point energies [batch, frames, mel_bins] or [batch, frames, mel_bins, 1]; shorter samples end
                with zeros, which `attention_mask` hides.
            pos: see AbstractPreprocessor; None: as `positions` says, without any mask.
            network_input_is_1d: see AbstractPreprocessor.
            interpolate_pos_encoding: Fourier features fit any length either way.

        Returns:
            Tokens [batch, num_tokens, num_channels], None, and the tokens without positions; patches of one time lie
            together.
        """
        patches = self._patches(inputs)
        features = self.projection(patches) if hasattr(self, "projection") else patches
        if pos is None and self.max_frames is not None:
            pos = self._places(self._absolute_times(patches.shape[1], inputs.device)[None])[0]
        return self._with_positions(features, pos, network_input_is_1d, interpolate_pos_encoding)

    def structure(self) -> InputStructure:
        """See AbstractPreprocessor."""
        feature_map = AffineMap.of(self.projection) if hasattr(self, "projection") else None
        if self.max_frames is None:
            return self._structure(self._flat_patches, feature_map)
        return TokensOfGroups(self.num_channels, partial(self._absolute_part, feature_map))

    def _absolute_part(
        self, feature_map: AffineMap | None, inputs: Tensor, _interpolate_pos_encoding: bool
    ) -> dict[str, TokenStructure]:
        patches, grid = self._flat_patches(inputs), self.index_dims(inputs)
        assert self.max_frames is not None
        encoding: Any = self.position_embeddings
        # Patches of one time lie together: the first ones of the longest spectrogram are those of a shorter one.
        whole = (ceil_division(self.max_frames, self.frames_per_patch), *grid[1:])
        places = torch.arange(patches.shape[1], device=inputs.device) if grid != whole else None
        positions = FourierPositions(encoding, whole, indices=places)
        return {"": TokenStructure(patches.shape[1], patches, feature_map, positions)}

    def _flat_patches(self, inputs: Tensor) -> Tensor:
        """[batch, num_tokens, values]."""
        return self._patches(inputs).flatten(1, -2)

    def input_mask(self, mask: Tensor, tokens: Tensor, modality_sizes: Mapping[str, int] | None) -> Tensor:
        """A bool mask over tokens.

        Args:
            mask: [batch, frames], nonzero where a frame counts: a token counts where one of its frames does; or
                [batch, patches of frames].
            tokens: what `forward` returned.
            modality_sizes: not used.
        """
        rows = tokens.shape[1] // self._columns
        counts = patch_mask(mask, tokens.shape[0], rows, self.frames_per_patch)
        return counts.repeat_interleave(self._columns, dim=1)

    def own_positions(self, inputs: Tensor, mask: Tensor) -> Tensor | None:
        """Places over each sample's own length, [batch, num_tokens, num_axes]; None where positions are "absolute"."""
        self._require_spectrogram(inputs)
        if self.max_frames is not None:
            return None
        counts = patch_mask(mask, inputs.shape[0], self.index_dims(inputs)[0], self.frames_per_patch)
        return self._places(own_length_positions(counts))

    @property
    def _has_columns(self) -> bool:
        return self.position_embeddings.num_dimensions == 2

    def _absolute_times(self, rows: int, device: torch.device) -> Tensor:
        assert self.max_frames is not None
        return axis_coordinates(ceil_division(self.max_frames, self.frames_per_patch), device=device)[:rows]

    def _places(self, times: Tensor) -> Tensor:
        """[batch, num_tokens, num_axes] from times [batch, rows]."""
        if not self._has_columns:
            return times[..., None]
        frequencies = axis_coordinates(self._columns, device=times.device)
        shape = (*times.shape, self._columns)
        return torch.stack([times[..., None].expand(shape), frequencies.expand(shape)], dim=-1).flatten(1, 2)

    def _patches(self, inputs: Tensor) -> Tensor:
        """[batch, rows, values] or [batch, rows, columns, values]: ordered (frame, bin), or what the stem gives."""
        self._require_spectrogram(inputs)
        require_finite("inputs", inputs)
        energies = inputs.squeeze(-1) if inputs.ndim == 4 else inputs
        if hasattr(self, "stem"):
            return self.stem(energies[:, None], _num_frames(energies)).movedim(1, -1)
        if not self._has_columns:
            return step_patches(energies, self.frames_per_patch)
        rows = step_patches(energies, self.frames_per_patch)
        cut = rows.unflatten(2, (self.frames_per_patch, self._columns, self.bins_per_patch))
        return cut.transpose(2, 3).flatten(3)

    def _require_spectrogram(self, inputs: Tensor) -> None:
        require_tensor("inputs", inputs)
        last = tuple(inputs.shape[2:])
        if last not in ((self.mel_bins,), (self.mel_bins, 1)) or not inputs.is_floating_point():
            raise ShapeError(
                f"`inputs` must be a floating-point spectrogram [batch, frames, {self.mel_bins}] or "
                f"[batch, frames, {self.mel_bins}, 1], received {list(inputs.shape)} of {inputs.dtype}"
            )
        if 0 in inputs.shape:
            raise ShapeError(f"`inputs` must not be empty, received {list(inputs.shape)}")
        if self.max_frames is not None and inputs.shape[1] > self.max_frames:
            raise ShapeError(
                f"`inputs` must have at most {self.max_frames} frames (`max_frames`), received {inputs.shape[1]}: "
                "cut them, or build the model with a larger `max_frames`"
            )


def _num_frames(energies: Tensor) -> Tensor:
    """Frames up to the last one that is not zero throughout, int64 [batch], from [batch, frames, bins]."""
    places = torch.arange(1, energies.shape[1] + 1, device=energies.device)
    return ((energies != 0).any(dim=2) * places).amax(dim=1)
