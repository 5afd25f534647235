"""Random changes of clips with sound, the same for all frames of a clip, in plain torch on whole batches.

All draw from torch's global generator.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor


def random_view(image: Tensor, *, shift: float, scale: float) -> Tensor:
    """Move each clip's pictures, and bring them nearer or farther.

    Args:
        image: [batch, frames, channels, height, width].
        shift: largest move as a share of the picture's size, in each direction.
        scale: largest relative change of size, drawn for each axis.

    Returns:
        Clips of the same shape; what comes in from outside repeats the border.
    """
    if shift == scale == 0.0:
        return image
    drawn = 2.0 * torch.rand(len(image), 2, 2, device=image.device) - 1.0
    # From a place in the result to one in the picture: x and y times a factor, and a shift; the axes are 2 long.
    places = torch.cat(
        [torch.diag_embed(1.0 + scale * drawn[:, 0]), 2.0 * shift * drawn[:, 1, :, None]], dim=2
    )
    # Frames as channels of one picture: what is drawn for the picture holds for all of them.
    pictures = image.flatten(1, 2)
    grid = F.affine_grid(places, list(pictures.shape), align_corners=False).to(image.dtype)
    changed = F.grid_sample(pictures, grid, padding_mode="border", align_corners=False)
    return changed.unflatten(1, image.shape[1:3])


def random_mirror(image: Tensor, share: float) -> Tensor:
    """Mirror this share of clips [batch, frames, channels, height, width], left to right."""
    if share == 0.0:
        return image
    chosen = torch.rand(len(image), device=image.device) < share
    return torch.where(chosen[:, None, None, None, None], image.flip(-1), image)


def random_colour(image: Tensor, amount: float) -> Tensor:
    """Brighten or darken the colours of each clip, each colour by its own factor.

    Args:
        image: [batch, frames, channels, height, width] in [0, 1].
        amount: factors are between 1 / (1 + amount) and 1 + amount.

    Returns:
        Clips of the same shape, cut off at 1.
    """
    if amount == 0.0:
        return image
    drawn = 2.0 * torch.rand(len(image), 1, image.shape[2], 1, 1, device=image.device) - 1.0
    return (image * (1.0 + amount) ** drawn).clamp(max=1.0)


def random_speed(audio: Tensor, amount: float) -> Tensor:
    """Play each sound faster or slower, from anywhere in it on; after its end it begins again.

    Args:
        audio: [batch, samples, channels].
        amount: factors are between 1 / (1 + amount) and 1 + amount; 0 changes nothing, not even where sounds begin.

    Returns:
        Sound of the same shape; between samples lies a straight line.
    """
    if amount == 0.0:
        return audio
    batch_size, num_samples = audio.shape[:2]
    drawn = torch.rand(batch_size, 2, 1, device=audio.device)
    factors = (1.0 + amount) ** (2.0 * drawn[:, 0] - 1.0)
    places = drawn[:, 1] * num_samples + torch.arange(num_samples, device=audio.device) * factors
    before = places.floor()
    share = (places - before)[..., None].to(audio.dtype)
    rows = torch.arange(batch_size, device=audio.device)[:, None]
    first, second = ((before.long() + step) % num_samples for step in (0, 1))
    return audio[rows, first] * (1.0 - share) + audio[rows, second] * share


def random_mixture(audio: Tensor, amount: float) -> Tensor:
    """Add the sound of another clip of the batch to each, played backwards, times up to `amount` and of either sign.

    Args:
        audio: [batch, samples, channels] in [-1, 1].
        amount: at least 0; 0 changes nothing.

    Returns:
        Sound of the same shape, cut off at -1 and 1.
    """
    if amount == 0.0:
        return audio
    other = audio[torch.randperm(len(audio), device=audio.device)].flip(1)
    drawn = 2.0 * torch.rand(len(audio), 1, 1, device=audio.device) - 1.0
    return (audio + amount * drawn * other).clamp(-1.0, 1.0)


def random_loudness(audio: Tensor, gain: float, louder: float = 0.0) -> Tensor:
    """Make each sound louder or softer, and turn half of them over: a wave with the other sign sounds the same.

    Args:
        audio: [batch, samples, channels] in [-1, 1].
        gain: largest change, in decibels; 0 changes nothing, not even the sign.
        louder: what all are made louder by besides, in decibels.

    Returns:
        Sound of the same shape, cut off at -1 and 1.
    """
    if gain == louder == 0.0:
        return audio
    drawn = 2.0 * torch.rand(len(audio), 2, device=audio.device) - 1.0
    factors = 10.0 ** ((louder + drawn[:, 0] * gain) / 20.0)
    if gain:
        factors = torch.where(drawn[:, 1] < 0.0, -factors, factors)
    return (audio * factors[:, None, None]).clamp(-1.0, 1.0)
