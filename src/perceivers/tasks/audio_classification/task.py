"""Audio classification: log-mel spectrograms or raw samples in, one class or several labels out."""

from __future__ import annotations

from typing import Any, ClassVar

from perceivers.configuration import PerceiverConfig
from perceivers.errors import ConfigurationError
from perceivers.kinds.base import Kind
from perceivers.kinds.sound.kind import SoundKind
from perceivers.tasks.audio_classification.options import AudioClassificationArguments
from perceivers.tasks.base import Batch
from perceivers.tasks.columns import Columns
from perceivers.tasks.one_column_task import OneColumnTask

MODALITY = "audio"


class AudioClassification(OneColumnTask[AudioClassificationArguments]):
    """Sound files of any rate, length and number of channels, one folder a class, or a table of them."""

    name: ClassVar[str] = "audio-classification"
    arguments_class: ClassVar[type[Any]] = AudioClassificationArguments
    column_option: ClassVar[str | None] = "audio_column"
    kind_class: ClassVar[type[Kind]] = SoundKind
    input_name: ClassVar[str | None] = MODALITY

    def names_of_input(self) -> tuple[str, ...]:
        """See OneColumnTask."""
        chosen = self.arguments.audio_column
        return SoundKind.usual_columns if chosen is None else (chosen,)

    def augment(self, batch: Batch) -> Batch:
        """Average spectrograms in pairs, where that is wanted; targets are then shares [batch, num_classes]."""
        return self.averaged_in_pairs(super().augment(batch), self.arguments.mixup)

    def require_fitting(self, start: PerceiverConfig, columns: Columns) -> None:
        """See ColumnTask; clips may be of another length."""
        wanted, own = columns.modalities()[MODALITY], dict((start.modalities or {}).get(MODALITY, {}))
        for key in ("type", "mel_bins", "samples_per_patch"):
            if key in wanted and own.get(key) != wanted[key]:
                raise ConfigurationError(
                    f"`start` must hear the same as the arguments say: {key} {wanted[key]!r}, received {own.get(key)!r}"
                )
