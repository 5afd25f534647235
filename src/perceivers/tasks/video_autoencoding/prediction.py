"""One film reconstructed clip after clip, written beside itself as it goes: a long film costs no memory."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from perceivers.answers.ranking import ranked_answers
from perceivers.errors import DataError
from perceivers.kinds.video.reading import require_a_clip
from perceivers.metrics.signal_to_noise import decibels, mean_squared_errors
from perceivers.processors.video.clips import PerceiverClipReader
from perceivers.processors.video.writing import VideoWriter, video_writer
from perceivers.tasks.base import Parts, Prediction
from perceivers.tasks.video_autoencoding.measures import reconstructions

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
        model: prepared.
        reader: cuts the clips.
        path: the film.
        class_names: names of the classes by id; none where the model has no classes.

    Returns:
        `values`: PSNRs and SNR in dB over the whole film, its length, and its class. `shown`: `film`, the .mp4 as bytes;
        `frames`, a list of (second, original, reconstruction) with pictures [height, width, 3] uint8; `waves`, lowest and
        highest samples of original and reconstruction, each [points, 2].
    """
    film = reader.survey(path)
    for there, what in ((film.has_video, "pictures"), (film.has_sound, "sound")):
        if not there:
            raise DataError(f"`{path}` must have {what}, received a film without {what}")
    require_a_clip(film, 0, film.num_frames, reader)
    sums = _Sums()
    wanted = {round(film.num_frames * (index + 0.5) / SHOWN_FRAMES - 0.5) for index in range(SHOWN_FRAMES)}
    frames: list[tuple[float, Tensor, Tensor]] = []
    waves: list[tuple[Tensor, Tensor]] = []
    scale = max(1, SHOWN_HEIGHT // reader.height)
    height, width = _even(scale * reader.height), _even(2 * scale * reader.width + GAP)
    stored = io.BytesIO()
    with video_writer(stored, reader.frame_rate, height, width, reader.sampling_rate) as writer:
        done = 0
        while done < film.num_frames:
            first = min(done, film.num_frames - reader.num_frames)
            clip, made = _reconstruct_clip(model, reader, film, first)
            skipped = done - first
            samples = skipped * reader.samples_per_frame
            true_frames, made_frames = clip["image"][skipped:], made["image"][skipped:]
            true_sound, made_sound = clip["audio"][samples:], made["audio"][samples:]
            sums.add(true_frames, made_frames, true_sound, made_sound, made["label"])
            shown = (_bytes(true_frames), _bytes(made_frames))
            _write(writer, shown, scale, (height, width), made_sound)
            waves.append((true_sound, made_sound))
            frames.extend(
                ((done + index) / reader.frame_rate, shown[0][index], shown[1][index])
                for index in range(len(true_frames))
                if done + index in wanted
            )
            done = first + reader.num_frames
    values: dict[str, Any] = {"seconds": film.num_frames / reader.frame_rate, **sums.values()}
    if class_names:
        (answer,) = ranked_answers(sums.mean_logits()[None], class_names)
        values.update(answer)
    true_wave, made_wave = (torch.cat(each) for each in zip(*waves, strict=True))
    shown_values = {
        "film": stored.getvalue(),
        "frames": frames,
        "waves": (extremes(true_wave), extremes(made_wave)),
    }
    return Prediction(path, values, shown_values)


def class_names(parts: Parts) -> list[str]:
    """Names of a model's classes by id."""
    labels = parts.model.config.id2label or {}
    return [labels[index] for index in range(len(labels))]


def extremes(waveform: Tensor) -> Tensor:
    """Lowest and highest sample of each stretch of a wave, [points, 2]: all that a drawing of it can show.

    Args:
        waveform: [samples].
    """
    points = min(WAVE_POINTS, len(waveform))
    return torch.stack([torch.stack([part.min(), part.max()]) for part in waveform.tensor_split(points)])


class _Sums:
    """Errors over a film, frame by frame and sample by sample."""

    def __init__(self) -> None:
        self._video = self._audio = self._energy = 0.0
        self._num_frames = self._num_samples = 0
        self._logits: list[Tensor] = []

    def add(
        self, true_frames: Tensor, frames: Tensor, true_sound: Tensor, sound: Tensor, logits: Tensor
    ) -> None:
        self._video += float(mean_squared_errors(frames, true_frames).sum())
        self._audio += float((sound - true_sound).cpu().double().square().sum())
        self._energy += float(true_sound.cpu().double().square().sum())
        self._num_frames += len(frames)
        self._num_samples += len(sound)
        self._logits.append(logits.log_softmax(dim=-1))

    def values(self) -> dict[str, float | None]:
        def psnr(squares: float, count: int) -> float:
            return float(decibels(1.0, torch.tensor(squares / count)))

        snr = decibels(self._energy, torch.tensor(self._audio)) if self._energy else None
        return {
            "video_psnr": psnr(self._video, self._num_frames),
            "audio_psnr": psnr(self._audio, self._num_samples),
            "audio_snr": None if snr is None else float(snr),
            "audio_psnr_of_silence": psnr(self._energy, self._num_samples),
        }

    def mean_logits(self) -> Tensor:
        return torch.stack(self._logits).mean(dim=0)


def _reconstruct_clip(
    model: Any, reader: PerceiverClipReader, film: Any, first: int
) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    """The clip from frame `first` on and its reconstruction: `image` [frames, 3, height, width], `audio` [samples]."""
    clip = reader.read(film, first)
    image, audio = clip.frames[None].float() / 255, clip.waveform[None, :, None]
    ((_, made),) = reconstructions(model, image.to(model.device), audio.to(model.device))
    return (
        {"image": image[0], "audio": audio[0, :, 0]},
        {
            "image": made["image"][0].cpu(),
            "audio": made["audio"][0, :, 0].cpu(),
            "label": made["label"][0].cpu(),
        },
    )


def _write(
    writer: VideoWriter,
    films: tuple[Tensor, Tensor],
    scale: int,
    size: tuple[int, int],
    sound: Tensor,
) -> None:
    """Original left, reconstruction right, on white, enlarged pixel by pixel."""
    canvas = torch.full((len(films[0]), *size, 3), 255, dtype=torch.uint8)
    for index, pictures in enumerate(films):
        large = pictures.repeat_interleave(scale, dim=1).repeat_interleave(scale, dim=2)
        left = index * (large.shape[2] + GAP)
        canvas[:, : large.shape[1], left : left + large.shape[2]] = large
    writer.add(canvas, sound)


def _bytes(frames: Tensor) -> Tensor:
    """[frames, 3, height, width] in [0, 1] to [frames, height, width, 3] uint8."""
    return (frames * 255).round().to(torch.uint8).permute(0, 2, 3, 1).contiguous()


def _even(number: int) -> int:
    return number + number % 2
