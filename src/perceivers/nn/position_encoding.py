"""Position encodings: a learned table, or Fourier features of coordinates; both give one vector a point."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from perceivers.errors import ConfigurationError, ShapeError
from perceivers.nn.fourier import fourier_features, fourier_size, grid_fourier_features, point_coordinates


class PerceiverAbstractPositionEncoding(nn.Module, ABC):
    """What every position encoding offers."""

    @property
    @abstractmethod
    def num_dimensions(self) -> int:
        """Number of axes that positions have."""

    @abstractmethod
    def output_size(self) -> int:
        """Channels of one encoded position."""

    @abstractmethod
    def at(self, indices: Tensor, index_dims: Sequence[int], rule: str) -> Tensor:
        """Encodings of some points of a grid.

        Args:
            indices: whole numbers [...], positions in the flattened grid.
            index_dims: the grid's sizes.
            rule: how an index becomes a coordinate, see `perceivers.nn.fourier.COORDINATE_RULES`.

        Returns:
            [..., output_size].
        """

    @abstractmethod
    def grid(
        self, index_dims: Sequence[int], rule: str = "grid", device: torch.device | None = None
    ) -> Tensor:
        """Encodings of every point of a grid, [prod(index_dims), output_size]; `device` for those without weights."""


class PerceiverTrainablePositionEncoding(PerceiverAbstractPositionEncoding):
    """A learned vector for each point of a grid.

    Args:
        index_dims: the grid's sizes, or their product (taken for a square where it is interpolated).
        num_channels: channels of one vector.
    """

    def __init__(self, index_dims: int | Sequence[int], num_channels: int = 128) -> None:
        super().__init__()
        self.index_dims = (index_dims,) if isinstance(index_dims, int) else tuple(index_dims)
        self.num_channels = num_channels
        self.position_embeddings = nn.Parameter(torch.empty(math.prod(self.index_dims), num_channels))
        nn.init.trunc_normal_(self.position_embeddings, std=0.02, a=-0.04, b=0.04)

    @property
    def num_dimensions(self) -> int:
        """Number of axes that positions have; 1 where only the product of the sizes is known."""
        return len(self.index_dims)

    def output_size(self, *_args: Any, **_kwargs: Any) -> int:
        """Channels of one encoded position."""
        return self.num_channels

    def interpolate_pos_encoding(self, position_embeddings: Tensor, height: int, width: int) -> Tensor:
        """The table resized to another picture size by bicubic interpolation (align_corners False).

        Args:
            position_embeddings: [num_positions, channels].
            height: rows asked for.
            width: columns asked for.

        Returns:
            [height * width, channels].
        """
        rows, columns = self._rows_and_columns(position_embeddings.shape[0])
        return resize_table(position_embeddings, (rows, columns), (height, width))

    def forward(
        self,
        batch_size: int | None,
        interpolate_pos_encoding: bool = False,
        input_size: Sequence[int] | None = None,
    ) -> Tensor:
        """The whole table.

        Args:
            batch_size: rows of the batch; None leaves the batch axis out.
            interpolate_pos_encoding: resize the table to `input_size`.
            input_size: (height, width) to resize to.

        Returns:
            [batch, num_positions, channels], or [num_positions, channels].
        """
        table: Tensor = self.position_embeddings
        if interpolate_pos_encoding:
            if input_size is None:
                raise ShapeError(
                    "`input_size` must be (height, width) when `interpolate_pos_encoding` is set, received None"
                )
            table = self.interpolate_pos_encoding(table, *input_size)
        return table if batch_size is None else table.expand(batch_size, -1, -1)

    def at(self, indices: Tensor, index_dims: Sequence[int], rule: str) -> Tensor:
        """Vectors of some points; a learned table has one vector a point, whatever the coordinate rule."""
        return self.grid(index_dims)[indices]

    def grid(
        self, index_dims: Sequence[int], rule: str = "grid", device: torch.device | None = None
    ) -> Tensor:
        """The whole table, interpolated where the grid is of another size than it was learned for."""
        same_layout = 1 in (len(index_dims), self.num_dimensions) or tuple(index_dims) == self.index_dims
        if same_layout and math.prod(index_dims) == self.position_embeddings.shape[0]:
            return self.position_embeddings
        if len(index_dims) == 2:
            return self.interpolate_pos_encoding(self.position_embeddings, *index_dims)
        return resize_table(self.position_embeddings, self.index_dims, tuple(index_dims))

    def _rows_and_columns(self, num_positions: int) -> tuple[int, int]:
        if len(self.index_dims) == 2:
            return self.index_dims[0], self.index_dims[1]
        side = math.isqrt(num_positions)
        if len(self.index_dims) != 1 or side * side != num_positions:
            raise ShapeError(
                f"`interpolate_pos_encoding` needs positions on a (height, width) grid, "
                f"received {list(self.index_dims)}: give `index_dims` as (height, width)"
            )
        return side, side


class PerceiverFourierPositionEncoding(PerceiverAbstractPositionEncoding):
    """Fourier features of coordinates, see `perceivers.nn.fourier.fourier_features`.

    Args:
        num_bands: frequencies for each axis.
        max_resolution: one number an axis; deliberately not always the real resolution.
        concat_pos: put the coordinates themselves in front.
        sine_only: leave the cosines out.
    """

    def __init__(
        self, num_bands: int, max_resolution: Sequence[int], concat_pos: bool = True, sine_only: bool = False
    ) -> None:
        super().__init__()
        self.num_bands = num_bands
        self.max_resolution = tuple(max_resolution)
        self.concat_pos = concat_pos
        self.sine_only = sine_only

    @property
    def num_dimensions(self) -> int:
        """Number of axes that positions have."""
        return len(self.max_resolution)

    def output_size(self) -> int:
        """Channels of one encoded position."""
        return fourier_size(self.num_dimensions, self.num_bands, self.concat_pos, self.sine_only)

    def features(self, positions: Tensor) -> Tensor:
        """[..., num_axes] coordinates in [-1, 1] to float32 [..., output_size]."""
        return fourier_features(
            positions, self.num_bands, self.max_resolution, self.concat_pos, self.sine_only
        )

    def forward(
        self,
        index_dims: Sequence[int],
        batch_size: int,
        device: torch.device | None = None,
        dtype: torch.dtype = torch.float32,
        pos: Tensor | None = None,
    ) -> Tensor:
        """Encodings of a grid, or of the positions given.

        Args:
            index_dims: sizes of the grid.
            batch_size: rows of the batch.
            device: where the result lies.
            dtype: of the result; it is computed in float32.
            pos: coordinates in [-1, 1], [batch, num_points, num_axes] or [batch, *index_dims, num_axes], each sample its
                own; without the batch axis they serve every sample. None: the grid's own coordinates.

        Returns:
            [batch, num_points, output_size].
        """
        if pos is None:
            encoded = self.grid(index_dims, device=device).expand(batch_size, -1, -1)
        else:
            encoded = self.features(self._per_sample(pos, index_dims, batch_size))
        return encoded.to(device=device, dtype=dtype)

    def at(self, indices: Tensor, index_dims: Sequence[int], rule: str) -> Tensor:
        """Encodings of some points of a grid, float32 [..., output_size]."""
        return self.features(point_coordinates(indices, index_dims, rule))

    def grid(
        self, index_dims: Sequence[int], rule: str = "grid", device: torch.device | None = None
    ) -> Tensor:
        """Encodings of every point of a grid, float32 [prod(index_dims), output_size]."""
        return grid_fourier_features(
            index_dims, self.num_bands, self.max_resolution, self.concat_pos, self.sine_only, rule, device
        )

    def _per_sample(self, pos: Tensor, index_dims: Sequence[int], batch_size: int) -> Tensor:
        num_points = math.prod(index_dims)
        flat = (num_points, self.num_dimensions)
        shapes = [flat, (*index_dims, self.num_dimensions)]
        if tuple(pos.shape) in shapes:
            return pos.reshape(1, *flat).expand(batch_size, -1, -1)
        if pos.shape[0] == batch_size and tuple(pos.shape[1:]) in shapes:
            return pos.reshape(batch_size, *flat)
        raise ShapeError(
            f"`pos` must have shape [{batch_size}, {num_points}, {flat[1]}], received {list(pos.shape)}"
        )


def resize_table(table: Tensor, old_dims: Sequence[int], new_dims: Sequence[int]) -> Tensor:
    """Learned positions for a grid of another size, by interpolation with align_corners False.

    Args:
        table: [prod(old_dims), channels].
        old_dims: (length,), interpolated linearly, or (rows, columns), interpolated bicubically.
        new_dims: sizes asked for, as many.

    Returns:
        [prod(new_dims), channels]; the table itself where the sizes agree.
    """
    if tuple(old_dims) == tuple(new_dims):
        return table
    if len(old_dims) != len(new_dims) or len(old_dims) > 2:
        raise ShapeError(
            f"learned positions exist for a grid of {list(old_dims)}, received one of {list(new_dims)}"
        )
    mode = "linear" if len(old_dims) == 1 else "bicubic"
    # Not every device interpolates in half precision.
    grid = table.to(torch.promote_types(table.dtype, torch.float32)).T.reshape(1, -1, *old_dims)
    resized = F.interpolate(grid, size=tuple(new_dims), mode=mode, align_corners=False)
    return resized.flatten(2)[0].T.to(table.dtype)


def build_position_encoding(
    position_encoding_type: str,
    out_channels: int | None = None,
    project_pos_dim: int = -1,
    trainable_position_encoding_kwargs: Mapping[str, Any] | None = None,
    fourier_position_encoding_kwargs: Mapping[str, Any] | None = None,
) -> tuple[PerceiverAbstractPositionEncoding, nn.Module]:
    """A position encoding and what projects it.

    Args:
        position_encoding_type: "trainable" or "fourier".
        out_channels: channels that go into the projection; None takes the encoding's own, another number is an error.
        project_pos_dim: channels after the projection; -1 for no projection.
        trainable_position_encoding_kwargs: arguments of PerceiverTrainablePositionEncoding.
        fourier_position_encoding_kwargs: arguments of PerceiverFourierPositionEncoding.

    Returns:
        The encoding, and a Linear or Identity to apply to it.
    """
    encoding: PerceiverAbstractPositionEncoding
    if position_encoding_type == "trainable":
        if not trainable_position_encoding_kwargs:
            raise ConfigurationError(
                "`trainable_position_encoding_kwargs` must be given for trainable positions"
            )
        encoding = PerceiverTrainablePositionEncoding(**trainable_position_encoding_kwargs)
    elif position_encoding_type == "fourier":
        if not fourier_position_encoding_kwargs:
            raise ConfigurationError("`fourier_position_encoding_kwargs` must be given for Fourier positions")
        encoding = PerceiverFourierPositionEncoding(**fourier_position_encoding_kwargs)
    else:
        raise ConfigurationError(
            f"`position_encoding_type` must be 'trainable' or 'fourier', received {position_encoding_type!r}"
        )
    if project_pos_dim <= 0:
        return encoding, nn.Identity()
    if out_channels is not None and out_channels != encoding.output_size():
        raise ConfigurationError(
            f"`out_channels` must be the {encoding.output_size()} channels of the position encoding that is projected, "
            f"received {out_channels}"
        )
    return encoding, nn.Linear(encoding.output_size(), project_pos_dim)
