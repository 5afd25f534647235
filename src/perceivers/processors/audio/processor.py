"""Sound to the model's input: mono, at one rate, a whole number of patches long; and back."""

from __future__ import annotations

import os
from typing import Any

import torch
from torch import Tensor

from perceivers.errors import ConfigurationError, DataError, ShapeError
from perceivers.processors.audio.files import read_audio
from perceivers.processors.audio.mono import one_channel_of
from perceivers.processors.audio.resampling import resample
from perceivers.processors.batch import ProcessedBatch


class PerceiverAudioProcessor:
    """Waveforms to `audio` [batch, samples, 1] in [-1, 1], and back.

    The defaults are those of the released multimodal model: 30,720 samples at 48 kHz, as long as 16 frames of
    video at 25 frames a second, in patches of 16.

    Args:
        sampling_rate: of the result, in Hz.
        num_samples: length of the result, longer sound is cut at its end and shorter padded with zeros. None: as
            long as the longest of the batch, padded to whole patches.
        samples_per_patch: the result's length is a multiple of it.

    Example:
        processor = PerceiverAudioProcessor()
        audio = processor(waveform, sampling_rate=44_100).audio  # [1, 30720, 1]
        waveforms = processor.post_process(audio)  # [1, 30720]
    """

    model_input_names = ("audio",)

    def __init__(
        self, sampling_rate: int = 48_000, num_samples: int | None = 30_720, samples_per_patch: int = 16
    ) -> None:
        for name, value in (("sampling_rate", sampling_rate), ("samples_per_patch", samples_per_patch)):
            if value < 1:
                raise ConfigurationError(f"`{name}` must be at least 1, received {value}")
        if num_samples is not None and (num_samples < 1 or num_samples % samples_per_patch != 0):
            raise ConfigurationError(
                f"`num_samples` must be a multiple of `samples_per_patch` ({samples_per_patch}), received {num_samples}"
            )
        self.sampling_rate = sampling_rate
        self.num_samples = num_samples
        self.samples_per_patch = samples_per_patch

    def __call__(
        self,
        audio: Any,
        sampling_rate: int | None = None,
        *,
        channel_axis: int | None = None,
        device: torch.device | str | None = None,
        return_attention_mask: bool = False,
    ) -> ProcessedBatch:
        """Turn waveforms into `audio`.

        Args:
            audio: one waveform or a list of them, or [batch, channels, samples]. Each is [samples], or has an axis
                of channels too; whole numbers (int8, int16, int32, or uint8 around 128) are brought to [-1, 1],
                floats are already there. A path is read with soundfile.
            sampling_rate: of waveforms, in Hz; files know their own. None: the processor's own, nothing is
                resampled.
            channel_axis: which axis of a two-axis waveform holds the channels, whose mean is taken; None: the
                shorter one.
            device: where the result lies; None: where the first waveform is.
            return_attention_mask: also return which patches hold sound, and not just what was appended to it.

        Returns:
            A mapping with `audio` [batch, samples, 1], float32 in [-1, 1], and `attention_mask` bool
            [batch, samples / samples_per_patch] where it is asked for.
        """
        waveforms = read_waveforms(audio, sampling_rate, self.sampling_rate, channel_axis)
        longest = max(waveform.shape[0] for waveform in waveforms)
        patches = -(-longest // self.samples_per_patch)
        length = self.num_samples or patches * self.samples_per_patch
        place = waveforms[0].device if device is None else device
        batch = torch.zeros(len(waveforms), length, 1, device=place)
        mask = torch.zeros(len(waveforms), length // self.samples_per_patch, dtype=torch.bool, device=place)
        for row, counts, waveform in zip(batch, mask, waveforms, strict=True):
            kept = waveform[:length]
            row[: kept.shape[0], 0] = kept
            counts[: -(-kept.shape[0] // self.samples_per_patch)] = True
        processed = ProcessedBatch({"audio": batch})
        if return_attention_mask:
            processed["attention_mask"] = mask
        return processed

    def post_process(self, audio: Tensor) -> Tensor:
        """Waveforms of the model's output.

        Args:
            audio: [batch, samples, 1], or patches [batch, num_patches, samples_per_patch].

        Returns:
            [batch, samples] float32 in [-1, 1], at the processor's sampling rate.
        """
        if audio.ndim != 3:
            raise ShapeError(
                "`audio` must have shape [batch, samples, 1] or [batch, num_patches, samples_per_patch], received "
                f"{list(audio.shape)}"
            )
        return audio.flatten(1).float().clamp(-1, 1)


def read_waveforms(
    audio: Any, sampling_rate: int | None, wanted_rate: int, channel_axis: int | None
) -> list[Tensor]:
    """Every waveform that was given, of one channel and at one rate, [samples] float32 in [-1, 1].

    Args:
        audio: see `PerceiverAudioProcessor.__call__`.
        sampling_rate: of waveforms, in Hz; None: `wanted_rate`.
        wanted_rate: of the result, in Hz.
        channel_axis: see `to_mono`.
    """
    given = list(audio) if _is_batch(audio) else [audio]
    if not given:
        raise DataError("`audio` must hold at least one waveform, received none")
    rate = wanted_rate if sampling_rate is None else sampling_rate
    waveforms = []
    for position, entry in enumerate(given):
        is_file = isinstance(entry, str | os.PathLike)
        waveform, from_rate = read_audio(entry) if is_file else (entry, rate)
        mono = to_mono(waveform, channel_axis=channel_axis, name=f"audio[{position}]")
        waveforms.append(resample(mono, from_rate, wanted_rate).clamp(-1, 1))
    return waveforms


def to_mono(waveform: Any, *, channel_axis: int | None = None, name: str = "audio") -> Tensor:
    """One channel of a waveform, [samples] float32, see `one_channel_of`; of a tensor, where the tensor lies.

    Args:
        waveform: [samples], or [channels, samples] or [samples, channels]; array, tensor or numbers.
        channel_axis: which axis holds the channels; None: the shorter one.
        name: what messages call it.
    """
    if not isinstance(waveform, Tensor):
        return torch.from_numpy(one_channel_of(waveform, channel_axis=channel_axis, name=name).copy())
    values = waveform.detach().cpu()
    array = (values.float() if values.is_floating_point() else values).numpy()
    mono = torch.from_numpy(one_channel_of(array, channel_axis=channel_axis, name=name))
    return mono.to(waveform.device)


def _is_batch(audio: Any) -> bool:
    """Whether several waveforms were given; a list of plain numbers is one."""
    if getattr(audio, "ndim", 0) == 3:
        return True
    return isinstance(audio, list | tuple) and not (audio and isinstance(audio[0], int | float))
