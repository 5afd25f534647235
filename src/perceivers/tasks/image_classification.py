"""Image classification: pixels with Fourier positions in, one of several classes out."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar

import torch
from torch import Tensor

from perceivers.arguments import DataArguments
from perceivers.arguments.image_classification import ImageClassificationArguments
from perceivers.configuration import PerceiverConfig
from perceivers.data.augmentation import random_affine
from perceivers.data.images import IMAGE_SUFFIXES, ImageDecoder, ImageSample, read_image
from perceivers.data.opening import find_files, open_tables
from perceivers.data.rows import load_splits, names_of_classes
from perceivers.data.splits import Splits
from perceivers.models.image_classification import PerceiverForImageClassificationFourier
from perceivers.processors.image.pillow import PerceiverImageProcessor
from perceivers.tasks.base import Batch, Parts, Prediction
from perceivers.tasks.classification import ClassificationTask, class_names, ranked_answers
from perceivers.tasks.image_classification_picture import MOST_SHOWN, draw_predictions

PREDICTION_BATCH_SIZE = 64


class ImageClassification(ClassificationTask[ImageClassificationArguments]):
    """Pictures of any size, grey or colour, one folder a class, or a table of them."""

    name: ClassVar[str] = "image-classification"
    headline: ClassVar[str] = "accuracy"
    arguments_class: ClassVar[type[Any]] = ImageClassificationArguments

    def load_data(self, arguments: DataArguments, parts: Parts | None = None) -> Splits:
        """Open labelled pictures; those of a trained model must be of its classes."""
        tables = open_tables(arguments, IMAGE_SUFFIXES)
        columns = tables["train"].columns
        image = next((name for name in ("image", "file") if name in columns), "image")
        names = names_of_classes(tables["train"], "label") if parts is None else tuple(class_names(parts))
        decode = ImageDecoder(image, "label", names)
        return load_splits(arguments, tables, decode, labels="label", class_names=names)

    def build(self, splits: Splits, start: PerceiverConfig | None = None) -> Parts:
        """Build a classifier of the asked size, and an image processor that resizes and scales to [-1, 1]."""
        chosen = self.arguments
        size = (chosen.image_height, chosen.image_width)
        config = PerceiverConfig(
            **chosen.config_values(),
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

    @torch.no_grad()
    def predict(self, parts: Parts, inputs: Sequence[str]) -> list[Prediction]:
        """Give each picture's class with its probability, the next ones, and where the answer looked.

        The answers come from the exact fast form; only the pictures that are drawn go through the plain model too, which has
        attention weights.
        """
        paths = find_files(inputs, IMAGE_SUFFIXES, "picture")
        names = class_names(parts)
        prepared = parts.model.prepare()
        predictions: list[Prediction] = []
        for start in range(0, len(paths), PREDICTION_BATCH_SIZE):
            chunk = paths[start : start + PREDICTION_BATCH_SIZE]
            images = [read_image(path) for path in chunk]
            pixel_values = parts.processor(images, return_tensors="pt")["pixel_values"].to(parts.model.device)
            answers = ranked_answers(prepared(inputs=pixel_values).logits, names)
            drawn = max(0, MOST_SHOWN - start)
            attention = self._attention(parts, pixel_values[:drawn])
            for index, (path, image, values) in enumerate(zip(chunk, images, answers, strict=True)):
                shown = {"image": image, "attention": attention[index]} if index < drawn else {}
                predictions.append(Prediction(str(path), values, shown))
        return predictions

    def show(self, predictions: Sequence[Prediction], folder: Path) -> list[Path]:
        """Draw the pictures with their probabilities and the attention over the pixels."""
        path = folder / "predictions.png"
        draw_predictions(predictions, path)
        return [path]

    def _attention(self, parts: Parts, pixel_values: Tensor) -> Any:
        if not len(pixel_values):
            return []
        outputs = parts.model(inputs=pixel_values, output_attentions=True)
        return input_attention(outputs.cross_attentions, *pixel_values.shape[-2:]).cpu().numpy()


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
