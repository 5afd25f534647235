"""What stands where a model was given no preprocessor or postprocessor, or a plain function: the same contract for all."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from torch import Tensor

from perceivers.errors import ConfigurationError, ShapeError
from perceivers.modalities.base import (
    AbstractPostprocessor,
    AbstractPreprocessor,
    Preprocessed,
    require_finite,
    require_tensor,
    token_mask,
)
from perceivers.modalities.structure import InputStructure, WholeTokens, tokens_as_features


class TokensAsTheyAre:
    """Inputs that are tokens already.

    Args:
        num_channels: that they must have.
    """

    def __init__(self, num_channels: int) -> None:
        self.num_channels = num_channels

    def index_dims(self, inputs: Tensor) -> tuple[int, ...]:
        """(number of tokens,)."""
        return (inputs.shape[1],)

    def output_dims(self, inputs: Any) -> None:
        """None: no array is known to describe tokens."""

    def __call__(
        self, inputs: Tensor, pos: Any = None, interpolate_pos_encoding: bool = False
    ) -> Preprocessed:
        """The inputs, [batch, num_inputs, num_channels]; without positions they fit any number of tokens."""
        require_tensor("inputs", inputs)
        if inputs.ndim != 3 or inputs.shape[-1] != self.num_channels or not inputs.is_floating_point():
            raise ShapeError(
                f"`inputs` must be floating-point tokens [batch, num_inputs, {self.num_channels}] (`d_model`) without an "
                f"`input_preprocessor`, received {list(inputs.shape)} of {inputs.dtype}"
            )
        if 0 in inputs.shape:
            raise ShapeError(f"`inputs` must not be empty, received {list(inputs.shape)}")
        require_finite("inputs", inputs)
        if pos is not None:
            raise ShapeError(
                "`pos` needs an `input_preprocessor` with positions; tokens have none, pass None"
            )
        return inputs, None, inputs

    def input_mask(self, mask: Any, tokens: Tensor, modality_sizes: Mapping[str, int] | None) -> Tensor:
        """One entry a token."""
        return token_mask(mask, tokens)

    def own_positions(self, inputs: Any, mask: Any) -> None:
        """None: tokens have no positions."""

    def structure(self) -> InputStructure:
        """Channels that all depend on the inputs."""
        return tokens_as_features(self)


class CallablePreprocessor:
    """A function that makes tokens, and whose attribute `num_channels` says their channels.

    Args:
        function: called with inputs, `interpolate_pos_encoding` and, where they are given, positions `pos`.
    """

    def __init__(self, function: Callable[..., Preprocessed]) -> None:
        if not hasattr(function, "num_channels"):
            raise ConfigurationError(
                "`input_preprocessor` must say the channels of its tokens in `num_channels`, "
                f"received a {type(function).__name__} without it"
            )
        self.function = function
        self.num_channels: int = function.num_channels

    def index_dims(self, inputs: Any) -> None:
        """None: a row of as many tokens as come."""

    def output_dims(self, inputs: Any) -> None:
        """None: no array is known to describe the inputs."""

    def __call__(self, inputs: Any, **options: Any) -> Preprocessed:
        """What the function gives."""
        return self.function(inputs, **options)

    def input_mask(self, mask: Any, tokens: Tensor, modality_sizes: Mapping[str, int] | None) -> Tensor:
        """One entry a token."""
        return token_mask(mask, tokens)

    def own_positions(self, inputs: Any, mask: Any) -> None:
        """None: positions are those that are given."""

    def structure(self) -> InputStructure:
        """Nothing is known of a function."""
        return WholeTokens(f"{type(self.function).__name__} is not an AbstractPreprocessor")


class AnswersAsTheyAre:
    """Answers that are values already."""

    def __call__(self, answers: Any, modality_sizes: Mapping[str, int] | None = None) -> Any:
        """The answers."""
        return answers

    def of_chunk(self, answers: Any, modality_sizes: Mapping[str, int] | None) -> Any:
        """The answers."""
        return answers

    def of_whole(self, joined: Any, modality_sizes: Mapping[str, int] | None) -> Any:
        """The answers."""
        return joined

    def structure(self) -> None:
        """None: nothing is left to fold."""


class CallablePostprocessor:
    """A function that makes values of all answers together.

    Args:
        function: called with answers and `modality_sizes`.
    """

    def __init__(self, function: Callable[..., Any]) -> None:
        self.function = function

    def __call__(self, answers: Any, modality_sizes: Mapping[str, int] | None = None) -> Any:
        """What the function gives."""
        return self.function(answers, modality_sizes=modality_sizes)

    def of_chunk(self, answers: Any, modality_sizes: Mapping[str, int] | None) -> Any:
        """The answers as they are: the function may need them all."""
        return answers

    def of_whole(self, joined: Any, modality_sizes: Mapping[str, int] | None) -> Any:
        """What the function gives for all answers."""
        return self(joined, modality_sizes)

    def structure(self) -> None:
        """None: nothing is known of a function."""


Preprocessor = AbstractPreprocessor | TokensAsTheyAre | CallablePreprocessor
Postprocessor = AbstractPostprocessor | AnswersAsTheyAre | CallablePostprocessor


def as_preprocessor(given: Any, num_channels: int) -> Preprocessor:
    """What the model was given, with the contract of a preprocessor; None takes tokens of `num_channels` channels."""
    if given is None:
        return TokensAsTheyAre(num_channels)
    return given if isinstance(given, AbstractPreprocessor) else CallablePreprocessor(given)


def as_postprocessor(given: Any) -> Postprocessor:
    """What the model was given, with the contract of a postprocessor; None leaves the answers."""
    if given is None:
        return AnswersAsTheyAre()
    return given if isinstance(given, AbstractPostprocessor) else CallablePostprocessor(given)
