"""Optical flow: two frames in, the motion of every pixel of the first out."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar, Literal, cast

import numpy as np
import torch
from torch import Tensor, nn

from perceivers.arguments import DataArguments, RunArguments
from perceivers.arguments.advice import Advice
from perceivers.arguments.open import completed, filled, is_complete
from perceivers.configuration import PerceiverConfig
from perceivers.data.splits import Splits
from perceivers.errors import DataError
from perceivers.metrics.optical_flow import flow_metrics, flow_sums
from perceivers.metrics.running import Metrics
from perceivers.models.optical_flow import PerceiverForOpticalFlow
from perceivers.processors.optical_flow.processor import PerceiverOpticalFlowProcessor
from perceivers.rivals.reading import read_evenly
from perceivers.tasks.base import Batch, Parts, Prediction, Step, Task, Unreadable
from perceivers.tasks.choosing import size_of, with_advice
from perceivers.tasks.optical_flow.augmentation import (
    ColourStrengths,
    FlowSample,
    change_colours,
    mirror,
    random_window,
)
from perceivers.tasks.optical_flow.beside import beside_pairs
from perceivers.tasks.optical_flow.drawing import show_flows
from perceivers.tasks.optical_flow.estimation import estimate_flow
from perceivers.tasks.optical_flow.frames import Estimate, flows_of_inputs
from perceivers.tasks.optical_flow.options import OpticalFlowArguments
from perceivers.tasks.optical_flow.pictures import PairMaker, PicturePool
from perceivers.tasks.optical_flow.samples import are_pictures, difficulty_of, open_flow_tables, splits_of
from perceivers.tasks.optical_flow.sizing import network_and_loop, pair_options
from perceivers.tasks.optical_flow.values import flows_of_values
from perceivers.tasks.sizes import values_of_size

# Key of PerceiverConfig under which a model remembers how its frames are prepared.
CONTRAST_KEY = "flow_contrast_window"
# Up and down change places this much less often than left and right: gravity makes most scenes differ.
UPSIDE_DOWN = 0.1

TrainingSample = FlowSample | PicturePool | np.ndarray


class OpticalFlow(Task[OpticalFlowArguments]):
    """Pairs of frames with true flow, or pictures of any kind that such pairs are made of."""

    name: ClassVar[str] = "optical-flow"
    headline: ClassVar[str] = "epe"
    headline_is_better: ClassVar[Literal["higher", "lower"]] = "lower"
    arguments_class: ClassVar[type[Any]] = OpticalFlowArguments
    chooses: ClassVar[bool] = True

    def __init__(self, arguments: OpticalFlowArguments | None = None) -> None:
        super().__init__(arguments)
        # Pairs made by a task that is not training are the hardest ones.
        self._progress = 1.0
        if is_complete(self.arguments):
            self._prepare_frames()

    def load_data(self, arguments: DataArguments, parts: Parts | None = None) -> Splits:
        """Open pairs with true flow, or pictures; a trained model is measured on made pairs that are always the same."""
        tables = open_flow_tables(arguments, self.arguments)
        if not is_complete(self.arguments):
            self._choose_pairs(are_pictures(tables, self.arguments))
        return splits_of(tables, arguments, self.arguments, trains=parts is None)

    def _choose_pairs(self, makes_pairs: bool) -> None:
        """Fill what made pairs are like where that is open; of pairs with true flow, everything, with the usual values."""
        size = size_of(self.arguments)
        own = filled(self.arguments, values_of_size(self.name, size))
        chooses = makes_pairs and size != "paper" and self.start is None
        self.arguments = filled(own, pair_options()) if chooses else completed(own)

    def advise(self, splits: Splits, run: RunArguments) -> Advice:
        """See Task: network and loop for made pairs."""
        if is_complete(self.arguments):
            return Advice()
        advice = network_and_loop(self.arguments.pairs_per_epoch)
        num_pairs = len(cast("Sequence[Any]", splits.train))
        self.arguments, advice = with_advice(self.arguments, advice, run=run, num_rows=num_pairs)
        self._prepare_frames()
        return advice

    def sees(self) -> list[str]:
        """See Task."""
        own = self.arguments
        sizes = f", {own.pyramid_levels} sizes of each frame" if own.pyramid_levels > 1 else ""
        return [f"{own.train_height} x {own.train_width} pixels of two frames at a time{sizes}"]

    def _prepare_frames(self) -> None:
        chosen = self.arguments
        self._grid = (chosen.train_height, chosen.train_width)
        self._processor = PerceiverOpticalFlowProcessor(
            chosen.patch_size, chosen.target_scale, chosen.contrast_window
        )

    def build(self, splits: Splits, start: PerceiverConfig | None = None) -> Parts:
        """Build a model of the asked size, and the processor that prepares its frames."""
        chosen = self.arguments
        if start is None:
            config = PerceiverConfig(**{**chosen.config_values(), CONTRAST_KEY: chosen.contrast_window})
        else:
            config = PerceiverConfig.from_dict(start.to_dict())
        window = getattr(config, CONTRAST_KEY, 0)
        processor = PerceiverOpticalFlowProcessor(config.flow_patch_size, config.flow_target_scale, window)
        return self._remembered(Parts(PerceiverForOpticalFlow(config), processor))

    def restore(self, folder: Path) -> Parts:
        """Load model and processor."""
        return self._remembered(
            Parts(
                PerceiverForOpticalFlow.from_pretrained(folder),
                PerceiverOpticalFlowProcessor.from_pretrained(folder),
            )
        )

    def begin_pass(self, epoch: int, epochs: int) -> None:
        """Take over how far the run is, for the curriculum and the end of the first phase."""
        self._progress = epoch / epochs

    def vary(self, sample: TrainingSample, generator: np.random.Generator) -> tuple[FlowSample, ...]:
        """Make a new pair, forward and reversed, or cut a window out of a true one; change both after the first phase."""
        chosen, margin = self.arguments, self._margin()
        is_plain = self._progress < chosen.plain_share
        height, width = self._grid
        if isinstance(sample, FlowSample):
            zoom = 0.0 if is_plain else chosen.zoom
            window = random_window(sample, generator, height=height, width=width, margin=margin, zoom=zoom)
            samples: tuple[FlowSample, ...] = (window,)
        else:
            # A stream of pictures gives one at a time; its objects are then parts of the same picture.
            pool = sample if isinstance(sample, PicturePool) else PicturePool([sample])
            growing = chosen.growing_share
            share = min(self._progress / growing, 1.0) if growing else 1.0
            difficulty = difficulty_of(chosen).grown(share, chosen.first_motion)
            made = PairMaker(height + 2 * margin, width + 2 * margin)(pool, generator, difficulty)
            if chosen.still_share and generator.random() < chosen.still_share:
                made = made[0].still(), made[1].still()
            samples = tuple(_without_margin(each, margin) for each in made)
        if is_plain:
            return samples
        return tuple(self._augmented(each, generator) for each in samples)

    def collate(
        self, processor: PerceiverOpticalFlowProcessor, samples: Sequence[FlowSample | tuple[FlowSample, ...]]
    ) -> Batch:
        """Put pairs together, smaller ones in the upper left of the largest.

        Returns:
            `frames` [batch, 2, 3, height, width] in [-1, 1], `flow` [batch, height, width, 2] in pixels, `valid` bool [batch,
            height, width], `sizes` [batch, 2]: each flow's own height and width. Frames of training samples have a margin
            around the part whose flow is known, which neighbourhoods of pixels reach into.
        """
        flat = [pair for each in samples for pair in (each if isinstance(each, tuple) else (each,))]
        frames = [torch.from_numpy(np.stack([pair.first, pair.second])).movedim(-1, 1) for pair in flat]
        return {
            "frames": _stacked(frames) * 2.0 - 1.0,
            "flow": _stacked([torch.from_numpy(pair.flow).movedim(-1, 0) for pair in flat]).movedim(1, -1),
            "valid": _stacked([torch.from_numpy(pair.valid) for pair in flat]),
            "sizes": torch.tensor([pair.valid.shape for pair in flat]),
        }

    def step(self, model: nn.Module, batch: Batch) -> Step:
        """Compute the mean end-point error over valid pixels, in units of the model's output.

        While training, of one grid; when evaluating, of whole frames by tiles, coarse to fine where that is asked for.
        """
        flow, valid = batch["flow"], batch["valid"]
        if model.training:
            margin = (batch["frames"].shape[-1] - flow.shape[2]) // 2
            inner = slice(margin, -margin or None)
            inputs = self._processor.process_frames(batch["frames"])[..., inner, inner]
            output = model(inputs=inputs, labels=flow, valid_mask=valid)
            preds = self._processor.post_process(output.logits.detach())
            return Step(output.loss, {"sums": flow_sums(preds, flow, valid)})
        sums = flow_sums(self._whole_flow(model, batch["frames"], batch["sizes"]), flow, valid)
        loss = sums[:, 1].sum() / sums[:, 0].sum().clamp(min=1.0) / self._processor.flow_scale
        return Step(loss, {"sums": sums})

    def metrics(self, parts: Parts) -> Metrics:
        """End-point error in pixels; shares of pixels off by more than 1, 3 and 5 pixels; KITTI's share of outliers."""
        return flow_metrics()

    def stand_beside(self, parts: Parts, train: Any, asked: Any) -> dict[str, Any] | None:
        """See Task: TV-L1, and the answer that nothing moves, on the same pairs; neither learns anything."""
        found = beside_pairs(read_evenly(asked, _one_pair))
        return None if found is None else {**found, "asked_samples": len(asked)}

    @torch.no_grad()
    def predict(
        self, parts: Parts, inputs: Sequence[str], left_out: list[Unreadable] | None = None
    ) -> list[Prediction]:
        """Give the flow of each frame to the next one.

        Args:
            parts: the trained model.
            inputs: pictures, each followed by the next one in time; folders, each a sequence of its own; films; tables with
                columns for the first and the second frame of each pair.
            left_out: see Task.
        """
        return flows_of_inputs(inputs, self.arguments, self._estimate_by(parts), left_out)

    def answer_values(self, parts: Parts, values: Sequence[Any]) -> list[Prediction | DataError]:
        """See Task; frames and pairs of them may be paths, bytes, arrays and PIL pictures, see `pairs_of_values`."""
        return flows_of_values(values, self.arguments, self._estimate_by(parts))

    def _estimate_by(self, parts: Parts) -> Estimate:
        prepared = parts.fast_form()
        return lambda first, second: self.flow_of(prepared, first, second).cpu().numpy()

    @torch.no_grad()
    def flow_of(self, model: Any, first: np.ndarray, second: np.ndarray) -> Tensor:
        """Flow [height, width, 2] in pixels, from one frame to the next, uint8 [height, width, 3] each."""
        return self._estimate(model, _as_frames(first, second, model.device))[0]

    def show(self, predictions: Sequence[Prediction], folder: Path) -> list[Path]:
        """Write each flow as .flo and as colours beside its frame, with the wheel that explains them; films as films."""
        return show_flows(predictions, folder)

    def _remembered(self, parts: Parts) -> Parts:
        """Take over the grid and the preparation of frames from what was built or loaded."""
        height, width = parts.model.config.train_size
        self._grid, self._processor = (height, width), parts.processor
        return parts

    def _margin(self) -> int:
        return self._processor.patch_size // 2

    def _augmented(self, sample: FlowSample, generator: np.random.Generator) -> FlowSample:
        chosen = self.arguments
        if generator.random() < chosen.flip:
            sample = mirror(sample, axis=1)
        if generator.random() < chosen.flip * UPSIDE_DOWN:
            sample = mirror(sample, axis=0)
        strengths = ColourStrengths(
            chosen.brightness, chosen.contrast, chosen.saturation, chosen.second_frame_change, chosen.noise
        )
        return change_colours(sample, strengths, generator)

    def _whole_flow(self, model: nn.Module, frames: Tensor, sizes: Tensor) -> Tensor:
        """Flow of whole frames [batch, height, width, 2]; each as it would be alone, whatever the others' sizes."""
        flow = frames.new_zeros(frames.shape[0], *frames.shape[-2:], 2)
        for height, width in sizes.unique(dim=0).tolist():
            rows = (sizes == sizes.new_tensor([height, width])).all(dim=1)
            flow[rows, :height, :width] = self._estimate(model, frames[rows, ..., :height, :width])
        return flow

    def _estimate(self, model: Any, frames: Tensor) -> Tensor:
        chosen = self.arguments
        return estimate_flow(
            model,
            self._processor,
            frames,
            grid=self._grid,
            resize=chosen.resize,
            pyramid_levels=chosen.pyramid_levels,
            iterations=chosen.iterations,
        ).float()


def _one_pair(sample: FlowSample) -> FlowSample:
    """A pair as it is: it is read when it is taken from its part."""
    return sample


def _as_frames(first: np.ndarray, second: np.ndarray, device: torch.device) -> Tensor:
    """uint8 [height, width, 3] each to [1, 2, 3, height, width] in [-1, 1]."""
    pixels = torch.from_numpy(np.stack([first, second])).to(device)
    return pixels.float().movedim(-1, 1)[None] / 127.5 - 1.0


def _without_margin(sample: FlowSample, margin: int) -> FlowSample:
    """Flow and mask of the inner part; the frames keep their margin."""
    inner = slice(margin, -margin or None)
    return FlowSample(sample.first, sample.second, sample.flow[inner, inner], sample.valid[inner, inner])


def _stacked(arrays: Sequence[Tensor]) -> Tensor:
    """[..., height, width] each, of any sizes, to [batch, ..., height, width]; zeros where one is smaller."""
    height, width = (max(array.shape[axis] for array in arrays) for axis in (-2, -1))
    stacked = arrays[0].new_zeros(len(arrays), *arrays[0].shape[:-2], height, width)
    for row, array in zip(stacked, arrays, strict=True):
        row[..., : array.shape[-2], : array.shape[-1]] = array
    return stacked
