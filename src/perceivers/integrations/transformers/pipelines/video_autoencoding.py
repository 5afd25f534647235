"""The pipeline "video-autoencoding": a film with its sound in; the same out of the latents, and its class."""

from __future__ import annotations

from collections.abc import Mapping
from os import PathLike
from typing import Any

import torch

from perceivers.errors import DataError
from perceivers.integrations.transformers.package import Pipeline
from perceivers.processors.multimodal import PerceiverMultimodalProcessor
from perceivers.processors.video.clip import stacked
from perceivers.processors.video.clips import PerceiverClipReader


class VideoAutoencodingPipeline(Pipeline):  # type: ignore[misc]
    """Reconstruction of films; `processor` is a PerceiverMultimodalProcessor, or the PerceiverClipReader of a run.

    Example:
        made = pipe("film.mp4")  # image [frames, height, width, 3], audio [samples], labels
    """

    _load_processor = True
    _load_image_processor = False
    _load_feature_extractor = False
    _load_tokenizer = False

    def __call__(self, inputs: Any, **options: Any) -> Any:
        """Reconstruct one film, or each of a list.

        Args:
            inputs: a path, or {"video": frames, "audio": waveform, "sampling_rate": Hz}, or a list of these; see
                PerceiverMultimodalProcessor for what each may be. A clip reader takes paths alone. The class is never told:
                the model fills it in.
            options: `top_k`, classes named (5); `start`, the first frame; and what every pipeline takes.

        Returns:
            For each film `image` uint8 [frames, height, width, 3], `audio` float32 [samples] in [-1, 1] and `labels`, the
            likeliest first, each with `label` and `score`.
        """
        return super().__call__(inputs, **options)

    def _sanitize_parameters(
        self, top_k: int = 5, start: int = 0, **_: Any
    ) -> tuple[dict[str, Any], dict[str, Any], dict[str, Any]]:
        return {"start": start}, {}, {"top_k": top_k}

    def preprocess(self, inputs: Any, start: int = 0) -> dict[str, Any]:
        """`image` and `audio` of a film."""
        if isinstance(self.processor, PerceiverClipReader):
            if not isinstance(inputs, str | PathLike):
                raise DataError(f"`inputs` must be a film's path, received {type(inputs).__name__}")
            clip = self.processor.read(self.processor.survey(str(inputs)), start)
            return {name: torch.from_numpy(each) for name, each in stacked([clip]).items()}
        given = dict(inputs) if isinstance(inputs, Mapping) else {"video": inputs}
        return dict(self.processor(**given, start=start))

    def _forward(self, model_inputs: Mapping[str, Any]) -> dict[str, Any]:
        return dict(self.model.plain.reconstruct(dict(model_inputs)))

    def postprocess(self, model_outputs: Mapping[str, Any], top_k: int = 5) -> dict[str, Any]:
        """What to show and hear, and the likeliest classes."""
        # What is shown of a reconstruction does not depend on how films are read.
        shown = PerceiverMultimodalProcessor().post_process(model_outputs)
        probabilities = shown["label"][0]
        best = torch.topk(probabilities, min(top_k, len(probabilities)))
        names = self.model.config.id2label
        return {
            "image": shown["image"][0].cpu().numpy(),
            "audio": shown["audio"][0].cpu().numpy(),
            "labels": [
                {"label": names[index], "score": score}
                for score, index in zip(best.values.tolist(), best.indices.tolist(), strict=True)
            ],
        }
