"""A video with its sound, and a class label, to the inputs of the multimodal autoencoder; and back."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from perceivers.errors import ConfigurationError, DataError
from perceivers.processors.audio.processor import PerceiverAudioProcessor
from perceivers.processors.batch import ProcessedBatch
from perceivers.processors.video.files import read_video
from perceivers.processors.video.processor import PerceiverVideoProcessor


class PerceiverMultimodalProcessor:
    """Video, sound and label to `image`, `audio` and `label`, each only where something is given.

    The defaults are those of the released Kinetics-700 autoencoder: `image` [batch, 16, 3, 224, 224], `audio`
    [batch, 30720, 1], `label` [batch, 700].

    Args:
        video_processor: for the frames.
        audio_processor: for the sound.
        num_labels: number of classes.

    Example:
        processor = PerceiverMultimodalProcessor()
        inputs = processor(video=frames, audio=waveform, sampling_rate=44_100, label="unknown")
        outputs = model(inputs=inputs)
        shown = processor.post_process(model.reconstruct(inputs))
    """

    model_input_names = ("image", "audio", "label")

    def __init__(
        self,
        video_processor: PerceiverVideoProcessor | None = None,
        audio_processor: PerceiverAudioProcessor | None = None,
        num_labels: int = 700,
    ) -> None:
        if num_labels < 1:
            raise ConfigurationError(f"`num_labels` must be at least 1, received {num_labels}")
        self.video_processor = video_processor or PerceiverVideoProcessor()
        self.audio_processor = audio_processor or PerceiverAudioProcessor()
        self.num_labels = num_labels

    def __call__(
        self,
        video: Any = None,
        audio: Any = None,
        label: Any = None,
        *,
        sampling_rate: int | None = None,
        start: int = 0,
        device: torch.device | str | None = None,
    ) -> ProcessedBatch:
        """Turn what is given into the model's inputs.

        Args:
            video: see `PerceiverVideoProcessor`. A file's path brings its own sound, unless `audio` is given.
            audio: see `PerceiverAudioProcessor`; sound that begins with the chosen frames.
            label: class ids, one for each example or one number; or "unknown": zeros, which the autoencoder is to
                fill in.
            sampling_rate: of the sound, in Hz; None: the audio processor's own.
            start: first frame of the video.
            device: where the result lies; None: where the parts are.

        Returns:
            A mapping with `image`, `audio` and `label`, as far as they are given.
        """
        inputs = ProcessedBatch()
        if isinstance(video, str | os.PathLike):
            content = read_video(video)
            if audio is None and content.waveform is not None:
                begin = round(start / content.frame_rate * (content.sampling_rate or 0))
                audio, sampling_rate = content.waveform[:, begin:], content.sampling_rate
            video = content.frames
        if video is not None:
            inputs.update(self.video_processor(video, start=start, device=device))
        if audio is not None:
            inputs.update(self.audio_processor(audio, sampling_rate, device=device))
        sizes = {name: values.shape[0] for name, values in inputs.items()}
        if len(set(sizes.values())) > 1:
            raise DataError(f"`video` and `audio` must hold as many examples, received {sizes}")
        if label is not None:
            inputs["label"] = self._one_hot(label, next(iter(sizes.values()), None), device)
        if not inputs:
            raise DataError("`video`, `audio` or `label` must be given, received none of them")
        return inputs

    def post_process(self, outputs: Mapping[str, Tensor]) -> ProcessedBatch:
        """What to show and hear of a reconstruction, for the modalities that are there.

        Args:
            outputs: `image` [batch, frames, 3, height, width], `audio` [batch, samples, 1], `label`
                [batch, num_labels] logits.

        Returns:
            A mapping with `image` [batch, frames, height, width, 3] uint8, `audio` [batch, samples] in [-1, 1],
            `label` [batch, num_labels] probabilities.
        """
        shown = ProcessedBatch()
        if "image" in outputs:
            shown["image"] = self.video_processor.post_process(outputs["image"])
        if "audio" in outputs:
            shown["audio"] = self.audio_processor.post_process(outputs["audio"])
        if "label" in outputs:
            shown["label"] = outputs["label"].float().softmax(dim=-1)
        return shown

    def _one_hot(self, label: Any, batch: int | None, device: torch.device | str | None) -> Tensor:
        """[batch, num_labels] float32, one 1 a row, or zeros for "unknown"."""
        if isinstance(label, str):
            if label != "unknown":
                raise DataError(f'`label` must be class ids or "unknown", received {label!r}')
            return torch.zeros(batch or 1, self.num_labels, device=device)
        ids = torch.as_tensor(label, device=device)
        if ids.is_floating_point() or ids.ndim > 1 or ids.numel() == 0:
            raise DataError(f"`label` must be one class id for each example, received {label!r}")
        ids = ids.reshape(-1).long()
        if batch is not None and ids.shape[0] != batch:
            raise DataError(
                f"`label` must hold {batch} class ids, one for each example, received {ids.shape[0]}"
            )
        if int(ids.min()) < 0 or int(ids.max()) >= self.num_labels:
            raise DataError(
                f"`label` must hold class ids from 0 to {self.num_labels - 1}, received {int(ids.min())} to "
                f"{int(ids.max())}"
            )
        return torch.nn.functional.one_hot(ids, self.num_labels).float()
