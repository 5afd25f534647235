"""Folders of frames with true flow, as benchmarks lay them out, to rows with `first`, `second`, `flow` and `scene`.

| layout | frames | flow |
|---|---|---|
| Sintel | `clean/<scene>/frame_0001.png`, or `final/…`, or both | `flow/<scene>/frame_0001.flo` |
| KITTI 2015, 2012 | `image_2/000000_10.png` and `…_11.png`, or `colored_0/…` | `flow_occ/000000_10.png`, or `flow_noc/…` |
| FlyingChairs | `00001_img1.ppm` and `00001_img2.ppm` | `00001_flow.flo` |
| FlyingChairs2 | `0000001-img_0.png` and `0000001-img_1.png` | `0000001-flow_01.flo`, and back `0000001-flow_10.flo` |
| ChairsSDHom | `t0/00001.png` and `t1/00001.png` | `flow/00001.pfm` |
| FlyingThings3D | `frames_cleanpass/TRAIN/A/0000/left/0006.png`, or `frames_finalpass/…` | `optical_flow/TRAIN/A/0000/…` |
| Middlebury | `other-data/<scene>/frame10.png`, `…11.png`, or `other-data-gray/…` | `other-gt-flow/<scene>/flow10.flo` |

The layout may also lie in a sub-folder `training` or `data`. Frames without true flow (a test part) are left out. The flow of
FlyingThings3D, Monkaa and Driving lies in `into_future/left/OpticalFlowIntoFuture_0006_L.pfm`, and back in `into_past/…`;
parts TRAIN and TEST inside are divided so.

A folder that holds true flow in no known layout is an error: pairs made of its frames would be trained on, and measured,
without a word.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from perceivers.array_files import shape_of_npy
from perceivers.data.folders import files_below
from perceivers.data.parts import part_of
from perceivers.data.tables import ListTable
from perceivers.errors import DataError, absent
from perceivers.processors.image.opening import size_stored
from perceivers.processors.optical_flow.truth import flow_size

COLUMNS = ("first", "second", "flow")
SCENE_COLUMN = "scene"
INNER_FOLDERS = ("", "training", "data")
SINTEL_PASSES = ("clean", "final")
KITTI_FRAMES = ("image_2", "colored_0", "image_0")
KITTI_FLOW = ("flow_occ", "flow_noc")
MIDDLEBURY_FRAMES = ("other-data", "other-color-allframes", "other-data-gray", "other-gray-allframes")
MIDDLEBURY_FLOW = "other-gt-flow"
PICTURES = (".png", ".ppm", ".webp", ".jpg", ".jpeg")
THINGS_PASSES = ("frames_cleanpass", "frames_finalpass")
# From a folder of flow to which neighbour of the frame it leads.
DIRECTIONS = {"into_future": 1, "into_past": -1}
# Endings that nothing but true flow has, and what folders of it are called.
TRUTH_SUFFIXES = (".flo", ".flo5", ".pfm")
TRUTH_FOLDERS = re.compile(r"(^|[_\-\s])(flow|flows|opticalflow)($|[_\-\s])", re.IGNORECASE)
# Pictures whose size an array has that is true flow.
FIRST_PICTURES = 20
NUMBERED = re.compile(r"(.*?)(\d+)")

Row = dict[str, str]


def flow_table(folder: Path) -> ListTable | None:
    """Rows of a folder in one of the layouts, paths relative to it; None where it has none of them.

    Raises:
        DataError: a frame that belongs to a flow file is absent.
    """
    for inner in INNER_FOLDERS:
        root = folder / inner
        for rows_of in (_sintel, _kitti, _middlebury, _chairs, _chairs_2, _homogeneous, _things):
            rows = sorted(rows_of(root), key=lambda row: (row["flow"], row["first"]))
            if rows:
                names = [row["first"] for row in rows]
                relative = [
                    {
                        key: str(Path(value).relative_to(folder)) if key in COLUMNS else value
                        for key, value in row.items()
                    }
                    for row in rows
                ]
                table = ListTable(relative, str(folder), names, folder)
                table.notes += _without_flow(rows)
                return table
    return None


def _without_flow(rows: Sequence[Row]) -> list[str]:
    """A line about pictures that lie among the frames of rows and belong to none."""
    frames = {Path(row[name]) for row in rows for name in COLUMNS[:2]}
    places = dict.fromkeys(Path(row["first"]).parent for row in rows)
    others = [
        path
        for place in places
        for path in sorted(place.iterdir())
        if path.suffix.lower() in PICTURES and path not in frames
    ]
    if not others:
        return []
    return [f"frames without true flow are left out: {len(others):,}, such as `{others[0]}`"]


def _sintel(root: Path) -> Iterator[Row]:
    for passed in SINTEL_PASSES:
        frames = root / passed
        if not frames.is_dir() or not (root / "flow").is_dir():
            continue
        for flow in sorted((root / "flow").glob("*/*.flo")):
            first = frames / flow.parent.name / f"{flow.stem}.png"
            yield _row(first, _next_frame(first), flow, scene=flow.parent.name)


def _kitti(root: Path) -> Iterator[Row]:
    frames = _first_folder(root, KITTI_FRAMES)
    flows = _first_folder(root, KITTI_FLOW)
    if frames is None or flows is None:
        return
    for flow in sorted(flows.glob("*_10.png")):
        scene = flow.stem.removesuffix("_10")
        yield _row(frames / flow.name, frames / f"{scene}_11.png", flow, scene)


def _middlebury(root: Path) -> Iterator[Row]:
    frames = _first_folder(root, MIDDLEBURY_FRAMES)
    if frames is None:
        return
    for flow in sorted((root / MIDDLEBURY_FLOW).glob("*/flow10.flo")):
        scene = flow.parent.name
        yield _row(frames / scene / "frame10.png", frames / scene / "frame11.png", flow, scene)


def _chairs(root: Path) -> Iterator[Row]:
    for flow in sorted(root.glob("*_flow.flo")) if root.is_dir() else ():
        scene = flow.name.removesuffix("_flow.flo")
        yield _row(
            _picture(root / f"{scene}_img1", ".ppm"), _picture(root / f"{scene}_img2", ".ppm"), flow, scene
        )


def _chairs_2(root: Path) -> Iterator[Row]:
    for flow in sorted(root.glob("*-flow_*.flo")) if root.is_dir() else ():
        scene, _, ways = flow.stem.rpartition("-flow_")
        if ways in ("01", "10"):
            first, second = (_picture(root / f"{scene}-img_{number}") for number in ways)
            yield _row(first, second, flow, scene)


def _homogeneous(root: Path) -> Iterator[Row]:
    for flow in sorted((root / "flow").glob("*.pfm")):
        yield _row(_picture(root / "t0" / flow.stem), _picture(root / "t1" / flow.stem), flow, flow.stem)


def _things(root: Path) -> Iterator[Row]:
    for flow in sorted((root / "optical_flow").rglob("OpticalFlowInto*_*.pfm")):
        scene, direction, side = flow.parents[2], flow.parent.parent.name, flow.parent.name
        found = re.fullmatch(r"OpticalFlowInto\w+?_(\d+)_[LR]", flow.stem)
        if found is None or direction not in DIRECTIONS:
            continue
        other = int(found[1]) + DIRECTIONS[direction]
        inside = scene.relative_to(root / "optical_flow")
        for passed in THINGS_PASSES:
            frames = root / passed / inside / side
            if frames.is_dir():
                second = frames / f"{other:0{len(found[1])}}"
                yield _row(_picture(frames / found[1]), _picture(second), flow, inside.as_posix())


def parts_inside(table: ListTable) -> dict[str, ListTable]:
    """A table whose scenes lie in folders of parts (TRAIN/A/0000) by part; the whole as the training part where none do."""
    parts = [part_of(str(table[index][SCENE_COLUMN]).partition("/")[0]) for index in range(len(table))]
    if None in parts:
        return {"train": table}
    found = {}
    for part in dict.fromkeys(parts):
        chosen = [index for index, each in enumerate(parts) if each == part]
        rows = [table[index] for index in chosen]
        found[str(part)] = ListTable(rows, table.source, [table.name(index) for index in chosen], table.root)
        found[str(part)].notes = list(table.notes)
    return found


def require_no_unknown_truth(folder: Path) -> None:
    """Raise DataError for a folder that seems to hold true flow, for where none of the layouts is recognised."""
    sizes: set[tuple[int, int] | None] | None = None
    for path in files_below(folder, (*TRUTH_SUFFIXES, ".png", ".npy")):
        inside = path.relative_to(folder).parts[:-1]
        is_truth = path.suffix.lower() in TRUTH_SUFFIXES
        if path.suffix.lower() == ".npy":
            sizes = _first_sizes(folder) if sizes is None else sizes
            is_truth = flow_size(shape_of_npy(path) or ()) in sizes
        if is_truth or any(TRUTH_FOLDERS.search(name) for name in inside):
            raise DataError(
                f"`{folder}` holds {path.relative_to(folder)}, which looks like true flow, but not in the layout of Sintel, "
                "KITTI, Middlebury, FlyingChairs, FlyingChairs2, ChairsSDHom or FlyingThings3D: give a table with the "
                "columns first, second and flow, or a folder of the pictures alone to train on pairs that are made of them"
            )


def _first_sizes(folder: Path) -> set[tuple[int, int] | None]:
    """Heights and widths of the first pictures below a folder."""
    return {size_stored(path) for path in files_below(folder, PICTURES)[:FIRST_PICTURES]} - {None}


def _picture(path: Path, usual: str = ".png") -> Path:
    """A path without ending with that of the picture there; with the usual one where there is none."""
    return next(
        (found for suffix in PICTURES if (found := path.with_name(path.name + suffix)).is_file()),
        path.with_name(path.name + usual),
    )


def _row(first: Path, second: Path, flow: Path, scene: str) -> Row:
    for frame in (first, second):
        if not frame.is_file():
            raise DataError(f"`{flow}` is the flow of the frame `{frame}`, which {absent(frame)}")
    return {"first": str(first), "second": str(second), "flow": str(flow), SCENE_COLUMN: scene}


def _next_frame(frame: Path) -> Path:
    """`frame_0001.png` to `frame_0002.png`."""

    def rise(found: re.Match[str]) -> str:
        digits = found.group(2)
        return f"{found.group(1)}{int(digits) + 1:0{len(digits)}}"

    return frame.with_name(NUMBERED.sub(rise, frame.stem, count=1) + frame.suffix)


def _first_folder(root: Path, names: tuple[str, ...]) -> Path | None:
    return next((root / name for name in names if (root / name).is_dir()), None)
