"""Real data that installed packages ship: listed by name, with content and licence, and loaded offline.

No import of the packages, nor of torch, at the top: the list is shown without them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from perceivers.errors import MissingExtraError


@dataclass(frozen=True)
class BundledData:
    """One data set that a package ships.

    Args:
        modality: what a sample is, such as "images".
        content: number and kind of samples.
        package: distribution that ships it.
        licence: licence of package and data.
    """

    modality: str
    content: str
    package: str
    licence: str


BUNDLED: Mapping[str, BundledData] = {
    "digits": BundledData(
        modality="images",
        content="1,797 handwritten digits of 8 x 8 pixels, 10 classes",
        package="scikit-learn",
        licence="BSD-3-Clause, data CC BY 4.0",
    ),
}


def load_digits() -> tuple[np.ndarray, np.ndarray]:
    """Load scikit-learn's handwritten digits.

    Returns:
        uint8 pixels [1797, 8, 8] in [0, 255], and the digits [1797] in [0, 9].
    """
    try:
        from sklearn.datasets import load_digits as load
    except ImportError as error:
        raise MissingExtraError("scikit-learn", "samples", "The data set `digits`") from error
    pixels, digits = load(return_X_y=True)
    return np.round(pixels.reshape(-1, 8, 8) * (255.0 / 16.0)).astype(np.uint8), digits.astype(np.int64)
