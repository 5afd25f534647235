"""Modalities whose tokens are linear maps of fixed features, so that they can start as what a linear model says."""

from __future__ import annotations

from abc import ABC, abstractmethod

import torch
from torch import Tensor


class LinearTokens(ABC):
    """A token a column, by a linear map of the column's own features, which training does not change."""

    @property
    @abstractmethod
    def is_linear(self) -> bool:
        """Whether nothing bends the maps' results."""

    @property
    def is_sparse(self) -> bool:
        """Whether features are sparse, those of a sample from it alone, so that few samples at a time can be looked at."""
        return False

    @abstractmethod
    def linear_features(self, inputs: Tensor) -> Tensor:
        """Features of all columns.

        Args:
            inputs: what the modality takes.

        Returns:
            Float64 [batch, num_features]; sparse if `is_sparse`.
        """

    def is_detail(self, num_features: int) -> Tensor:
        """Which features only refine what others say already, as the bins of a number do: bool [num_features].

        Args:
            num_features: that `linear_features` gives.
        """
        return torch.zeros(num_features, dtype=torch.bool)

    @abstractmethod
    def start_linear(self, weights: Tensor, inputs: Tensor | None) -> None:
        """Set the first channels of the tokens so that their sums over the columns are `linear_features(inputs) @ weights`.

        Args:
            weights: [num_features, count], with `count` at most the tokens' channels.
            inputs: those whose features the weights were found with; None if `is_sparse`.
        """
