"""Masked autoencoding: a Hierarchical Perceiver learns pixels, sound and its own positions from what it is not shown."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, cast

import torch
from torch import Tensor, nn

from perceivers.arguments import DataArguments
from perceivers.configuration import PerceiverConfig
from perceivers.data.opening import open_tables
from perceivers.data.splits import Splits
from perceivers.data.tables import require_columns
from perceivers.errors import ConfigurationError
from perceivers.kinds.video.augmentation import random_mirror, random_view
from perceivers.kinds.video.films import FilmDecoder, Stretch, film_column, load_films
from perceivers.kinds.video.reading import VIDEO_SUFFIXES, SurveyedFilms, cache_of, clip_reader, reader_of
from perceivers.metrics.named import mean_of
from perceivers.metrics.running import Metrics
from perceivers.metrics.signal_to_noise import peak_signal_to_noise, signal_to_noise
from perceivers.models.hierarchical_perceiver import HierarchicalPerceiver, config_of_hierarchy
from perceivers.nn.fourier import grid_coordinates
from perceivers.nn.precision import wide
from perceivers.processors.video.clip import stacked
from perceivers.processors.video.clips import PerceiverClipReader
from perceivers.rivals.reading import read_evenly
from perceivers.rivals.visible import mean_of_visible, nearest_places, nearest_visible
from perceivers.tasks.base import Batch, Parts, Prediction, Step, Task, Unreadable
from perceivers.tasks.masked_autoencoding.answers import guessed_films
from perceivers.tasks.masked_autoencoding.beside import beside_visible
from perceivers.tasks.masked_autoencoding.drawing import draw_clip, draw_positions
from perceivers.tasks.masked_autoencoding.measures import (
    error_of_hidden,
    neighbours_found,
    share_of_neighbours,
)
from perceivers.tasks.masked_autoencoding.options import MaskedAutoencodingArguments
from perceivers.tasks.masked_autoencoding.pattern import Pattern

if TYPE_CHECKING:
    import numpy as np

# Of the pattern that clips are measured and shown with.
_MEASURING_SEED = 7


class MaskedAutoencoding(Task[MaskedAutoencodingArguments]):
    """Videos with sound, as bare pixels and samples."""

    name: ClassVar[str] = "masked-autoencoding"
    headline: ClassVar[str] = "video_psnr"
    arguments_class: ClassVar[type[Any]] = MaskedAutoencodingArguments

    @cached_property
    def reader(self) -> PerceiverClipReader:
        """Cuts clips of the asked size out of films."""
        chosen = self.arguments
        return clip_reader(chosen, cache_of(chosen.cache_megabytes), normalize_sound=chosen.normalize_sound)

    def load_data(self, arguments: DataArguments, parts: Parts | None = None) -> Splits:
        """Open videos and divide them; their classes, where there are any, are not read."""
        tables = open_tables(arguments, VIDEO_SUFFIXES, labelled=False)
        column = film_column(tables["train"].columns, self.arguments.video_column)
        for table in tables.values():
            require_columns(table, column, option="video_column")
        reader = self.reader if parts is None else parts.processor
        decode = FilmDecoder(SurveyedFilms(reader, whole=arguments.unreadable != "trust"), column)
        by_time = self.arguments.split_by == "time"
        return load_films(arguments, tables, decode, by_time=by_time, needs_test=parts is None)

    def build(self, splits: Splits, start: PerceiverConfig | None = None) -> Parts:
        """Build a Hierarchical Perceiver for clips of the asked size, and what cuts them."""
        chosen = self.arguments
        if start is None:
            weights = {"image": chosen.video_weight, "audio": chosen.audio_weight}
            config = config_of_hierarchy(chosen.hierarchy(), loss_weights=weights)
        else:
            config = PerceiverConfig.from_dict(start.to_dict())
        model = HierarchicalPerceiver(config)
        _require_fitting(model, chosen)
        if not chosen.learn_positions:
            model.positions.requires_grad_(False)
        return Parts(model, self.reader)

    def restore(self, folder: Path) -> Parts:
        """Load network and clip reader."""
        reader = reader_of(folder, self.arguments.cache_megabytes)
        return Parts(HierarchicalPerceiver.from_pretrained(folder), reader)

    def vary(self, sample: Stretch, generator: np.random.Generator) -> Stretch:
        """Begin the clip anywhere in its part of the film."""
        return sample.vary(self.arguments.num_frames, generator)

    def collate(self, processor: PerceiverClipReader, samples: Sequence[Stretch]) -> Batch:
        """Give `image` [batch, frames, 3, height, width] in [0, 1], and `audio` [batch, samples, 1] in [-1, 1]."""
        arrays = stacked([processor.read(sample.film, sample.start) for sample in samples])
        return {name: torch.from_numpy(values) for name, values in arrays.items()}

    def augment(self, batch: Batch) -> Batch:
        """Move and mirror the pictures."""
        image = random_view(batch["image"], shift=self.arguments.shift, scale=0.0)
        return {**batch, "image": random_mirror(image, self.arguments.mirror)}

    def step(self, model: nn.Module, batch: Batch) -> Step:
        """The loss of what was hidden; where it is measured, from each clip the same every time, and how far it is off."""
        # accelerate's wrapper for several processes has the model inside.
        inner: HierarchicalPerceiver = cast("Any", getattr(model, "module", model))
        points = as_points(batch)
        size = len(points["image"])
        visible = self._visible(inner, size) if model.training else self._same_for_all(inner, size)
        output = model(points, labels=points, **visible)
        if model.training:
            return Step(output.loss, {})
        hidden = inner.hidden_points(visible.get("visible_slots"), visible.get("visible_groups"))
        assert hidden is not None
        measured = self._measured(points, output.logits, hidden)
        constants = {
            "loss": output.loss.detach(),
            "found": torch.tensor(neighbours_found(inner.position_table("image"), self._places())),
        }
        measured |= {name: wide(value.to(inner.device)).expand(size) for name, value in constants.items()}
        return Step(output.loss, measured)

    def metrics(self, parts: Parts) -> Metrics:
        """PSNR of hidden pixels and samples, beside what the mean and the nearest of the visible ones reach."""
        metrics = {
            "video_psnr": peak_signal_to_noise("video_error"),
            "video_psnr_of_visible_mean": peak_signal_to_noise("video_error_of_mean"),
            "video_psnr_of_nearest_visible": peak_signal_to_noise("video_error_of_nearest"),
            "audio_psnr": peak_signal_to_noise("audio_error"),
            "audio_snr": signal_to_noise("audio_energy", "audio_error"),
            "audio_snr_of_nearest_visible": signal_to_noise("audio_energy", "audio_error_of_nearest"),
            "neighbours_found": mean_of("found"),
            "loss": mean_of("loss"),
        }
        return Metrics(metrics)

    def stand_beside(self, parts: Parts, train: Any, asked: Any) -> dict[str, Any] | None:
        """See Task: the nearest of what the model was shown, and its mean; neither learns anything."""
        hidden = self._hidden_of_all(cast("HierarchicalPerceiver", parts.model))

        def errors(sample: Stretch) -> dict[str, Tensor]:
            points = as_points(self.collate(parts.processor, [sample]))
            mean = {name: mean_of_visible(values, hidden[name]) for name, values in points.items()}
            return self._measured(points, mean, hidden)

        found = beside_visible(read_evenly(asked, errors), lambda: self.metrics(parts))
        return None if found is None else {**found, "asked_samples": len(asked)}

    def show_model(self, parts: Parts, folder: Path) -> list[Path]:
        """Draw what the learned positions learned."""
        path, chosen = folder / "positions.png", self.arguments
        model = cast("HierarchicalPerceiver", parts.model)
        tables = {name: model.position_table(name) for name in chosen.inputs}
        chance = share_of_neighbours(self._places())
        draw_positions(tables, (chosen.num_frames, chosen.height, chosen.width), chance, path)
        return [path]

    def predict(
        self, parts: Parts, inputs: Sequence[str], left_out: list[Unreadable] | None = None
    ) -> list[Prediction]:
        """Hide most of the middle clip of each film, and say what was there."""
        return self.predicting(parts)(inputs, left_out)

    def predicting(
        self, parts: Parts
    ) -> Callable[[Sequence[str], list[Unreadable] | None], list[Prediction]]:
        """See Task; what is hidden is found once."""
        model = cast("HierarchicalPerceiver", parts.model).eval()
        return partial(guessed_films, model, parts.processor, self._pattern(model))

    def save_for_export(self, parts: Parts, folder: Path) -> None:
        """Write what is hidden: chance is torch's."""
        self._pattern(cast("HierarchicalPerceiver", parts.model)).save(folder)

    def show(self, predictions: Sequence[Prediction], folder: Path) -> list[Path]:
        """Draw of each film the clip, what was visible of it, and what the model says."""
        written = []
        for number, prediction in enumerate(predictions, start=1):
            path = folder / f"{number:03d}_{Path(prediction.source).stem}.png"
            draw_clip(prediction, path)
            written.append(path)
        return written

    def _same_for_all(self, model: HierarchicalPerceiver, size: int) -> dict[str, Tensor]:
        """What clips are shown that are measured: one pattern for all, whatever batch they are in."""
        generator = torch.Generator(model.device).manual_seed(_MEASURING_SEED)
        drawn = self._visible(model, 1, generator)
        return {name: pattern.expand(size, -1) for name, pattern in drawn.items()}

    def _hidden_of_all(self, model: HierarchicalPerceiver) -> dict[str, Tensor]:
        """What `_same_for_all` hides of one clip: name -> bool [1, points], on the processor."""
        visible = self._same_for_all(model, 1)
        hidden = model.hidden_points(visible.get("visible_slots"), visible.get("visible_groups"))
        assert hidden is not None
        return {name: each.cpu() for name, each in hidden.items()}

    def _visible(
        self, model: HierarchicalPerceiver, size: int, generator: torch.Generator | None = None
    ) -> dict[str, Tensor]:
        """What a batch is shown, as arguments of the model."""
        visible = {}
        if self.arguments.hidden:
            visible["visible_slots"] = model.draw_visible(size, self.arguments.hidden, generator)
        if self.arguments.hidden_groups:
            groups = model.draw_visible_groups(size, self.arguments.hidden_groups, generator)
            visible["visible_groups"] = groups
        return visible

    def _measured(
        self, points: Mapping[str, Tensor], said: Mapping[str, Tensor], hidden: Mapping[str, Tensor]
    ) -> dict[str, Tensor]:
        """Errors of each clip [batch], of colours in [0, 1] and of samples in [-1, 1]."""
        image, audio = points["image"], points["audio"]
        of_image, of_audio = hidden["image"], hidden["audio"]
        times = self._coordinates("audio").to(audio.device)
        near = nearest_visible(image, of_image, self._places().to(image.device))
        colours = {
            "video_error": said["image"].clamp(-1, 1),
            "video_error_of_mean": mean_of_visible(image, of_image),
            "video_error_of_nearest": near,
        }
        sounds = {
            "audio_error": said["audio"].clamp(-1, 1),
            "audio_error_of_nearest": nearest_visible(audio, of_audio, times),
            "audio_energy": torch.zeros_like(audio),
        }
        # Colours of the model are twice as wide as those in [0, 1].
        measured = {name: error_of_hidden(each, image, of_image) / 4 for name, each in colours.items()}
        return measured | {name: error_of_hidden(each, audio, of_audio) for name, each in sounds.items()}

    def _places(self) -> Tensor:
        """Frame, row and column of every pixel, in steps, [points, 3]; a frame is as far from the next as a pixel is."""
        sizes = (self.arguments.num_frames, self.arguments.height, self.arguments.width)
        halves = torch.tensor([(size - 1) / 2 for size in sizes])
        return (grid_coordinates(sizes) + 1) * halves

    def _pattern(self, model: HierarchicalPerceiver) -> Pattern:
        """What `_same_for_all` shows of one clip."""
        visible, hidden = self._same_for_all(model, 1), self._hidden_of_all(model)
        nearest = {
            name: nearest_places(each[0], torch.cdist(self._coordinates(name), self._coordinates(name)))
            for name, each in hidden.items()
        }
        return Pattern(
            {name: each[0].cpu().numpy() for name, each in visible.items()},
            {name: each[0].numpy() for name, each in hidden.items()},
            {name: each.numpy() for name, each in nearest.items()},
        )

    def _coordinates(self, name: str) -> Tensor:
        """Where the points of an input are, [points, axes]."""
        if name == "image":
            return self._places()
        return torch.arange(self.arguments.inputs[name][0], dtype=torch.float32)[:, None]


def as_points(batch: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Pixels in raster order [batch, points, 3] in [-1, 1], frame by frame, and samples [batch, points, 1] in [-1, 1]."""
    pixels = batch["image"].permute(0, 1, 3, 4, 2).flatten(1, 3)
    return {"image": 2 * pixels - 1, "audio": batch["audio"]}


def _require_fitting(model: HierarchicalPerceiver, chosen: MaskedAutoencodingArguments) -> None:
    """Raise ConfigurationError for clips of another size than a checkpoint was trained with."""
    sizes = {each.name: (each.points, each.channels) for each in model.hierarchy.inputs}
    if sizes != chosen.inputs:
        raise ConfigurationError(
            f"`num_frames`, `height`, `width` and `audio_samples_per_frame` must give the points of the checkpoint to start "
            f"from, {sizes}, received {chosen.inputs}"
        )
