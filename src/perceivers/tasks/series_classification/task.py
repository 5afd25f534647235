"""Series classification: steps of several channels, of any number, in; one class out."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import chain, islice
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import torch

from perceivers.arguments import DataArguments
from perceivers.configuration import PerceiverConfig
from perceivers.data.opening import TABLE_FORMATS, find_files, open_table_file
from perceivers.data.rows import decode_row, load_splits, names_of_classes
from perceivers.data.splits import Splits
from perceivers.data.tables import ListTable, Table, require_columns
from perceivers.errors import ConfigurationError, DataError
from perceivers.kinds.series.drawing import MOST_SHOWN, draw_series
from perceivers.kinds.series.files import SERIES_SUFFIXES, SeriesColumns
from perceivers.kinds.series.opening import (
    TS_SUFFIX,
    VALUES_COLUMN,
    gather_series,
    is_long,
    open_series,
    ts_table,
)
from perceivers.kinds.series.processor import SeriesProcessor
from perceivers.kinds.series.samples import SeriesDecoder, SeriesSample, vary_series
from perceivers.kinds.series.values import statistics
from perceivers.models.classification import PerceiverForClassification
from perceivers.tasks.base import Batch, Parts, Prediction
from perceivers.tasks.classification import LABELS, ClassificationTask, class_names, ranked_answers
from perceivers.tasks.series_classification.options import SeriesClassificationArguments

MODALITY = "series"
PREDICTION_BATCH_SIZE = 64


class SeriesClassification(ClassificationTask[SeriesClassificationArguments]):
    """Series of several channels and any length: `.ts` files, class folders, a table of files, one long table."""

    name: ClassVar[str] = "series-classification"
    headline: ClassVar[str] = "accuracy"
    arguments_class: ClassVar[type[Any]] = SeriesClassificationArguments

    def load_data(self, arguments: DataArguments, parts: Parts | None = None) -> Splits:
        """Open labelled series; those of a trained model must have its classes and channels."""
        column = self.arguments.label_column
        tables = open_series(arguments, self._columns, self.arguments.series_column, column)
        for table in tables.values():
            self._require_series(table)
            require_columns(table, column)
        names = names_of_classes(tables["train"], column) if parts is None else tuple(class_names(parts))
        decode = self._decoder(names, parts, tables["train"])
        return load_splits(arguments, tables, decode, labels=column, class_names=names)

    def build(self, splits: Splits, start: PerceiverConfig | None = None) -> Parts:
        """Build a classifier of the asked size, and a processor with mean and deviation of the training series."""
        chosen = self.arguments
        parts = (splits.train, splits.validation, splits.test)
        series, *others = ([part[index].values for index in range(len(part))] for part in parts)
        mean, std = statistics(series)
        processor = SeriesProcessor(
            mean=tuple(mean.tolist()),
            std=tuple(std.tolist()),
            normalization=chosen.normalization,
            missing=chosen.missing,
        )
        sizes: dict[str, Any]
        if start is None:
            longest = max(len(values) for values in chain(series, *others))
            modality = self._modality(len(mean), longest)
            sizes = {**chosen.config_values(), "modalities": {MODALITY: modality}}
        else:
            own = dict((start.modalities or {}).get(MODALITY, {}))
            if own.get("in_channels") != len(mean):
                raise ConfigurationError(
                    f"`start` must be a model of series with {len(mean)} channels, received {own or 'another model'}"
                )
            sizes = {
                key: value for key, value in start.to_dict().items() if key not in ("id2label", "label2id")
            }
        config = PerceiverConfig.from_dict(
            sizes, id2label=dict(enumerate(splits.class_names)), problem_type="single_label_classification"
        )
        return Parts(PerceiverForClassification(config), processor)

    def restore(self, folder: Path) -> Parts:
        """Load classifier and processor."""
        return Parts(
            PerceiverForClassification.from_pretrained(folder), SeriesProcessor.from_pretrained(folder)
        )

    def vary(self, sample: SeriesSample, generator: np.random.Generator) -> SeriesSample:
        """Crop, stretch and warp time; scale, leave out and jitter channels."""
        return vary_series(sample, self.arguments, generator)

    def collate(self, processor: SeriesProcessor, samples: Sequence[SeriesSample]) -> Batch:
        """Give `inputs` [batch, num_steps, num_channels], `attention_mask` [batch, num_steps] and `labels` [batch]."""
        return {**processor(samples), LABELS: torch.tensor([sample.label for sample in samples])}

    @torch.no_grad()
    def predict(self, parts: Parts, inputs: Sequence[str]) -> list[Prediction]:
        """Give each series' class with its probability, and the next ones."""
        names, prepared = class_names(parts), parts.model.prepare()
        predictions: list[Prediction] = []
        given = self._series(inputs, self._decoder(names, parts, None))
        while chunk := list(islice(given, PREDICTION_BATCH_SIZE)):
            samples = [SeriesSample(values, 0) for _, values in chunk]
            batch = {name: value.to(parts.model.device) for name, value in parts.processor(samples).items()}
            answers = ranked_answers(prepared(**batch).logits, names)
            for (source, _), sample, values in zip(chunk, samples, answers, strict=True):
                drawn = len(predictions) < MOST_SHOWN
                shown = {"series": parts.processor.of_one(sample)} if drawn else {}
                predictions.append(Prediction(source, values, shown))
        return predictions

    def show(self, predictions: Sequence[Prediction], folder: Path) -> list[Path]:
        """Draw the normalised series with their probabilities."""
        path = folder / "predictions.png"
        draw_series(predictions, path)
        return [path]

    @property
    def _columns(self) -> SeriesColumns:
        chosen = self.arguments
        others = (chosen.series_column, chosen.file_column, chosen.label_column)
        return SeriesColumns(chosen.channel_columns, chosen.time_column, others)

    def _modality(self, num_channels: int, longest: int) -> dict[str, Any]:
        """The entry of `config.modalities`."""
        chosen = self.arguments
        absolute = chosen.positions != "relative"
        max_length = (chosen.max_length or longest) if absolute else None
        patches = -(-(max_length or longest) // chosen.steps_per_patch)
        return {
            "type": "series",
            "in_channels": num_channels,
            "steps_per_patch": chosen.steps_per_patch,
            "out_channels": chosen.patch_channels,
            "positions": chosen.positions,
            "max_length": max_length,
            "num_bands": chosen.num_fourier_bands,
            "max_resolution": chosen.time_resolution or patches,
            "allow_missing": chosen.missing == "mark",
        }

    def _decoder(self, names: Sequence[str], parts: Parts | None, train: Any) -> SeriesDecoder:
        """What reads rows: with as many channels as the model takes, or as the first series of the training table has."""
        chosen = self.arguments
        plain = SeriesDecoder(
            chosen.label_column,
            names,
            chosen.file_column,
            self._columns,
            allow_missing=chosen.missing != "stop",
            max_length=chosen.max_length,
        )
        if parts is not None:
            own = (parts.model.config.modalities or {})[MODALITY]
            return replace(plain, num_channels=own["in_channels"], max_length=own["max_length"])
        try:
            return replace(plain, num_channels=plain.values(train[0], train).shape[1])
        except DataError:
            # It is reported, or left out, with the other rows that cannot be read.
            return plain

    def _require_series(self, table: Table) -> None:
        """Refuse a table that has neither steps nor files of series."""
        chosen = self.arguments
        if VALUES_COLUMN not in table.columns and chosen.file_column not in table.columns:
            raise DataError(
                f"`{table.source}` must have a column {chosen.series_column!r} that tells which series each row belongs to "
                f"(--series-column), or a column {chosen.file_column!r} with a file for each series (--file-column), "
                f"received {', '.join(table.columns)}"
            )

    def _series(self, inputs: Sequence[str], decoder: SeriesDecoder) -> Iterator[tuple[str, np.ndarray]]:
        """Names and values of the series in files, in folders and in tables."""
        for given in inputs:
            for table in self._tables_of(given):
                for index in range(len(table)):
                    name = table.name(index)
                    yield name, decode_row(decoder.values, table, table[index], name)

    def _tables_of(self, given: str) -> Iterator[Table]:
        """An input as tables with a row a series: a long table or a table of files, else every file for itself."""
        chosen = self.arguments
        for path in find_files([given], (*SERIES_SUFFIXES, TS_SUFFIX), "series"):
            suffix = path.suffix.lower()
            if suffix == TS_SUFFIX:
                yield ts_table(path)
                continue
            table = open_table_file(path) if suffix in TABLE_FORMATS else None
            if isinstance(table, Table) and is_long(table, chosen.series_column):
                yield gather_series(table, self._columns, chosen.series_column, None)
            elif isinstance(table, Table) and {VALUES_COLUMN, chosen.file_column} & set(table.columns):
                yield table
            else:
                yield ListTable([{chosen.file_column: str(path)}], str(path), [str(path)])
