"""Features of rows that a linear model is fitted to, turned so that there are no more of them than rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import torch
from torch import Tensor

# Directions that rows differ in by less than this share of the largest are rounding.
SMALLEST_DIRECTION = 1e-10
# Rows that are written out with all their zeros at a time.
ROWS_AT_ONCE = 64


@dataclass(frozen=True)
class Features:
    """Features of training rows, and how weights of them are brought back to the features that they came from.

    Attributes:
        values: float64 [num_rows, num_features].
        origin: what they came from and how: features [num_rows, num_original], and the rows' shares in each direction
            [num_rows, num_features]. Values are the original features times directions of length 1 that stand upright on each
            other, which are the transposed original features times the shares. None: they are as they came.
    """

    values: Tensor
    origin: tuple[Tensor, Tensor] | None = None

    @classmethod
    def of(cls, features: Tensor) -> Self:
        """Features as they are; sparse ones, and those of which there are more than rows, turned.

        A linear model that is held back by the squares of its weights has no weight in directions that no row goes in. In
        those that are left nothing changes: lengths stay as they are. They are found from the rows' products with each other.

        Args:
            features: float64 [num_rows, num_features], sparse or not.
        """
        if not features.is_sparse and features.shape[1] <= len(features):
            return cls(features)
        squares, rows = torch.linalg.eigh(_products(features))
        is_known = (squares > 0) & (squares > SMALLEST_DIRECTION * squares[-1])
        lengths, rows = squares[is_known].sqrt(), rows[:, is_known]
        return cls(rows * lengths, (features, rows / lengths))

    def unturned(self, weights: Tensor) -> Tensor:
        """Weights [num_features, count] as weights of the features as they came."""
        if self.origin is None:
            return weights
        features, shares = self.origin
        return features.T @ (shares @ weights)


def side_by_side(parts: Sequence[Tensor]) -> Tensor:
    """Features of the same rows [num_rows, sum of num_features]; sparse where some are."""
    is_sparse = any(each.is_sparse for each in parts)
    together = torch.cat([each.to_sparse_coo() if is_sparse else each for each in parts], dim=1)
    return together.coalesce() if is_sparse else together


def _products(features: Tensor) -> Tensor:
    """Each row's product with each other [num_rows, num_rows]."""
    if not features.is_sparse:
        return features @ features.T
    places = torch.arange(len(features)).split(ROWS_AT_ONCE)
    parts = (features.index_select(0, own).to_dense().T for own in places)
    return torch.cat([torch.sparse.mm(features, part) for part in parts], dim=1)
