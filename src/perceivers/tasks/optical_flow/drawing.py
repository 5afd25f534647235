"""Flow for people: its colours beside the frame, with the wheel that says which colour is which motion; films of both."""

from __future__ import annotations

import math
import shutil
from collections.abc import Sequence
from itertools import groupby
from pathlib import Path

import numpy as np
import torch
from PIL import Image, ImageDraw, ImageFont
from torch import Tensor

from perceivers.processors.optical_flow.colours import flow_to_image
from perceivers.processors.video.writing import video_writer
from perceivers.tasks.base import Prediction
from perceivers.tasks.optical_flow.frames import KeptFlow, film_frames

INK, PAPER = (34, 34, 34), (255, 255, 255)
GAP = 12
# What the wheel itself does not show.
FASTER = "darker: faster"
# Pixels; motions below it would make colours of noise.
LEAST_EXTENT = 0.5


def show_flows(predictions: Sequence[Prediction], folder: Path) -> list[Path]:
    """Write `<name>.flo` and `<name>.png` for each pair; `<film>/<number>.flo` and `<film>_flow.mp4` for a film."""
    written: list[Path] = []

    def film_of(prediction: Prediction) -> Path | None:
        film: Path | None = prediction.shown["flow"].film
        return film

    for film, group in groupby(predictions, key=film_of):
        members = list(group)
        for prediction in members:
            path = folder / prediction.values["flow_file"]
            path.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(prediction.shown["flow"].path, path)
            written.append(path)
            if film is None:
                picture = path.with_suffix(".png")
                _draw_pair(prediction.shown["flow"]).save(picture)
                written.append(picture)
        if film is not None:
            target = folder / f"{Path(members[0].values['flow_file']).parent}_flow.mp4"
            _write_film([prediction.shown["flow"] for prediction in members], film, target)
            written.append(target)
    return written


def colour_legend(size: int, extent: float) -> Image.Image:
    """The colour wheel, and its size in words: a motion from the centre to a place on it has the colour there.

    Args:
        size: side of the wheel in pixels.
        extent: motion at the rim, in pixels.
    """
    places = torch.linspace(-1.0, 1.0, size)
    motion = torch.stack([places.expand(size, size), places[:, None].expand(size, size)], dim=-1)
    colours = flow_to_image(motion, max_flow=1.0)
    inside = motion.norm(dim=-1, keepdim=True) <= 1.0
    wheel = Image.fromarray(torch.where(inside, colours, 255).to(torch.uint8).numpy())
    font = _font(max(size // 9, 10))
    lines = (f"{extent:.3g} px", FASTER)
    width = max(size, *(math.ceil(font.getlength(line)) + 4 for line in lines))
    line_height = int(font.size * 1.6)
    legend = Image.new("RGB", (width, size + line_height * len(lines)), PAPER)
    legend.paste(wheel, ((width - size) // 2, 0))
    for index, line in enumerate(lines):
        place = (width / 2, size + line_height * (index + 0.5))
        ImageDraw.Draw(legend).text(place, line, INK, font, anchor="mm")
    return legend


def draw_flow(frame: np.ndarray, flow: Tensor, extent: float) -> Image.Image:
    """A frame, its flow in colours, and the wheel.

    Args:
        frame: uint8 [height, width, 3].
        flow: [height, width, 2], in pixels.
        extent: motion in pixels that is shown in full colour; faster is shown darker.
    """
    height, width = frame.shape[:2]
    legend = colour_legend(min(max(height // 2, 48), 160), extent)
    canvas = Image.new(
        "RGB",
        (2 * width + legend.width + 4 * GAP, max(height, legend.height) + 2 * GAP),
        PAPER,
    )
    canvas.paste(Image.fromarray(frame), (GAP, GAP))
    canvas.paste(Image.fromarray(flow_to_image(flow, max_flow=extent).numpy()), (width + 2 * GAP, GAP))
    canvas.paste(legend, (2 * width + 3 * GAP, GAP))
    return canvas


def extent_of(flow: Tensor) -> float:
    """Motion in pixels that is shown in full colour: what 99 % of the pixels do not exceed."""
    return max(float(np.quantile(flow.norm(dim=-1).numpy(), 0.99)), LEAST_EXTENT)


def _draw_pair(kept: KeptFlow) -> Image.Image:
    assert kept.first is not None
    return draw_flow(kept.first, torch.from_numpy(kept.read()), max(kept.extent, LEAST_EXTENT))


def _write_film(flows: Sequence[KeptFlow], film: Path, target: Path) -> None:
    """Frames beside their flow, all in the colours of one extent; the last frame, which has no flow, is left out."""
    extent = max(*(kept.extent for kept in flows), LEAST_EXTENT)
    frames = zip(film_frames(film), flows, strict=False)
    frame, kept = next(frames)
    picture = _even(draw_flow(frame, torch.from_numpy(kept.read()), extent))
    with video_writer(target, kept.frame_rate, *picture.shape[:2]) as writer:
        writer.add(picture[None])
        for frame, kept in frames:
            writer.add(_even(draw_flow(frame, torch.from_numpy(kept.read()), extent))[None])


def _even(picture: Image.Image) -> np.ndarray:
    """uint8 [height, width, 3] with even sides, as films need."""
    pixels = np.asarray(picture)
    return pixels[: pixels.shape[0] // 2 * 2, : pixels.shape[1] // 2 * 2]


def _font(size: int) -> ImageFont.FreeTypeFont:
    font = ImageFont.load_default(size)
    assert isinstance(font, ImageFont.FreeTypeFont)
    return font
