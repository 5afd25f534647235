"""Random changes of a pair of frames: of its colours, which leave the flow alone, and of its geometry, which change both."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from perceivers.tasks.optical_flow.sampling import sample_bilinear

Array = np.ndarray
GREY_WEIGHTS = np.array([0.299, 0.587, 0.114], dtype=np.float32)


@dataclass(frozen=True)
class FlowSample:
    """Two frames with the true flow of the first.

    Args:
        first: float32 [height, width, 3] in [0, 1].
        second: the same.
        flow: float32 [height, width, 2], right and down in pixels.
        valid: bool [height, width], where the flow is known.
    """

    first: Array
    second: Array
    flow: Array
    valid: Array

    def still(self) -> FlowSample:
        """The first frame twice, so that nothing moves."""
        return FlowSample(self.first, self.first, np.zeros_like(self.flow), self.valid)


@dataclass(frozen=True)
class ColourStrengths:
    """How far colours change; see OpticalFlowArguments.

    Args:
        brightness: added to all values, up to this.
        contrast: values are drawn apart from the frames' mean by up to this share.
        saturation: colours are drawn apart from grey by up to this share.
        second_frame_change: the same three for the second frame alone, up to this.
        noise: largest standard deviation of what is added to every value.
    """

    brightness: float = 0.0
    contrast: float = 0.0
    saturation: float = 0.0
    second_frame_change: float = 0.0
    noise: float = 0.0


def change_colours(
    sample: FlowSample, strengths: ColourStrengths, generator: np.random.Generator
) -> FlowSample:
    """Draw brightness, contrast and saturation for both frames, a little more for the second, and noise for each."""
    drawn = generator.uniform(-1.0, 1.0, (2, 3))
    both = drawn[0] * (strengths.brightness, strengths.contrast, strengths.saturation)
    second = both + drawn[1] * strengths.second_frame_change
    mean = float((sample.first.mean() + sample.second.mean()) / 2)
    frames = []
    for frame, (brightness, contrast, saturation) in ((sample.first, both), (sample.second, second)):
        changed = adjust(frame, mean, float(brightness), float(contrast), float(saturation))
        deviation = np.float32(generator.uniform(0.0, strengths.noise))
        if deviation:
            changed = changed + deviation * generator.standard_normal(changed.shape, dtype=np.float32)
        frames.append(np.clip(changed, 0.0, 1.0).astype(np.float32))
    return FlowSample(frames[0], frames[1], sample.flow, sample.valid)


def adjust(frame: Array, mean: float, brightness: float, contrast: float, saturation: float) -> Array:
    """Change a frame: `grey + (1 + saturation) (x - grey)`, then `mean + (1 + contrast) (x - mean) + brightness`.

    Args:
        frame: [height, width, 3].
        mean: the value that contrast leaves alone.
        brightness: added.
        contrast: above -1; 0 changes nothing.
        saturation: above -1; 0 changes nothing.
    """
    grey = (frame @ GREY_WEIGHTS)[..., None]
    coloured = grey + (1.0 + saturation) * (frame - grey)
    adjusted: Array = mean + (1.0 + contrast) * (coloured - mean) + brightness
    return adjusted


def mirror(sample: FlowSample, axis: int) -> FlowSample:
    """Exchange left and right (axis 1) or up and down (axis 0); motion along that axis changes its sign."""
    sign = np.array([-1.0, 1.0] if axis == 1 else [1.0, -1.0], dtype=np.float32)
    first, second, flow, valid = (
        np.ascontiguousarray(np.flip(values, axis))
        for values in (sample.first, sample.second, sample.flow, sample.valid)
    )
    return FlowSample(first, second, flow * sign, valid)


def cut_window(
    sample: FlowSample, top: float, left: float, height: int, width: int, zoom: float = 1.0, margin: int = 0
) -> FlowSample:
    """Cut a window out of a pair and resize it.

    Frames are interpolated; flow and its mask are taken from the nearest pixel, because sparse truth and the edges of
    objects must not be mixed. Beyond the frames, everything is black and not valid.

    Args:
        sample: the pair.
        top: row of the window's first pixel in the pair, in pixels.
        left: column of the same.
        height: of the result's flow, in pixels.
        width: of the result's flow, in pixels.
        zoom: pixels of the result for a pixel of the pair; flow is multiplied by it.
        margin: pixels around the window that the frames show on top.

    Returns:
        Frames [height + 2 margin, width + 2 margin, 3], flow [height, width, 2] and mask [height, width].
    """
    rows = top + np.arange(-margin, height + margin) / zoom
    columns = left + np.arange(-margin, width + margin) / zoom
    if zoom == 1.0 and float(top).is_integer() and float(left).is_integer():
        frames = [
            _picked(frame, rows.astype(int), columns.astype(int)) for frame in (sample.first, sample.second)
        ]
    else:
        points = np.stack(np.meshgrid(columns, rows), axis=-1)
        inside = _inside(np.rint(rows), sample.valid.shape[0])[:, None] & _inside(
            np.rint(columns), sample.valid.shape[1]
        )
        frames = [
            (sample_bilinear(frame, points) * inside[..., None]).astype(np.float32)
            for frame in (sample.first, sample.second)
        ]
    inner = slice(margin, -margin or None)
    nearest = (np.rint(rows[inner]).astype(int), np.rint(columns[inner]).astype(int))
    flow = _picked(sample.flow, *nearest) * np.float32(zoom)
    return FlowSample(frames[0], frames[1], flow, _picked(sample.valid, *nearest))


def random_window(
    sample: FlowSample,
    generator: np.random.Generator,
    *,
    height: int,
    width: int,
    margin: int,
    zoom: float = 0.0,
    attempts: int = 5,
) -> FlowSample:
    """Cut a random window, at a random size, that holds some known flow.

    Args:
        sample: the pair.
        generator: of random numbers.
        height: of the result's flow, in pixels.
        width: of the result's flow, in pixels.
        margin: see `cut_window`.
        zoom: the size changes by up to this many doublings or halvings; not below what fills the window.
        attempts: windows that are drawn until one in ten pixels has known flow; the last one is taken in any case.
    """
    rows, columns = sample.valid.shape
    for _ in range(attempts):
        factor = 2.0 ** generator.uniform(-zoom, zoom) if zoom else 1.0
        # A frame that is too small for the window at this factor is enlarged no further than it must be for its own.
        factor = max(factor, min(1.0, max(height / rows, width / columns)))
        top, left = (
            float(generator.integers(0, max(int(size - length / factor), 0) + 1))
            for size, length in ((rows, height), (columns, width))
        )
        window = cut_window(sample, top, left, height, width, factor, margin)
        if window.valid.mean() >= 0.1:
            break
    return window


def _picked(values: Array, rows: Array, columns: Array) -> Array:
    """[rows, columns, ...] at whole positions; zero beyond the borders."""
    height, width = values.shape[:2]
    picked = values[np.clip(rows, 0, height - 1)][:, np.clip(columns, 0, width - 1)]
    inside = _inside(rows, height)[:, None] & _inside(columns, width)
    kept: Array = picked & inside if picked.dtype == bool else picked * inside[..., None].astype(picked.dtype)
    return kept


def _inside(positions: Array, size: int) -> Array:
    inside: Array = (positions >= 0) & (positions <= size - 1)
    return inside
