"""What tokens are made of: groups of channels side by side, told apart before anything is laid out in memory."""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn

from perceivers.nn.position_encoding import PerceiverFourierPositionEncoding


@dataclass(frozen=True)
class AffineMap:
    """A constant linear map.

    Attributes:
        weight: [out_channels, in_channels].
        bias: [out_channels], or None.
    """

    weight: Tensor
    bias: Tensor | None = None

    @classmethod
    def of(cls, linear: nn.Linear | nn.Conv2d) -> AffineMap:
        """The map of a linear layer, or of a convolution whose kernel is one pixel."""
        return cls(linear.weight.flatten(1), linear.bias)


@dataclass(frozen=True)
class FourierPositions:
    """Fourier features of points of a grid: channels of one axis depend on that axis alone.

    Attributes:
        encoding: gives the features.
        index_dims: sizes of the grid, slowest axis first.
        rule: how an index becomes a coordinate, see `perceivers.nn.fourier.COORDINATE_RULES`.
        indices: whole numbers [num_tokens], or [batch, num_tokens] for each sample its own, into the flattened grid; None
            for all of its points in their order.
    """

    encoding: PerceiverFourierPositionEncoding
    index_dims: tuple[int, ...]
    rule: str = "grid"
    indices: Tensor | None = None

    @property
    def num_channels(self) -> int:
        """Channels of a position."""
        return self.encoding.output_size()


@dataclass(frozen=True)
class TablePositions:
    """A constant vector for each point, perhaps through a linear map.

    Attributes:
        table: [num_points, table_channels].
        projection: from table_channels to the positions' channels; None for the vectors themselves.
        indices: rows of the table [num_tokens], or [batch, num_tokens]; None for all in their order.
    """

    table: Tensor
    projection: AffineMap | None = None
    indices: Tensor | None = None

    @property
    def num_channels(self) -> int:
        """Channels of a position."""
        return self.table.shape[1] if self.projection is None else self.projection.weight.shape[0]


Positions = FourierPositions | TablePositions


@dataclass(frozen=True)
class TokenStructure:
    """Tokens as groups of channels in this order: features, positions, padding; each group may be absent.

    Attributes:
        num_tokens: how many there are.
        features: [batch, num_tokens, in_channels]: all that depends on the inputs.
        feature_map: from in_channels to the features' channels; None for the features themselves.
        positions: what tells one token from another whatever the inputs are.
        padding: [channels], the same for every token.
    """

    num_tokens: int
    features: Tensor | None = None
    feature_map: AffineMap | None = None
    positions: Positions | None = None
    padding: Tensor | None = None

    @property
    def feature_channels(self) -> int:
        """Channels of the features, after their map."""
        if self.features is None:
            return 0
        return self.features.shape[-1] if self.feature_map is None else int(self.feature_map.weight.shape[0])

    @property
    def position_channels(self) -> int:
        """Channels of the positions, after their map."""
        return 0 if self.positions is None else self.positions.num_channels

    @property
    def num_channels(self) -> int:
        """Channels of a token."""
        padding = 0 if self.padding is None else self.padding.shape[0]
        return self.feature_channels + self.position_channels + padding

    def padded(self, padding: Tensor) -> TokenStructure:
        """The same tokens with the vector `padding` [1, channels] behind their own padding."""
        own = [] if self.padding is None else [self.padding]
        return replace(self, padding=torch.cat([*own, padding.flatten()]))

    def at(self, indices: Tensor) -> TokenStructure:
        """The tokens at `indices`, [num_tokens] or [batch, num_tokens]; positions must be those of a whole array."""
        features = self.features
        if features is not None:
            features = (
                features[:, indices]
                if indices.ndim == 1
                else features.gather(1, indices[..., None].expand(-1, -1, features.shape[-1]))
            )
        positions = None if self.positions is None else replace(self.positions, indices=indices)
        return replace(self, num_tokens=indices.shape[-1], features=features, positions=positions)
