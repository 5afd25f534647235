"""Sound to log-mel spectrograms: read, brought to one rate, cut, measured, scaled."""

from __future__ import annotations

import math
from typing import Any

import torch

from perceivers.errors import ConfigurationError
from perceivers.processors.audio.log_mel import log_mel_spectrogram
from perceivers.processors.audio.mel import filter_bank, frame_sizes
from perceivers.processors.audio.processor import read_waveforms
from perceivers.processors.batch import ProcessedBatch


class PerceiverSpectrogramProcessor:
    """Waveforms to `spectrogram` [batch, frames, num_mel_bins] and the frames that count.

    Args:
        sampling_rate: that sound is brought to, in Hz.
        num_samples: longer sound is cut at its end, and every spectrogram has the frames of so many samples. None: the
            spectrogram is as long as the longest sound of the batch.
        num_mel_bins: see `log_mel_spectrogram`, as the following ones.
        window_length: in samples.
        hop_length: in samples.
        fft_size: in samples.
        min_frequency: in Hz.
        max_frequency: in Hz.
        mel_scale: "htk" or "slaney".
        floor: energy added before the logarithm.
        mean: subtracted from the logarithms. None, for this and `std`: such that silence becomes -1, and the energy 1 of a
            full sine wave 1.
        std: divides them.

    Example:
        processor = PerceiverSpectrogramProcessor(sampling_rate=16_000)
        batch = processor(["one.wav", "two.flac"])
        outputs = model(batch.spectrogram, attention_mask=batch.attention_mask)
    """

    model_input_names = ("spectrogram", "attention_mask")

    def __init__(
        self,
        sampling_rate: int = 16_000,
        num_samples: int | None = None,
        num_mel_bins: int = 64,
        window_length: int | None = None,
        hop_length: int | None = None,
        fft_size: int | None = None,
        min_frequency: float = 0.0,
        max_frequency: float | None = None,
        mel_scale: str = "htk",
        floor: float = 1e-8,
        mean: float | None = None,
        std: float | None = None,
    ) -> None:
        if num_samples is not None and num_samples < 1:
            raise ConfigurationError(f"`num_samples` must be at least 1, received {num_samples}")
        if (mean is None) != (std is None) or (std is not None and not std > 0):
            raise ConfigurationError(
                f"`mean` and `std` must be given together, `std` above 0, received {mean} and {std}"
            )
        if not 0 < floor < 1:
            raise ConfigurationError(f"`floor` must be between 0 and 1, received {floor}")
        self.sampling_rate = sampling_rate
        self.num_samples = num_samples
        self.num_mel_bins = num_mel_bins
        self.window_length, self.hop_length, self.fft_size = frame_sizes(
            sampling_rate, window_length, hop_length, fft_size
        )
        # Settings that do not go together are refused here, not at the first sound.
        filter_bank(num_mel_bins, self.fft_size, sampling_rate, min_frequency, max_frequency, mel_scale)
        self.min_frequency = min_frequency
        self.max_frequency = max_frequency
        self.mel_scale = mel_scale
        self.floor = floor
        self.mean = math.log(floor) / 2 if mean is None else mean
        self.std = -math.log(floor) / 2 if std is None else std

    def num_frames(self, num_samples: int) -> int:
        """Frames of so many samples at `sampling_rate`."""
        return 1 + num_samples // self.hop_length

    def __call__(
        self,
        audio: Any,
        sampling_rate: int | None = None,
        *,
        channel_axis: int | None = None,
        device: torch.device | str | None = None,
    ) -> ProcessedBatch:
        """Turn waveforms into spectrograms; arguments as `PerceiverAudioProcessor` takes them.

        Returns:
            A mapping with `spectrogram` [batch, frames, num_mel_bins], float32, zeros after the end of a shorter sound, and
            `attention_mask` bool [batch, frames], True for the frames of each sound.
        """
        waveforms = read_waveforms(audio, sampling_rate, self.sampling_rate, channel_axis)
        spectrograms = [
            log_mel_spectrogram(
                waveform[: self.num_samples],
                self.sampling_rate,
                num_mel_bins=self.num_mel_bins,
                window_length=self.window_length,
                hop_length=self.hop_length,
                fft_size=self.fft_size,
                min_frequency=self.min_frequency,
                max_frequency=self.max_frequency,
                mel_scale=self.mel_scale,
                floor=self.floor,
            )
            for waveform in waveforms
        ]
        longest = max(each.shape[0] for each in spectrograms)
        frames = longest if self.num_samples is None else self.num_frames(self.num_samples)
        place = waveforms[0].device if device is None else device
        batch = torch.zeros(len(waveforms), frames, self.num_mel_bins, device=place)
        mask = torch.zeros(len(waveforms), frames, dtype=torch.bool, device=place)
        for index, each in enumerate(spectrograms):
            batch[index, : each.shape[0]] = ((each - self.mean) / self.std).to(place)
            mask[index, : each.shape[0]] = True
        return ProcessedBatch({"spectrogram": batch, "attention_mask": mask})
