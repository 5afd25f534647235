"""Questions to a model of motion: two frames in, the flow between them as a picture with its wheel, and as a file."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Mapping, Sequence
from math import prod
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import torch

from perceivers.answers.said import Said
from perceivers.errors import DataError
from perceivers.kinds.asked import Extent, Field, Media, Sent
from perceivers.kinds.inline import inline_picture, png_of
from perceivers.processors.image.opening import size_stored
from perceivers.processors.optical_flow.files import write_flow
from perceivers.tasks.asking.base import QUESTION, Asking, Example, Own
from perceivers.tasks.base import Prediction
from perceivers.tasks.optical_flow.drawing import draw_flow, extent_of
from perceivers.tasks.optical_flow.frames import require_one_size
from perceivers.tasks.optical_flow.pixels import decode_pixels


class FlowAsking(Asking):
    """See Asking; `task` is an OpticalFlow."""

    shown_as: ClassVar[str] = "Frame, motion, and the wheel of its colours"
    is_quick: ClassVar[bool] = False

    @property
    def fields(self) -> tuple[Field, ...]:
        """See Asking."""
        hints = ("the earlier frame", "the later frame, of the same size")
        return tuple(
            Field(column, "image", "file", hint, ("image/*",), "picture", needed=True)
            for column, hint in zip(self._columns, hints, strict=True)
        )

    def read_and_answer(
        self, rows: Sequence[Mapping[str, Any]], folder: Path, *, shows: bool
    ) -> list[Prediction | DataError]:
        """See Asking."""
        return [self._flow(row, folder, shows=shows) for row in rows]

    def said(self, prediction: Prediction) -> list[Said]:
        """See Asking."""
        names = {"mean_motion": "mean motion", "longest_motion": "longest motion"}
        return [Said(title, _pixels(f"{prediction.values[name]:g}")) for name, title in names.items()]

    def html(self, prediction: Prediction) -> str:
        """See Asking; the first frame, the flow in colours, and the wheel that explains them."""
        return f"<p>{inline_picture(prediction.shown['picture'], 'frame, flow and the wheel of its colours')}</p>"

    def example(self, samples: Any, index: int) -> Example:
        """See Asking."""
        sample = samples[index]
        frames = (np.rint(255.0 * frame).astype(np.uint8) for frame in (sample.first, sample.second))
        cells = {column: Own(frame) for column, frame in zip(self._columns, frames, strict=True)}
        # What nobody knows of the truth is drawn as rest.
        flow = torch.from_numpy(np.where(sample.valid[..., None], sample.flow, 0.0).astype(np.float32))
        picture = draw_flow(cells[self._columns[0]].value, flow, extent_of(flow))
        mean = float(flow.norm(dim=-1)[torch.from_numpy(sample.valid)].mean())
        truth = {"mean motion": _pixels(f"{mean:.4g}")}
        return Example(samples.name(index), cells, truth, f"<p>{inline_picture(picture, 'true flow')}</p>")

    def extent(self, column: str, content: bytes, most_seconds: float) -> Extent:
        """See Asking."""
        size = size_stored(content)
        return Extent() if size is None else Extent(pixels=prod(size))

    def media(self, column: str, cell: Any) -> Media:
        """See Asking."""
        from PIL import Image

        return Media("image/png", png_of(Image.fromarray(cell.value)))

    def python(self, cells: Mapping[str, Any]) -> str:
        """See Asking."""
        return repr([cells.get(column, f"{column}.png") for column in self._columns])

    @property
    def _columns(self) -> tuple[str, str]:
        chosen = self.task.arguments
        return chosen.first_column, chosen.second_column

    def _flow(self, row: Mapping[str, Any], folder: Path, *, shows: bool) -> Prediction | DataError:
        try:
            first, second = (self._pixels(row[column], column) for column in self._columns)
            require_one_size(first, second, QUESTION)
        except DataError as error:
            return error
        flow = self.task.flow_of(self.prepared, first, second).cpu()  # type: ignore[attr-defined]
        length = flow.norm(dim=-1)
        write_flow(folder / "flow.flo", flow)
        values = {
            "mean_motion": round(float(length.mean()), 4),
            "longest_motion": round(float(length.max()), 4),
            "flow": "data:application/octet-stream;base64,"
            + b64encode((folder / "flow.flo").read_bytes()).decode("ascii"),
        }
        shown = {"picture": draw_flow(first, flow, extent_of(flow))} if shows else {}
        return Prediction(QUESTION, values, shown)

    def _pixels(self, cell: Any, column: str) -> np.ndarray:
        value = cell.content if isinstance(cell, Sent) else cell.value if isinstance(cell, Own) else None
        if value is None:
            raise DataError(
                f"{column!r} must be the content of a picture, received the text {str(cell)!r:.80}"
            )
        try:
            return decode_pixels(value, None, self.task.arguments.white_level)
        except DataError as error:
            raise DataError(f"{column!r}: {error}") from error


def _pixels(number: str) -> str:
    """So many pixels, in words."""
    return f"{number} pixel" if number == "1" else f"{number} pixels"
