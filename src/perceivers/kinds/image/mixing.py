"""Pictures of a batch mixed with one another, and their targets in the same shares: MixUp and CutMix.

MixUp: Zhang et al. 2018 (arXiv 1710.09412). CutMix: Yun et al. 2019 (arXiv 1905.04899). Plain torch on whole batches,
drawn from torch's global generator.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from perceivers.errors import ShapeError


def mixup(images: Tensor, targets: Tensor, shares: Tensor, partners: Tensor) -> tuple[Tensor, Tensor]:
    """Average each picture, and its target, with another one's.

    Args:
        images: [batch, channels, height, width].
        targets: probabilities [batch, classes].
        shares: of the picture itself, [batch], in [0, 1].
        partners: index of the other picture, [batch].

    Returns:
        Mixed pictures and targets, of the same shapes.
    """
    own = shares.to(images.dtype).reshape(-1, 1, 1, 1)
    weights = shares.to(targets.dtype).unsqueeze(1)
    return (
        own * images + (1 - own) * images[partners],
        weights * targets + (1 - weights) * targets[partners],
    )


def cutmix(images: Tensor, targets: Tensor, boxes: Tensor, partners: Tensor) -> tuple[Tensor, Tensor]:
    """Replace a rectangle of each picture by the same rectangle of another one; targets mix by the pixels that remain.

    Args:
        images: [batch, channels, height, width].
        targets: probabilities [batch, classes].
        boxes: first and last-plus-one row, first and last-plus-one column of the rectangles, [batch, 4], in pixels.
        partners: index of the other picture, [batch].

    Returns:
        Mixed pictures and targets, of the same shapes.
    """
    height, width = images.shape[-2:]
    top, bottom, left, right = (edge.unsqueeze(1) for edge in boxes.unbind(dim=1))
    rows = torch.arange(height, device=images.device)
    columns = torch.arange(width, device=images.device)
    in_rows, in_columns = (rows >= top) & (rows < bottom), (columns >= left) & (columns < right)
    pasted = in_rows.unsqueeze(2) & in_columns.unsqueeze(1)
    kept = 1 - pasted.to(targets.dtype).mean(dim=(1, 2)).unsqueeze(1)
    return (
        torch.where(pasted.unsqueeze(1), images[partners], images),
        kept * targets + (1 - kept) * targets[partners],
    )


def random_boxes(shares: Tensor, height: int, width: int) -> Tensor:
    """Draw a rectangle for each share: of that share's complement in area, the picture's shape, centred anywhere.

    What would lie outside the picture is cut off, as in the paper.

    Args:
        shares: of the picture that remains, [batch], in [0, 1].
        height: of the pictures, in pixels.
        width: of the pictures, in pixels.

    Returns:
        int64 [batch, 4], as `cutmix` takes them.
    """
    side = (1 - shares).sqrt()
    edges = []
    for size in (height, width):
        centre = torch.randint(size, shares.shape, device=shares.device)
        half = (side * size / 2).round().long()
        edges += [(centre - half).clamp(0, size), (centre + half).clamp(0, size)]
    return torch.stack(edges, dim=1)


def mix_at_random(
    images: Tensor, labels: Tensor, *, num_classes: int, mixup_alpha: float, cutmix_alpha: float
) -> tuple[Tensor, Tensor]:
    """Mix every picture of a batch with another of the batch, its share drawn from Beta(alpha, alpha).

    Where both are wanted, the first half of the batch is mixed by MixUp and the second by CutMix; partners come from the
    whole batch.

    Args:
        images: [batch, channels, height, width].
        labels: class ids [batch].
        num_classes: entries of a target.
        mixup_alpha: above 0 for MixUp; the papers' ImageNet recipe has 0.2.
        cutmix_alpha: above 0 for CutMix; 1 draws the share evenly.

    Returns:
        Pictures of the same shape, and targets [batch, num_classes], each row summing to 1. With both alphas 0 nothing
        is drawn, and targets are one-hot.
    """
    if labels.ndim != 1 or len(labels) != len(images):
        raise ShapeError(
            f"`labels` must hold one class id for each of {len(images)} pictures, received {list(labels.shape)}"
        )
    targets = F.one_hot(labels, num_classes).to(torch.float32)
    if mixup_alpha == cutmix_alpha == 0.0:
        return images, targets
    count = len(images)
    partners = torch.randperm(count, device=images.device)
    middle = (count + 1) // 2 if mixup_alpha and cutmix_alpha else (count if mixup_alpha else 0)
    mixed, soft = images.clone(), targets.clone()
    if middle:
        shares = _shares(mixup_alpha, count, images)
        averaged = mixup(images, targets, shares, partners)
        mixed[:middle], soft[:middle] = averaged[0][:middle], averaged[1][:middle]
    if middle < count:
        boxes = random_boxes(_shares(cutmix_alpha, count, images), *images.shape[-2:])
        pasted = cutmix(images, targets, boxes, partners)
        mixed[middle:], soft[middle:] = pasted[0][middle:], pasted[1][middle:]
    return mixed, soft


def _shares(alpha: float, count: int, like: Tensor) -> Tensor:
    concentration = torch.tensor(alpha, device=like.device)
    return torch.distributions.Beta(concentration, concentration).sample((count,))
