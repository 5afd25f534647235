"""Sounds: one column, one modality of log-mel energies or raw samples."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np

from perceivers.arguments.advice import Advice
from perceivers.errors import DataError
from perceivers.kinds.asked import Extent, Field, Media
from perceivers.kinds.base import MOSTLY, NOTHING_CHOSEN, Kind, ModalityInput, as_tokens, counted, is_empty
from perceivers.kinds.cards import CardLayout, title_card
from perceivers.kinds.forms import Forms
from perceivers.kinds.sound.augmentation import vary_sound
from perceivers.kinds.sound.drawing import SOUND_CARD, HeardSound, draw_sound, sound_html, wave_file
from perceivers.kinds.sound.options import SoundOptions
from perceivers.kinds.sound.reading import (
    AUDIO_SUFFIXES,
    RATE_COLUMN,
    decode_audio,
    looks_like_sound,
    samples_of,
)
from perceivers.kinds.sound.sizing import SILENCE_DECIBELS, sound_learning, sound_options
from perceivers.kinds.sound.tensors import (
    log_mel,
    mean_and_deviation,
    modality_of,
    stack_sounds,
    tokens_of_a_clip,
)
from perceivers.kinds.sound.trimming import without_silence
from perceivers.kinds.sound.value import Sound, clip_starts, cut_clips
from perceivers.processors.audio.files import seconds_of
from perceivers.processors.audio.mono import one_channel_of
from perceivers.rivals.simple import SimpleForm

if TYPE_CHECKING:
    from torch import Tensor

# Options of energies in frequency bands.
OF_BANDS = (
    "num_mel_bins",
    "window_milliseconds",
    "hop_milliseconds",
    "min_frequency",
    "time_masks",
    "time_mask_share",
    "frequency_masks",
    "frequency_mask_share",
)
# What samples without a file are called; series of other things have other names.
NAMES_OF_SAMPLES = frozenset({"audio", "sound", "speech", "voice", "waveform"})


@dataclass(frozen=True)
class SoundKind(Kind):
    """Sound of any rate, length and number of channels. A value is a Sound.

    Args:
        mean: of the log-mel energies of the training sounds.
        std: their standard deviation.
    """

    mean: float = 0.0
    std: float = 1.0

    name: ClassVar[str] = "sound"
    options_class: ClassVar[type[Any]] = SoundOptions
    suffixes: ClassVar[tuple[str, ...]] = AUDIO_SUFFIXES
    keys_of_a_cell: ClassVar[frozenset[str]] = frozenset({"array", "sampling_rate", "bytes", "path"})
    usual_columns: ClassVar[tuple[str, ...]] = ("file", "audio")
    belonging: ClassVar[Mapping[str, Sequence[str]]] = {
        "input_form": ("num_fourier_bands", "time_masks", "frequency_masks"),
        "num_mel_bins": ("bins_per_patch",),
        "clip_seconds": ("evaluation_clips",),
    }
    forms_of_input: ClassVar[Forms] = {
        "input_form": {
            "log-mel": (*OF_BANDS, "frames_per_patch", "bins_per_patch", "patch_channels"),
            "stem": (*OF_BANDS, "stem_widths", "stem_blocks", "stem_first_pool"),
            "raw": ("samples_per_patch", "patch_channels"),
        }
    }
    card: ClassVar[CardLayout | None] = SOUND_CARD
    simple_form: ClassVar[SimpleForm | None] = SimpleForm("vector", "linear on mel bands")
    settles_on: ClassVar[int | None] = 1_000
    answered_at_once: ClassVar[int] = 32

    @classmethod
    def guess(cls, name: str, cells: Sequence[Any]) -> float:
        """See Kind; bare samples do not say what they are samples of, only the column's name does."""
        looks = _are_samples if name.lower() in NAMES_OF_SAMPLES else looks_like_sound
        known = [cell for cell in cells if looks_like_sound(cell) or looks(cell)]
        return 0.95 if len(known) >= MOSTLY * len(cells) else 0.0

    @classmethod
    def advise(
        cls,
        cells: Sequence[Any],
        table: Any,
        num_rows: int,
        hidden: float,
        chosen: Mapping[str, Any] = NOTHING_CHOSEN,
    ) -> SoundOptions:
        """See Kind."""
        seconds, rates = [], []
        silence = chosen.get("trim_decibels", SILENCE_DECIBELS)
        for cell in cells:
            try:
                samples, rate = samples_of(cell, table.root)
                wave = one_channel_of(samples, name="the sound")
            except DataError:
                # It is reported with the other rows that cannot be read.
                continue
            sounding = wave if silence is None else without_silence(wave, rate, silence)
            seconds.append(len(sounding) / rate)
            rates.append(rate)
        return sound_options(seconds, rates) if rates else SoundOptions()

    def learning(self, num_rows: int, num_classes: int | None = None) -> Advice:
        """See Kind."""
        return sound_learning(num_rows, self.options)

    @property
    def num_tokens(self) -> int | None:
        """See Kind."""
        chosen = self.options
        if chosen.clip_samples is None:
            return None
        if chosen.input_form == "raw":
            return tokens_of_a_clip(chosen)
        bins = chosen.stem_factor if chosen.input_form == "stem" else chosen.bins_per_patch
        columns = -(-chosen.num_mel_bins // (bins or chosen.num_mel_bins))
        return tokens_of_a_clip(chosen) * columns

    def described(self) -> str:
        """See Kind."""
        chosen = self.options
        length = "sounds of any length" if chosen.clip_seconds is None else f"{chosen.clip_seconds:g} s"
        bands = "" if chosen.input_form == "raw" else f" in {counted(chosen.num_mel_bins, 'band')}"
        return f"{length} at {chosen.sampling_rate:,} Hz{bands}{as_tokens(self.num_tokens)}"

    def read(self, row: Mapping[str, Any], columns: Sequence[str], table: Any) -> Sound | None:
        """See Kind; samples have their rate in the row's column `sampling_rate`; silence around the sound is cut off here."""
        cell = row.get(columns[0])
        if is_empty(cell):
            return None
        wave = decode_audio(cell, table.root, self.options.sampling_rate, row.get(RATE_COLUMN))
        if self.options.trim_decibels is not None:
            wave = without_silence(wave, self.options.sampling_rate, self.options.trim_decibels)
        return Sound(wave)

    def kept(self) -> tuple[Any, ...] | None:
        """See Kind."""
        return self.name, self.options.sampling_rate, self.options.trim_decibels

    def pack(self, value: Sound) -> Mapping[str, np.ndarray]:
        """See Kind."""
        return {"waveform": value.waveform}

    def unpack(self, arrays: Mapping[str, np.ndarray]) -> Sound:
        """See Kind."""
        return Sound(arrays["waveform"])

    def simplified(self, row: Mapping[str, Any], columns: Sequence[str], table: Any) -> np.ndarray | None:
        """Of each band of the log-mel energies: mean, deviation, and mean change from frame to frame; float32 [3 x bands]."""
        value = self.read(row, columns, table)
        if value is None:
            return None
        energies = log_mel(value.waveform, self.options)
        changes = np.abs(np.diff(energies, axis=0)) if len(energies) > 1 else np.zeros_like(energies)
        return np.concatenate([energies.mean(axis=0), energies.std(axis=0), changes.mean(axis=0)])

    def settle(self, values: Sequence[Sound], columns: Sequence[str]) -> Self:
        """Find mean and deviation of the log-mel energies of whole sounds."""
        if self.options.input_form == "raw":
            return self
        mean, std = mean_and_deviation([log_mel(value.waveform, self.options) for value in values])
        return replace(self, mean=mean, std=std)

    def vary(self, value: Sound, generator: np.random.Generator) -> Sound:
        """Crop, shift, speed up or down, make louder or softer, put noise under it, hide parts of the spectrogram."""
        return vary_sound(value, self.options, generator)

    def views(self, value: Sound) -> list[Sound]:
        """Clips spread over the sound; a training sound is a clip already."""
        clips = cut_clips(value.waveform, self.options.clip_samples, self.options.evaluation_clips)
        return [replace(value, waveform=clip) for clip in clips]

    def arrays(self, values: Sequence[Sound | None]) -> dict[str, ModalityInput]:
        """See `stack_sounds`; sounds that are not cut yet give their middle."""
        views = [None if value is None else self._middle(value) for value in values]
        return {"": stack_sounds(views, self.options, self.mean, self.std)}

    def modalities(self) -> dict[str, dict[str, Any]]:
        """See Kind."""
        return {"": modality_of(self.options)}

    def state(self) -> dict[str, Any]:
        """See Kind."""
        return {"mean": self.mean, "std": self.std}

    def with_state(self, state: Mapping[str, Any]) -> Self:
        """See Kind."""
        return replace(self, mean=float(state["mean"]), std=float(state["std"]))

    def show(
        self, value: Sound | None, weights: Mapping[str, Tensor], grids: Mapping[str, tuple[int, ...]]
    ) -> HeardSound | None:
        """The whole sound, and the attention to the clip in its middle."""
        if value is None:
            return None
        chosen = self.options
        over_time = np.zeros(0)
        if "" in weights:
            over_time = weights[""].reshape(grids[""][0], -1).sum(dim=1).float().numpy()
        starts = clip_starts(len(value.waveform), chosen.clip_samples, chosen.evaluation_clips)
        clip = len(value.waveform) if chosen.clip_samples is None else chosen.clip_samples
        first = round(starts[len(starts) // 2] * (len(value.waveform) - clip))
        rate = chosen.sampling_rate
        return HeardSound(value.waveform, rate, over_time, first / rate, chosen.token_samples / rate)

    def draw(self, figure: Any, places: Sequence[Any], shown: HeardSound, source: str) -> None:
        """Waveform over spectrogram."""
        energies = log_mel(shown.waveform, self.options)
        title_card(draw_sound(figure, places[0], shown, energies), source, 48)

    def html(self, shown: HeardSound | None, columns: Sequence[str]) -> str:
        """A player."""
        return "" if shown is None else sound_html(shown)

    def fields(self, columns: Sequence[str]) -> tuple[Field, ...]:
        """See AskedKind."""
        accepts = ("audio/*", *self.suffixes)
        return tuple(
            Field(column, self.name, "file", "a sound of any rate", accepts, "sound") for column in columns
        )

    def extent(self, content: bytes, most_seconds: float) -> Extent:
        """See AskedKind; counted, since headers may lie."""
        return Extent(seconds=seconds_of(content, most_seconds))

    def media(self, value: Sound) -> Media:
        """The sound at the model's rate as a WAV file."""
        return Media("audio/wav", wave_file(value.waveform, self.options.sampling_rate))

    def _middle(self, value: Sound) -> Sound:
        return replace(value, waveform=cut_clips(value.waveform, self.options.clip_samples, 1)[0])


def _are_samples(cell: Any) -> bool:
    values = np.asarray(cell) if isinstance(cell, list | np.ndarray) else np.zeros(())
    return values.ndim in (1, 2) and values.dtype.kind == "f"
