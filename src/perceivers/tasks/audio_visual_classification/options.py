"""Column, clips, answer and model of `audio-visual-classification`."""

from __future__ import annotations

from dataclasses import dataclass

from perceivers.arguments.network import NetworkArguments
from perceivers.arguments.open import left_open
from perceivers.kinds.video.options import VideoOptions
from perceivers.tasks.label_arguments import LabelArguments


@left_open(VideoOptions, NetworkArguments, "label_smoothing", but=("cache_megabytes",))
@dataclass(frozen=True, kw_only=True)
class AudioVisualClassificationArguments(VideoOptions, LabelArguments):
    """Model and clips of `audio-visual-classification`: pictures and sound in, one class or several labels out."""

    video_column: str | None = None
    """Column of a table that holds each film's path or content; None takes `video`, or `file` where there is none."""

    def __post_init__(self) -> None:
        LabelArguments.__post_init__(self)
        VideoOptions.__post_init__(self)
