"""Column, sound, answer and model of `audio-classification`."""

from __future__ import annotations

from dataclasses import dataclass

from perceivers.arguments.base import require_at_least
from perceivers.arguments.network import NetworkArguments
from perceivers.arguments.open import left_open
from perceivers.errors import ConfigurationError
from perceivers.kinds.sound.options import SoundOptions
from perceivers.tasks.label_arguments import LabelArguments


@left_open(SoundOptions, NetworkArguments, "label_smoothing", "mixup")
@dataclass(frozen=True, kw_only=True)
class AudioClassificationArguments(SoundOptions, LabelArguments):
    """Model and augmentation of `audio-classification`: sound in, one class or several labels out."""

    audio_column: str | None = None
    """Column of a table that names the sound files, relative to the table. None takes `file`, or `audio` where there is no
    such column. Folders need none."""

    mixup: float = 0.0
    """Spectrograms and targets are averaged in pairs while training, in shares drawn from Beta(mixup, mixup), with `log-mel`
    and `stem`; 0 averages none."""

    def __post_init__(self) -> None:
        LabelArguments.__post_init__(self)
        SoundOptions.__post_init__(self)
        require_at_least(0, self, "mixup")
        if self.mixup and (self.input_form == "raw" or self.clip_seconds is None):
            raise ConfigurationError(
                "`mixup` averages spectrograms of one length: it needs `input_form` log-mel or stem and `clip_seconds`, "
                f"received {self.input_form} and {self.clip_seconds}"
            )
