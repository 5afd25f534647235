"""Audio-visual classification: pictures and sound of films in, one class or several labels out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import torch
from torch import Tensor, nn

from perceivers.arguments import DataArguments
from perceivers.configuration import PerceiverConfig
from perceivers.data.opening import find_files, open_tables
from perceivers.data.rows import StreamSamples, names_of_classes
from perceivers.data.splits import Splits
from perceivers.data.tables import Table, require_columns
from perceivers.errors import ConfigurationError
from perceivers.kinds.video.augmentation import random_mirror, random_view
from perceivers.kinds.video.drawing import draw_films
from perceivers.kinds.video.reading import (
    VIDEO_SUFFIXES,
    FilmDecoder,
    Stretch,
    evenly_spread,
    film_column,
    load_films,
    require_a_clip,
)
from perceivers.models.classification import PerceiverForClassification
from perceivers.processors.video.clip_cache import ClipCache
from perceivers.tasks.audio_visual_classification.features import (
    MODALITY_NAMES,
    AudioVisualFeatures,
    modalities_of,
    reader_of,
)
from perceivers.tasks.audio_visual_classification.labels import LabelOf, names_of_labels
from perceivers.tasks.audio_visual_classification.options import AudioVisualClassificationArguments
from perceivers.tasks.base import Batch, Parts, Prediction, Step
from perceivers.tasks.classification import (
    LABELS,
    MULTI_LABEL,
    ClassificationTask,
    class_names,
    classification_losses,
    ranked_answers,
)

if TYPE_CHECKING:
    import numpy as np

# Training films that mean and standard deviation of the log-mel energies are taken over.
MOST_MEASURED = 200


class AudioVisualClassification(ClassificationTask[AudioVisualClassificationArguments]):
    """Films with sound, one folder a class or a table of them; a film may lack its pictures or its sound."""

    name: ClassVar[str] = "audio-visual-classification"
    arguments_class: ClassVar[type[Any]] = AudioVisualClassificationArguments

    @property
    def headline(self) -> str:  # type: ignore[override]
        """Accuracy, or mean average precision of several labels."""
        return "mean_average_precision" if self._several else "accuracy"

    @cached_property
    def features(self) -> AudioVisualFeatures:
        """Cuts clips as they are asked for; the sound is not normalised yet."""
        chosen = self.arguments
        return AudioVisualFeatures(reader_of(chosen, self._cache()), chosen.sound_form, chosen.num_mel_bins)

    def load_data(self, arguments: DataArguments, parts: Parts | None = None) -> Splits:
        """Open labelled films; those of a trained model must be of its classes."""
        chosen = self.arguments
        tables = open_tables(arguments, VIDEO_SUFFIXES)
        column = film_column(tables["train"].columns, chosen.video_column)
        for table in tables.values():
            require_columns(table, column, chosen.label_column)
        separator = chosen.label_separator if self._several else None
        if parts is None:
            # A stream cannot be looked through beforehand; its test part must have all the classes.
            labelled = next(table for table in tables.values() if isinstance(table, Table))
            names = (
                names_of_classes(labelled, chosen.label_column)
                if separator is None
                else names_of_labels(labelled, chosen.label_column, separator)
            )
        else:
            names = tuple(class_names(parts))
        features = self.features if parts is None else parts.processor
        decode = FilmDecoder(
            features.reader,
            column,
            LabelOf(chosen.label_column, names, separator),
            needs_video=False,
            needs_sound=False,
            whole=arguments.unreadable != "trust",
        )
        return load_films(
            arguments,
            tables,
            decode,
            starts=evenly_spread(chosen.num_test_clips),
            one_sample_a_clip=False,
            needs_test=parts is None,
            # Most sets of labels are one film's own: parts cannot have equal shares of each.
            labels=None if self._several else chosen.label_column,
            class_names=names,
        )

    def build(self, splits: Splits, start: PerceiverConfig | None = None) -> Parts:
        """Build a classifier of the asked size, its log-mel energies normalised over training films."""
        chosen = self.arguments
        sizes: dict[str, Any]
        modalities = modalities_of(chosen)
        if start is None:
            sizes = {**chosen.config_values(), "modalities": modalities}
        elif getattr(start, "modalities", None) != modalities:
            raise ConfigurationError(
                "the checkpoint to start from must see and hear what the arguments describe, "
                f"{modalities}, received one of {getattr(start, 'modalities', None)}"
            )
        else:
            sizes = {
                key: value for key, value in start.to_dict().items() if key not in ("id2label", "label2id")
            }
        config = PerceiverConfig.from_dict(
            sizes,
            id2label=dict(enumerate(splits.class_names)),
            problem_type=MULTI_LABEL if self._several else "single_label_classification",
        )
        return Parts(PerceiverForClassification(config), self.features.normalized_by(self._waveforms(splits)))

    def restore(self, folder: Path) -> Parts:
        """Load classifier and features."""
        return Parts(
            PerceiverForClassification.from_pretrained(folder),
            AudioVisualFeatures.from_pretrained(folder, self._cache()),
        )

    def vary(self, sample: Stretch, generator: np.random.Generator) -> Stretch:
        """Take one clip that begins anywhere in the film, and make its sound louder or softer."""
        gain = self.arguments.gain
        loudness = 10.0 ** (generator.uniform(-gain, gain) / 20.0) * generator.choice(
            (1.0, -1.0 if gain else 1.0)
        )
        return replace(sample.vary(self.arguments.num_frames, generator), loudness=float(loudness))

    def collate(self, processor: AudioVisualFeatures, samples: Sequence[Stretch]) -> Batch:
        """Give what the model takes of all clips of all samples, and `labels` [batch], or [batch, num_labels] of several.

        `inputs`: `image` [batch * clips, frames, 3, height, width] and `audio`, see `AudioVisualFeatures.hear`; a modality
        that no film has is left out. `attention_mask`: for a modality that some film lacks, bool [batch * clips].
        """
        clips = [processor.reader.read(sample.film, first) for sample in samples for first in sample.starts]
        films = [sample.film for sample in samples for _ in sample.starts]
        loudness = torch.tensor([sample.loudness for sample in samples for _ in sample.starts])
        waveforms = torch.stack([clip.waveform for clip in clips]) * loudness[:, None]
        values = {
            "audio": processor.hear(waveforms.clamp(-1.0, 1.0)),
            "image": torch.stack([clip.frames for clip in clips]).float() / 255,
        }
        has = {
            "audio": torch.tensor([film.has_sound for film in films]),
            "image": torch.tensor([film.has_video for film in films]),
        }
        there = [name for name in MODALITY_NAMES if bool(has[name].any())]
        return {
            "inputs": {name: values[name] for name in there},
            "attention_mask": {name: has[name] for name in there if not bool(has[name].all())},
            LABELS: torch.stack([sample.label for sample in samples]),
        }

    def augment(self, batch: Batch) -> Batch:
        """Move and mirror the pictures and change their size."""
        chosen, inputs = self.arguments, dict(batch["inputs"])
        if "image" in inputs:
            image = random_view(inputs["image"], shift=chosen.shift, scale=chosen.scale)
            inputs["image"] = random_mirror(image, chosen.mirror)
        return {**batch, "inputs": inputs}

    def step(self, model: nn.Module, batch: Batch) -> Step:
        """Compute cross-entropy, softmax or sigmoid; of films that give several clips, of their mean probabilities."""
        logits = self._logits(model, batch["inputs"], batch["attention_mask"], len(batch[LABELS]))
        smoothing = self.label_smoothing if model.training else 0.0
        losses = classification_losses(logits, batch[LABELS], self._several, smoothing)
        return Step(losses.mean(), {"preds": logits, "target": batch[LABELS].long(), "value": losses})

    @torch.no_grad()
    def predict(self, parts: Parts, inputs: Sequence[str]) -> list[Prediction]:
        """Give each film's class with its probability, or its labels, and the next ones; film by film."""
        names, prepared, features = class_names(parts), parts.model.prepare(), parts.processor
        starts = evenly_spread(self.arguments.num_test_clips)
        predictions = []
        for path in find_files(inputs, VIDEO_SUFFIXES, "film"):
            film = features.reader.survey(str(path))
            require_a_clip(film, 0, film.num_frames, features.reader)
            chosen = tuple(starts(0, film.num_frames, features.reader.num_frames))
            sample = Stretch(film, 0, film.num_frames, chosen, torch.tensor(0))
            batch = self.collate(features, [sample])
            seen = {name: value.to(prepared.device) for name, value in batch["inputs"].items()}
            logits = self._logits(prepared, seen, {}, 1)
            (values,) = ranked_answers(logits, names, multi_label=self._several)
            clip = features.reader.read(film, chosen[len(chosen) // 2])
            shown = {
                "frame": clip.frames[len(clip.frames) // 2] if film.has_video else None,
                "waveform": clip.waveform if film.has_sound else None,
            }
            predictions.append(Prediction(str(path), values, shown))
        return predictions

    def show(self, predictions: Sequence[Prediction], folder: Path) -> list[Path]:
        """Draw a frame and the sound of each film beside its probabilities."""
        path = folder / "predictions.png"
        draw_films(predictions, path)
        return [path]

    @property
    def _several(self) -> bool:
        return self.arguments.answer == "several-labels"

    def _cache(self) -> ClipCache | None:
        megabytes = self.arguments.cache_megabytes
        return ClipCache(megabytes * 2**20) if megabytes else None

    def _waveforms(self, splits: Splits) -> list[Tensor]:
        """Sound of the first training films."""
        if self.arguments.sound_form == "raw":
            return []
        samples: Any = splits.train
        if isinstance(samples, StreamSamples):
            samples = [
                sample for (_, sample), _ in zip(samples.samples(0), range(MOST_MEASURED), strict=False)
            ]
        films = (samples[index] for index in range(min(len(samples), MOST_MEASURED)))
        return [
            self.features.reader.read(sample.film, sample.starts[0]).waveform
            for sample in films
            if sample.film.has_sound
        ]

    def _logits(self, model: Any, inputs: Batch, mask: Batch, num_films: int) -> Tensor:
        """[films, num_labels]: scores, or of several clips a film the logarithms of their mean probabilities."""
        logits: Tensor = model(inputs=inputs, attention_mask=mask or None).logits
        if len(logits) == num_films:
            return logits
        clips = logits.unflatten(0, (num_films, -1)).double()
        if self._several:
            return torch.logit(clips.sigmoid().mean(dim=1), eps=1e-12).to(logits.dtype)
        return clips.softmax(dim=-1).mean(dim=1).clamp(min=1e-30).log().to(logits.dtype)
