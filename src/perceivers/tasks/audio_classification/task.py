"""Audio classification: log-mel spectrograms or raw samples in, one class or several labels out."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import torch
from torch import Tensor, nn

from perceivers.arguments import DataArguments
from perceivers.configuration import PerceiverConfig
from perceivers.data.opening import TABLE_FORMATS, find_files, open_table_file, open_tables
from perceivers.data.rows import StreamSamples, decode_row, load_splits, names_of_classes
from perceivers.data.splits import Splits
from perceivers.data.tables import FILE_COLUMN, ListTable, Table, require_columns
from perceivers.errors import ConfigurationError
from perceivers.kinds.sound.drawing import MOST_SHOWN, draw_sounds
from perceivers.kinds.sound.features import SoundFeatures, hide_bands, modality_of
from perceivers.kinds.sound.samples import (
    AUDIO_SUFFIXES,
    AudioDecoder,
    AudioSample,
    cut_clips,
    names_of_labels,
    vary_sound,
)
from perceivers.models.classification import PerceiverForClassification
from perceivers.tasks.audio_classification.options import AudioClassificationArguments
from perceivers.tasks.base import Batch, Parts, Prediction, Step
from perceivers.tasks.classification import (
    LABELS,
    MULTI_LABEL,
    ClassificationTask,
    class_names,
    classification_losses,
    ranked_answers,
)

MODALITY = "audio"
# Training sounds that mean and standard deviation of the log-mel energies are taken over.
MOST_MEASURED = 1_000
PREDICTION_BATCH_SIZE = 32


class AudioClassification(ClassificationTask[AudioClassificationArguments]):
    """Sound files of any rate, length and number of channels, one folder a class, or a table of them."""

    name: ClassVar[str] = "audio-classification"
    arguments_class: ClassVar[type[Any]] = AudioClassificationArguments

    @property
    def headline(self) -> str:  # type: ignore[override]
        """Accuracy, or mean average precision of several labels."""
        return "mean_average_precision" if self._several else "accuracy"

    def load_data(self, arguments: DataArguments, parts: Parts | None = None) -> Splits:
        """Open labelled sounds; those of a trained model must be of its classes."""
        chosen = self.arguments
        tables = open_tables(arguments, AUDIO_SUFFIXES)
        for table in tables.values():
            require_columns(table, self._audio_column(table.columns), chosen.label_column)
        if parts is None:
            names = (
                names_of_labels(tables["train"], chosen.label_column, chosen.label_separator)
                if self._several
                else names_of_classes(tables["train"], chosen.label_column)
            )
        else:
            names = tuple(class_names(parts))
        decode = self._decoder(self._audio_column(tables["train"].columns), names)
        # Most sets of labels are one sample's own: parts cannot have equal shares of each.
        return load_splits(
            arguments,
            tables,
            decode,
            labels=None if self._several else chosen.label_column,
            class_names=names,
        )

    def build(self, splits: Splits, start: PerceiverConfig | None = None) -> Parts:
        """Build a classifier of the asked size, and its features normalised over the training sounds."""
        features = SoundFeatures.of(self.arguments).normalized_by(_waveforms(splits.train))
        return Parts(self.build_model(splits.class_names, start), features)

    def build_model(
        self, names: Sequence[str], start: PerceiverConfig | None = None
    ) -> PerceiverForClassification:
        """Build an untrained classifier.

        Args:
            names: of the classes or labels, by id.
            start: see `build`.
        """
        chosen = self.arguments
        sizes: dict[str, Any]
        if start is None:
            sizes = {**chosen.config_values(), "modalities": {MODALITY: modality_of(chosen)}}
        else:
            _require_fitting(start, chosen)
            sizes = {
                key: value for key, value in start.to_dict().items() if key not in ("id2label", "label2id")
            }
        config = PerceiverConfig.from_dict(
            sizes,
            id2label=dict(enumerate(names)),
            problem_type=MULTI_LABEL if self._several else "single_label_classification",
        )
        return PerceiverForClassification(config)

    def restore(self, folder: Path) -> Parts:
        """Load classifier and features."""
        return Parts(
            PerceiverForClassification.from_pretrained(folder), SoundFeatures.from_pretrained(folder)
        )

    def vary(self, sample: AudioSample, generator: np.random.Generator) -> AudioSample:
        """Crop, shift, speed up or down, make louder or softer, put noise under it, hide parts of the spectrogram."""
        return vary_sound(sample, self.arguments, generator)

    def collate(self, processor: SoundFeatures, samples: Sequence[AudioSample]) -> Batch:
        """Give `inputs` and `labels` [batch], or [batch, num_labels] of several labels.

        Inputs are log-mel energies [batch, frames, num_mel_bins] or raw samples [batch, num_samples, 1], of clips [batch,
        clips, ...] where several are averaged; `attention_mask` [batch, frames or samples] where lengths differ.
        """
        batch = self._inputs(processor, [sample.waveform for sample in samples])
        for row, sample in enumerate(samples):
            if sample.time_bands is not None and sample.frequency_bands is not None:
                spectrograms = batch["inputs"][row].reshape(-1, *batch["inputs"].shape[-2:])
                mask = batch.get("attention_mask")
                frames = spectrograms.shape[1] if mask is None else int(mask[row].sum())
                for spectrogram in spectrograms:
                    hide_bands(spectrogram[:frames], sample.time_bands, sample.frequency_bands)
        labels = [sample.label for sample in samples]
        batch[LABELS] = torch.from_numpy(np.stack(labels)) if self._several else torch.tensor(labels)
        return batch

    def step(self, model: nn.Module, batch: Batch) -> Step:
        """Compute cross-entropy, softmax or sigmoid; where a sound gives several clips, of their mean probabilities."""
        logits = self._logits(model, {name: value for name, value in batch.items() if name != LABELS})
        smoothing = self.label_smoothing if model.training else 0.0
        losses = classification_losses(logits, batch[LABELS], self._several, smoothing)
        # The metrics take whole numbers, and count a label or none.
        return Step(losses.mean(), {"preds": logits, "target": batch[LABELS].long(), "value": losses})

    @torch.no_grad()
    def predict(self, parts: Parts, inputs: Sequence[str]) -> list[Prediction]:
        """Give each sound's class with its probability, or its labels, and the next ones."""
        names, prepared = class_names(parts), parts.model.prepare()
        predictions: list[Prediction] = []
        sounds = self._sounds(inputs, names)
        while chunk := list(islice(sounds, PREDICTION_BATCH_SIZE)):
            batch = self._inputs(parts.processor, [waveform for _, waveform in chunk])
            on_device = {name: value.to(parts.model.device) for name, value in batch.items()}
            answers = ranked_answers(self._logits(prepared, on_device), names, multi_label=self._several)
            for (source, waveform), values in zip(chunk, answers, strict=True):
                drawn = len(predictions) < MOST_SHOWN
                shown = {"waveform": waveform, "features": parts.processor} if drawn else {}
                predictions.append(Prediction(source, values, shown))
        return predictions

    def show(self, predictions: Sequence[Prediction], folder: Path) -> list[Path]:
        """Draw the sounds, as waveform and spectrogram, with their probabilities."""
        path = folder / "predictions.png"
        draw_sounds(predictions, path)
        return [path]

    @property
    def _several(self) -> bool:
        return self.arguments.answer == "several-labels"

    def _audio_column(self, columns: Sequence[str]) -> str:
        if self.arguments.audio_column is not None:
            return self.arguments.audio_column
        return FILE_COLUMN if FILE_COLUMN in columns else "audio"

    def _decoder(self, column: str, names: Sequence[str]) -> AudioDecoder:
        chosen = self.arguments
        separator = chosen.label_separator if self._several else None
        return AudioDecoder(column, chosen.label_column, names, chosen.sampling_rate, separator)

    def _inputs(self, processor: SoundFeatures, waveforms: Sequence[np.ndarray]) -> Batch:
        """What the model is called with."""
        chosen = self.arguments
        if chosen.clip_samples is None:
            values, mask = processor(waveforms)
            return {"inputs": values} if mask is None else {"inputs": values, "attention_mask": mask}
        longest = max(len(waveform) for waveform in waveforms)
        count = chosen.evaluation_clips if longest > chosen.clip_samples else 1
        clips = [clip for waveform in waveforms for clip in cut_clips(waveform, chosen.clip_samples, count)]
        values, _ = processor(clips)
        return {"inputs": values if count == 1 else values.unflatten(0, (len(waveforms), count))}

    def _logits(self, model: Any, batch: Batch) -> Tensor:
        """[batch, num_labels]; of clips [batch, clips, ...] the logarithms of the mean probabilities."""
        inputs = batch["inputs"]
        if inputs.ndim == 3:
            logits: Tensor = model(**batch).logits
            return logits
        logits = model(inputs=inputs.flatten(0, 1)).logits.unflatten(0, inputs.shape[:2])
        return mean_of_clips(logits, several_labels=self._several)

    def _sounds(self, inputs: Sequence[str], names: Sequence[str]) -> Any:
        """Names and waveforms of files, of all files of folders, and of the rows of tables."""
        for given in inputs:
            if Path(given).suffix.lower() in TABLE_FORMATS:
                table = open_table_file(Path(given))
                column = self._audio_column(table.columns)
                require_columns(table, column)
            else:
                paths = [str(path) for path in find_files([given], AUDIO_SUFFIXES, "sound")]
                table, column = ListTable([{FILE_COLUMN: path} for path in paths], given, paths), FILE_COLUMN
            assert isinstance(table, Table)
            waveform_of = self._decoder(column, names).waveform
            for index in range(len(table)):
                name = table.name(index)
                yield name, decode_row(waveform_of, table, table[index], name)


def mean_of_clips(logits: Tensor, *, several_labels: bool) -> Tensor:
    """Logits of the mean probability over clips.

    Args:
        logits: [batch, clips, num_labels].
        several_labels: probabilities are sigmoids of each, instead of a softmax over all.

    Returns:
        [batch, num_labels], such that their sigmoid, or softmax, is the mean over the clips.
    """
    count = float(np.log(logits.shape[1]))
    if not several_labels:
        return logits.log_softmax(dim=-1).logsumexp(dim=1) - count
    yes = torch.nn.functional.logsigmoid(logits).logsumexp(dim=1)
    no = torch.nn.functional.logsigmoid(-logits).logsumexp(dim=1)
    return yes - no


def _waveforms(train: Any) -> list[np.ndarray]:
    """Waveforms of training samples, evenly spread over them; the first ones of a stream."""
    if isinstance(train, StreamSamples):
        return [sample.waveform for _, sample in islice(train.samples(0), MOST_MEASURED)]
    indices = np.unique(np.linspace(0, len(train) - 1, min(len(train), MOST_MEASURED)).round().astype(int))
    return [train[int(index)].waveform for index in indices]


def _require_fitting(start: PerceiverConfig, chosen: AudioClassificationArguments) -> None:
    """Refuse a checkpoint whose inputs are not those that the arguments ask for."""
    wanted = modality_of(chosen)
    own = dict((start.modalities or {}).get(MODALITY, {}))
    for key in ("type", "mel_bins", "samples_per_patch"):
        if key in wanted and own.get(key) != wanted[key]:
            raise ConfigurationError(
                f"`start` must hear the same as the arguments say: {key} {wanted[key]!r}, received {own.get(key)!r}"
            )
