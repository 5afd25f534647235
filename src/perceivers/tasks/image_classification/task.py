"""Image classification: pixels with learned or Fourier positions, or a convolutional stem, in; one of several classes out."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import torch
from torch import Tensor

from perceivers.arguments import DataArguments
from perceivers.configuration import PerceiverConfig
from perceivers.data.opening import open_tables
from perceivers.data.rows import load_splits, names_of_classes
from perceivers.data.splits import Splits
from perceivers.data.tables import Table, require_columns
from perceivers.kinds.image.affine import random_affine
from perceivers.kinds.image.drawing import MOST_SHOWN, draw_predictions
from perceivers.kinds.image.mixing import mix_at_random
from perceivers.kinds.image.reading import IMAGE_SUFFIXES, ImageDecoder, ImageSample
from perceivers.kinds.image.samples import (
    image_column,
    images_to_answer,
    seen_part,
    vary_image,
)
from perceivers.processors.image.pillow import PerceiverImageProcessor
from perceivers.tasks.base import Batch, Parts, Prediction
from perceivers.tasks.classification import LABELS, ClassificationTask, class_names, ranked_answers
from perceivers.tasks.image_classification.model import (
    build_classifier,
    build_image_processor,
    load_classifier,
)
from perceivers.tasks.image_classification.options import ImageClassificationArguments

PREDICTION_BATCH_SIZE = 64


class ImageClassification(ClassificationTask[ImageClassificationArguments]):
    """Pictures of any size, grey or colour, one folder a class, or a table of them."""

    name: ClassVar[str] = "image-classification"
    headline: ClassVar[str] = "accuracy"
    arguments_class: ClassVar[type[Any]] = ImageClassificationArguments

    def __init__(self, arguments: ImageClassificationArguments | None = None) -> None:
        super().__init__(arguments)
        # How many shares a mixed target has; known with the data.
        self._num_classes = 0

    def load_data(self, arguments: DataArguments, parts: Parts | None = None) -> Splits:
        """Open labelled pictures; those of a trained model must be of its classes."""
        chosen = self.arguments
        tables = open_tables(arguments, IMAGE_SUFFIXES)
        column = image_column(tables["train"].columns, chosen)
        for table in tables.values():
            require_columns(table, column, chosen.label_column)
        if parts is None:
            # A stream cannot be looked through beforehand; its test part must have all the classes.
            labelled = next(table for table in tables.values() if isinstance(table, Table))
            names = names_of_classes(labelled, chosen.label_column)
        else:
            names = tuple(class_names(parts))
        self._num_classes = len(names)
        decode = ImageDecoder(column, chosen.label_column, names)
        return load_splits(arguments, tables, decode, labels=chosen.label_column, class_names=names)

    def build(self, splits: Splits, start: PerceiverConfig | None = None) -> Parts:
        """Build a classifier of the asked form and size, and an image processor that crops, resizes and scales."""
        chosen = self.arguments
        return Parts(build_classifier(chosen, splits.class_names, start), build_image_processor(chosen))

    def restore(self, folder: Path) -> Parts:
        """Load classifier and image processor."""
        return Parts(load_classifier(folder), PerceiverImageProcessor.from_pretrained(folder))

    def vary(self, sample: ImageSample, generator: np.random.Generator) -> ImageSample:
        """Crop, mirror and RandAugment one picture."""
        return vary_image(sample, self.arguments, generator)

    def collate(self, processor: PerceiverImageProcessor, samples: Sequence[ImageSample]) -> Batch:
        """Give `pixel_values` [batch, image_channels, height, width] and `labels` [batch]."""
        # What a random crop has cut is not cut once more.
        crops = bool(processor.do_center_crop) and not all(sample.is_framed for sample in samples)
        images = [sample.image for sample in samples]
        pixel_values = processor(images, return_tensors="pt", do_center_crop=crops)["pixel_values"]
        return {"pixel_values": pixel_values, LABELS: torch.tensor([sample.label for sample in samples])}

    def augment(self, batch: Batch) -> Batch:
        """Shift, turn and scale the pictures at random, and mix them; mixed labels are shares [batch, num_classes]."""
        chosen = self.arguments
        pixel_values = random_affine(
            batch["pixel_values"], shift=chosen.shift, rotation=chosen.rotation, scale=chosen.scale
        )
        labels = batch[LABELS]
        if chosen.mixup or chosen.cutmix:
            pixel_values, labels = mix_at_random(
                pixel_values,
                labels,
                num_classes=self._num_classes,
                mixup_alpha=chosen.mixup,
                cutmix_alpha=chosen.cutmix,
            )
        return {**batch, "pixel_values": pixel_values, LABELS: labels}

    @torch.no_grad()
    def predict(self, parts: Parts, inputs: Sequence[str]) -> list[Prediction]:
        """Give each picture's class with its probability, the next ones, and where the answer looked.

        The answers come from the exact fast form; only the pictures that are drawn go through the plain model too, which has
        attention weights.
        """
        names, prepared = class_names(parts), parts.model.prepare()
        predictions: list[Prediction] = []
        pictures = images_to_answer(inputs, self.arguments)
        while chunk := list(islice(pictures, PREDICTION_BATCH_SIZE)):
            images = [image for _, image in chunk]
            pixel_values = parts.processor(images, return_tensors="pt")["pixel_values"].to(parts.model.device)
            answers = ranked_answers(prepared(inputs=pixel_values).logits, names)
            attention = self._attention(parts, pixel_values[: max(0, MOST_SHOWN - len(predictions))])
            for index, ((name, image), values) in enumerate(zip(chunk, answers, strict=True)):
                shown = {}
                if index < len(attention):
                    shown = {"image": seen_part(image, parts.processor), "attention": attention[index]}
                predictions.append(Prediction(name, values, shown))
        return predictions

    def show(self, predictions: Sequence[Prediction], folder: Path) -> list[Path]:
        """Draw the pictures with their probabilities and the attention over the pixels."""
        path = folder / "predictions.png"
        draw_predictions(predictions, path)
        return [path]

    def _attention(self, parts: Parts, pixel_values: Tensor) -> Any:
        """[pictures, rows, columns] of the tokens' grid; nothing for no picture."""
        if not len(pixel_values):
            return []
        outputs = parts.model(inputs=pixel_values, output_attentions=True)
        preprocessor: Any = parts.model.get_submodule("perceiver.input_preprocessor")
        rows, columns = preprocessor.index_dims(pixel_values)
        return input_attention(outputs.cross_attentions, rows, columns).cpu().numpy()


def input_attention(cross_attentions: Sequence[Tensor], height: int, width: int) -> Tensor:
    """Weight that the output query gives each token: its attention to the latents times theirs to the tokens.

    Args:
        cross_attentions: [batch, heads, latents, height * width] of the encoder and [batch, heads, 1, latents] of the
            decoder.
        height: of the tokens' grid.
        width: of the tokens' grid.

    Returns:
        [batch, height, width], each picture's weights summing to 1.
    """
    encoder, decoder = (weights.mean(dim=1) for weights in cross_attentions[:2])
    return (decoder @ encoder).reshape(-1, height, width)
