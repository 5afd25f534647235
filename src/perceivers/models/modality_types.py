"""The types that `config.modalities` knows, and the preprocessor that each of them is."""

from __future__ import annotations

import copy
import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from perceivers.configuration import PerceiverConfig
from perceivers.errors import ConfigurationError
from perceivers.modalities.bag_of_ngrams import PerceiverBagOfNgramsPreprocessor
from perceivers.modalities.base import AbstractPreprocessor
from perceivers.modalities.category import PerceiverCategoryPreprocessor
from perceivers.modalities.entities import PerceiverEntitiesPreprocessor
from perceivers.modalities.feature_groups import PerceiverFeatureGroupsPreprocessor
from perceivers.modalities.image import PerceiverImagePreprocessor
from perceivers.modalities.number import PerceiverNumberPreprocessor
from perceivers.modalities.points import PerceiverPointsPreprocessor
from perceivers.modalities.series import PerceiverSeriesPreprocessor
from perceivers.modalities.spectrogram import PerceiverSpectrogramPreprocessor
from perceivers.modalities.text import PerceiverTextPreprocessor
from perceivers.nn.initialization import start_as_waves

TYPE = "type"
DROP_PROBABILITY = "drop_probability"


def build_audio(
    config: PerceiverConfig,
    samples_per_patch: int = 16,
    out_channels: int | None = None,
    positions: str = "relative",
    max_samples: int | None = None,
    num_bands: int = 64,
    max_resolution: int | Sequence[int] = 1024,
) -> PerceiverSeriesPreprocessor:
    """Sound [batch, num_samples, 1]: a series of one channel. Arguments as there, in samples."""
    return PerceiverSeriesPreprocessor(
        config,
        in_channels=1,
        steps_per_patch=samples_per_patch,
        out_channels=out_channels,
        positions=positions,
        max_length=max_samples,
        num_bands=num_bands,
        max_resolution=max_resolution,
    )


def build_image(
    config: PerceiverConfig,
    max_resolution: Sequence[int],
    prep_type: str = "patches",
    in_channels: int = 3,
    spatial_downsample: int = 4,
    temporal_downsample: int = 1,
    out_channels: int | None = None,
    num_bands: int = 32,
    conv2d_use_batchnorm: bool | None = None,
    stem_padding: str | None = None,
    stem_widths: Sequence[int] | None = None,
    stem_blocks: int = 0,
) -> PerceiverImagePreprocessor:
    """Pictures or videos: see PerceiverImagePreprocessor.

    Args:
        config: as there.
        max_resolution: of the Fourier positions: (height, width), or (frames, height, width) for videos.
        prep_type: as there.
        in_channels: as there.
        spatial_downsample: as there.
        temporal_downsample: as there.
        out_channels: channels that a learned map makes of each patch; None leaves patches as they are. "conv" and "conv1x1"
            need it, "pixels" and "stem" have no map.
        num_bands: of the Fourier positions.
        conv2d_use_batchnorm: normalise in the stem of "conv", which alone has one; None: yes.
        stem_padding: of the stem of "conv", see StemLayer; None: `config.stem_padding`.
        stem_widths: as there, for "stem".
        stem_blocks: as there, for "stem".
    """
    patch_pixels = spatial_downsample**2 * temporal_downsample
    options: dict[str, Any] = {}
    if out_channels is None:
        if prep_type in ("conv", "conv1x1"):
            raise ConfigurationError(f"`out_channels` must be given for {prep_type!r}, received None")
    elif prep_type == "pixels":
        raise ConfigurationError(
            f"`out_channels` needs a map of pixels, and 'pixels' has none, received {out_channels}: take 'conv1x1'"
        )
    elif prep_type == "stem":
        raise ConfigurationError(
            f"`out_channels` must be left out for 'stem', whose `stem_widths` end with them, received {out_channels}"
        )
    else:
        options["out_channels"] = out_channels
        if prep_type == "patches":
            options["conv_after_patching"] = True
            options["conv_after_patching_in_channels"] = in_channels * patch_pixels
    if conv2d_use_batchnorm is not None:
        if prep_type != "conv":
            raise ConfigurationError(
                f"`conv2d_use_batchnorm` needs `prep_type` 'conv', received {prep_type!r}"
            )
        options["conv2d_use_batchnorm"] = conv2d_use_batchnorm
    if stem_padding is not None:
        if prep_type != "conv":
            raise ConfigurationError(f"`stem_padding` needs `prep_type` 'conv', received {prep_type!r}")
        config = copy.copy(config)
        config.stem_padding = stem_padding
        config.validate()
    return PerceiverImagePreprocessor(
        config,
        prep_type=prep_type,
        in_channels=in_channels,
        spatial_downsample=spatial_downsample,
        temporal_downsample=temporal_downsample,
        fourier_position_encoding_kwargs={"num_bands": num_bands, "max_resolution": tuple(max_resolution)},
        stem_widths=stem_widths,
        stem_blocks=stem_blocks,
        **options,
    )


def build_text(
    config: PerceiverConfig,
    num_channels: int | None = None,
    vocab_size: int | None = None,
    max_length: int | None = None,
    ngram_sizes: Sequence[int] | None = None,
    ngram_rows: int | None = None,
    position_start: str = "random",
) -> PerceiverTextPreprocessor:
    """Byte ids [batch, length]: see PerceiverTextPreprocessor.

    Args:
        config: says what is None below.
        num_channels: channels of a token; None: `d_model`.
        vocab_size: number of ids; None: `vocab_size`.
        max_length: bytes of the longest text; None: `max_position_embeddings`.
        ngram_sizes: of hashed n-grams beside the bytes; None: `ngram_sizes`. An empty list: none.
        ngram_rows: of the table of each size; None: `ngram_rows`.
        position_start: what the positions of a new model start from: "random" vectors, or "waves", see `perceivers.nn.waves`.
    """
    if position_start not in ("random", "waves"):
        raise ConfigurationError(f"`position_start` must be 'random' or 'waves', received {position_start!r}")
    own = copy.copy(config)
    for key, value in (
        ("d_model", num_channels),
        ("vocab_size", vocab_size),
        ("max_position_embeddings", max_length),
        ("ngram_sizes", ngram_sizes),
        ("ngram_rows", ngram_rows),
    ):
        if value is not None:
            setattr(own, key, value)
    if ngram_sizes is not None and not ngram_sizes and ngram_rows is None:
        own.ngram_sizes = own.ngram_rows = None
    own.validate()
    preprocessor = PerceiverTextPreprocessor(own)
    if position_start == "waves":
        start_as_waves(preprocessor.position_embeddings)
    return preprocessor


#: Type -> what builds its preprocessor from the configuration and the type's own settings, given by name.
MODALITY_TYPES: dict[str, Callable[..., AbstractPreprocessor]] = {
    "audio": build_audio,
    "bag_of_ngrams": PerceiverBagOfNgramsPreprocessor,
    "category": PerceiverCategoryPreprocessor,
    "entities": PerceiverEntitiesPreprocessor,
    "feature_groups": PerceiverFeatureGroupsPreprocessor,
    "image": build_image,
    "number": PerceiverNumberPreprocessor,
    "points": PerceiverPointsPreprocessor,
    "series": PerceiverSeriesPreprocessor,
    "spectrogram": PerceiverSpectrogramPreprocessor,
    "text": build_text,
}


def build_preprocessor(
    config: PerceiverConfig, name: str, description: Mapping[str, Any]
) -> AbstractPreprocessor:
    """The preprocessor of one modality.

    Args:
        config: handed to the builder.
        name: of the modality; for messages.
        description: its entry in `config.modalities`: "type", and settings.

    Raises:
        ConfigurationError: a type or setting that nothing knows, a setting that is needed and absent, or one out of range.
    """
    place = f"`modalities[{name!r}]`"
    kind = description.get(TYPE)
    if kind not in MODALITY_TYPES:
        raise ConfigurationError(
            f"{place} must have a {TYPE!r} that is one of {sorted(MODALITY_TYPES)}, received {kind!r}"
        )
    builder = MODALITY_TYPES[kind]
    parameters = list(inspect.signature(builder).parameters.values())[1:]
    settings = {key: value for key, value in description.items() if key not in (TYPE, DROP_PROBABILITY)}
    known = sorted(parameter.name for parameter in parameters)
    if unknown := sorted(set(settings) - set(known)):
        raise ConfigurationError(
            f"{place} of type {kind!r} must have settings among {known}, received {unknown}"
        )
    needed = {parameter.name for parameter in parameters if parameter.default is parameter.empty}
    if absent := sorted(needed - set(settings)):
        raise ConfigurationError(f"{place} of type {kind!r} must have the settings {absent}, received none")
    try:
        return builder(config, **settings)
    except (ConfigurationError, TypeError) as problem:
        raise ConfigurationError(f"{place} of type {kind!r}: {problem}") from problem


def drop_probabilities(modalities: Mapping[str, Mapping[str, Any]]) -> dict[str, float]:
    """Modality -> probability with which a sample loses it while training, for those that say one above 0."""
    found: dict[str, float] = {}
    for name, description in modalities.items():
        probability = description.get(DROP_PROBABILITY, 0.0)
        if not isinstance(probability, int | float) or not 0.0 <= probability <= 1.0:
            raise ConfigurationError(
                f"`modalities[{name!r}][{DROP_PROBABILITY!r}]` must be a probability between 0 and 1, "
                f"received {probability!r}"
            )
        if probability > 0:
            found[name] = float(probability)
    if found and len(modalities) == 1:
        raise ConfigurationError(
            f"`modalities[{next(iter(found))!r}][{DROP_PROBABILITY!r}]` needs a second modality: a sample must keep one"
        )
    return found
