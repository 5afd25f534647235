"""What the model hears of sounds: patches of raw samples, or log-mel energies, and which of them count."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Self

import numpy as np
import torch
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence

from perceivers.errors import CheckpointError
from perceivers.processors.audio.log_mel import log_mel_spectrogram
from perceivers.records import write_json
from perceivers.tasks.audio_classification.options import AudioClassificationArguments

FILE = "preprocessor_config.json"


@dataclass(frozen=True, kw_only=True)
class SoundFeatures:
    """Waveforms to the model's input.

    Args:
        input_form: "log-mel" or "raw".
        sampling_rate: of the waveforms, in Hz.
        samples_per_patch: raw sound is filled up to whole patches of so many samples.
        num_mel_bins: frequency bands of a frame.
        window_length: samples that a frame is computed from.
        hop_length: samples from one frame to the next.
        min_frequency: lower end of the lowest band, in Hz.
        mean: of the log-mel energies of the training sounds; it is taken off.
        std: their standard deviation; what is left is divided by it.
    """

    input_form: Literal["log-mel", "raw"]
    sampling_rate: int
    samples_per_patch: int
    num_mel_bins: int
    window_length: int
    hop_length: int
    min_frequency: float
    mean: float = 0.0
    std: float = 1.0

    @classmethod
    def of(cls, chosen: AudioClassificationArguments) -> Self:
        """The features that the arguments ask for, not normalised yet."""
        samples_per_millisecond = chosen.sampling_rate / 1_000.0
        return cls(
            input_form=chosen.input_form,
            sampling_rate=chosen.sampling_rate,
            samples_per_patch=chosen.samples_per_patch,
            num_mel_bins=chosen.num_mel_bins,
            window_length=max(round(chosen.window_milliseconds * samples_per_millisecond), 1),
            hop_length=max(round(chosen.hop_milliseconds * samples_per_millisecond), 1),
            min_frequency=chosen.min_frequency,
        )

    def normalized_by(self, waveforms: Sequence[np.ndarray]) -> Self:
        """The same features, their log-mel energies brought to mean 0 and standard deviation 1 over these waveforms."""
        if self.input_form == "raw":
            return self
        plain = dataclasses.replace(self, mean=0.0, std=1.0)
        energies = torch.cat([plain.of_one(waveform).flatten() for waveform in waveforms]).double()
        std = float(energies.std(correction=0))
        # One second of digital silence has no spread.
        return dataclasses.replace(self, mean=float(energies.mean()), std=std if std > 0.0 else 1.0)

    def of_one(self, waveform: np.ndarray) -> Tensor:
        """Log-mel energies [frames, num_mel_bins], or samples [num_samples, 1], of one waveform [num_samples]."""
        samples = torch.from_numpy(np.ascontiguousarray(waveform, dtype=np.float32))
        if self.input_form == "raw":
            return samples[:, None]
        energies = log_mel_spectrogram(
            samples,
            self.sampling_rate,
            num_mel_bins=self.num_mel_bins,
            window_length=self.window_length,
            hop_length=self.hop_length,
            min_frequency=self.min_frequency,
        )
        return (energies - self.mean) / self.std

    def __call__(self, waveforms: Sequence[np.ndarray]) -> tuple[Tensor, Tensor | None]:
        """Turn waveforms into a batch.

        Args:
            waveforms: float32 [num_samples] each, in [-1, 1].

        Returns:
            [batch, frames, num_mel_bins] or [batch, samples, 1], shorter ones filled up with zeros; and a bool mask [batch,
            frames or samples], True where there is sound, or None where all are equally long.
        """
        rows = [self.of_one(waveform) for waveform in waveforms]
        lengths = torch.tensor([len(row) for row in rows])
        batch = pad_sequence(rows, batch_first=True)
        if self.input_form == "raw":
            batch = torch.nn.functional.pad(batch, (0, 0, 0, -batch.shape[1] % self.samples_per_patch))
        if bool((lengths == batch.shape[1]).all()):
            return batch, None
        return batch, torch.arange(batch.shape[1])[None] < lengths[:, None]

    def save_pretrained(self, folder: Path) -> None:
        """Write `preprocessor_config.json` into `folder`."""
        write_json(Path(folder) / FILE, dataclasses.asdict(self))

    @classmethod
    def from_pretrained(cls, folder: Path) -> Self:
        """Read what `save_pretrained` wrote."""
        path = Path(folder) / FILE
        try:
            return cls(**json.loads(path.read_text(encoding="utf-8")))
        except (OSError, ValueError, TypeError) as error:
            raise CheckpointError(
                f"`{path}` does not hold the features of a sound classifier: {error}"
            ) from error


def hide_bands(features: Tensor, time_bands: np.ndarray, frequency_bands: np.ndarray) -> None:
    """Set stretches of one spectrogram to 0, the mean, in place (SpecAugment, arXiv 1904.08779).

    Args:
        features: [frames, bins]; a view of the frames that count.
        time_bands: [count, 2], begin and end as shares of the frames.
        frequency_bands: [count, 2], the same of the bins.
    """
    frames, bins = features.shape
    for begin, end in np.round(time_bands * frames).astype(int):
        features[begin:end] = 0.0
    for begin, end in np.round(frequency_bands * bins).astype(int):
        features[:, begin:end] = 0.0


def modality_of(chosen: AudioClassificationArguments) -> dict[str, Any]:
    """The entry of `config.modalities` for the inputs that the arguments ask for."""
    common = {"out_channels": chosen.patch_channels, "num_bands": chosen.num_fourier_bands}
    if chosen.input_form == "raw":
        return {
            "type": "audio",
            "samples_per_patch": chosen.samples_per_patch,
            "max_resolution": chosen.time_resolution or _patches_of_a_clip(chosen),
            **common,
        }
    time_resolution = chosen.time_resolution or _patches_of_a_clip(chosen)
    two_axes = chosen.bins_per_patch is not None
    columns = chosen.num_mel_bins // (chosen.bins_per_patch or chosen.num_mel_bins)
    return {
        "type": "spectrogram",
        "mel_bins": chosen.num_mel_bins,
        "frames_per_patch": chosen.frames_per_patch,
        "bins_per_patch": chosen.bins_per_patch,
        "max_resolution": [time_resolution, columns] if two_axes else time_resolution,
        **common,
    }


def _patches_of_a_clip(chosen: AudioClassificationArguments) -> int:
    """Patches in time of a clip; 256 where sounds have any length."""
    if chosen.clip_samples is None:
        return 256
    if chosen.input_form == "raw":
        return chosen.clip_samples // chosen.samples_per_patch
    hop = SoundFeatures.of(chosen).hop_length
    return -(-(1 + chosen.clip_samples // hop) // chosen.frames_per_patch)
