"""Films: one column, two modalities, pictures and sound; a film may lack one of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np
from PIL import Image

from perceivers.arguments.advice import Advice
from perceivers.kinds.asked import Extent, Field, Media
from perceivers.kinds.base import MOSTLY, NOTHING_CHOSEN, Kind, ModalityInput, as_tokens, counted, is_empty
from perceivers.kinds.cards import CardLayout
from perceivers.kinds.forms import Forms
from perceivers.kinds.image.drawing import ShownPicture, small
from perceivers.kinds.sound.drawing import HeardSound
from perceivers.kinds.sound.tensors import mean_and_deviation
from perceivers.kinds.video.drawing import FILM_CARD, SeenFilm, draw_film, film_html
from perceivers.kinds.video.looking import films_among
from perceivers.kinds.video.options import VideoOptions
from perceivers.kinds.video.reading import (
    USUAL_COLUMNS,
    VIDEO_SUFFIXES,
    SurveyedFilms,
    cache_of,
    clip_reader,
    content_of,
    film_field,
    looks_like_film,
    seconds_said,
)
from perceivers.kinds.video.sizing import video_learning, video_options
from perceivers.kinds.video.tensors import (
    AUDIO,
    IMAGE,
    heard,
    log_mel,
    modalities_of,
    seen,
    simple_vector,
    tokens_of,
)
from perceivers.kinds.video.value import FilmClip
from perceivers.processors.video.clip import Clip
from perceivers.processors.video.clip_cache import ClipCache
from perceivers.processors.video.clips import Film, PerceiverClipReader
from perceivers.rivals.simple import SimpleForm

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class VideoKind(Kind):
    """Films of any length, rate and size. A value is a FilmClip.

    Args:
        mean: of the log-mel energies of the training films.
        std: their standard deviation.
        trusts: whether lengths are those that headers say.
        cache: where films are kept at the clips' size; made as large as the options say.
        known: films that were looked at, by `perceivers.processors.video.clips.key_of`.
    """

    mean: float = 0.0
    std: float = 1.0
    trusts: bool = False
    cache: ClipCache | None = field(default=None, compare=False, repr=False)
    known: dict[str, Film] = field(default_factory=dict, compare=False, repr=False)

    name: ClassVar[str] = "video"
    options_class: ClassVar[type[Any]] = VideoOptions
    suffixes: ClassVar[tuple[str, ...]] = VIDEO_SUFFIXES
    keys_of_a_cell: ClassVar[frozenset[str]] = frozenset({"bytes", "path"})
    usual_columns: ClassVar[tuple[str, ...]] = USUAL_COLUMNS
    belonging: ClassVar[Mapping[str, Sequence[str]]] = {
        "video_form": ("video_bands", "video_frames_per_patch"),
        "sound_form": ("mel_hop_milliseconds", "audio_bands"),
        "frame_rate": ("audio_samples_per_frame",),
    }
    forms_of_input: ClassVar[Forms] = {
        "video_form": {
            "patches": ("video_patch_size", "video_frames_per_patch", "video_patch_channels"),
            "stem": ("video_stem_widths", "video_first_pool"),
        },
        "sound_form": {
            "log-mel": (
                "num_mel_bins",
                "mel_hop_milliseconds",
                "mel_frames_per_patch",
                "audio_patch_channels",
            ),
            "stem": ("num_mel_bins", "mel_hop_milliseconds", "sound_stem_widths"),
            "raw": ("samples_per_patch", "audio_patch_channels"),
        },
    }
    card: ClassVar[CardLayout | None] = FILM_CARD
    simple_form: ClassVar[SimpleForm | None] = SimpleForm("vector", "linear on pixels and mel bands")
    settles_on: ClassVar[int | None] = 200
    answered_at_once: ClassVar[int] = 1

    def __post_init__(self) -> None:
        if self.cache is None:
            object.__setattr__(self, "cache", cache_of(self.options.cache_megabytes))

    @classmethod
    def guess(cls, name: str, cells: Sequence[Any]) -> float:
        """See Kind."""
        return 0.9 if sum(map(looks_like_film, cells)) >= MOSTLY * len(cells) else 0.0

    @classmethod
    def advise(
        cls,
        cells: Sequence[Any],
        table: Any,
        num_rows: int,
        hidden: float,
        chosen: Mapping[str, Any] = NOTHING_CHOSEN,
    ) -> VideoOptions:
        """See Kind."""
        films = films_among(cells, table)
        return VideoOptions() if films is None else video_options(films, num_rows)

    def learning(self, num_rows: int, num_classes: int | None = None) -> Advice:
        """See Kind."""
        return video_learning(num_rows, self.options)

    @cached_property
    def reader(self) -> PerceiverClipReader:
        """Cuts clips of the asked size out of films."""
        return clip_reader(self.options, self.cache)

    def trusting(self) -> Self:
        """See Kind."""
        return replace(self, trusts=True)

    @property
    def num_tokens(self) -> int:
        """See Kind; of pictures and sound together."""
        return sum(tokens_of(self.options))

    def described(self) -> str:
        """See Kind."""
        chosen = self.options
        sound, pictures = tokens_of(chosen)
        size = f"{chosen.height} x {chosen.width} pixels"
        return (
            f"{counted(chosen.num_frames, 'picture')} of {size}, {chosen.frame_rate:g} a second,{as_tokens(pictures)}; "
            f"their sound at {chosen.sampling_rate:,} Hz{as_tokens(sound)}"
        )

    def read(self, row: Mapping[str, Any], columns: Sequence[str], table: Any) -> FilmClip | None:
        """See Kind."""
        cell = row.get(columns[0])
        if is_empty(cell):
            return None
        films = SurveyedFilms(self.reader, not self.trusts, self.known, pads=True)
        return FilmClip(films.film(cell, table))

    def simplified(self, row: Mapping[str, Any], columns: Sequence[str], table: Any) -> np.ndarray | None:
        """Small pictures of a clip's beginning, middle and end, and mean and deviation of each mel band, float32."""
        value = self.read(row, columns, table)
        return None if value is None else simple_vector(self._clip(value), value, self.options)

    def settle(self, values: Sequence[FilmClip], columns: Sequence[str]) -> Self:
        """Find mean and deviation of the log-mel energies of a clip of each film that has sound."""
        with_sound = [value for value in values if value.film.has_sound]
        if self.options.sound_form == "raw" or not with_sound:
            return self
        # Of several views the first: films tell most at their beginning.
        waves = (self._clip(self.views(value)[0]).waveform for value in with_sound)
        mean, std = mean_and_deviation([log_mel(wave, self.options) for wave in waves])
        return replace(self, mean=mean, std=std)

    def vary(self, value: FilmClip, generator: np.random.Generator) -> FilmClip:
        """Take one clip that begins anywhere in the film, and make its sound louder or softer."""
        return value.vary(self.options.num_frames, self.options.gain, generator)

    def views(self, value: FilmClip) -> list[FilmClip]:
        """Clips spread over the film; a training film is a clip already."""
        return value.spread(self.options.num_frames, self.options.num_test_clips)

    def lesser(self, value: FilmClip) -> list[FilmClip]:
        """The film without its pictures, and without its sound, where it has both."""
        film = value.film
        if not (film.has_video and film.has_sound):
            return []
        blind, deaf = replace(film, has_video=False), replace(film, has_sound=False)
        return [replace(value, film=blind), replace(value, film=deaf)]

    def arrays(self, values: Sequence[FilmClip | None]) -> dict[str, ModalityInput]:
        """Pictures and sound, see `seen` and `heard`; films that are not cut yet give their middle."""
        clips = [None if value is None else self._clip(value) for value in values]
        return {
            AUDIO: heard(clips, values, self.options, self.mean, self.std),
            IMAGE: seen(clips, values, self.options),
        }

    def augment(self, inputs: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Move and mirror the pictures and change their size."""
        from perceivers.kinds.video.augmentation import random_mirror, random_view

        chosen = self.options
        image = random_view(inputs[IMAGE], shift=chosen.shift, scale=chosen.scale)
        return {**inputs, IMAGE: random_mirror(image, chosen.mirror)}

    @property
    def modality_names(self) -> tuple[str, ...]:
        """See Kind."""
        return AUDIO, IMAGE

    def modalities(self) -> dict[str, dict[str, Any]]:
        """See Kind."""
        return modalities_of(self.options)

    def state(self) -> dict[str, Any]:
        """See Kind."""
        return {"mean": self.mean, "std": self.std}

    def with_state(self, state: Mapping[str, Any]) -> Self:
        """See Kind."""
        return replace(self, mean=float(state["mean"]), std=float(state["std"]))

    def show(
        self, value: FilmClip | None, weights: Mapping[str, Tensor], grids: Mapping[str, tuple[int, ...]]
    ) -> SeenFilm | None:
        """The frame in the middle of the middle view, and the sound of that view."""
        if value is None:
            return None
        chosen, views = self.options, self.views(value)
        clip = self._clip(views[len(views) // 2])
        picture, sound = None, None
        if value.film.has_video:
            middle = chosen.num_frames // 2
            over_frame = np.zeros((1, 1))
            if IMAGE in weights:
                grid = weights[IMAGE].reshape(grids[IMAGE]).float().numpy()
                over_frame = grid[middle // chosen.frames_per_token]
            frame = Image.fromarray(np.ascontiguousarray(clip.frames[middle].transpose(1, 2, 0)))
            picture = ShownPicture(small(frame), over_frame)
        if value.film.has_sound:
            over_time = np.zeros(0)
            if AUDIO in weights:
                over_time = weights[AUDIO].reshape(grids[AUDIO][0], -1).sum(dim=1).float().numpy()
            rate = chosen.sampling_rate
            sound = HeardSound(clip.waveform, rate, over_time, 0.0, chosen.samples_per_token / rate)
        return SeenFilm(picture, sound)

    def draw(self, figure: Any, places: Sequence[Any], shown: SeenFilm, source: str) -> None:
        """See `draw_film`."""
        draw_film(figure, places, shown, source)

    def html(self, shown: SeenFilm | None, columns: Sequence[str]) -> str:
        """See `film_html`."""
        return "" if shown is None else film_html(shown, columns[0])

    def fields(self, columns: Sequence[str]) -> tuple[Field, ...]:
        """See AskedKind."""
        return tuple(film_field(column, self.name) for column in columns)

    def extent(self, content: bytes, most_seconds: float) -> Extent:
        """See AskedKind; as the header says."""
        return Extent(seconds=seconds_said(content))

    def media(self, value: FilmClip) -> Media | None:
        """The film as it is stored."""
        return Media("video/mp4", content_of(value.film.source))

    def _clip(self, value: FilmClip) -> Clip:
        """The clip of a film; one that is shorter stays at its last picture, and is silent."""
        (middle,) = value.spread(self.options.num_frames, 1)
        assert middle.start is not None
        lacking = self.options.num_frames - value.film.num_frames
        if lacking <= 0:
            return self.reader.read(value.film, middle.start)
        clip = replace(self.reader, num_frames=value.film.num_frames).read(value.film, 0)
        silence = lacking * self.options.audio_samples_per_frame
        return Clip(
            np.concatenate([clip.frames, clip.frames[-1:].repeat(lacking, axis=0)]),
            np.pad(clip.waveform, (0, silence)),
        )
