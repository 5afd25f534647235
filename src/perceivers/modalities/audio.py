"""Sound: patches of samples with positions into tokens, and decoded tokens back into samples."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import Tensor, nn

from perceivers.configuration import PerceiverConfig
from perceivers.errors import ConfigurationError, ShapeError, require_shape
from perceivers.modalities.base import AbstractPostprocessor, Preprocessed, require_finite, require_tensor
from perceivers.modalities.positioned import PositionedPreprocessor
from perceivers.modalities.structure import InputStructure, LinearValues

# The default of Transformers, whose number nothing follows from unless positions are projected.
_UNCHECKED_CHANNELS = 64


class PerceiverAudioPreprocessor(PositionedPreprocessor):
    """Patches of consecutive samples, with positions.

    Args:
        config: kept for hand-made compositions; this class takes its numbers from the other arguments.
        prep_type: "patches", the only one the papers use.
        samples_per_patch: samples in a token.
        position_encoding_type: "fourier" or "trainable".
        concat_or_add_pos: put positions beside the samples ("concat") or add them ("add").
        out_channels: channels of the position encoding that `project_pos_dim` projects, to be checked against it;
            64, the default, and None do not check.
        project_pos_dim: channels of projected positions; -1 for no projection.
        n_extra_pos_mlp: number of further linear layers on the positions, ReLU between them.
        trainable_position_encoding_kwargs: see `build_position_encoding`.
        fourier_position_encoding_kwargs: see `build_position_encoding`.
    """

    def __init__(
        self,
        config: PerceiverConfig,
        prep_type: str = "patches",
        samples_per_patch: int = 96,
        position_encoding_type: str = "fourier",
        concat_or_add_pos: str = "concat",
        out_channels: int | None = _UNCHECKED_CHANNELS,
        project_pos_dim: int = -1,
        n_extra_pos_mlp: int = 0,
        trainable_position_encoding_kwargs: Mapping[str, Any] | None = None,
        fourier_position_encoding_kwargs: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__()
        if prep_type != "patches":
            raise ConfigurationError(f"`prep_type` must be 'patches' for audio, received {prep_type!r}")
        if samples_per_patch < 1:
            raise ConfigurationError(f"`samples_per_patch` must be at least 1, received {samples_per_patch}")
        self.config = config
        self.samples_per_patch = samples_per_patch
        self._build_positions(
            feature_channels=samples_per_patch,
            position_encoding_type=position_encoding_type,
            concat_or_add_pos=concat_or_add_pos,
            project_pos_dim=project_pos_dim,
            n_extra_pos_mlp=n_extra_pos_mlp,
            trainable_position_encoding_kwargs=trainable_position_encoding_kwargs,
            fourier_position_encoding_kwargs=fourier_position_encoding_kwargs,
            out_channels=None if out_channels == _UNCHECKED_CHANNELS else out_channels,
        )

    def index_dims(self, inputs: Tensor) -> tuple[int, ...]:
        """(number of patches,)."""
        return (inputs.shape[1] // self.samples_per_patch,)

    def forward(
        self,
        inputs: Tensor,
        pos: Tensor | None = None,
        network_input_is_1d: bool = True,
        interpolate_pos_encoding: bool = False,
    ) -> Preprocessed:
        """Tokens of sound.

        Args:
            inputs: floating-point samples [batch, num_samples, 1], in [-1, 1]; num_samples divisible by samples_per_patch.
            pos: see AbstractPreprocessor.
            network_input_is_1d: sound is a row of tokens either way.
            interpolate_pos_encoding: stretch learned positions linearly to another number of patches.

        Returns:
            Tokens [batch, num_samples / samples_per_patch, num_channels], None, and the patches without positions.
        """
        patches = self._patches(inputs)
        return self._with_positions(patches, pos, network_input_is_1d, interpolate_pos_encoding)

    def structure(self) -> InputStructure:
        """See AbstractPreprocessor."""
        return self._structure(self._patches)

    def _patches(self, inputs: Tensor) -> Tensor:
        require_tensor("inputs", inputs)
        if inputs.ndim != 3 or inputs.shape[2] != 1 or not inputs.is_floating_point():
            raise ShapeError(
                f"`inputs` must be floating-point samples [batch, num_samples, 1], "
                f"received {list(inputs.shape)} of {inputs.dtype}"
            )
        if inputs.shape[1] % self.samples_per_patch != 0:
            raise ShapeError(
                f"`inputs` must hold a number of samples divisible by `samples_per_patch` ({self.samples_per_patch}), "
                f"received {inputs.shape[1]}"
            )
        if 0 in inputs.shape:
            raise ShapeError(f"`inputs` must not be empty, received {list(inputs.shape)}")
        require_finite("inputs", inputs)
        return inputs.reshape(inputs.shape[0], -1, self.samples_per_patch)


class PerceiverAudioPostprocessor(AbstractPostprocessor):
    """Samples of decoded tokens.

    Args:
        config: gives `samples_per_patch`, the samples that a token becomes.
        in_channels: channels of a decoded token.
        postproc_type: "patches", the only one the papers use.
    """

    def __init__(self, config: PerceiverConfig, in_channels: int, postproc_type: str = "patches") -> None:
        super().__init__()
        if postproc_type != "patches":
            raise ConfigurationError(
                f"`postproc_type` must be 'patches' for audio, received {postproc_type!r}"
            )
        # Published checkpoints call this layer `classifier`, on sound too.
        self.classifier = nn.Linear(in_channels, config.samples_per_patch)

    def structure(self) -> LinearValues:
        """See AbstractPostprocessor."""
        return LinearValues(self.classifier, _one_row)

    def forward(
        self, inputs: Tensor, pos: Tensor | None = None, modality_sizes: Mapping[str, int] | None = None
    ) -> Tensor:
        """[batch, num_tokens, in_channels] to [batch, num_tokens * samples_per_patch]."""
        require_shape("inputs", inputs, ("batch", "num_tokens", self.classifier.in_features))
        return _one_row(self.classifier(inputs))


def _one_row(samples: Tensor) -> Tensor:
    """[batch, num_tokens, samples_per_patch] to [batch, num_tokens * samples_per_patch]."""
    return samples.flatten(1)
