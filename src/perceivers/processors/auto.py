"""The processor that a saved folder or a name on the model hub asks for, found by the class name in its files."""

from __future__ import annotations

import os
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

from perceivers.errors import CheckpointError
from perceivers.processors.tokenizer import PerceiverTokenizer
from perceivers.processors.tokenizer.files import TOKENIZER_CONFIG, read_json

if TYPE_CHECKING:
    from perceivers.processors.image.fast import PerceiverImageProcessorFast
    from perceivers.processors.image.pillow import PerceiverImageProcessor

_IMAGE_CLASSES = {
    "PerceiverImageProcessor": False,
    "PerceiverImageProcessorPil": False,
    "PerceiverFeatureExtractor": False,
    "PerceiverImageProcessorFast": True,
}
_HUB_OPTIONS = ("revision", "cache_dir", "token", "local_files_only", "force_download")


class AutoTokenizer:
    """Gives the tokenizer that was saved; use `from_pretrained`."""

    @classmethod
    def from_pretrained(
        cls,
        pretrained_model_name_or_path: str | os.PathLike[str],
        *,
        use_fast: bool | None = None,
        subfolder: str | None = None,
        **kwargs: Any,
    ) -> PerceiverTokenizer:
        """The saved tokenizer.

        Args:
            pretrained_model_name_or_path: a folder, or a name on the model hub.
            use_fast: the one byte tokenizer serves both values, as in Transformers.
            subfolder: folder inside it.
            kwargs: as in PerceiverTokenizer.from_pretrained.

        Raises:
            CheckpointError: the folder holds no tokenizer, or one of another class.
        """
        path = str(PurePosixPath(subfolder or "", TOKENIZER_CONFIG))
        saved = read_json(pretrained_model_name_or_path, path, _hub_options(kwargs))
        name = None if saved is None else saved.get("tokenizer_class", "PerceiverTokenizer")
        if name is None:
            _require_perceiver(pretrained_model_name_or_path, _hub_options(kwargs), path)
        elif name != "PerceiverTokenizer":
            raise CheckpointError(
                f"`tokenizer_class` must be PerceiverTokenizer, {pretrained_model_name_or_path} has {name!r}"
            )
        return PerceiverTokenizer.from_pretrained(
            pretrained_model_name_or_path, subfolder=subfolder, **kwargs
        )


class AutoImageProcessor:
    """Gives the image processor that was saved; use `from_pretrained`."""

    @classmethod
    def from_pretrained(
        cls,
        pretrained_model_name_or_path: str | os.PathLike[str],
        *,
        use_fast: bool | None = None,
        **kwargs: Any,
    ) -> PerceiverImageProcessor | PerceiverImageProcessorFast:
        """The saved image processor.

        Args:
            pretrained_model_name_or_path: a folder, or a name on the model hub.
            use_fast: True for the batched torch backend, False for the PIL one, None for the one that was saved.
            kwargs: as in PerceiverImageProcessor.from_pretrained.

        Raises:
            CheckpointError: the folder holds no image processor, or one of another class.
        """
        from perceivers.processors.image.fast import PerceiverImageProcessorFast
        from perceivers.processors.image.files import read_options
        from perceivers.processors.image.pillow import PerceiverImageProcessor

        saved = read_options(
            pretrained_model_name_or_path, subfolder=kwargs.get("subfolder", ""), **_hub_options(kwargs)
        )
        name = (
            saved.get("image_processor_type")
            or saved.get("feature_extractor_type")
            or "PerceiverImageProcessor"
        )
        if name not in _IMAGE_CLASSES:
            raise CheckpointError(
                f"`image_processor_type` must be one of {', '.join(_IMAGE_CLASSES)}, "
                f"{pretrained_model_name_or_path} has {name!r}"
            )
        fast = _IMAGE_CLASSES[name] if use_fast is None else use_fast
        processor = PerceiverImageProcessorFast if fast else PerceiverImageProcessor
        return processor.from_pretrained(pretrained_model_name_or_path, **kwargs)


def _require_perceiver(
    pretrained_model_name_or_path: str | os.PathLike[str], hub_options: dict[str, Any], filename: str
) -> None:
    """A model without tokenizer files has the default tokenizer, provided that it is a Perceiver."""
    config = read_json(pretrained_model_name_or_path, "config.json", hub_options) or {}
    if config.get("model_type") != "perceiver":
        raise CheckpointError(
            f"{pretrained_model_name_or_path} holds neither {filename} nor the config.json of a Perceiver"
        )


def _hub_options(arguments: dict[str, Any]) -> dict[str, Any]:
    return {name: arguments[name] for name in _HUB_OPTIONS if name in arguments}
