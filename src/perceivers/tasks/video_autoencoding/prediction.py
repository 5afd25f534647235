"""One film reconstructed clip after clip, written beside itself as it goes: a long film costs no memory."""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from perceivers.answers.ranking import ranked_answers
from perceivers.kinds.video.reading import sounding_film
from perceivers.metrics.decibels import decibels_of
from perceivers.processors.video.clip import stacked
from perceivers.processors.video.clips import Film, PerceiverClipReader
from perceivers.processors.video.writing import video_writer
from perceivers.tasks.arrays import reconstructed
from perceivers.tasks.base import Prediction

SHOWN_FRAMES = 8
# Small pictures are shown larger, so that one sees their pixels.
SHOWN_HEIGHT = 256
GAP = 4
# Points of a drawn wave, each with the lowest and highest sample of its stretch.
WAVE_POINTS = 1200


def reconstruct_film(
    model: Any, reader: PerceiverClipReader, path: str, class_names: Sequence[str]
) -> Prediction:
    """Reconstruct a film from its beginning to its end; the last clip overlaps the one before where they do not fit.

    Args:
        model: prepared, or exported.
        reader: cuts the clips.
        path: the film.
        class_names: names of the classes by id; none where the model has no classes.

    Returns:
        `values`: PSNRs and SNR in dB over the whole film, its length, and its class. `shown`: `film`, the .mp4 as bytes;
        `frames`, a list of (second, original, reconstruction) with pictures [height, width, 3] uint8; `waves`, lowest and
        highest samples of original and reconstruction, each [points, 2].
    """
    film = sounding_film(reader, path)
    wanted = {round(film.num_frames * (index + 0.5) / SHOWN_FRAMES - 0.5) for index in range(SHOWN_FRAMES)}
    sums, stored = _Sums(), io.BytesIO()
    frames: list[tuple[float, np.ndarray, np.ndarray]] = []
    waves: list[tuple[np.ndarray, np.ndarray]] = []
    scale = max(1, SHOWN_HEIGHT // reader.height)
    size = _even(scale * reader.height), _even(2 * scale * reader.width + GAP)
    with video_writer(stored, reader.frame_rate, *size, reader.sampling_rate) as writer:
        for piece in _pieces(model, reader, film):
            sums.add(piece)
            waves.append((piece.true_sound, piece.made_sound))
            original, made = _bytes(piece.true_frames), _bytes(piece.made_frames)
            writer.add(_side_by_side((original, made), scale, size), piece.made_sound)
            for index, pictures in enumerate(zip(original, made, strict=True), start=piece.begin):
                if index in wanted:
                    frames.append((index / reader.frame_rate, *pictures))
    values: dict[str, Any] = {"seconds": film.num_frames / reader.frame_rate, **sums.values()}
    if class_names:
        (answer,) = ranked_answers(sums.mean_logits()[None], class_names)
        values.update(answer)
    true_wave, made_wave = (np.concatenate(each) for each in zip(*waves, strict=True))
    shown_values = {
        "film": stored.getvalue(),
        "frames": frames,
        "waves": (extremes(true_wave), extremes(made_wave)),
    }
    return Prediction(path, values, shown_values)


def class_names(model: Any) -> list[str]:
    """Names of a model's classes by id."""
    labels = model.config.id2label or {}
    return [labels[index] for index in range(len(labels))]


def extremes(waveform: np.ndarray) -> np.ndarray:
    """Lowest and highest sample of each stretch of a wave, [points, 2]: all that a drawing of it can show.

    Args:
        waveform: [samples].
    """
    points = min(WAVE_POINTS, len(waveform))
    return np.array([(part.min(), part.max()) for part in np.array_split(waveform, points)])


@dataclass(frozen=True)
class _Piece:
    """A stretch of a film that no stretch before it has, and what the model makes of it.

    Args:
        begin: its first frame.
        true_frames: [frames, 3, height, width] in [0, 1].
        made_frames: the same, reconstructed.
        true_sound: [samples] in [-1, 1].
        made_sound: the same, reconstructed.
        logits: of the classes, of the whole clip that it is the end of.
    """

    begin: int
    true_frames: np.ndarray
    made_frames: np.ndarray
    true_sound: np.ndarray
    made_sound: np.ndarray
    logits: np.ndarray


def _pieces(model: Any, reader: PerceiverClipReader, film: Film) -> Iterator[_Piece]:
    """The film from its beginning to its end, clip by clip; of the last clip what the one before does not have."""
    done = 0
    while done < film.num_frames:
        first = min(done, film.num_frames - reader.num_frames)
        clip, made = _reconstruct_clip(model, reader, film, first)
        skipped = done - first
        samples = skipped * reader.samples_per_frame
        yield _Piece(
            done,
            clip["image"][skipped:],
            made["image"][skipped:],
            clip["audio"][samples:],
            made["audio"][samples:],
            made["label"],
        )
        done = first + reader.num_frames


class _Sums:
    """Errors over a film, frame by frame and sample by sample."""

    def __init__(self) -> None:
        self._video = self._audio = self._energy = 0.0
        self._num_frames = self._num_samples = 0
        self._logits: list[np.ndarray] = []

    def add(self, piece: _Piece) -> None:
        squares = _squares(piece.made_frames, piece.true_frames).reshape(len(piece.made_frames), -1)
        self._video += float(squares.mean(axis=1).sum())
        self._audio += float(_squares(piece.made_sound, piece.true_sound).sum())
        self._energy += float(_squares(piece.true_sound, np.float32(0)).sum())
        self._num_frames += len(piece.made_frames)
        self._num_samples += len(piece.made_sound)
        scores = piece.logits.astype(np.float64) - piece.logits.max()
        self._logits.append(scores - np.log(np.exp(scores).sum()))

    def values(self) -> dict[str, float | None]:
        return {
            "video_psnr": decibels_of(1.0, self._video / self._num_frames),
            "audio_psnr": decibels_of(1.0, self._audio / self._num_samples),
            "audio_snr": decibels_of(self._energy, self._audio) if self._energy else None,
            "audio_psnr_of_silence": decibels_of(1.0, self._energy / self._num_samples),
        }

    def mean_logits(self) -> np.ndarray:
        mean: np.ndarray = np.mean(self._logits, axis=0)
        return mean


def _reconstruct_clip(
    model: Any, reader: PerceiverClipReader, film: Film, first: int
) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    """The clip from frame `first` on and its reconstruction: `image` [frames, 3, height, width], `audio` [samples]."""
    clip = stacked([reader.read(film, first)])
    made = reconstructed(model, clip)
    return (
        {"image": clip["image"][0], "audio": clip["audio"][0, :, 0]},
        {
            "image": np.clip(made["image"][0], 0, 1),
            "audio": np.clip(made["audio"][0, :, 0], -1, 1),
            "label": made["label"][0],
        },
    )


def _squares(values: np.ndarray, truth: np.ndarray | np.float32) -> np.ndarray:
    return np.square(values.astype(np.float64) - truth)


def _side_by_side(films: tuple[np.ndarray, np.ndarray], scale: int, size: tuple[int, int]) -> np.ndarray:
    """Original left, reconstruction right, on white, enlarged pixel by pixel: [frames, *size, 3] uint8."""
    canvas = np.full((len(films[0]), *size, 3), 255, np.uint8)
    for index, pictures in enumerate(films):
        large = pictures.repeat(scale, axis=1).repeat(scale, axis=2)
        left = index * (large.shape[2] + GAP)
        canvas[:, : large.shape[1], left : left + large.shape[2]] = large
    return canvas


def _bytes(frames: np.ndarray) -> np.ndarray:
    """[frames, 3, height, width] in [0, 1] to [frames, height, width, 3] uint8."""
    return np.rint(frames * 255).astype(np.uint8).transpose(0, 2, 3, 1)


def _even(number: int) -> int:
    return number + number % 2
