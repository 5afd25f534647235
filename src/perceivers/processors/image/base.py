"""What both image processors share: read, crop, resize, rescale, normalise, pack; save and load."""

from __future__ import annotations

import json
import os
import warnings
from dataclasses import fields
from typing import Any, Literal, Self, TypedDict, Unpack, overload

import torch
from torch import Tensor

from perceivers.checkpoints.foreign import without_foreign
from perceivers.checkpoints.locating import HubOptions
from perceivers.errors import ConfigurationError, DataError
from perceivers.processors.batch import ProcessedBatch
from perceivers.processors.image.arguments import OPTION_NAMES, WITHOUT_EFFECT, ImageOptions, Size
from perceivers.processors.image.files import read_options, write_options
from perceivers.processors.image.reading import read_pictures
from perceivers.processors.image.steps import ImageSteps
from perceivers.processors.image.values import (
    normalised,
    require_byte_range,
    rescaled,
    value_range,
)


class ImageOptionValues(TypedDict, total=False):
    """The options by name, for one processor or one call; `ImageOptions` says what each means."""

    do_convert_rgb: bool | None
    do_center_crop: bool | None
    crop_size: Size | None
    do_resize: bool | None
    size: Size | None
    default_to_square: bool | None
    resample: int | str | None
    do_rescale: bool | None
    rescale_factor: float | None
    do_normalize: bool | None
    image_mean: float | list[float] | tuple[float, ...] | None
    image_std: float | list[float] | tuple[float, ...] | None
    crop_mode: Literal["transformers", "deepmind"]
    data_format: str | None
    input_data_format: str | None
    return_tensors: str | None
    device: str | torch.device | None
    disable_grouping: bool | None
    do_pad: bool | None
    pad_size: Size | None
    image_seq_length: int | None


class BaseImageProcessor(ImageSteps):
    """Pictures of any kind and size to `pixel_values` [batch, channels, height, width].

    Args:
        options: any option of `ImageOptions`, by name; each can be given again for one call. The defaults are those
            of the published image classification checkpoints. `None` for a switch (`do_...`) is off.
    """

    model_input_names = ("pixel_values",)
    _takes_batches = True

    def __init__(self, **options: Unpack[ImageOptionValues]) -> None:
        self.options = ImageOptions().changed(**options)
        self.kept: dict[str, Any] = {}

    def __getattr__(self, name: str) -> Any:
        """Options and kept file entries are attributes: `processor.size`."""
        if name in OPTION_NAMES:
            return getattr(self.options, name)
        if name in self.__dict__.get("kept", {}):
            return self.kept[name]
        raise AttributeError(f"`{type(self).__name__}` has no attribute `{name}`")

    def __setattr__(self, name: str, value: Any) -> None:
        if name in OPTION_NAMES:
            self.options = self.options.changed(**{name: value})
        else:
            super().__setattr__(name, value)

    def __call__(self, images: Any, **options: Unpack[ImageOptionValues]) -> ProcessedBatch:
        """Same as `preprocess`."""
        return self.preprocess(images, **options)

    def preprocess(self, images: Any, **options: Unpack[ImageOptionValues]) -> ProcessedBatch:
        """Turn pictures into `pixel_values`.

        Args:
            images: a picture or any nesting of lists of pictures, each a Pillow image of any mode, a NumPy array or
                torch tensor ([height, width], [height, width, channels] or [channels, height, width], one more axis
                in front for a batch), or the path of a file. Whole numbers are [0, 255], or 16-bit if beyond; floats
                are [0, 255], or [0, 1] together with `do_rescale=False`.
            options: for this call only.

        Returns:
            A mapping with `pixel_values`: with `return_tensors` [batch, channels, height, width] in float32 (bytes if
            neither rescaled nor normalised), without a list of [channels, height, width].
        """
        chosen = self.options.changed(**options)
        chosen.check_together()
        pictures = read_pictures(
            images,
            channels=chosen.channels,
            convert_rgb=bool(chosen.do_convert_rgb),
            input_data_format=chosen.input_data_format,
            device=self._working_device(chosen),
        )
        return _packed(self._processed(pictures, chosen), chosen, self._listed)

    def _processed(self, pictures: list[Tensor], options: ImageOptions) -> list[Tensor]:
        """Crop each picture, then treat those of one size and value range together; the order stays."""
        groups: dict[Any, list[int]] = {}
        cropped = [self._cropped(picture, options) for picture in pictures]
        ranges = [value_range(picture) for picture in cropped]
        if options.do_resize and options.crop_mode == "transformers":
            for position, (picture, kind) in enumerate(zip(cropped, ranges, strict=True)):
                require_byte_range(picture, kind, f"images[{position}]")
        if options.do_rescale and "unit floats" in ranges:
            warnings.warn(
                "`images` hold floats in [0, 1] and `do_rescale` is True, which scales them once more: "
                "pass do_rescale=False",
                UserWarning,
                stacklevel=4,
            )
        for position, (picture, kind) in enumerate(zip(cropped, ranges, strict=True)):
            alone = position if options.disable_grouping or not self._takes_batches else None
            key = (picture.shape, picture.dtype, picture.device, kind, alone)
            groups.setdefault(key, []).append(position)
        results: list[Tensor | None] = [None] * len(pictures)
        for key, positions in groups.items():
            # One picture alone is not copied; Pillow, which takes pictures one by one, is never given more.
            single = cropped[positions[0]][None]
            batch = single if len(positions) == 1 else torch.stack([cropped[i] for i in positions])
            if options.do_resize:
                batch = self._resized(batch, key[3], options)
            if options.do_rescale:
                assert options.rescale_factor is not None
                batch = rescaled(batch, options.rescale_factor)
            if options.do_normalize:
                batch = normalised(batch, options.image_mean, options.image_std)
            for position, picture in zip(positions, batch, strict=True):
                # Where nothing was to be done, the result still is no window onto the caller's memory.
                untouched = picture.data_ptr() == cropped[position].data_ptr()
                results[position] = picture.clone() if untouched else picture
        return [result for result in results if result is not None]

    def to_dict(self) -> dict[str, Any]:
        """The options as JSON values, with the class name that Transformers and this library look for."""
        return {**self.kept, **self.options.to_dict(), "image_processor_type": "PerceiverImageProcessor"}

    def to_json_string(self) -> str:
        """The text of `preprocessor_config.json`."""
        return json.dumps(self.to_dict(), indent=2, sort_keys=True) + "\n"

    @classmethod
    def from_dict(cls, saved: dict[str, Any], return_unused_kwargs: bool = False, **options: Any) -> Any:
        """Build a processor from saved options; unknown entries are kept and saved again.

        Args:
            saved: what `to_dict` gave, or the content of a published `preprocessor_config.json`.
            return_unused_kwargs: also give the `options` that no image processor has, which is an error otherwise.
            options: to use instead of the saved ones; `ImageOptions` lists them.

        Returns:
            The processor, or with `return_unused_kwargs` the processor and a dictionary.
        """
        dropped = ("image_processor_type", "feature_extractor_type", "processor_class")
        unused: dict[str, Any] = {}
        if return_unused_kwargs:
            names = {*OPTION_NAMES, *WITHOUT_EFFECT}
            unused = {name: value for name, value in options.items() if name not in names}
        known = {name: value for name, value in saved.items() if name in OPTION_NAMES}
        known |= {name: value for name, value in options.items() if name not in unused}
        processor = cls(**known)
        processor.kept = {
            name: value for name, value in saved.items() if name not in OPTION_NAMES and name not in dropped
        }
        return (processor, unused) if return_unused_kwargs else processor

    @overload
    @classmethod
    def from_pretrained(
        cls,
        pretrained_model_name_or_path: str | os.PathLike[str],
        *,
        return_unused_kwargs: Literal[False] = False,
        **options: Any,
    ) -> Self: ...

    @overload
    @classmethod
    def from_pretrained(
        cls,
        pretrained_model_name_or_path: str | os.PathLike[str],
        *,
        return_unused_kwargs: Literal[True],
        **options: Any,
    ) -> tuple[Self, dict[str, Any]]: ...

    @classmethod
    def from_pretrained(
        cls,
        pretrained_model_name_or_path: str | os.PathLike[str],
        *,
        return_unused_kwargs: bool = False,
        **options: Any,
    ) -> Self | tuple[Self, dict[str, Any]]:
        """Load from a folder, a JSON file, or the model hub.

        Args:
            pretrained_model_name_or_path: path, or a name on the hub.
            return_unused_kwargs: see `from_dict`.
            options: to use instead of the saved ones; and `revision`, `cache_dir`, `token`, `local_files_only`,
                `force_download` and `subfolder`, see `perceivers.checkpoints.locating.HubOptions`. What Transformers takes
                beyond them is listed in `perceivers.checkpoints.foreign`: passed over, or refused with a reason.
        """
        saved, changes = cls.get_image_processor_dict(pretrained_model_name_or_path, **options)
        loaded: Self | tuple[Self, dict[str, Any]] = cls.from_dict(saved, return_unused_kwargs, **changes)
        return loaded

    @classmethod
    def get_image_processor_dict(
        cls, pretrained_model_name_or_path: str | os.PathLike[str], **options: Any
    ) -> tuple[dict[str, Any], dict[str, Any]]:
        """The saved options as they are stored, and the given ones that do not say how to find them.

        Args:
            pretrained_model_name_or_path: see `from_pretrained`.
            options: see `from_pretrained`.
        """
        options = without_foreign(options)
        hub = {field.name: options.pop(field.name) for field in fields(HubOptions) if field.name in options}
        return read_options(pretrained_model_name_or_path, **hub), options

    def save_pretrained(
        self,
        save_directory: str | os.PathLike[str],
        *,
        push_to_hub: bool = False,
        repo_id: str | None = None,
        **hub_options: Any,
    ) -> list[str]:
        """Write `preprocessor_config.json`; Transformers reads it too. Gives the path written.

        Args:
            save_directory: made if absent.
            push_to_hub: also upload, to `repo_id`.
            repo_id: the repository's name; the folder's name if None.
            hub_options: as in `push_to_hub`.
        """
        if not push_to_hub and (hub_options or repo_id is not None):
            given = ", ".join(sorted([*hub_options, *(["repo_id"] if repo_id is not None else [])]))
            raise ConfigurationError(f"without `push_to_hub=True` nothing uses {given}")
        path = write_options(save_directory, self.to_json_string())
        if push_to_hub:
            self.push_to_hub(repo_id or path.resolve().parent.name, **hub_options)
        return [str(path)]

    def push_to_hub(
        self,
        repo_id: str,
        *,
        commit_message: str = "Upload image processor",
        private: bool | None = None,
        token: str | bool | None = None,
        revision: str | None = None,
        create_pr: bool = False,
    ) -> str:
        """Save to a repository on the model hub.

        Args:
            repo_id: its name; made if absent.
            commit_message: the commit's title.
            private: whether a new repository is private; None: as the owner's settings say.
            token: access token; True or None takes the stored one.
            revision: branch to commit to.
            create_pr: open a pull request instead of committing.

        Returns:
            The commit's address.
        """
        from perceivers.checkpoints.pretrained import upload

        def save(folder: os.PathLike[str]) -> None:
            self.save_pretrained(folder)

        return upload(
            save,
            repo_id,
            commit_message=commit_message,
            private=private,
            token=token,
            revision=revision,
            create_pr=create_pr,
        )

    def __eq__(self, other: object) -> bool:
        same_class = isinstance(other, BaseImageProcessor) and type(other) is type(self)
        return same_class and isinstance(other, BaseImageProcessor) and self.to_dict() == other.to_dict()

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"{type(self).__name__} {self.to_json_string()}"


def _packed(pictures: list[Tensor], options: ImageOptions, listed: Any) -> ProcessedBatch:
    """Stacked as asked for, or a list."""
    if options.data_format == "channels_last":
        pictures = [picture.permute(1, 2, 0) for picture in pictures]
    if options.return_tensors is None:
        return ProcessedBatch({"pixel_values": [listed(picture) for picture in pictures]})
    shapes = sorted({tuple(picture.shape) for picture in pictures})
    if len(shapes) > 1:
        raise DataError(
            f"`images` come out in different shapes, {shapes[0]} and {shapes[1]}, and cannot be stacked: "
            "resize them to one height and width, or leave `return_tensors` out"
        )
    stacked = torch.stack(pictures)
    if options.return_tensors == "np":
        return ProcessedBatch({"pixel_values": stacked.cpu().numpy()})
    return ProcessedBatch({"pixel_values": stacked if options.device is None else stacked.to(options.device)})
