"""The image processors with the names that Transformers' Auto class and its processors look for."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, ClassVar

from perceivers.integrations.transformers.package import ImagesKwargs
from perceivers.processors.image.base import BaseImageProcessor
from perceivers.processors.image.fast import PerceiverImageProcessorFast as PlainFast
from perceivers.processors.image.files import read_options
from perceivers.processors.image.pillow import PerceiverImageProcessor as PlainPillow
from perceivers.records import whole_file


class _WithTransformersNames(BaseImageProcessor):
    """What Transformers asks of an image processor beside its work."""

    #: The options by name, as Transformers types them.
    valid_kwargs: ClassVar[type] = ImagesKwargs

    def to_json_file(self, json_file_path: str | os.PathLike[str]) -> None:
        """Write the options to `json_file_path`, whole or not at all."""
        with whole_file(Path(json_file_path)) as place:
            place.write_text(self.to_json_string(), encoding="utf-8")

    @classmethod
    def from_json_file(cls, json_file: str | os.PathLike[str]) -> Any:
        """A processor with the options in `json_file`."""
        return cls.from_dict(read_options(json_file))


class PerceiverImageProcessor(_WithTransformersNames, PlainPillow):
    """`perceivers.PerceiverImageProcessor` with Transformers' names."""


class PerceiverImageProcessorFast(_WithTransformersNames, PlainFast):
    """`perceivers.PerceiverImageProcessorFast` with Transformers' names: whole batches, on any device."""


PerceiverImageProcessorPil = PerceiverImageProcessor
