"""Random changes of pictures that leave their class as it is, in plain torch on whole batches."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor


def affine_matrices(rotation: Tensor, scale: Tensor, shift: Tensor, *, height: int, width: int) -> Tensor:
    """Build matrices that `torch.nn.functional.affine_grid` takes (output position to input position).

    Args:
        rotation: angles [batch] in radians; the picture's content turns clockwise by a positive one.
        scale: factors [batch, 2] along x and y; content shrinks by factors above 1.
        shift: [batch, 2] along x and y as a share of the picture's size; content moves left and up by positive ones.
        height: of the pictures, in pixels.
        width: of the pictures, in pixels.

    Returns:
        [batch, 2, 3]. The rotation keeps angles in pictures that are not square.
    """
    cosine, sine = torch.cos(rotation), torch.sin(rotation)
    aspect = height / width
    rows_x = torch.stack([cosine * scale[:, 0], sine * scale[:, 1] * aspect, 2.0 * shift[:, 0]], dim=-1)
    rows_y = torch.stack([-sine * scale[:, 0] / aspect, cosine * scale[:, 1], 2.0 * shift[:, 1]], dim=-1)
    return torch.stack([rows_x, rows_y], dim=1)


def random_affine(images: Tensor, *, shift: float, rotation: float, scale: float) -> Tensor:
    """Shift, turn and scale each picture of a batch by amounts drawn from torch's global generator.

    Args:
        images: [batch, channels, height, width].
        shift: largest shift as a share of the picture's size, in each direction.
        rotation: largest angle in degrees, in each direction.
        scale: largest relative change of size, drawn for each axis.

    Returns:
        Pictures of the same shape; what comes in from outside repeats the border.
    """
    if shift == rotation == scale == 0.0:
        return images
    batch, _, height, width = images.shape
    drawn = 2.0 * torch.rand(batch, 5, device=images.device) - 1.0
    matrices = affine_matrices(
        drawn[:, 0] * math.radians(rotation),
        1.0 + drawn[:, 1:3] * scale,
        drawn[:, 3:5] * shift,
        height=height,
        width=width,
    )
    grid = F.affine_grid(matrices, list(images.shape), align_corners=False).to(images.dtype)
    return F.grid_sample(images, grid, mode="bilinear", padding_mode="border", align_corners=False)
