"""Features that were worked out beforehand, in groups: a token a group, by a linear map of its own."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, cast

import torch
from torch import Tensor, nn

from perceivers.configuration import PerceiverConfig
from perceivers.configuration_rules import require_count, require_positive
from perceivers.errors import ConfigurationError, ShapeError
from perceivers.modalities.base import AbstractPreprocessor, Preprocessed, require_finite, require_tensor
from perceivers.modalities.linear_tokens import LinearTokens
from perceivers.modalities.structure import InputStructure, tokens_as_features
from perceivers.nn.initialization import start_at_zero
from perceivers.nn.learning_rates import learn_at

# What the squares of a group's features come to, as a linear model sees them: a group of thousands counts as one of few does.
SQUARES_OF_A_GROUP = 24.0
# Of their learning rate, what maps that start as a linear model learn at: a step of thousands of numbers together goes far.
RATE_OF_STARTED = 0.03


class PerceiverFeatureGroupsPreprocessor(AbstractPreprocessor, LinearTokens):
    """A token a group, from the features of the group.

        token = the group's map of its features + the group's own vector

    The maps start at zero: of thousands of features of few samples, each then says what training found in it, and nothing by
    chance. A vector of a group starts at random, so that tokens can be told apart.

    Args:
        config: says what is None below.
        group_sizes: features of each group, in their order.
        out_channels: channels of a token; None: `d_model`.
        dropout: share of the features that are left out while training, in [0, 1).
        learning_rate_factor: the maps learn at this part of the run's learning rate.
    """

    def __init__(
        self,
        config: PerceiverConfig,
        group_sizes: Sequence[int],
        out_channels: int | None = None,
        dropout: float = 0.0,
        learning_rate_factor: float = 1.0,
    ) -> None:
        super().__init__()
        if isinstance(group_sizes, str | int) or not group_sizes:
            raise ConfigurationError(
                f"`group_sizes` must be the number of features of each group, received {group_sizes!r}"
            )
        for size in group_sizes:
            require_count("group_sizes", size)
        if isinstance(dropout, bool) or not isinstance(dropout, int | float) or not 0.0 <= dropout < 1.0:
            raise ConfigurationError(f"`dropout` must be in [0, 1), received {dropout!r}")
        require_positive("learning_rate_factor", learning_rate_factor)
        channels = config.d_model if out_channels is None else out_channels
        require_count("out_channels", channels)
        self.config = config
        self.group_sizes = tuple(group_sizes)
        self._rate_of_maps = learning_rate_factor
        self.dropout = nn.Dropout(dropout)
        self.maps = nn.ModuleList(nn.Linear(size, channels, bias=False) for size in group_sizes)
        for each in self.maps:
            start_at_zero(each)
            learn_at(each, learning_rate_factor)
        self.groups = nn.Parameter(torch.randn(len(group_sizes), channels) * config.initializer_range)

    @property
    def num_channels(self) -> int:
        """Channels of the tokens."""
        return self.groups.shape[1]

    def index_dims(self, inputs: Tensor) -> tuple[int, ...]:
        """(number of groups,)."""
        return (len(self.group_sizes),)

    def forward(
        self,
        inputs: Tensor,
        pos: Any = None,
        network_input_is_1d: bool = True,
        interpolate_pos_encoding: bool = False,
    ) -> Preprocessed:
        """Tokens of features.

        Args:
            inputs: floating-point features [batch, sum of group_sizes], group by group, about as large as 1.
            pos: must be None: a group is what it is, and nowhere.
            network_input_is_1d: groups are a row of tokens either way.
            interpolate_pos_encoding: there is nothing to interpolate.

        Returns:
            Tokens [batch, num_groups, num_channels], None, and the tokens without the groups' vectors.
        """
        self._validate(inputs)
        if pos is not None:
            raise ShapeError("`pos` must be None for groups of features, which have no positions")
        parts = self.dropout(inputs).split(self.group_sizes, dim=1)
        features = torch.stack([own(part) for own, part in zip(self.maps, parts, strict=True)], dim=1)
        return features + self.groups, None, features

    def structure(self) -> InputStructure:
        """See AbstractPreprocessor."""
        return tokens_as_features(self, "each group of features has a map of its own")

    @property
    def is_linear(self) -> bool:
        """See LinearTokens."""
        return True

    def linear_features(self, inputs: Tensor) -> Tensor:
        """See LinearTokens: the features, of which each group has the same size as a whole."""
        return inputs.double() * self._sizes_in_linear(inputs.device)

    def is_detail(self, num_features: int) -> Tensor:
        """See LinearTokens: features of groups that are larger than the smallest."""
        return self._by_feature([size > min(self.group_sizes) for size in self.group_sizes])

    @torch.no_grad()
    def start_linear(self, weights: Tensor, inputs: Tensor | None) -> None:
        """See LinearTokens; the maps learn slowly from there."""
        count = weights.shape[1]
        own = (weights * self._sizes_in_linear(weights.device)[:, None]).split(self.group_sizes)
        for linear, of_group in zip(self.maps, own, strict=True):
            weight = cast("Tensor", linear.weight)
            weight[:count] = of_group.T.to(weight)
            learn_at(linear, RATE_OF_STARTED * self._rate_of_maps)
        self.groups[:, :count] = 0.0

    def _sizes_in_linear(self, device: torch.device) -> Tensor:
        return self._by_feature([math.sqrt(SQUARES_OF_A_GROUP / size) for size in self.group_sizes]).to(
            device
        )

    def _by_feature(self, of_groups: Sequence[float]) -> Tensor:
        """What each group has, for each of its features; float64, or bool."""
        values = torch.tensor(
            of_groups, dtype=torch.bool if isinstance(of_groups[0], bool) else torch.float64
        )
        return values.repeat_interleave(torch.tensor(self.group_sizes))

    def _validate(self, inputs: Tensor) -> None:
        require_tensor("inputs", inputs)
        number = sum(self.group_sizes)
        if inputs.ndim != 2 or inputs.shape[1] != number or not inputs.is_floating_point():
            raise ShapeError(
                f"`inputs` must be floating-point features [batch, {number}], received {list(inputs.shape)} of {inputs.dtype}"
            )
        if inputs.shape[0] == 0:
            raise ShapeError(f"`inputs` must not be empty, received {list(inputs.shape)}")
        require_finite("inputs", inputs)
