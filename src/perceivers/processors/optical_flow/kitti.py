"""Optical flow in KITTI's `.png` files, which know where the truth is missing.

The format, as KITTI's development kit describes it: PNG with three channels of 16 bits. The first two hold the motion
right and down as `value = 64 * pixels + 2^15`, so from -512 to just below 512 pixels in steps of 1/64; the third is 1
where the truth is known, else 0.

Pillow reads such a file as 8 bits a channel, which loses the flow's lower half without a word. Decoding PNG in Python
alone takes seconds a picture (each byte of a filtered row depends on the one before). So reading goes through PyAV,
whose FFmpeg gives all 16 bits and checks the file's sums; writing needs the standard library alone.
"""

from __future__ import annotations

import os
import struct
import zlib
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from perceivers.errors import DataError, MissingExtraError, no_file, require_shape
from perceivers.text_files import pointer_told

ZERO = 1 << 15
STEPS_PER_PIXEL = 64.0
SIGNATURE = b"\x89PNG\r\n\x1a\n"
END = b"IEND\xaeB`\x82"
# Length, kind, width, height, bits, colour type of the first chunk, which follows the signature.
HEADER = struct.Struct(">I4sIIBB")
BITS, RGB = 16, 2


def read_kitti_flow(path: str | os.PathLike[str]) -> tuple[Tensor, Tensor]:
    """Read a KITTI flow file.

    Returns:
        Flow float32 [height, width, 2], right and down in pixels, zero where it is not known; and bool [height, width],
        True where it is known.

    Raises:
        DataError: the file is absent, is no PNG of three 16-bit channels, or is damaged.
        MissingExtraError: PyAV is not installed.
    """
    file = Path(path)
    if not file.is_file():
        raise DataError(f"`{file}` is not a flow file: {no_file(file)}")
    content = file.read_bytes()
    if len(content) < len(SIGNATURE) + HEADER.size or not content.startswith(SIGNATURE):
        raise DataError(f"`{file}` is not a flow file: {pointer_told(content) or 'it is not a PNG file'}")
    _, _, width, height, bits, colour = HEADER.unpack_from(content, len(SIGNATURE))
    if (bits, colour) != (BITS, RGB):
        raise DataError(
            f"`{file}` is not a flow file: KITTI's have three channels of 16 bits, this PNG has {bits} bits and "
            f"colour type {colour} (an ordinary picture?)"
        )
    # A decoder fills what a shortened file lacks with zeros, so the end is looked for first.
    if not content.endswith(END):
        raise DataError(f"`{file}` is damaged: the file ends before the picture does")
    values = _decode(file)
    if values.shape != (height, width, 3):
        raise DataError(f"`{file}` is damaged: it says {width} x {height} pixels and holds {values.shape}")
    valid = values[..., 2] > 0
    flow = (values[..., :2].astype(np.float32) - ZERO) / STEPS_PER_PIXEL
    flow[~valid] = 0.0
    return torch.from_numpy(flow), torch.from_numpy(valid)


def write_kitti_flow(path: str | os.PathLike[str], flow: Tensor, valid: Tensor | None = None) -> None:
    """Write a KITTI flow file; whole or not at all.

    Args:
        path: file to write.
        flow: [height, width, 2], right and down in pixels, from -512 to 511.98 where valid; rounded to 1/64.
        valid: bool [height, width]; None: valid everywhere.
    """
    require_shape("flow", flow, ["height", "width", 2])
    height, width = flow.shape[:2]
    known = torch.ones(height, width, dtype=torch.bool) if valid is None else valid.detach().cpu().bool()
    require_shape("valid", known, [height, width])
    steps = torch.round(flow.detach().cpu().double() * STEPS_PER_PIXEL + ZERO)
    steps = torch.where(known[..., None], steps, 0.0)
    if not bool(((steps >= 0) & (steps < 2 * ZERO)).all()):
        raise DataError(
            "`flow` must lie from -512 to 511.98 pixels in KITTI's files, received values beyond: write .flo"
        )
    values = torch.cat([steps, known[..., None].double()], dim=-1).numpy().astype(">u2")
    # Filter 0 before each row: the bytes as they are.
    rows = np.zeros((height, 1 + width * 6), dtype=np.uint8)
    rows[:, 1:] = np.ascontiguousarray(values).view(np.uint8).reshape(height, -1)
    header = struct.pack(">IIBBBBB", width, height, BITS, RGB, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(rows.tobytes())), (b"IEND", b""))
    target = Path(path)
    temporary = target.with_name(f".{target.name}.{os.getpid()}")
    try:
        temporary.write_bytes(SIGNATURE + b"".join(_chunk(kind, data) for kind, data in chunks))
        os.replace(temporary, target)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def _decode(file: Path) -> np.ndarray:
    """uint16 [height, width, 3]."""
    try:
        import av
    except ImportError as error:
        raise MissingExtraError("av", "media", "Reading KITTI's 16-bit flow files") from error
    try:
        with av.open(str(file)) as container:
            frame = next(container.decode(video=0))
    except (av.error.FFmpegError, StopIteration) as error:
        raise DataError(f"`{file}` is damaged: {error or 'it holds no picture'}") from error
    return frame.to_ndarray(format="rgb48le")
