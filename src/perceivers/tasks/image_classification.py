"""Image classification: pixels with Fourier positions in, one of several classes out."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from perceivers.arguments import DataArguments, ImageClassificationArguments
from perceivers.configuration import PerceiverConfig
from perceivers.data.augmentation import random_affine
from perceivers.data.images import ImageSample, find_images, load_images, read_image
from perceivers.data.splits import Splits
from perceivers.errors import MissingExtraError
from perceivers.models.image_classification import PerceiverForImageClassificationFourier
from perceivers.processors.image.pillow import PerceiverImageProcessor
from perceivers.tasks.base import Batch, Parts, Prediction, Step, Task
from perceivers.tasks.image_classification_picture import draw_predictions

if TYPE_CHECKING:
    from torchmetrics import MetricCollection

PREDICTION_BATCH_SIZE = 64
NUM_ALTERNATIVES = 5


class ImageClassification(Task[ImageClassificationArguments]):
    """Pictures of any size, grey or colour, one folder a class."""

    name: ClassVar[str] = "image-classification"
    headline: ClassVar[str] = "accuracy"
    arguments_class: ClassVar[type[Any]] = ImageClassificationArguments

    def load_data(self, arguments: DataArguments, parts: Parts | None = None) -> Splits:
        """Load labelled pictures; those of a trained model must be of its classes."""
        names = None if parts is None else class_names(parts)
        return load_images(
            arguments.data,
            class_names=names,
            test_fraction=arguments.test_fraction,
            validation_fraction=arguments.validation_fraction,
            split_seed=arguments.split_seed,
            unreadable=arguments.unreadable,
        )

    def build(self, splits: Splits) -> Parts:
        """Build a classifier of the asked size, and an image processor that resizes and scales to [-1, 1]."""
        chosen = self.arguments
        size = (chosen.image_height, chosen.image_width)
        config = PerceiverConfig(
            num_latents=chosen.num_latents,
            d_latents=chosen.latent_channels,
            num_blocks=1,
            num_self_attends_per_block=chosen.num_layers,
            num_self_attention_heads=chosen.num_heads,
            num_cross_attention_heads=1,
            # As wide as the latents: the few channels of a pixel with its position would be too narrow a question.
            qk_channels=chosen.latent_channels,
            v_channels=chosen.latent_channels,
            attention_probs_dropout_prob=chosen.dropout,
            image_size=size,
            fourier_num_bands=chosen.num_fourier_bands,
            fourier_max_resolution=size,
            id2label=dict(enumerate(splits.class_names)),
        )
        processor = PerceiverImageProcessor(
            do_center_crop=False,
            size={"height": chosen.image_height, "width": chosen.image_width},
            image_mean=[0.5, 0.5, 0.5],
            image_std=[0.5, 0.5, 0.5],
        )
        return Parts(PerceiverForImageClassificationFourier(config), processor)

    def restore(self, folder: Path) -> Parts:
        """Load classifier and image processor."""
        return Parts(
            PerceiverForImageClassificationFourier.from_pretrained(folder),
            PerceiverImageProcessor.from_pretrained(folder),
        )

    def collate(self, processor: PerceiverImageProcessor, samples: Sequence[ImageSample]) -> Batch:
        """Give `pixel_values` [batch, 3, height, width] and `labels` [batch]."""
        pixel_values = processor([sample.image for sample in samples], return_tensors="pt")["pixel_values"]
        return {"pixel_values": pixel_values, "labels": torch.tensor([sample.label for sample in samples])}

    def augment(self, batch: Batch) -> Batch:
        """Shift, turn and scale the pictures at random."""
        chosen = self.arguments
        pixel_values = random_affine(
            batch["pixel_values"], shift=chosen.shift, rotation=chosen.rotation, scale=chosen.scale
        )
        return {**batch, "pixel_values": pixel_values}

    def step(self, model: nn.Module, batch: Batch) -> Step:
        """Compute cross-entropy; labels are smoothed while training only."""
        logits = model(inputs=batch["pixel_values"]).logits
        smoothing = self.arguments.label_smoothing if model.training else 0.0
        losses = F.cross_entropy(logits, batch["labels"], label_smoothing=smoothing, reduction="none")
        return Step(losses.mean(), {"preds": logits, "target": batch["labels"], "value": losses})

    def metrics(self, parts: Parts) -> MetricCollection:
        """Top-1 accuracy, top-5 accuracy where there are more than five classes, mean cross-entropy."""
        try:
            from torchmetrics import MeanMetric, MetricCollection
            from torchmetrics.classification import MulticlassAccuracy
        except ImportError as error:
            raise MissingExtraError("torchmetrics", "train", "Measuring accuracy") from error
        count = parts.model.config.num_labels
        metrics: dict[str, Any] = {
            "accuracy": MulticlassAccuracy(count, average="micro"),
            "loss": MeanMetric(),
        }
        if count > 5:
            metrics["top_5_accuracy"] = MulticlassAccuracy(count, top_k=5, average="micro")
        return MetricCollection(metrics, compute_groups=False)

    @torch.no_grad()
    def predict(self, parts: Parts, inputs: Sequence[Path]) -> list[Prediction]:
        """Give each picture's class with its probability, the next ones, and where the answer looked."""
        paths = find_images(inputs)
        names = class_names(parts)
        predictions: list[Prediction] = []
        for start in range(0, len(paths), PREDICTION_BATCH_SIZE):
            chunk = paths[start : start + PREDICTION_BATCH_SIZE]
            images = [read_image(path) for path in chunk]
            pixel_values = parts.processor(images, return_tensors="pt")["pixel_values"].to(parts.model.device)
            outputs = parts.model(inputs=pixel_values, output_attentions=True)
            probabilities = outputs.logits.softmax(dim=-1).cpu()
            attention = input_attention(outputs.cross_attentions, *pixel_values.shape[-2:]).cpu()
            for path, image, row, weights in zip(chunk, images, probabilities, attention, strict=True):
                top = row.topk(min(NUM_ALTERNATIVES, len(names)))
                ranked = {
                    names[int(index)]: float(value)
                    for value, index in zip(top.values, top.indices, strict=True)
                }
                label, probability = next(iter(ranked.items()))
                values = {"label": label, "probability": probability, "probabilities": ranked}
                shown = {"image": image, "attention": weights.numpy()}
                predictions.append(Prediction(str(path), values, shown))
        return predictions

    def show(self, predictions: Sequence[Prediction], folder: Path) -> list[Path]:
        """Draw the pictures with their probabilities and the attention over the pixels."""
        path = folder / "predictions.png"
        draw_predictions(predictions, path)
        return [path]


def class_names(parts: Parts) -> list[str]:
    """Names of the model's classes by id."""
    labels = parts.model.config.id2label or {}
    return [labels[index] for index in range(len(labels))]


def input_attention(cross_attentions: Sequence[Tensor], height: int, width: int) -> Tensor:
    """Weight that the output query gives each pixel: its attention to the latents times theirs to the pixels.

    Args:
        cross_attentions: [batch, heads, latents, height * width] of the encoder and [batch, heads, 1, latents] of the
            decoder.
        height: of the model's input, in pixels.
        width: of the model's input, in pixels.

    Returns:
        [batch, height, width], each picture's weights summing to 1.
    """
    encoder, decoder = (weights.mean(dim=1) for weights in cross_attentions[:2])
    return (decoder @ encoder).reshape(-1, height, width)
