"""Column, sound, answer and model of `audio-classification`."""

from __future__ import annotations

from dataclasses import dataclass

from perceivers.arguments.network import NetworkArguments
from perceivers.arguments.open import left_open
from perceivers.kinds.sound.options import SoundOptions
from perceivers.tasks.label_arguments import LabelArguments


@left_open(SoundOptions, NetworkArguments, "label_smoothing")
@dataclass(frozen=True, kw_only=True)
class AudioClassificationArguments(SoundOptions, LabelArguments):
    """Model and augmentation of `audio-classification`: sound in, one class or several labels out."""

    audio_column: str | None = None
    """Column of a table that names the sound files, relative to the table. None takes `file`, or `audio` where there is no
    such column. Folders need none."""

    def __post_init__(self) -> None:
        LabelArguments.__post_init__(self)
        SoundOptions.__post_init__(self)
