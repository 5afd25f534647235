"""Video autoencoding: video, sound and class through one set of latents and back."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from math import prod
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import torch
from torch import Tensor, nn

from perceivers.arguments import DataArguments, RunArguments
from perceivers.arguments.advice import Advice
from perceivers.arguments.open import completed, filled, given, is_complete
from perceivers.configuration import PerceiverConfig
from perceivers.data.opening import open_tables
from perceivers.data.rows import class_id, names_of_classes
from perceivers.data.splits import Splits
from perceivers.data.tables import StreamTable, Table, require_columns
from perceivers.errors import ConfigurationError
from perceivers.kinds.video.augmentation import (
    random_colour,
    random_loudness,
    random_mirror,
    random_mixture,
    random_speed,
    random_view,
)
from perceivers.kinds.video.films import FilmDecoder, Stretch, film_column, load_films
from perceivers.kinds.video.looking import films_among
from perceivers.kinds.video.reading import VIDEO_SUFFIXES, SurveyedFilms, cache_of, clip_reader, reader_of
from perceivers.metrics.answers import measure
from perceivers.metrics.compression import compression_ratio, compression_ratio_of_the_paper
from perceivers.metrics.named import mean_of
from perceivers.metrics.running import Metrics
from perceivers.metrics.signal_to_noise import peak_signal_to_noise, signal_to_noise
from perceivers.models.multimodal_autoencoding import PerceiverForMultimodalAutoencoding
from perceivers.processors.video.clip import stacked
from perceivers.processors.video.clips import PerceiverClipReader
from perceivers.tasks.base import Batch, Parts, Prediction, Step, Task, Unreadable
from perceivers.tasks.choosing import count_of, sampled_cells, size_of, with_advice
from perceivers.tasks.sizes import values_of_size
from perceivers.tasks.video_autoencoding.answers import names_of_films, reconstructed_films
from perceivers.tasks.video_autoencoding.beside import beside_clips
from perceivers.tasks.video_autoencoding.drawing import draw_reconstruction
from perceivers.tasks.video_autoencoding.measures import measure_clips
from perceivers.tasks.video_autoencoding.options import VideoAutoencodingArguments
from perceivers.tasks.video_autoencoding.prediction import class_names
from perceivers.tasks.video_autoencoding.sizing import clip_options, division_of, network_and_loop

if TYPE_CHECKING:
    import numpy as np

# The one class of a model that has no classes.
UNLABELLED = "unlabelled"


@dataclass(frozen=True)
class ClassOf:
    """From a row to the id of its class.

    Args:
        column: holds the class.
        names: names of the classes by id.
    """

    column: str
    names: Sequence[str]

    def __call__(self, row: Mapping[str, Any]) -> int:
        """Look the class up."""
        return class_id(row[self.column], self.names, self.column)


class VideoAutoencoding(Task[VideoAutoencodingArguments]):
    """Videos with sound, with or without classes."""

    name: ClassVar[str] = "video-autoencoding"
    headline: ClassVar[str] = "video_psnr"
    arguments_class: ClassVar[type[Any]] = VideoAutoencodingArguments
    chooses: ClassVar[bool] = True

    @property
    def best_by(self) -> tuple[str, Literal["higher", "lower"]]:
        """The loss, in which pictures, sound and class count as they do in training."""
        return "loss", "lower"

    @property
    def has_classes(self) -> bool:
        """Whether videos have classes."""
        return self.arguments.label_column is not None

    @cached_property
    def reader(self) -> PerceiverClipReader:
        """Cuts clips of the asked size out of films."""
        chosen = self.arguments
        return clip_reader(chosen, cache_of(chosen.cache_megabytes), normalize_sound=chosen.normalize_sound)

    def load_data(self, arguments: DataArguments, parts: Parts | None = None) -> Splits:
        """Open videos and divide them; those of a trained model must be of its classes."""
        tables = open_tables(arguments, VIDEO_SUFFIXES, labelled=self.has_classes)
        column = film_column(tables["train"].columns, self.arguments.video_column)
        for table in tables.values():
            require_columns(table, column, option="video_column")
            require_columns(table, *filter(None, [self.arguments.label_column]))
        if not is_complete(self.arguments):
            self._choose_clips(tables, column)
        chosen = self.arguments
        names: tuple[str, ...] = ()
        label_of = None
        if chosen.label_column is not None:
            if parts is None:
                # A stream cannot be looked through beforehand; its test part must have all the classes.
                labelled = next(table for table in tables.values() if isinstance(table, Table))
                names = names_of_classes(labelled, chosen.label_column)
            else:
                names = tuple(class_names(parts.model))
            label_of = ClassOf(chosen.label_column, names)
        reader = self.reader if parts is None else parts.processor
        films = SurveyedFilms(reader, whole=arguments.unreadable != "trust")
        decode = FilmDecoder(films, column, label_of)
        return load_films(
            arguments,
            tables,
            decode,
            by_time=chosen.split_by == "time",
            needs_test=parts is None,
            labels=chosen.label_column,
            class_names=names,
        )

    def _choose_clips(self, tables: Mapping[str, Table | StreamTable], column: str) -> None:
        """Fill how films are divided and what clips are like, from the films, where that is open."""
        size = size_of(self.arguments)
        own = filled(self.arguments, values_of_size(self.name, size))
        if size == "paper" or self.start is not None:
            self.arguments = completed(own)
            return
        table = tables["train"]
        is_undivided = len(tables) == 1 and isinstance(table, Table)
        own = filled(own, {"split_by": division_of(count_of(table)) if is_undivided else "films"})
        films = films_among(sampled_cells(table, column), table)
        self.arguments = completed(own) if films is None else filled(own, clip_options(films, given(own)))

    def advise(self, splits: Splits, run: RunArguments) -> Advice:
        """See Task: network and loop from the number of clips."""
        if is_complete(self.arguments):
            return Advice()
        num_clips = count_of(splits.train)
        self.arguments, advice = with_advice(
            self.arguments, network_and_loop(num_clips), run=run, num_rows=num_clips
        )
        return advice

    def sees(self) -> list[str]:
        """See Task."""
        own = self.arguments
        rate = round(own.frame_rate * own.audio_samples_per_frame)
        return [
            f"{own.num_frames} pictures of {own.height} x {own.width} pixels, {own.frame_rate:g} a second, and their sound "
            f"at {rate:,} Hz"
        ]

    def build(self, splits: Splits, start: PerceiverConfig | None = None) -> Parts:
        """Build an autoencoder of the asked size, and what cuts its clips."""
        chosen = self.arguments
        labels = dict(enumerate(splits.class_names)) or {0: UNLABELLED}
        if start is None:
            config = PerceiverConfig(**chosen.config_values(), id2label=labels)
        else:
            _require_fitting(start, chosen)
            sizes = {**start.to_dict(), **chosen.clip_values()}
            # Without classes of its own a run keeps those of the checkpoint, whose weights then fit.
            config = PerceiverConfig.from_dict(sizes, **({"id2label": labels} if self.has_classes else {}))
        return Parts(PerceiverForMultimodalAutoencoding(config), self.reader)

    def restore(self, folder: Path) -> Parts:
        """Load autoencoder and clip reader."""
        reader = reader_of(folder, self.arguments.cache_megabytes)
        return Parts(PerceiverForMultimodalAutoencoding.from_pretrained(folder), reader)

    def vary(self, sample: Stretch, generator: np.random.Generator) -> Stretch:
        """Begin the clip anywhere in its part of the film."""
        return sample.vary(self.arguments.num_frames, generator)

    def collate(self, processor: PerceiverClipReader, samples: Sequence[Stretch]) -> Batch:
        """Give `image` [batch, frames, 3, height, width] in [0, 1], `audio` [batch, samples, 1] in [-1, 1], `label` [batch].

        There is no `label` without classes.
        """
        arrays = stacked([processor.read(sample.film, sample.start) for sample in samples])
        batch = {name: torch.from_numpy(values) for name, values in arrays.items()}
        if self.has_classes:
            batch["label"] = torch.tensor([sample.label for sample in samples])
        return batch

    def augment(self, batch: Batch) -> Batch:
        """Move and mirror the pictures, change their size and colours; mix sounds, change their speed and loudness."""
        chosen = self.arguments
        image = random_view(batch["image"], shift=chosen.shift, scale=chosen.scale)
        image = random_colour(random_mirror(image, chosen.mirror), chosen.colour)
        audio = random_mixture(random_speed(batch["audio"], chosen.sound_speed), chosen.sound_mixture)
        return {**batch, "image": image, "audio": random_loudness(audio, chosen.gain, chosen.louder)}

    def step(self, model: nn.Module, batch: Batch) -> Step:
        """While training, the loss of random points; else all points, the class hidden, and how far they are off."""
        # accelerate's wrapper for several processes has the model inside.
        inner: Any = getattr(model, "module", model)
        if not model.training:
            weights = inner.config.loss_weights
            loss, measured = measure_clips(inner, batch, weights)
            return Step(loss, {**measured, **_constants(inner, len(batch["image"]))})
        inputs = {name: batch[name] for name in ("image", "audio")}
        targets: dict[str, Tensor] = dict(inputs)
        if "label" in batch:
            targets["label"] = batch["label"]
            one_hot = nn.functional.one_hot(batch["label"], inner.config.num_labels)
            inputs["label"] = one_hot.to(inputs["image"].dtype)
        # A class that is not there is hidden: its token then stands where it stands when the model is measured.
        with hidden_labels(inner, self.arguments.label_masking if "label" in batch else 1.0):
            outputs = model(inputs, labels=targets)
        loss = outputs.loss
        if "label" not in batch:
            # What belongs to the classes keeps a gradient, of zero, which data-parallel training needs.
            padding = inner.perceiver.input_preprocessor.padding["label"]
            loss = loss + 0.0 * (outputs.logits["label"].sum() + padding.sum())
        return Step(loss, {})

    def metrics(self, parts: Parts) -> Metrics:
        """PSNR of video and sound, beside what grey pictures and silence reach; compression; top-1 of the hidden class."""
        metrics = {
            "video_psnr": peak_signal_to_noise("video_error"),
            "audio_psnr": peak_signal_to_noise("audio_error"),
            "audio_snr": signal_to_noise("audio_energy", "audio_error"),
            "video_psnr_of_one_colour": peak_signal_to_noise("video_variance"),
            "audio_psnr_of_silence": peak_signal_to_noise("audio_energy"),
            "compression_ratio": mean_of("compression"),
            "compression_ratio_as_in_the_paper": mean_of("compression_of_the_paper"),
            "loss": mean_of("value"),
        }
        if self.has_classes:
            metrics["accuracy"] = measure("accuracy", "class", parts.model.config.num_labels)
        return Metrics(metrics)

    def stand_beside(self, parts: Parts, train: Any, asked: Any) -> dict[str, Any] | None:
        """See Task: the training frame nearest to each clip; the mean frame, silence and the most frequent class."""
        found = beside_clips(
            lambda sample: self.collate(parts.processor, [sample]),
            lambda: self.metrics(parts),
            train,
            asked,
            values=3 * self.arguments.height * self.arguments.width,
        )
        return None if found is None else {**found, "asked_samples": len(asked)}

    def predict(
        self, parts: Parts, inputs: Sequence[str], left_out: list[Unreadable] | None = None
    ) -> list[Prediction]:
        """Reconstruct each film, clip after clip; only the finished film, some frames and the sound are kept in memory."""
        names = class_names(parts.model) if self.has_classes else []
        return reconstructed_films(parts.fast_form(), parts.processor, names, inputs, left_out)

    def show(self, predictions: Sequence[Prediction], folder: Path) -> list[Path]:
        """Write each film beside its reconstruction (.mp4, the sound is the reconstruction's), and a picture of both."""
        written = []
        for stem, prediction in zip(names_of_films(predictions), predictions, strict=True):
            film, picture = folder / f"{stem}.mp4", folder / f"{stem}.png"
            film.write_bytes(prediction.shown["film"])
            draw_reconstruction(prediction, picture)
            written += [film, picture]
        return written


@contextmanager
def hidden_labels(model: Any, share: float) -> Iterator[None]:
    """Hide the classes of this share of samples from a model, drawn anew for each; afterwards, those of all, as before."""
    probabilities = model.perceiver.input_preprocessor.mask_probs
    probabilities["label"] = share
    try:
        yield
    finally:
        probabilities["label"] = model.config.mask_probabilities["label"]


def _constants(model: Any, batch_size: int) -> dict[str, Tensor]:
    """What is the same for every clip, once for each."""
    config = model.config
    _, frames, height, width = config.output_shape
    latents = (config.num_latents, config.d_latents)
    values = config.image_channels * frames * height * width + config.num_audio_samples
    tokens = prod(
        (
            frames // config.video_frames_per_patch,
            height // config.video_patch_size,
            width // config.video_patch_size,
        )
    )
    ratios = {
        "compression": compression_ratio(values, *latents),
        "compression_of_the_paper": compression_ratio_of_the_paper(tokens, _token_channels(config), *latents),
    }
    return {name: torch.full((batch_size,), ratio, device=model.device) for name, ratio in ratios.items()}


def _token_channels(config: PerceiverConfig) -> int:
    """Channels of the tokens of all modalities: the widest one's and its padding."""
    patch = config.image_channels * config.video_frames_per_patch * config.video_patch_size**2
    widest = max(
        patch + 3 * (2 * config.video_num_bands + 1),
        config.samples_per_patch + 2 * config.audio_num_bands + 1,
        config.num_labels,
    )
    return widest + config.input_padding_size


def _require_fitting(start: PerceiverConfig, chosen: VideoAutoencodingArguments) -> None:
    """Raise ConfigurationError for clips that do not consist of whole patches of the checkpoint."""
    for name, size, patch in (
        ("height", chosen.height, start.video_patch_size),
        ("width", chosen.width, start.video_patch_size),
        ("num_frames", chosen.num_frames, start.video_frames_per_patch),
        (
            "audio_samples_per_frame",
            chosen.audio_samples_per_frame * chosen.num_frames,
            start.samples_per_patch,
        ),
    ):
        if size % patch:
            raise ConfigurationError(
                f"`{name}` must give whole patches of the checkpoint to start from, {patch} each, received {size}"
            )
