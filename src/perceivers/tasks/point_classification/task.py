"""Classification of point sets: any number of points, each with its own coordinates, in; one of several classes out."""

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
from perceivers.data.rows import decode_row, load_splits, names_of_classes
from perceivers.data.splits import Splits
from perceivers.data.tables import StreamTable, Table, require_columns
from perceivers.errors import ConfigurationError, DataError
from perceivers.kinds.points.drawing import MOST_SHOWN, draw_points_with_answers
from perceivers.kinds.points.mesh import Mesh
from perceivers.kinds.points.processor import PointProcessor
from perceivers.kinds.points.reading import PointSample
from perceivers.kinds.points.samples import (
    PICTURE_COLUMN,
    SUFFIXES,
    PointDecoder,
    ShapeDecoder,
    is_picture_file,
    points_column,
    shapes_to_answer,
    vary_sample,
)
from perceivers.models.classification import PerceiverForClassification
from perceivers.tasks.base import Batch, Parts, Prediction
from perceivers.tasks.classification import LABELS, ClassificationTask, class_names, ranked_answers
from perceivers.tasks.point_classification.options import PointClassificationArguments

MODALITY = "points"
PREDICTION_BATCH_SIZE = 32


class PointClassification(ClassificationTask[PointClassificationArguments]):
    """Sets of points, surfaces or pictures of any size, one folder a class, or a table of them."""

    name: ClassVar[str] = "point-classification"
    headline: ClassVar[str] = "accuracy"
    arguments_class: ClassVar[type[Any]] = PointClassificationArguments

    def __init__(self, arguments: PointClassificationArguments | None = None) -> None:
        super().__init__(arguments)
        # Coordinates and features of a point, known with the data.
        self._columns = (0, 0)

    def load_data(self, arguments: DataArguments, parts: Parts | None = None) -> Splits:
        """Open labelled sets; those of a trained model must be of its classes and have its columns."""
        chosen = self.arguments
        tables = open_tables(arguments, SUFFIXES)
        column = points_column(tables["train"].columns, chosen)
        for table in tables.values():
            require_columns(table, column, chosen.label_column)
        if parts is None:
            # A stream cannot be looked through beforehand; its test part must have all the classes.
            labelled = next(table for table in tables.values() if isinstance(table, Table))
            names = names_of_classes(labelled, chosen.label_column)
            self._columns = _columns_of(tables["train"], column, chosen.num_coordinates)
        else:
            names = tuple(class_names(parts))
            self._columns = parts.processor.num_coordinates, parts.processor.num_features
        decode = PointDecoder(ShapeDecoder(column, sum(self._columns)), chosen.label_column, names)
        return load_splits(arguments, tables, decode, labels=chosen.label_column, class_names=names)

    def build(self, splits: Splits, start: PerceiverConfig | None = None) -> Parts:
        """Build a classifier of the asked size, and what normalises sets for it."""
        chosen = self.arguments
        num_coordinates, num_features = self._columns
        if chosen.feature_channels is not None and not num_features:
            raise ConfigurationError(
                f"`feature_channels` needs points with features, received points of {num_coordinates} coordinates alone"
            )
        answers: dict[str, Any] = {
            "id2label": dict(enumerate(splits.class_names)),
            "problem_type": "single_label_classification",
        }
        if start is None:
            modality = {
                "type": "points",
                "num_coordinates": num_coordinates,
                "num_features": num_features,
                "coordinate_range": chosen.coordinate_range,
                "num_bands": chosen.num_fourier_bands,
                "max_resolution": chosen.max_resolution,
                "out_channels": chosen.feature_channels,
            }
            config = PerceiverConfig(**chosen.config_values(), modalities={MODALITY: modality}, **answers)
        else:
            _require_fitting(start, num_coordinates, num_features)
            config = PerceiverConfig.from_dict(start.to_dict(), **answers)
        processor = PointProcessor(
            num_coordinates, num_features, chosen.num_points, chosen.normalization, chosen.coordinate_range
        )
        return Parts(PerceiverForClassification(config), processor)

    def restore(self, folder: Path) -> Parts:
        """Load classifier and processor."""
        return Parts(
            PerceiverForClassification.from_pretrained(folder), PointProcessor.from_pretrained(folder)
        )

    def vary(self, sample: PointSample, generator: np.random.Generator) -> PointSample:
        """Draw the points anew, leave out, turn, scale, blur and shift them."""
        return vary_sample(sample, self.arguments, self._columns[0], generator)

    def collate(self, processor: PointProcessor, samples: Sequence[PointSample]) -> Batch:
        """Give `inputs` [batch, num_points, num_columns] and `labels` [batch]; where sizes differ, `attention_mask` too."""
        batch = _inputs(processor, [sample.shape for sample in samples])
        return {**batch, LABELS: torch.tensor([sample.label for sample in samples])}

    @torch.no_grad()
    def predict(self, parts: Parts, inputs: Sequence[str]) -> list[Prediction]:
        """Give each set's class with its probability, the next ones, and the points that the answer looked at.

        The answers come from the exact fast form; only the sets that are drawn go through the plain model too, which has
        attention weights.
        """
        names, prepared = class_names(parts), parts.model.prepare()
        predictions: list[Prediction] = []
        sets = shapes_to_answer(inputs, self.arguments, parts.processor.num_columns)
        while chunk := list(islice(sets, PREDICTION_BATCH_SIZE)):
            batch = {
                name: value.to(parts.model.device)
                for name, value in _inputs(parts.processor, [shape for _, shape in chunk]).items()
            }
            answers = ranked_answers(prepared(**batch).logits, names)
            drawn = max(0, min(MOST_SHOWN - len(predictions), len(chunk)))
            shown = _shown(parts, {name: value[:drawn] for name, value in batch.items()}) if drawn else []
            for index, ((name, _), values) in enumerate(zip(chunk, answers, strict=True)):
                predictions.append(Prediction(name, values, shown[index] if index < drawn else {}))
        return predictions

    def show(self, predictions: Sequence[Prediction], folder: Path) -> list[Path]:
        """Draw the points, shaded by the attention of the answer, with their probabilities."""
        path = folder / "predictions.png"
        draw_points_with_answers(predictions, path)
        return [path]


def input_attention(cross_attentions: Sequence[Tensor]) -> Tensor:
    """Weight that the output query gives each point: its attention to the latents times theirs to the points.

    Args:
        cross_attentions: [batch, heads, latents, num_points] of the encoder and [batch, heads, 1, latents] of the decoder.

    Returns:
        [batch, num_points], each set's weights summing to 1.
    """
    encoder, decoder = (weights.mean(dim=1) for weights in cross_attentions[:2])
    return (decoder @ encoder).squeeze(1)


def _inputs(processor: PointProcessor, shapes: Sequence[np.ndarray | Mesh]) -> Batch:
    points, mask = processor(shapes)
    return {"inputs": points} if mask is None else {"inputs": points, "attention_mask": mask}


def _shown(parts: Parts, batch: Batch) -> list[dict[str, Any]]:
    """What is drawn of each set: its points as the model sees them, and their weights."""
    outputs = parts.model(**batch, output_attentions=True)
    attention = input_attention(outputs.cross_attentions).cpu().numpy()
    points = batch["inputs"].cpu().numpy()
    mask = batch.get("attention_mask")
    counts = [points.shape[1]] * len(points) if mask is None else mask.sum(dim=1).tolist()
    return [
        {
            "points": points[row, :count],
            "attention": attention[row, :count],
            "num_coordinates": parts.processor.num_coordinates,
        }
        for row, count in enumerate(counts)
    ]


def _columns_of(table: Table | StreamTable, column: str, num_coordinates: int | None) -> tuple[int, int]:
    """Coordinates and features of a point, from the first set that can be read."""
    rows = table.rows(0) if isinstance(table, StreamTable) else (table[index] for index in range(len(table)))
    decode, reason = ShapeDecoder(column), "no row"
    for number, row in enumerate(rows):
        name = f"{table.source}, row {number + 1}" if isinstance(table, StreamTable) else table.name(number)
        try:
            shape = decode_row(decode, table, row, name)
        except DataError as error:
            reason = str(error)
            continue
        count = 3 if isinstance(shape, Mesh) else shape.shape[1]
        is_picture = column == PICTURE_COLUMN or is_picture_file(row[column])
        coordinates = num_coordinates or (2 if is_picture else 3)
        if coordinates > count:
            raise ConfigurationError(
                f"`num_coordinates` must be at most the {count} numbers of a point of `{name}`, received {coordinates}"
            )
        return coordinates, count - coordinates
    raise DataError(f"`{table.source}` holds no set that can be read: {reason}")


def _require_fitting(start: PerceiverConfig, num_coordinates: int, num_features: int) -> None:
    own = dict((start.modalities or {}).get(MODALITY, {}))
    received = (own.get("num_coordinates", 3), own.get("num_features", 0))
    if own.get("type") != "points" or received != (num_coordinates, num_features):
        raise ConfigurationError(
            f"`start` must be a model of points with {num_coordinates} coordinates and {num_features} features, as `data` "
            f"has, received one of {own or 'other inputs'}"
        )
