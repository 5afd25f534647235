"""`pipeline(task, model)`: Transformers' function, with the library's models, runs and processors made fit for it."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from perceivers.arguments import ARGUMENTS_FILE
from perceivers.errors import ConfigurationError
from perceivers.integrations.transformers import models
from perceivers.integrations.transformers.configuration import PerceiverConfig
from perceivers.integrations.transformers.models import PerceiverPreTrainedModel, adapt
from perceivers.integrations.transformers.package import Pipeline, transformers
from perceivers.integrations.transformers.pipelines.optical_flow import OpticalFlowPipeline
from perceivers.integrations.transformers.pipelines.table import TablePredictionPipeline
from perceivers.integrations.transformers.pipelines.video_autoencoding import VideoAutoencodingPipeline
from perceivers.models.base import PerceiverPreTrainedModel as PlainModel
from perceivers.predictor import Predictor, load
from perceivers.processors.audio.processor import PerceiverAudioProcessor
from perceivers.processors.auto import AutoImageProcessor, AutoTokenizer
from perceivers.processors.multimodal import PerceiverMultimodalProcessor
from perceivers.processors.optical_flow.processor import PerceiverOpticalFlowProcessor
from perceivers.processors.tokenizer import PerceiverTokenizer
from perceivers.processors.video.processor import PerceiverVideoProcessor

TABLES = "table-prediction"

#: Pipelines that Transformers does not have.
PIPELINES: Mapping[str, type[Pipeline]] = {
    "optical-flow": OpticalFlowPipeline,
    TABLES: TablePredictionPipeline,
    "video-autoencoding": VideoAutoencodingPipeline,
}

_TEXT = ("fill-mask", "text-classification", "feature-extraction")
_TASKS = (*_TEXT, "image-classification", *PIPELINES)
# The class of a checkpoint, where the task leaves no choice; elsewhere its config.json says it.
_MODELS = {
    "fill-mask": models.PerceiverForMaskedLM,
    "text-classification": models.PerceiverForSequenceClassification,
    "optical-flow": models.PerceiverForOpticalFlow,
    "video-autoencoding": models.PerceiverForMultimodalAutoencoding,
}


def pipeline(
    task: str,
    model: Any,
    *,
    tokenizer: Any = None,
    image_processor: Any = None,
    processor: Any = None,
    **options: Any,
) -> Pipeline:
    """A pipeline of Transformers on one of the library's models. Nothing is registered.

    Example:
        pipeline("fill-mask", "deepmind/language-perceiver")("This is [MASK]etter.")
        pipeline("table-prediction", "runs/houses")([{"photo": "a.jpg", "rooms": 3}])

    Args:
        task: "fill-mask", "text-classification", "image-classification", "feature-extraction" (of texts), "optical-flow",
            "video-autoencoding" or "table-prediction".
        model: a model of the library, or of this package; the folder of a training run; a folder with a checkpoint, or a hub
            name. "table-prediction" takes runs whose answers come from columns, or a Predictor.
        tokenizer: of the text tasks; None: the checkpoint's, else a new PerceiverTokenizer.
        image_processor: of "image-classification" and "optical-flow"; None: the checkpoint's, or one that the model's sizes
            say.
        processor: of "video-autoencoding"; None: likewise.
        options: what `transformers.pipeline` takes, such as `device` or `top_k`.

    Raises:
        ConfigurationError: the task is not among these, or the model is of no use for it.
    """
    if task not in _TASKS:
        raise ConfigurationError(f"`task` must be one of {', '.join(_TASKS)}, received {task!r}")
    place = str(model) if isinstance(model, str | os.PathLike) else None
    beside = None
    if place is not None and (Path(place) / ARGUMENTS_FILE).is_file():
        model = load(place, device="cpu" if options.get("device") in ("cpu", -1) else "auto")
        place = None
    if task == TABLES:
        return _of_table(model, options)
    if isinstance(model, Predictor):
        model, beside = model.parts.model, model.parts.processor
    adapted = _checkpoint(task, place) if place is not None else _adapted(model)
    if isinstance(adapted, models.PerceiverForPrediction):
        raise ConfigurationError(
            f"`task` must be {TABLES!r} for a run whose answers come from columns, received {task!r}"
        )
    config = adapted.config
    parts: dict[str, Any] = {}
    if task in _TEXT:
        parts["tokenizer"] = tokenizer or beside or _tokenizer(place, config)
    elif task == "image-classification":
        parts["image_processor"] = image_processor or _image_processor(place)
    elif task == "optical-flow":
        parts["image_processor"] = image_processor or beside or _of_frames(config)
    else:
        parts["processor"] = processor or beside or _of_films(config)
    if task not in PIPELINES:
        return transformers.pipeline(task, model=adapted, **parts, **options)
    return PIPELINES[task](model=adapted, task=task, **parts, **options)


def _of_table(model: Any, options: Mapping[str, Any]) -> Pipeline:
    if not isinstance(model, Predictor):
        raise ConfigurationError(
            f"`model` must be the folder of a training run for {TABLES!r}, or a Predictor, received "
            f"{type(model).__name__}"
        )
    if not isinstance(model.parts.model, models.PerceiverForPrediction.plain_class):
        raise ConfigurationError(
            f"`model` must be a run whose answers come from columns for {TABLES!r}, received one of {model.task.name}"
        )
    adapted = adapt(model.parts.model)
    # The fast form that answers stays where it was made.
    settings = {**options, "device": adapted.device}
    return TablePredictionPipeline(model=adapted, processor=model, task=TABLES, **settings)


def _adapted(model: Any) -> PerceiverPreTrainedModel:
    if isinstance(model, PerceiverPreTrainedModel):
        return model
    if isinstance(model, PlainModel):
        return adapt(model)
    raise ConfigurationError(
        f"`model` must be a model of this library, a folder or a hub name, received {type(model).__name__}"
    )


def _checkpoint(task: str, place: str) -> PerceiverPreTrainedModel:
    found = _MODELS.get(task)
    if found is None:
        config = PerceiverConfig.from_pretrained(place)
        by_name = {made.__name__: made for made in models.CLASSES.values()}
        names = [name for name in config.architectures or () if name in by_name]
        if not names:
            raise ConfigurationError(
                f"`model` must say its class for {task!r}: `architectures` in the config.json of {place} names none of "
                f"{', '.join(by_name)}"
            )
        found = by_name[names[0]]
    loaded: PerceiverPreTrainedModel = found.from_pretrained(place)
    return loaded


def _tokenizer(place: str | None, config: PerceiverConfig) -> PerceiverTokenizer:
    if place is not None:
        return AutoTokenizer.from_pretrained(place)
    return PerceiverTokenizer(model_max_length=config.max_position_embeddings)


def _image_processor(place: str | None) -> Any:
    if place is None:
        raise ConfigurationError(
            "`image_processor` must be given beside a model, such as PerceiverImageProcessorFast(), received None"
        )
    # Both kinds give the same values; this one takes pictures of one size together, on any device.
    return AutoImageProcessor.from_pretrained(place, use_fast=True)


def _of_frames(config: PerceiverConfig) -> PerceiverOpticalFlowProcessor:
    return PerceiverOpticalFlowProcessor(config.flow_patch_size, config.flow_target_scale)


def _of_films(config: PerceiverConfig) -> PerceiverMultimodalProcessor:
    height, width = config.output_shape[-2:]
    return PerceiverMultimodalProcessor(
        PerceiverVideoProcessor(config.num_frames, {"height": height, "width": width}),
        PerceiverAudioProcessor(
            num_samples=config.num_frames * config.audio_samples_per_frame,
            samples_per_patch=config.samples_per_patch,
        ),
        num_labels=config.num_labels,
    )
