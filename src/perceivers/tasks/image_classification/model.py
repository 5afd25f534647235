"""The classifier that the arguments of `image-classification` ask for."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from perceivers.configuration import CONFIG_NAME, PerceiverConfig
from perceivers.errors import ConfigurationError
from perceivers.models.image_classification import (
    PerceiverForImageClassificationConvProcessing,
    PerceiverForImageClassificationFourier,
    PerceiverForImageClassificationLearned,
)
from perceivers.tasks.image_classification.options import ImageClassificationArguments

Classifier = (
    PerceiverForImageClassificationConvProcessing
    | PerceiverForImageClassificationFourier
    | PerceiverForImageClassificationLearned
)
CLASSIFIERS: dict[str, type[Classifier]] = {
    "fourier": PerceiverForImageClassificationFourier,
    "learned": PerceiverForImageClassificationLearned,
    "conv": PerceiverForImageClassificationConvProcessing,
}


def build_classifier(
    chosen: ImageClassificationArguments, class_names: tuple[str, ...], start: PerceiverConfig | None = None
) -> Classifier:
    """Build an untrained classifier.

    Args:
        chosen: form of the input, sizes.
        class_names: names of the classes by id.
        start: configuration whose sizes go before those of `chosen`.

    Raises:
        ConfigurationError: `start` belongs to a model with another form of the input, or with learned positions for
            pictures of another size.
    """
    answers: dict[str, Any] = {
        "id2label": dict(enumerate(class_names)),
        "problem_type": "single_label_classification",
    }
    if start is None:
        config = PerceiverConfig(**chosen.config_values(), **_form_config(chosen), **answers)
    else:
        _require_fitting(start, chosen)
        config = PerceiverConfig.from_dict(start.to_dict(), **answers)
    return CLASSIFIERS[chosen.input_form](config)


def load_classifier(folder: Path) -> Classifier:
    """Load the classifier of a run, of the class that its configuration names."""
    form = _form_of(PerceiverConfig.from_json_file(folder / CONFIG_NAME))
    return CLASSIFIERS["fourier" if form is None else form].from_pretrained(folder)


def _form_config(chosen: ImageClassificationArguments) -> dict[str, Any]:
    """Keys of PerceiverConfig that say how pixels become tokens."""
    values, size = chosen.form_values(), (chosen.image_height, chosen.image_width)
    shared = {"image_size": size, "image_channels": chosen.image_channels}
    if chosen.input_form == "fourier":
        return {
            **shared,
            "fourier_num_bands": values["num_fourier_bands"],
            "fourier_max_resolution": size,
        }
    if chosen.input_form == "learned":
        return {
            **shared,
            "image_projection_channels": values["pixel_channels"],
            "position_channels": values["position_channels"],
            "projected_position_channels": values["position_channels"],
        }
    return {
        **shared,
        "fourier_num_bands": values["num_fourier_bands"],
        "stem_channels": values["stem_channels"],
        "stem_num_layers": values["num_stem_layers"],
        "stem_batch_norm": values["stem_batch_norm"],
        "stem_padding": values["stem_padding"],
        "stem_max_resolution": chosen.stem_grid,
    }


def _form_of(config: PerceiverConfig) -> str | None:
    """The form of the input of the class that a configuration names; None for any other class."""
    names = {classifier.__name__: form for form, classifier in CLASSIFIERS.items()}
    return next((names[name] for name in config.architectures or () if name in names), None)


def _require_fitting(start: PerceiverConfig, chosen: ImageClassificationArguments) -> None:
    form = _form_of(start)
    if form is not None and form != chosen.input_form:
        raise ConfigurationError(
            f"`input_form` must be {form!r}, as in the checkpoint that `start` names, received {chosen.input_form!r}"
        )
    if start.image_channels != chosen.image_channels:
        raise ConfigurationError(
            f"`image_channels` must be {start.image_channels}, as in the checkpoint that `start` names, received "
            f"{chosen.image_channels}"
        )
    size = (chosen.image_height, chosen.image_width)
    if chosen.input_form == "learned" and start.image_height_width != size:
        height, width = start.image_height_width
        raise ConfigurationError(
            f"`image_height` and `image_width` must be {height} and {width}, for which the checkpoint that `start` names has "
            f"learned vectors, received {size[0]} and {size[1]}"
        )
