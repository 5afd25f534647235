"""Optical flow as a picture: direction as colour, speed as strength, by the Middlebury colour wheel.

Source: Baker, Scharstein, Lewis, Roth, Black, Szeliski, "A Database and Evaluation Methodology for Optical Flow"
(IJCV 2011), whose colour code every benchmark shows flow in.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from perceivers.errors import ConfigurationError, ShapeError

# Steps from one pure colour to the next, as the eye tells them apart: which channel rises (+) or falls (-).
SEGMENTS = (
    (15, 1, "rises"),  # red to yellow: green rises
    (6, 0, "falls"),  # yellow to green: red falls
    (4, 2, "rises"),  # green to cyan: blue rises
    (11, 1, "falls"),  # cyan to blue: green falls
    (13, 0, "rises"),  # blue to magenta: red rises
    (6, 2, "falls"),  # magenta to red: blue falls
)
# Values beyond this mark unknown flow in Middlebury's files.
UNKNOWN_FLOW = 1e9


def colour_wheel() -> Tensor:
    """The 55 colours around the wheel, [55, 3] in [0, 255], red first."""
    colour = [255, 0, 0]
    wheel = []
    for steps, channel, change in SEGMENTS:
        for step in range(steps):
            part = math.floor(255 * step / steps)
            colour[channel] = part if change == "rises" else 255 - part
            wheel.append(list(colour))
        colour[channel] = 255 if change == "rises" else 0
    return torch.tensor(wheel, dtype=torch.float32)


def flow_to_image(flow: Tensor, max_flow: float | None = None) -> Tensor:
    """Colour flow: the hue is its direction, white is no motion, full colour is the fastest.

    Args:
        flow: [..., height, width, 2], right and down, in pixels. Unknown pixels (NaN, or beyond 1e9) come out black.
        max_flow: pixels shown in full colour; faster is shown darker. None: the fastest of all that is given.

    Returns:
        [..., height, width, 3] uint8.
    """
    if flow.ndim < 3 or flow.shape[-1] != 2:
        raise ShapeError(f"`flow` must have shape [..., height, width, 2], received {list(flow.shape)}")
    if max_flow is not None and not max_flow > 0:
        raise ConfigurationError(f"`max_flow` must be above 0 pixels, received {max_flow}")
    known = (torch.isfinite(flow) & (flow.abs() <= UNKNOWN_FLOW)).all(dim=-1)
    flow = torch.where(known[..., None], flow.float(), 0.0)
    radius = flow.norm(dim=-1)
    fastest = float(radius.max()) if max_flow is None else max_flow
    radius = radius / max(fastest, torch.finfo(torch.float32).tiny)
    wheel = colour_wheel().to(flow.device) / 255
    count = wheel.shape[0]
    position = (torch.atan2(-flow[..., 1], -flow[..., 0]) / math.pi + 1) / 2 * (count - 1)
    index = position.floor().long().clamp(0, count - 1)
    fraction = (position - index)[..., None]
    colour = (1 - fraction) * wheel[index] + fraction * wheel[(index + 1) % count]
    faded = 1 - radius[..., None] * (1 - colour)
    shown = torch.where(radius[..., None] <= 1, faded, colour * 0.75)
    return torch.where(known[..., None], (shown * 255).floor(), 0.0).to(torch.uint8)
