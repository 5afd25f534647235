"""What is read from files, each with small good files of its own: the doors that a hostile file comes in by."""

from __future__ import annotations

import io
import pickle
from collections.abc import Callable, Mapping
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from perceivers.data.rows import decode_row
from perceivers.data.tables import ListTable
from perceivers.kinds.base import Kind

FILE = "file"


@dataclass(frozen=True)
class Reader:
    """One door.

    Args:
        good: makes good files in a folder: their contents by ending.
        read: reads a file; it may stand in a folder with what else belongs to it.
        beside: makes what a hostile file needs beside it, in its folder, once.
        called: what the file is called; None: "hostile" with the ending of the good one.
    """

    good: Callable[[Path], Mapping[str, list[bytes]]]
    read: Callable[[Path], object]
    beside: Callable[[Path], None] = lambda folder: None
    called: str | None = None


def _read_as(kind: Callable[[], Kind]) -> Callable[[Path], object]:
    """Read a file as a value of a kind, learn from it, and make tensors of it."""

    def read(path: Path) -> object:
        table = ListTable([{FILE: str(path)}], str(path), [str(path)])
        found = kind().survey(table, (FILE,))
        value = decode_row(lambda row, of: found.read(row, (FILE,), of), table, table[0], str(path))
        return None if value is None else found.settle([value], (FILE,)).tensors([value])

    return read


# --- pictures, sounds, films, points, series


def _image_kind() -> Kind:
    from perceivers.kinds.image.kind import ImageKind
    from perceivers.kinds.image.options import ImageOptions

    return ImageKind(ImageOptions(input_form="fourier", image_height=8, image_width=8, num_fourier_bands=4))


def _pictures(folder: Path) -> dict[str, list[bytes]]:
    from PIL import Image

    generator = np.random.default_rng(0)
    pixels = generator.integers(0, 256, (11, 13, 3), dtype=np.uint8)
    picture = Image.fromarray(pixels)
    found: dict[str, list[bytes]] = {}
    for suffix, form, modes in (
        (".png", "PNG", ("RGB", "L", "RGBA", "P", "I;16")),
        (".jpg", "JPEG", ("RGB", "L", "CMYK")),
        (".gif", "GIF", ("P",)),
        (".bmp", "BMP", ("RGB",)),
        (".tif", "TIFF", ("RGB", "I;16", "F")),
        (".webp", "WEBP", ("RGB", "RGBA")),
    ):
        for mode in modes:
            file = io.BytesIO()
            made = (
                Image.fromarray(pixels[..., 0].astype(np.uint16) * 200)
                if mode == "I;16"
                else picture.convert(mode)
            )
            made.save(file, form)
            found.setdefault(suffix, []).append(file.getvalue())
    return found


def _sound_kind() -> Kind:
    from perceivers.kinds.sound.kind import SoundKind
    from perceivers.kinds.sound.options import SoundOptions

    return SoundKind(SoundOptions(sampling_rate=8000, clip_seconds=0.1))


def _sounds(folder: Path) -> dict[str, list[bytes]]:
    import soundfile

    waveform = np.random.default_rng(0).uniform(-0.5, 0.5, (701, 2)).astype(np.float32)
    found: dict[str, list[bytes]] = {}
    for suffix, subtypes in (
        (".wav", ("PCM_16", "PCM_24", "FLOAT", "PCM_U8")),
        (".flac", ("PCM_16",)),
        (".ogg", ("VORBIS",)),
        (".mp3", (None,)),
    ):
        for subtype in subtypes:
            path = folder / f"good{suffix}"
            soundfile.write(path, waveform, 8000, subtype=subtype)
            found.setdefault(suffix, []).append(path.read_bytes())
    return found


def _film_kind() -> Kind:
    from perceivers.kinds.video.kind import VideoKind
    from perceivers.kinds.video.options import VideoOptions

    return VideoKind(VideoOptions())


def _films(folder: Path) -> dict[str, list[bytes]]:
    from tiny_films import moving_square, write_film

    waveform = np.random.default_rng(0).uniform(-0.5, 0.5, (1, 8000))
    found = {}
    for suffix in (".mp4", ".mkv", ".mov"):
        path = write_film(folder / f"good{suffix}", frames=moving_square(10), waveform=waveform)
        found[suffix] = [path.read_bytes()]
    return found


def _entities_kind() -> Kind:
    from perceivers.kinds.entities.kind import EntitiesKind
    from perceivers.kinds.entities.options import EntityOptions

    return EntitiesKind(EntityOptions(name_sets=1))


def _entities(folder: Path) -> dict[str, list[bytes]]:
    archive = io.BytesIO()
    np.savez(archive, type=np.array(["archer", "guard"]), place=np.array([[1.0, 2.0], [3.0, 4.0]]))
    units = b'[{"type": "archer", "place": [1.5, 2]}, {"type": "guard", "place": {"x": null}}]'
    return {
        ".json": [units],
        ".csv": [b"type,health,x\narcher,40,1.5\nguard,,-2.0\n"],
        ".npz": [archive.getvalue()],
    }


def _points_kind() -> Kind:
    from perceivers.kinds.points.kind import PointsKind
    from perceivers.kinds.points.options import PointOptions

    return PointsKind(PointOptions())


def _points(folder: Path) -> dict[str, list[bytes]]:
    corners = [(x, y, z) for x in (0, 1) for y in (0, 1) for z in (0, 1)]
    rows = "\n".join(" ".join(map(str, corner)) for corner in corners)
    off = f"OFF\n8 2 0\n{rows}\n3 0 1 2\n4 4 5 7 6\n"
    header = (
        "ply\nformat {} 1.0\nelement vertex 8\n"
        + "".join(f"property float {axis}\n" for axis in "xyz")
        + "element face 1\nproperty list uchar int vertex_indices\nend_header\n"
    )
    little = np.array(corners, "<f4").tobytes() + b"\x03" + np.array([0, 1, 2], "<i4").tobytes()
    array, archive = io.BytesIO(), io.BytesIO()
    np.save(array, np.array(corners, np.float32))
    np.savez(archive, points=np.array(corners, np.float32))
    return {
        ".off": [off.encode()],
        ".xyz": [rows.encode()],
        ".ply": [
            (header.format("ascii") + rows + "\n3 0 1 2\n").encode(),
            header.format("binary_little_endian").encode() + little,
        ],
        ".npy": [array.getvalue()],
        ".npz": [archive.getvalue()],
    }


def _series_kind() -> Kind:
    from perceivers.kinds.series.kind import SeriesKind
    from perceivers.kinds.series.options import SeriesOptions

    return SeriesKind(SeriesOptions())


def _series(folder: Path) -> dict[str, list[bytes]]:
    values = np.random.default_rng(0).normal(size=(17, 3)).round(3)
    array = io.BytesIO()
    np.save(array, values)
    rows = [",".join(map(str, row)) for row in values]
    return {
        ".npy": [array.getvalue()],
        ".csv": ["\n".join(["a,b,c", *rows]).encode()],
        ".tsv": ["\n".join(["a,b,c", *rows]).replace(",", "\t").encode()],
    }


def _archive_series(folder: Path) -> dict[str, list[bytes]]:
    lines = "\n".join(f"{i},{i + 1},?,{i + 2}:{i},5,6,7:{'ab'[i % 2]}" for i in range(5))
    return {
        ".ts": [
            f"@problemName x\n@univariate false\n@dimension 2\n@classLabel true a b\n@data\n{lines}\n".encode()
        ]
    }


def _read_archive_series(path: Path) -> object:
    from perceivers.kinds.series.archives import ts_table

    table = ts_table(path)
    return [table[index] for index in range(len(table))]


# --- tables, texts, flow


def _tables(folder: Path) -> dict[str, list[bytes]]:
    import pandas as pd

    frame = pd.DataFrame({"a": range(7), "b": list("xyxyxyx"), "c": [f"text, {i}; «é»" for i in range(7)]})
    parquet = io.BytesIO()
    frame.to_parquet(parquet)
    csv = frame.to_csv(index=False)
    return {
        ".csv": [csv.encode(), csv.encode("utf-16"), csv.replace(",", ";").encode("cp1252")],
        ".tsv": [frame.to_csv(index=False, sep="\t").encode()],
        ".jsonl": [frame.to_json(orient="records", lines=True).encode()],
        ".json": [frame.to_json(orient="records").encode()],
        ".parquet": [parquet.getvalue()],
    }


def _read_table(path: Path) -> object:
    from perceivers.data.opening import open_table_file

    table: Any = open_table_file(path)
    return [table[index] for index in range(len(table))]


def _texts(folder: Path) -> dict[str, list[bytes]]:
    text = "Äpfel, naïve 文字 and 🎈 of a page.\n" * 3
    return {".txt": [text.encode(), text.encode("utf-16"), b"plain"]}


def _read_text(path: Path) -> object:
    from perceivers.kinds.text.kind import TextKind
    from perceivers.kinds.text.options import TextOptions

    return _read_as(lambda: TextKind(TextOptions()))(path)


def _flows(folder: Path) -> dict[str, list[bytes]]:
    import struct

    flow = np.random.default_rng(0).normal(size=(5, 7, 2)).astype("<f4")
    return {".flo": [b"PIEH" + struct.pack("<ii", 7, 5) + flow.tobytes()]}


def _read_flow(path: Path) -> object:
    from perceivers.processors.optical_flow.files import read_flow

    return read_flow(path)


# --- models


def tiny_config() -> Any:
    """A text model of a few hundred weights."""
    from perceivers import PerceiverConfig

    return PerceiverConfig(
        num_latents=3, d_latents=8, d_model=8, num_blocks=1, num_self_attends_per_block=1, num_self_attention_heads=2,
        num_cross_attention_heads=2, vocab_size=262, max_position_embeddings=5, num_labels=2,
    )  # fmt: skip


def _model_folder(folder: Path) -> Path:
    from perceivers import PerceiverForSequenceClassification

    PerceiverForSequenceClassification(tiny_config()).save_pretrained(folder / "model")
    return folder / "model"


def _weights(folder: Path) -> dict[str, list[bytes]]:
    return {".safetensors": [(_model_folder(folder) / "model.safetensors").read_bytes()]}


def _configurations(folder: Path) -> dict[str, list[bytes]]:
    return {".json": [(_model_folder(folder) / "config.json").read_bytes()]}


def _write_model(folder: Path) -> None:
    from perceivers import PerceiverForSequenceClassification

    PerceiverForSequenceClassification(tiny_config()).save_pretrained(folder)


def _read_model(path: Path) -> object:
    from perceivers import PerceiverForSequenceClassification

    return PerceiverForSequenceClassification.from_pretrained(path.parent)


def _read_configuration(path: Path) -> object:
    from perceivers import PerceiverConfig

    return PerceiverConfig.from_pretrained(path.parent)


def _pickled_weights(folder: Path) -> dict[str, list[bytes]]:
    import torch

    from perceivers import PerceiverForSequenceClassification

    file = io.BytesIO()
    torch.save(PerceiverForSequenceClassification(tiny_config()).state_dict(), file)
    return {".bin": [file.getvalue()]}


def _write_configuration(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    config = tiny_config()
    config.save_pretrained(folder)


def _haiku_files(folder: Path) -> dict[str, list[bytes]]:
    parameters = {"perceiver/linear": {"w": np.ones((3, 5), np.float32), "b": np.zeros(5, np.float32)}}
    archive = io.BytesIO()
    np.savez(
        archive,
        **{f"{module}|{name}": array for module, of in parameters.items() for name, array in of.items()},
    )
    return {".pkl": [pickle.dumps(parameters)], ".npz": [archive.getvalue()]}


def _read_haiku(path: Path) -> object:
    from perceivers.conversion.haiku_files import read_haiku

    return read_haiku(path)


def _recipes(folder: Path) -> dict[str, list[bytes]]:
    found = sorted((Path(__file__).parents[2] / "recipes").glob("*.yaml"))
    return {".yaml": [path.read_bytes() for path in found]}


def _read_recipe(path: Path) -> object:
    """As the command line reads it, without training."""
    from perceivers.cli import main
    from perceivers.errors import DataError

    said = io.StringIO()
    try:
        with redirect_stdout(said), redirect_stderr(said):
            main(["train", "--config", str(path), "--print-config"])
    except SystemExit as ended:
        if ended.code in (1, 2):
            raise DataError(" ".join(said.getvalue().split())) from ended
        if ended.code not in (0, None):
            raise
    return said.getvalue()


def _write_run(folder: Path) -> None:
    from tiny_tables import fit_tiny, fruit

    fit_tiny(fruit(31), ["kind", "price"], output=folder, overwrite=True, epochs=1)


def _files_of_run(name: str) -> Callable[[Path], Mapping[str, list[bytes]]]:
    def good(folder: Path) -> Mapping[str, list[bytes]]:
        _write_run(folder / "run")
        return {Path(name).suffix: [(folder / "run" / name).read_bytes()]}

    return good


def _read_run(path: Path) -> object:
    from perceivers import load

    predictor = load(path.parent, device="cpu")
    return predictor([{"size": 3.0, "colour": "red", "noise": 1.0}])


READERS: dict[str, Reader] = {
    "pictures": Reader(_pictures, _read_as(_image_kind)),
    "sounds": Reader(_sounds, _read_as(_sound_kind)),
    "films": Reader(_films, _read_as(_film_kind)),
    "points": Reader(_points, _read_as(_points_kind)),
    "entities": Reader(_entities, _read_as(_entities_kind)),
    "series": Reader(_series, _read_as(_series_kind)),
    "archives of series": Reader(_archive_series, _read_archive_series),
    "tables": Reader(_tables, _read_table),
    "texts": Reader(_texts, _read_text),
    "flow": Reader(_flows, _read_flow),
    "weights": Reader(_weights, _read_model, _write_configuration, "model.safetensors"),
    "pickled weights": Reader(_pickled_weights, _read_model, _write_configuration, "pytorch_model.bin"),
    "configurations": Reader(_configurations, _read_configuration, called="config.json"),
    "Haiku files": Reader(_haiku_files, _read_haiku),
    "recipes": Reader(_recipes, _read_recipe),
    "arguments of runs": Reader(_files_of_run("arguments.yaml"), _read_run, _write_run, "arguments.yaml"),
    "columns of runs": Reader(_files_of_run("columns.json"), _read_run, _write_run, "columns.json"),
}
