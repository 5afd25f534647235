"""Pairs of frames made from any pictures, with the flow known exactly in both directions.

A scene is a stack of layers, from the background up. Each has a texture and an outline, functions of the points of
frame 1, and a motion `warp_k` of its own:

- frame 1 shows layer k at pixel x where its outline covers x, in the colour of its texture at x;
- frame 2 shows at pixel y what lay at `warp_k^-1(y)`;
- the flow of frame 1 at x is `warp_k(x) - x` of the topmost layer k whose outline covers x (by half at least): a forward
  map, which needs no inverse;
- the flow of frame 2 back to frame 1 is `warp_k^-1(y) - y` of the topmost layer at y: exact too, because drawing frame 2
  needed just that;
- a pixel of frame 1 is visible in frame 2 where the layer that it shows is topmost at the place where it goes, inside
  the frame.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from perceivers.errors import ConfigurationError
from perceivers.tasks.optical_flow.synthesis.layers import Outline, Texture, random_outline, random_texture
from perceivers.tasks.optical_flow.synthesis.warps import Warp, random_warp

Array = np.ndarray


@dataclass(frozen=True)
class Layer:
    """One layer of a scene.

    Args:
        texture: its colours.
        outline: its shape; None covers everything (the background).
        warp: its motion from frame 1 to frame 2.
    """

    texture: Texture
    outline: Outline | None
    warp: Warp

    def coverage(self, points: Array) -> Array:
        """[...] in [0, 1] at points [..., 2] of frame 1."""
        return np.ones(points.shape[:-1]) if self.outline is None else self.outline.coverage(points)


@dataclass(frozen=True)
class SyntheticPair:
    """Two frames and what is known of them.

    Args:
        first: float32 [height, width, channels], in the textures' range.
        second: the same.
        flow: float32 [height, width, 2], (x, y) in pixels: where frame 1's pixels go.
        reversed_flow: float32 [height, width, 2]: where frame 2's pixels were.
        visible: bool [height, width]: frame 1's pixels that frame 2 shows.
        reversed_visible: bool [height, width]: frame 2's pixels that frame 1 shows.
    """

    first: Array
    second: Array
    flow: Array
    reversed_flow: Array
    visible: Array
    reversed_visible: Array


def pixel_grid(height: int, width: int) -> Array:
    """Centres of a frame's pixels, float64 [height, width, 2], (x, y)."""
    rows, columns = np.meshgrid(np.arange(height, dtype=np.float64), np.arange(width), indexing="ij")
    return np.stack([columns, rows], axis=-1)


def render_pair(layers: Sequence[Layer], height: int, width: int) -> SyntheticPair:
    """Draw both frames of a scene, and its flow in both directions.

    Args:
        layers: from the background, which has no outline, up.
        height: of the frames, in pixels.
        width: of the frames, in pixels.
    """
    if not layers or layers[0].outline is not None:
        raise ConfigurationError("`layers` must begin with a background, a layer without outline")
    grid = pixel_grid(height, width)
    sources = [layer.warp.inverse(grid) for layer in layers]
    first, first_top = _compose(layers, [grid] * len(layers))
    second, second_top = _compose(layers, sources)
    targets = np.stack([layer.warp.forward(grid) for layer in layers])
    target = _chosen(targets, first_top)
    source = _chosen(np.stack(sources), second_top)
    return SyntheticPair(
        first.astype(np.float32),
        second.astype(np.float32),
        (target - grid).astype(np.float32),
        (source - grid).astype(np.float32),
        _inside(target, height, width) & (_top_at(layers, target, backwards=True) == first_top),
        _inside(source, height, width) & (_top_at(layers, source, backwards=False) == second_top),
    )


def synthesize_pair(
    pictures: Sequence[Array],
    generator: np.random.Generator,
    *,
    height: int,
    width: int,
    max_motion: float,
    max_objects: int,
    deformation: float,
) -> SyntheticPair:
    """Draw a random scene of the given pictures and render it.

    Args:
        pictures: float32 [rows, columns, channels] each, any sizes, of equal channels; the background is one of them, the
            objects each one of them.
        generator: of random numbers; equal states give equal pairs.
        height: of the frames, in pixels.
        width: of the frames, in pixels.
        max_motion: longest translation of a layer, in pixels; turns and deformations come on top (`random_warp`).
        max_objects: most objects before the background; their number is drawn between 0 and it.
        deformation: see `random_warp`.
    """
    size = {"height": height, "width": width}
    layers = []
    for index in range(1 + int(generator.integers(0, max_objects + 1))):
        picture = pictures[int(generator.integers(len(pictures)))]
        texture = random_texture(generator, picture, **size)
        outline = random_outline(generator, **size) if index else None
        warp = random_warp(
            generator,
            **size,
            max_motion=max_motion,
            deformation=deformation,
            centre=None if outline is None else outline.centre,
        )
        layers.append(Layer(texture, outline, warp))
    return render_pair(layers, height, width)


def _compose(layers: Sequence[Layer], points: Sequence[Array]) -> tuple[Array, Array]:
    """Colours, and the index of the topmost layer, where layer k is looked at in points[k]."""
    colours = layers[0].texture.at(points[0])
    top = np.zeros(points[0].shape[:-1], dtype=np.int64)
    for index in range(1, len(layers)):
        coverage = layers[index].coverage(points[index])
        colours = colours + coverage[..., None] * (layers[index].texture.at(points[index]) - colours)
        top = np.where(coverage >= 0.5, index, top)
    return colours, top


def _top_at(layers: Sequence[Layer], points: Array, *, backwards: bool) -> Array:
    """The topmost layer at points of frame 2 (`backwards`), or of frame 1."""
    top = np.zeros(points.shape[:-1], dtype=np.int64)
    for index in range(1, len(layers)):
        looked_at = layers[index].warp.inverse(points) if backwards else points
        top = np.where(layers[index].coverage(looked_at) >= 0.5, index, top)
    return top


def _chosen(values: Array, top: Array) -> Array:
    """Of [num_layers, height, width, 2], each pixel's own layer."""
    chosen: Array = np.take_along_axis(values, top[None, ..., None], axis=0)[0]
    return chosen


def _inside(points: Array, height: int, width: int) -> Array:
    x, y = points[..., 0], points[..., 1]
    inside: Array = (x >= 0) & (x <= width - 1) & (y >= 0) & (y <= height - 1)
    return inside
