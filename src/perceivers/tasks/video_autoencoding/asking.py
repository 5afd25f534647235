"""Questions to a model that gives films again: a film in, the same beside its reconstruction out."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

from perceivers.answers.said import Said
from perceivers.errors import DataError
from perceivers.kinds.asked import Extent, Field, Media, Sent, stored
from perceivers.kinds.video.films import film_column
from perceivers.kinds.video.reading import VIDEO_SUFFIXES, content_of, film_field, seconds_said
from perceivers.tasks.asking.base import Asking, Example, Own
from perceivers.tasks.base import Prediction
from perceivers.tasks.video_autoencoding.prediction import class_names, reconstruct_film

TITLES = {
    "video_psnr": "pictures, PSNR",
    "audio_psnr": "sound, PSNR",
    "audio_psnr_of_silence": "sound, PSNR of silence",
}


class FilmAsking(Asking):
    """See Asking; `task` is a VideoAutoencoding."""

    shown_as: ClassVar[str] = "The film, and what the model makes of it"
    is_quick: ClassVar[bool] = False

    @property
    def fields(self) -> tuple[Field, ...]:
        """See Asking."""
        return (film_field(self._column, "video", needed=True),)

    def read_and_answer(
        self, rows: Sequence[Mapping[str, Any]], folder: Path, *, shows: bool
    ) -> list[Prediction | DataError]:
        """See Asking."""
        return [self._made(row[self._column], folder) for row in rows]

    def said(self, prediction: Prediction) -> list[Said]:
        """See Asking; how near the reconstruction is, and the class where there is one."""
        values = prediction.values
        found = [Said(title, f"{values[name]:.1f} dB") for name, title in TITLES.items()]
        if "probabilities" in values:
            found.insert(
                0, Said("class", values["label"], values["probabilities"], frozenset([values["label"]]))
            )
        return found

    def html(self, prediction: Prediction) -> str:
        """See Asking; a player: the film on the left, its reconstruction on the right and in the sound."""
        return f'<p><video controls loop src="{prediction.values["film"]}"></video></p>'

    def example(self, samples: Any, index: int) -> Example:
        """See Asking."""
        stretch = samples[index]
        truth = {"class": class_names(self.parts.model)[stretch.label]} if stretch.label is not None else {}
        return Example(samples.name(index), {self._column: Own(content_of(stretch.film.source))}, truth)

    def extent(self, column: str, content: bytes, most_seconds: float) -> Extent:
        """See Asking."""
        return Extent(seconds=seconds_said(content))

    def media(self, column: str, cell: Any) -> Media:
        """See Asking."""
        return Media("video/mp4", cell.value)

    def python(self, cells: Mapping[str, Any]) -> str:
        """See Asking."""
        return repr([cells.get(self._column, "film.mp4")])

    @property
    def _column(self) -> str:
        return film_column((), self.task.arguments.video_column)

    def _made(self, cell: Any, folder: Path) -> Prediction | DataError:
        names = class_names(self.parts.model) if self.task.has_classes else ()  # type: ignore[attr-defined]
        if isinstance(cell, Own):
            # Readers of films look at the content; any ending does.
            cell = Sent(f"film{VIDEO_SUFFIXES[0]}", cell.value)
        try:
            if not isinstance(cell, Sent):
                raise DataError(
                    f"{self._column!r} must be the content of a film, received the text {str(cell)!r:.80}"
                )
            path = stored(cell, folder, VIDEO_SUFFIXES)
            made = reconstruct_film(self.prepared, self.parts.processor, path, names)
        except DataError as error:
            return error
        film = f"data:video/mp4;base64,{b64encode(made.shown['film']).decode('ascii')}"
        return Prediction(made.source, {**made.values, "film": film}, {})
