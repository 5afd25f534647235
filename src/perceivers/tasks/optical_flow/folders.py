"""Folders of frames with true flow, as benchmarks lay them out, to rows with `first`, `second`, `flow` and `scene`.

| layout | frames | flow |
|---|---|---|
| Sintel | `clean/<scene>/frame_0001.png`, or `final/…`, or both | `flow/<scene>/frame_0001.flo` |
| KITTI 2015, 2012 | `image_2/000000_10.png` and `…_11.png`, or `colored_0/…` | `flow_occ/000000_10.png`, or `flow_noc/…` |
| FlyingChairs | `00001_img1.ppm` and `00001_img2.ppm` | `00001_flow.flo` |
| Middlebury | `other-data/<scene>/frame10.png`, `…11.png`, or `other-data-gray/…` | `other-gt-flow/<scene>/flow10.flo` |

The layout may also lie in a sub-folder `training` or `data`. Frames without true flow (a test part) are left out.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from perceivers.data.tables import ListTable
from perceivers.errors import DataError

COLUMNS = ("first", "second", "flow")
SCENE_COLUMN = "scene"
INNER_FOLDERS = ("", "training", "data")
SINTEL_PASSES = ("clean", "final")
KITTI_FRAMES = ("image_2", "colored_0", "image_0")
KITTI_FLOW = ("flow_occ", "flow_noc")
MIDDLEBURY_FRAMES = ("other-data", "other-color-allframes", "other-data-gray", "other-gray-allframes")
MIDDLEBURY_FLOW = "other-gt-flow"
NUMBERED = re.compile(r"(.*?)(\d+)")

Row = dict[str, str]


def flow_table(folder: Path) -> ListTable | None:
    """Rows of a folder in one of the layouts, paths relative to it; None where it has none of them.

    Raises:
        DataError: a frame that belongs to a flow file is absent.
    """
    for inner in INNER_FOLDERS:
        root = folder / inner
        for rows_of in (_sintel, _kitti, _middlebury, _chairs):
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
                return ListTable(relative, str(folder), names, folder)
    return None


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
        yield _row(root / f"{scene}_img1.ppm", root / f"{scene}_img2.ppm", flow, scene)


def _row(first: Path, second: Path, flow: Path, scene: str) -> Row:
    for frame in (first, second):
        if not frame.is_file():
            raise DataError(f"`{flow}` is the flow of the frame `{frame}`, which does not exist")
    return {"first": str(first), "second": str(second), "flow": str(flow), SCENE_COLUMN: scene}


def _next_frame(frame: Path) -> Path:
    """`frame_0001.png` to `frame_0002.png`."""

    def rise(found: re.Match[str]) -> str:
        digits = found.group(2)
        return f"{found.group(1)}{int(digits) + 1:0{len(digits)}}"

    return frame.with_name(NUMBERED.sub(rise, frame.stem, count=1) + frame.suffix)


def _first_folder(root: Path, names: tuple[str, ...]) -> Path | None:
    return next((root / name for name in names if (root / name).is_dir()), None)
