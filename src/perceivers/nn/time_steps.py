"""Steps of time, as pure functions: patches of them, which of them count, and where they lie in their own sample."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from perceivers.errors import ShapeError


def step_patches(steps: Tensor, steps_per_patch: int) -> Tensor:
    """Consecutive steps laid side by side; the last patch is filled up with zeros.

    Args:
        steps: [batch, num_steps, channels].
        steps_per_patch: steps in a patch.

    Returns:
        [batch, ceil(num_steps / steps_per_patch), steps_per_patch * channels].
    """
    filled = F.pad(steps, (0, 0, 0, -steps.shape[1] % steps_per_patch))
    return filled.unflatten(1, (-1, steps_per_patch)).flatten(2)


def patch_mask(mask: Tensor, batch_size: int, num_patches: int, steps_per_patch: int) -> Tensor:
    """Which patches count: those with at least one step that does.

    Args:
        mask: [batch, num_steps] or [batch, num_patches], nonzero where a step, or a patch, counts.
        batch_size: rows of the batch.
        num_patches: how many patches the steps give.
        steps_per_patch: steps in a patch.

    Returns:
        bool [batch, num_patches].
    """
    fewest, most = (num_patches - 1) * steps_per_patch + 1, num_patches * steps_per_patch
    by_patch = mask.shape[1:] == (num_patches,)
    if mask.ndim != 2 or mask.shape[0] != batch_size or not (by_patch or fewest <= mask.shape[1] <= most):
        raise ShapeError(
            f"`attention_mask` must have shape [{batch_size}, num_steps] with {fewest} to {most} steps, or "
            f"[{batch_size}, {num_patches}] with an entry for each patch, received {list(mask.shape)}"
        )
    counts = mask.to(torch.bool)
    return counts if by_patch else step_patches(counts[..., None], steps_per_patch).any(dim=-1)


def own_length_positions(mask: Tensor) -> Tensor:
    """Where each step lies between the first and the last one of its sample that counts.

    Args:
        mask: bool [batch, num_steps], True where a step counts.

    Returns:
        float32 [batch, num_steps]: -1 at the first, 1 at the last, evenly spaced between them, whatever is masked there;
        -1 for a single one. Steps outside have the nearer of both ends, and those of a sample without any step that counts
        run over all steps.
    """
    counts = mask.to(torch.int32)
    num_steps = mask.shape[1]
    first = counts.argmax(dim=1, keepdim=True)
    last = num_steps - 1 - counts.flip(1).argmax(dim=1, keepdim=True)
    places = torch.arange(num_steps, device=mask.device) - first
    return (2 * places / (last - first).clamp(min=1) - 1).clamp(-1, 1).to(torch.float32)
