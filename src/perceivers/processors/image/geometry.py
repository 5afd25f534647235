"""Which part of a picture is kept, and how large it becomes: numbers only."""

from __future__ import annotations

from collections.abc import Mapping


def centre_box(
    height: int, width: int, size: Mapping[str, int], crop_size: Mapping[str, int]
) -> tuple[int, int, int, int]:
    """The middle part of `size / crop_size` of the shorter side, as Transformers cuts it.

    Args:
        height: of the picture, in pixels.
        width: of the picture, in pixels.
        size: height and width that the part is resized to afterwards.
        crop_size: height and width that `size` is a part of.

    Returns:
        (top, left, height, width) in pixels. A part larger than the picture begins before it (a negative top or left).
    """
    shorter = min(height, width)
    crop_height = max(1, int(size["height"] / crop_size["height"] * shorter))
    crop_width = max(1, int(size["width"] / crop_size["width"] * shorter))
    return (height - crop_height) // 2, (width - crop_width) // 2, crop_height, crop_width


def deepmind_box(
    height: int, width: int, size: Mapping[str, int], crop_size: Mapping[str, int]
) -> tuple[int, int, int, int]:
    """The middle part as DeepMind's ImageNet evaluation cuts it.

    Source: deepmind-research, `perceiver/train/dataset.py`: the part has the shape of `size`, is scaled so that a
    border of 32 pixels (`crop_size - size`) stays around the shorter side, and odd rests go before it.

    Returns:
        (top, left, height, width) in pixels, inside the picture where `size <= crop_size`.
    """
    tall, wide = crop_size["height"], crop_size["width"]
    crop_height = max(1, int(size["height"] / tall * min(height, width * tall / wide)))
    crop_width = max(1, int(size["width"] / wide * min(width, height * wide / tall)))
    return (height - crop_height + 1) // 2, (width - crop_width + 1) // 2, crop_height, crop_width


def largest_box(rows: int, columns: int, height: int, width: int) -> tuple[int, int, int, int]:
    """The largest middle part with the proportions of `height` and `width`, as films are cut.

    Args:
        rows: of the picture.
        columns: of the picture.
        height: of what the part becomes, in any unit.
        width: of the same.

    Returns:
        (top, left, height, width) in pixels, inside the picture.
    """
    tall = max(1, min(rows, columns * height // width))
    wide = max(1, min(columns, rows * width // height))
    return (rows - tall) // 2, (columns - wide) // 2, tall, wide


def resized_shape(height: int, width: int, size: Mapping[str, int]) -> tuple[int, int]:
    """Height and width after resizing, by any of the forms of `size`; at least 1 pixel each.

    Args:
        height: of the picture, in pixels.
        width: of the picture, in pixels.
        size: {"height", "width"}: exactly these; {"shortest_edge"}: the shorter side, keeping proportions;
            with {"longest_edge"} the longer side stays below it, to a pixel of the shorter one; {"max_height", "max_width"}:
            as large as fits.
    """
    if "height" in size:
        return size["height"], size["width"]
    if "max_height" in size:
        scale = min(size["max_height"] / height, size["max_width"] / width)
        return max(1, int(height * scale)), max(1, int(width * scale))
    shorter, longer = min(height, width), max(height, width)
    short: float = size["shortest_edge"]
    limit = size.get("longest_edge")
    if limit is not None and longer / shorter * short > limit:
        short = limit * shorter / longer
    if round(short) == shorter:
        # Nothing is made smaller by less than a pixel of the shorter side, though the longer one may stay above its limit.
        return height, width
    sides = max(1, round(short)), max(1, int(short * longer / shorter))
    return sides if height <= width else (sides[1], sides[0])
