"""Random brightness, contrast and saturation of pictures, in plain torch on whole batches."""

from __future__ import annotations

import torch
from torch import Tensor


def jitter_colours(images: Tensor, strength: float) -> Tensor:
    """Change each picture of a batch by amounts drawn from torch's global generator.

    Contrast around the picture's own mean, and saturation around each pixel's, are multiplied by factors between 1 - strength
    and 1 + strength; brightness moves by up to half of `strength` of the normalised range.

    Args:
        images: normalised pixels [batch, channels, height, width]; saturation is changed where there are three channels.
        strength: in [0, 1); 0 changes nothing, and draws nothing.

    Returns:
        Pictures of the same shape.
    """
    if strength == 0.0:
        return images
    drawn = strength * (2.0 * torch.rand(3, len(images), 1, 1, 1, device=images.device) - 1.0)
    contrast, saturation, brightness = drawn.to(images.dtype)
    mean = images.mean(dim=(1, 2, 3), keepdim=True)
    changed = mean + (images - mean) * (1 + contrast) + brightness / 2
    if images.shape[1] == 3:
        grey = changed.mean(dim=1, keepdim=True)
        changed = grey + (changed - grey) * (1 + saturation)
    return changed
