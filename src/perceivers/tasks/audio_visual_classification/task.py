"""Audio-visual classification: pictures and sound of films in, one class or several labels out."""

from __future__ import annotations

from typing import Any, ClassVar

from perceivers.configuration import PerceiverConfig
from perceivers.errors import ConfigurationError
from perceivers.kinds.base import Kind
from perceivers.kinds.video.kind import VideoKind
from perceivers.tasks.audio_visual_classification.options import AudioVisualClassificationArguments
from perceivers.tasks.columns import Columns
from perceivers.tasks.one_column_task import OneColumnTask


class AudioVisualClassification(OneColumnTask[AudioVisualClassificationArguments]):
    """Films with sound, one folder a class or a table of them; a film may lack its pictures or its sound."""

    name: ClassVar[str] = "audio-visual-classification"
    arguments_class: ClassVar[type[Any]] = AudioVisualClassificationArguments
    column_option: ClassVar[str | None] = "video_column"
    kind_class: ClassVar[type[Kind]] = VideoKind
    # Pictures and sound are called as the kind calls them.
    input_name: ClassVar[str | None] = ""

    def names_of_input(self) -> tuple[str, ...]:
        """See OneColumnTask."""
        chosen = self.arguments.video_column
        return VideoKind.usual_columns if chosen is None else (chosen,)

    def require_fitting(self, start: PerceiverConfig, columns: Columns) -> None:
        """See ColumnTask."""
        wanted = columns.modalities()
        if start.modalities != wanted:
            raise ConfigurationError(
                f"the checkpoint to start from must see and hear what the arguments describe, {wanted}, received one of "
                f"{start.modalities}"
            )
