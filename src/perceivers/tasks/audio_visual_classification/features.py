"""What the model sees and hears of clips: frames, and samples or log-mel energies."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Literal, Self

import torch
from torch import Tensor

from perceivers.errors import CheckpointError
from perceivers.processors.audio.log_mel import log_mel_spectrogram
from perceivers.processors.video.clip_cache import ClipCache
from perceivers.processors.video.clips import PerceiverClipReader
from perceivers.records import write_json
from perceivers.tasks.audio_visual_classification.options import AudioVisualClassificationArguments

FILE = "preprocessor_config.json"
MODALITY_NAMES = ("audio", "image")


@dataclass(frozen=True)
class AudioVisualFeatures:
    """Cuts clips out of films and turns their sound into what the model hears.

    Args:
        reader: cuts the clips.
        sound_form: "raw" or "log-mel".
        num_mel_bins: frequency bands of log-mel energies.
        mean: of the log-mel energies of the training sounds; it is taken off.
        std: their standard deviation; what is left is divided by it.
    """

    reader: PerceiverClipReader
    sound_form: Literal["raw", "log-mel"] = "log-mel"
    num_mel_bins: int = 64
    mean: float = field(default=0.0)
    std: float = field(default=1.0)

    def hear(self, waveforms: Tensor) -> Tensor:
        """[batch, samples] in [-1, 1] to [batch, samples, 1] as they are, or to energies [batch, frames, num_mel_bins]."""
        if self.sound_form == "raw":
            return waveforms[..., None]
        energies = log_mel_spectrogram(waveforms, self.reader.sampling_rate, num_mel_bins=self.num_mel_bins)
        return (energies - self.mean) / self.std

    def normalized_by(self, waveforms: Sequence[Tensor]) -> Self:
        """The same, log-mel energies brought to mean 0 and standard deviation 1 over these waveforms [samples]."""
        if self.sound_form == "raw" or not waveforms:
            return self
        plain = replace(self, mean=0.0, std=1.0)
        energies = plain.hear(torch.stack(list(waveforms))).double()
        std = float(energies.std(correction=0))
        # Digital silence has no spread.
        return replace(self, mean=float(energies.mean()), std=std if std > 0.0 else 1.0)

    def save_pretrained(self, folder: Path) -> None:
        """Write `preprocessor_config.json` into `folder`."""
        settings = asdict(replace(self, reader=replace(self.reader, cache=None)))
        del settings["reader"]["cache"]
        write_json(Path(folder) / FILE, {"processor_class": type(self).__name__, **settings})

    @classmethod
    def from_pretrained(cls, folder: Path, cache: ClipCache | None = None) -> Self:
        """Read what `save_pretrained` wrote; `cache` is the reader's."""
        path = Path(folder) / FILE
        try:
            settings: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
            del settings["processor_class"]
            reader = PerceiverClipReader(**settings.pop("reader"), cache=cache)
            return cls(reader, **settings)
        except (OSError, ValueError, TypeError, KeyError) as error:
            raise CheckpointError(
                f"`{path}` does not hold the settings of {cls.__name__}: {error!r}"
            ) from error


def reader_of(chosen: AudioVisualClassificationArguments, cache: ClipCache | None) -> PerceiverClipReader:
    """What cuts clips as the arguments ask for them."""
    return PerceiverClipReader(
        num_frames=chosen.num_frames,
        frame_rate=chosen.frame_rate,
        height=chosen.height,
        width=chosen.width,
        samples_per_frame=chosen.audio_samples_per_frame,
        cache=cache,
    )


def modalities_of(chosen: AudioVisualClassificationArguments) -> dict[str, dict[str, Any]]:
    """`config.modalities` for the inputs that the arguments ask for; the highest positions tell tokens apart."""
    patch = chosen.video_patch_size
    grid = [chosen.num_frames // chosen.video_frames_per_patch, chosen.height // patch, chosen.width // patch]
    image = {
        "type": "image",
        "spatial_downsample": patch,
        "temporal_downsample": chosen.video_frames_per_patch,
        "out_channels": chosen.video_patch_channels,
        "num_bands": chosen.video_bands,
        "max_resolution": grid,
        "drop_probability": chosen.video_dropped,
    }
    audio: dict[str, Any]
    if chosen.sound_form == "raw":
        tokens = chosen.num_samples // chosen.samples_per_patch
        audio = {"type": "audio", "samples_per_patch": chosen.samples_per_patch}
    else:
        hop = round(chosen.frame_rate * chosen.audio_samples_per_frame / 100)
        tokens = -(-(1 + chosen.num_samples // hop) // chosen.mel_frames_per_patch)
        audio = {
            "type": "spectrogram",
            "mel_bins": chosen.num_mel_bins,
            "frames_per_patch": chosen.mel_frames_per_patch,
        }
    audio |= {
        "out_channels": chosen.audio_patch_channels,
        "num_bands": chosen.audio_bands,
        "max_resolution": tokens,
        "drop_probability": chosen.audio_dropped,
    }
    return {"audio": audio, "image": image}
