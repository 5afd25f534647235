"""Files that are made to do harm: small ones that unpack without end, paths that leave their folder, links, lying offsets."""

from __future__ import annotations

import io
import json
import struct
import time
import zipfile
import zlib
from pathlib import Path

import numpy as np
import pytest

from hostile.readers import READERS, tiny_config
from perceivers import PerceiverForSequenceClassification
from perceivers.errors import CheckpointError, PerceiversError

MOST_SECONDS = 5.0


def refused(name: str, path: Path, match: str) -> None:
    """Assert that a reader refuses a file by its name, soon."""
    begin = time.monotonic()
    with pytest.raises(PerceiversError, match=match) as caught:
        READERS[name].read(path)
    assert path.name in str(caught.value)
    assert time.monotonic() - begin < MOST_SECONDS


def png(width: int, height: int, rows: bytes) -> bytes:
    """A grey PNG with any header."""
    chunks = (
        (b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)), (b"IDAT", zlib.compress(rows)), (b"IEND", b""),
    )  # fmt: skip
    content = b"\x89PNG\r\n\x1a\n"
    for name, data in chunks:
        content += struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
    return content


def test_a_picture_that_unpacks_without_measure_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "bomb.png"
    path.write_bytes(png(60_000, 60_000, bytes(100_000)))
    refused("pictures", path, "pixels")


def test_an_archive_without_an_array_is_refused_in_few_words(tmp_path: Path) -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("points.npy", bytes(2**20))
    path = tmp_path / "zeros.npz"
    path.write_bytes(packed.getvalue())
    refused("points", path, r"cannot be read as points.{,320}\Z")


@pytest.fixture
def model(tmp_path: Path) -> Path:
    PerceiverForSequenceClassification(tiny_config()).save_pretrained(tmp_path / "model")
    return tmp_path / "model"


def with_header(path: Path, change: dict[str, object]) -> None:
    """Change entries of the header of a safetensors file."""
    content = path.read_bytes()
    (size,) = struct.unpack("<Q", content[:8])
    header = {**json.loads(content[8 : 8 + size]), **change}
    packed = json.dumps(header).encode()
    path.write_bytes(struct.pack("<Q", len(packed)) + packed + content[8 + size :])


@pytest.mark.parametrize(
    "offsets", [[0, 2**62], [2**62, 2**62 + 4], [4, 0], [-4, 0], [0, 8], ["0", "4"], [0.0, 4.0], None]
)
def test_weights_with_lying_offsets_are_refused(model: Path, offsets: object) -> None:
    weights = model / "model.safetensors"
    with_header(weights, {"trap": {"dtype": "F32", "shape": [1], "data_offsets": offsets}})
    refused("weights", weights, "model.safetensors")


def test_weights_that_overlap_are_refused(model: Path) -> None:
    weights = model / "model.safetensors"
    with_header(weights, {"trap": {"dtype": "U8", "shape": [8], "data_offsets": [4, 12]}})
    refused("weights", weights, "overlap")


@pytest.mark.parametrize("size", [2**63, 2**40, 0])
def test_a_header_as_long_as_the_world_is_refused(model: Path, size: int) -> None:
    weights = model / "model.safetensors"
    weights.write_bytes(struct.pack("<Q", size) + weights.read_bytes()[8:])
    refused("weights", weights, "model.safetensors")


def test_pickled_weights_run_nothing(model: Path, tmp_path: Path) -> None:
    (model / "model.safetensors").unlink()
    marker = tmp_path / "marker"
    command = f"touch {marker}".encode()
    content = b"\x80\x02cposix\nsystem\nX" + struct.pack("<I", len(command)) + command + b"\x85R."
    (model / "pytorch_model.bin").write_bytes(content)
    refused("pickled weights", model / "pytorch_model.bin", "pytorch_model.bin")
    assert not marker.exists()


def test_shards_that_leave_their_folder_are_refused(model: Path, tmp_path: Path) -> None:
    (model / "model.safetensors").rename(tmp_path / "elsewhere.safetensors")
    index = model / "model.safetensors.index.json"
    index.write_text(json.dumps({"metadata": {}, "weight_map": {"a": "../elsewhere.safetensors"}}))
    with pytest.raises(CheckpointError, match=r"index\.json names files outside its folder"):
        PerceiverForSequenceClassification.from_pretrained(model)


def test_saving_replaces_a_link_and_not_what_it_points_to(model: Path, tmp_path: Path) -> None:
    precious = tmp_path / "precious"
    precious.write_text("mine")
    for name in ("model.safetensors", "config.json"):
        (model / name).unlink()
        (model / name).symlink_to(precious)
    PerceiverForSequenceClassification(tiny_config()).save_pretrained(model)
    assert precious.read_text() == "mine"
    assert not (model / "model.safetensors").is_symlink()
    PerceiverForSequenceClassification.from_pretrained(model)


def test_a_configuration_that_asks_for_the_world_is_refused(model: Path) -> None:
    config = json.loads((model / "config.json").read_text())
    for key in ("num_latents", "max_position_embeddings"):
        (model / "config.json").write_text(json.dumps({**config, key: 2**50}))
        begin = time.monotonic()
        with pytest.raises(PerceiversError):
            PerceiverForSequenceClassification.from_pretrained(model)
        assert time.monotonic() - begin < MOST_SECONDS


def test_a_cloud_whose_header_promises_billions_of_points_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "huge.ply"
    lines = "ply\nformat {} 1.0\nelement vertex 4000000000\nproperty float x\nproperty float y\nproperty float z\n"
    for form in ("ascii", "binary_little_endian"):
        path.write_bytes(lines.format(form).encode() + b"end_header\n" + np.zeros(3, "<f4").tobytes())
        refused("points", path, "huge.ply")
    path = tmp_path / "huge.off"
    path.write_text("OFF\n4000000000 4000000000 0\n0 0 0\n")
    refused("points", path, "huge.off")
