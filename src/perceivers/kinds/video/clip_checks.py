"""What sizes and rates of clips have to fit, whoever offers them as options."""

from __future__ import annotations

from collections.abc import Sequence

from perceivers.arguments.base import require
from perceivers.errors import ConfigurationError


def require_rates(frame_rate: float, audio_samples_per_frame: int) -> None:
    """Raise ConfigurationError unless clips have frames, and a whole number of samples a second.

    Args:
        frame_rate: frames a second.
        audio_samples_per_frame: samples of sound that belong to a frame.
    """
    require("frame_rate", frame_rate, frame_rate > 0, "above 0")
    rate = frame_rate * audio_samples_per_frame
    require("frame_rate times audio_samples_per_frame", rate, rate == int(rate), "a whole number of Hz")


def require_parts(options: object, wholes: Sequence[tuple[str, int]]) -> None:
    """Raise ConfigurationError for the first patch that does not fit into what it is cut from.

    Args:
        options: has the sizes of patches.
        wholes: name of each size among `options`, and what such patches are cut from.
    """
    for name, whole in wholes:
        if whole % getattr(options, name):
            raise ConfigurationError(
                f"`{name}` must divide what it is a part of (height, width, frames or samples of a clip), received "
                f"{getattr(options, name)} for {whole}"
            )
