"""The contract that every modality and decoder passes; a new one is one more row of a table below."""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from perceivers.errors import ConfigurationError, ShapeError

LATENTS = (10, 20)
FOURIER = {"num_bands": 5, "max_resolution": (8, 12)}
SOUND = {"num_bands": 7, "max_resolution": (40,)}
LEARNED = {"num_channels": 14, "index_dims": 5}


@dataclass(frozen=True)
class Part:
    """One preprocessor, postprocessor or decoder, and what the contract is tried with.

    Attributes:
        class_name: exported by the package.
        arguments: constructor arguments beside the configuration.
        inputs: what `forward` takes, for a batch of two (decoders: input tokens and features).
        effects: constructor argument -> two sets of arguments that differ in it (or in it and what it needs) and must give
            different results; the second may be an error.
        wrong: inputs that must raise a ShapeError naming `inputs`.
        takes_config: whether the configuration is the first constructor argument.
        ineffective: constructor arguments without effect on the part alone, with the reason.
    """

    class_name: str
    arguments: Callable[[Any, Any], dict[str, Any]] = lambda kit, config: {}
    inputs: Any = None
    effects: Mapping[str, tuple[dict[str, Any], dict[str, Any]]] = field(default_factory=dict)
    wrong: tuple[Any, ...] = ()
    takes_config: bool = True
    ineffective: Mapping[str, str] = field(default_factory=dict)


def normal(*shape: int) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(sum(shape)))


def constant(**arguments: Any) -> Callable[[Any, Any], dict[str, Any]]:
    return lambda kit, config: dict(arguments)


PICTURES, SAMPLES = normal(2, 3, 8, 12), normal(2, 40, 1)
NUMBERS = torch.tensor([[0.5, math.nan, -1.5], [2.5, 0.25, -0.75]])
BINNED = {"encoding": "piecewise", "bin_edges": [[-2.0, 0.0, 3.0]] * 3}
NEIGHBOURHOODS = {"neighbourhood_widths": [7], "neighbourhood_centres": [3], "num_neighbours": 2}
SERIES, POINTS, ENERGIES = normal(2, 7, 3), normal(2, 7, 5).tanh(), normal(2, 5, 6)
NUMBERS, CATEGORIES = (
    torch.tensor([[0.5, math.nan, -1.5], [1.5, 0.25, 0.75]]),
    torch.tensor([[0, 1, 6], [3, 0, 2]]),
)
ENTITIES = torch.cat(
    [
        torch.tensor([[[2.0, 1.0]], [[3.0, 0.0]]]).expand(-1, 5, -1),
        torch.tensor([[[0.5, math.nan]], [[math.nan, -1.0]]]).expand(-1, 5, -1),
    ],
    dim=2,
)
BINS = {"encoding": "piecewise", "bin_edges": [[-2.0, 0.0, 1.0], [-1.0, 2.0], [0.0, 1.0, 2.0, 3.0]]}
OTHER_BINS = {"encoding": "piecewise", "bin_edges": [[-2.0, 0.25, 1.0], [-1.0, 2.0], [0.0, 1.0, 2.0, 3.0]]}
ABSOLUTE = {"positions": "absolute", "max_length": 11}
WRONG_PICTURES = (
    normal(2, 8, 12),
    normal(2, 5, 8, 12),
    torch.ones(2, 3, 8, 12, dtype=torch.uint8),
    normal(0, 3, 8, 12),
    torch.full((2, 3, 8, 12), math.nan),
)
PIXELS = {"prep_type": "pixels", "spatial_downsample": 1}
PATCHES = {"prep_type": "patches", "spatial_downsample": 4}
MAPPED = {
    "prep_type": "patches",
    "spatial_downsample": 1,
    "conv_after_patching": True,
    "conv_after_patching_in_channels": 3,
    "out_channels": 11,
}
ADDED = {**PIXELS, "concat_or_add_pos": "add", "project_pos_dim": 3}
GRID_OF_PIXELS = {"position_encoding_type": "trainable", "fourier_position_encoding_kwargs": None}


def learned_grid(num_channels: int, index_dims: Any) -> dict[str, Any]:
    table = {"num_channels": num_channels, "index_dims": index_dims}
    return {**GRID_OF_PIXELS, "trainable_position_encoding_kwargs": table}


def two_modalities(kit: Any, config: Any) -> dict[str, Any]:
    return {
        "modalities": {
            "sound": kit.PerceiverAudioPreprocessor(
                config, samples_per_patch=5, fourier_position_encoding_kwargs=SOUND
            ),
            "class": kit.PerceiverOneHotPreprocessor(config),
        },
        "mask_probs": {"sound": 0.5},
        "min_padding_size": 3,
    }


PREPROCESSORS = {
    "text": Part(
        "PerceiverTextPreprocessor",
        inputs=torch.tensor([[5, 1, 98, 0], [7, 7, 7, 2]]),
        wrong=(
            torch.tensor([1, 2, 3]),
            normal(2, 4),
            torch.tensor([[99]]),
            torch.tensor([[-1]]),
            torch.zeros(2, 8, dtype=torch.long),
            torch.zeros(0, 3, dtype=torch.long),
        ),
    ),
    "pixels": Part(
        "PerceiverImagePreprocessor",
        constant(**PIXELS, fourier_position_encoding_kwargs=FOURIER),
        PICTURES,
        effects={
            "prep_type": ({}, {"prep_type": "conv1x1"}),
            "spatial_downsample": ({}, {"spatial_downsample": 2}),
            "in_channels": ({}, {"in_channels": 4}),
            "position_encoding_type": ({}, learned_grid(9, (8, 12))),
            "trainable_position_encoding_kwargs": (learned_grid(9, (8, 12)), learned_grid(8, (8, 12))),
            "fourier_position_encoding_kwargs": (
                {},
                {"fourier_position_encoding_kwargs": {**FOURIER, "num_bands": 6}},
            ),
            "concat_or_add_pos": ({"project_pos_dim": 3}, ADDED),
            "project_pos_dim": ({}, {"project_pos_dim": 5}),
            "n_extra_pos_mlp": ({}, {"n_extra_pos_mlp": 2}),
        },
        wrong=WRONG_PICTURES,
    ),
    "a linear map of pixels": Part(
        "PerceiverImagePreprocessor",
        constant(prep_type="conv1x1", spatial_downsample=2, **learned_grid(14, (4, 6))),
        PICTURES,
        effects={"out_channels": ({"out_channels": 11}, {"out_channels": 12})},
        wrong=(*WRONG_PICTURES, normal(2, 3, 8, 14)),
    ),
    "a convolutional stem": Part(
        "PerceiverImagePreprocessor",
        constant(
            prep_type="conv", spatial_downsample=4, out_channels=11, fourier_position_encoding_kwargs=FOURIER
        ),
        normal(2, 3, 21, 34),
        effects={
            "conv2d_use_batchnorm": ({}, {"conv2d_use_batchnorm": False}),
            "spatial_downsample": ({}, {"spatial_downsample": 16}),
        },
        wrong=(*WRONG_PICTURES, normal(2, 3, 2, 2)),
    ),
    "a stem of several stages": Part(
        "PerceiverImagePreprocessor",
        constant(
            prep_type="stem",
            spatial_downsample=2,
            stem_widths=(5, 7),
            position_encoding_type="fourier",
            fourier_position_encoding_kwargs=FOURIER,
        ),
        PICTURES,
        effects={
            "stem_widths": ({}, {"stem_widths": (5, 8)}),
            "stem_blocks": ({}, {"stem_blocks": 1}),
        },
        wrong=WRONG_PICTURES,
    ),
    "patches of a video": Part(
        "PerceiverImagePreprocessor",
        constant(
            prep_type="patches",
            spatial_downsample=4,
            temporal_downsample=2,
            fourier_position_encoding_kwargs={"num_bands": 3, "max_resolution": (4, 8, 12)},
        ),
        normal(2, 4, 3, 8, 12),
        effects={"temporal_downsample": ({}, {"temporal_downsample": 1})},
        wrong=(*WRONG_PICTURES, PICTURES, normal(2, 4, 3, 9, 12), normal(2, 3, 3, 8, 12)),
    ),
    "a linear map of patches": Part(
        "PerceiverImagePreprocessor",
        constant(**MAPPED, fourier_position_encoding_kwargs=FOURIER),
        PICTURES,
        effects={
            "conv_after_patching": ({}, {"conv_after_patching": False}),
            "conv_after_patching_in_channels": ({}, {"conv_after_patching_in_channels": 4}),
        },
        wrong=WRONG_PICTURES,
    ),
    "sound": Part(
        "PerceiverAudioPreprocessor",
        constant(samples_per_patch=5, fourier_position_encoding_kwargs=SOUND),
        SAMPLES,
        effects={
            "prep_type": ({}, {"prep_type": "mel"}),
            "samples_per_patch": ({}, {"samples_per_patch": 8}),
            "position_encoding_type": ({}, learned_grid(9, 8)),
            "trainable_position_encoding_kwargs": (learned_grid(9, 8), learned_grid(8, 8)),
            "fourier_position_encoding_kwargs": (
                {},
                {"fourier_position_encoding_kwargs": {**SOUND, "sine_only": True}},
            ),
            "concat_or_add_pos": ({"project_pos_dim": 5}, {"project_pos_dim": 5, "concat_or_add_pos": "add"}),
            "project_pos_dim": ({}, {"project_pos_dim": 4}),
            "out_channels": (
                {"project_pos_dim": 4, "out_channels": 15},
                {"project_pos_dim": 4, "out_channels": 16},
            ),
            "n_extra_pos_mlp": ({}, {"n_extra_pos_mlp": 1}),
        },
        wrong=(normal(2, 40), normal(2, 40, 2), normal(2, 41, 1), torch.full((2, 40, 1), math.inf)),
    ),
    "a class": Part(
        "PerceiverOneHotPreprocessor",
        inputs=normal(2, 3),
        wrong=(normal(2, 4), normal(2, 1, 3), torch.tensor([1, 2])),
    ),
    "a series": Part(
        "PerceiverSeriesPreprocessor",
        constant(in_channels=3, num_bands=4, max_resolution=9),
        SERIES,
        effects={
            "in_channels": ({}, {"in_channels": 4}),
            "steps_per_patch": ({}, {"steps_per_patch": 2}),
            "out_channels": ({}, {"out_channels": 5}),
            "positions": (ABSOLUTE, {**ABSOLUTE, "positions": "both"}),
            "max_length": (ABSOLUTE, {**ABSOLUTE, "max_length": 12}),
            "num_bands": ({}, {"num_bands": 5}),
            "max_resolution": ({}, {"max_resolution": 10}),
            "allow_missing": ({}, {"allow_missing": True}),
        },
        wrong=(
            normal(2, 7),
            normal(2, 7, 4),
            normal(2, 0, 3),
            SERIES.long(),
            torch.full((2, 7, 3), math.nan),
        ),
    ),
    "a mapped series": Part(
        "PerceiverSeriesPreprocessor",
        constant(in_channels=3, steps_per_patch=2, out_channels=5, allow_missing=True),
        SERIES,
        wrong=(normal(2, 7, 4), torch.full((2, 7, 3), math.inf)),
    ),
    "numbers": Part(
        "PerceiverNumberPreprocessor",
        constant(num_columns=3),
        NUMBERS,
        effects={
            "num_columns": ({}, {"num_columns": 4}),
            "out_channels": ({}, {"out_channels": 5}),
            "encoding": (BINNED, {**BINNED, "bin_edges": None, "encoding": "periodic"}),
            "bin_edges": (BINNED, {**BINNED, "bin_edges": [[-2.0, 0.5, 3.0]] * 3}),
            "num_frequencies": ({}, {"num_frequencies": 7}),
            "relu": ({}, {"relu": False}),
        },
        ineffective={"sigma": "says where training starts, and the parts here have other weights"},
        wrong=(
            normal(2, 4),
            normal(2, 3, 1),
            torch.ones(2, 3).long(),
            normal(0, 3),
            torch.full((2, 3), math.inf),
        ),
    ),
    "categories": Part(
        "PerceiverCategoryPreprocessor",
        constant(cardinalities=[5, 0, 2]),
        torch.tensor([[0, 1, 3], [6, 0, 2]]),
        effects={
            "cardinalities": ({}, {"cardinalities": [5, 0]}),
            "out_channels": ({}, {"out_channels": 5}),
        },
        wrong=(
            torch.zeros(2, 4, dtype=torch.long),
            normal(2, 3),
            torch.tensor([[7, 0, 0]]),
            torch.zeros(0, 3, dtype=torch.long),
        ),
    ),
    "points": Part(
        "PerceiverPointsPreprocessor",
        constant(num_coordinates=2, num_features=3, num_bands=4, max_resolution=9),
        POINTS,
        effects={
            "num_coordinates": ({}, {"num_coordinates": 3, "num_features": 2}),
            "num_features": ({}, {"num_features": 4}),
            "coordinate_range": ({}, {"coordinate_range": 2.0}),
            "num_bands": ({}, {"num_bands": 5}),
            "max_resolution": ({}, {"max_resolution": (9, 10)}),
            "out_channels": ({}, {"out_channels": 7}),
            "neighbourhood_widths": (NEIGHBOURHOODS, {**NEIGHBOURHOODS, "neighbourhood_widths": [11]}),
            "neighbourhood_centres": (NEIGHBOURHOODS, {**NEIGHBOURHOODS, "neighbourhood_centres": [5]}),
            "num_neighbours": (NEIGHBOURHOODS, {**NEIGHBOURHOODS, "num_neighbours": 3}),
        },
        wrong=(normal(2, 5), normal(2, 7, 4), normal(2, 0, 5), POINTS.long(), POINTS + 2, POINTS * math.nan),
    ),
    "points with mapped features": Part(
        "PerceiverPointsPreprocessor",
        constant(num_coordinates=2, num_features=3, out_channels=7),
        POINTS,
    ),
    "numbers of a table": Part(
        "PerceiverNumberPreprocessor",
        constant(num_columns=3, out_channels=7, num_frequencies=4),
        NUMBERS,
        effects={
            "num_columns": ({}, {"num_columns": 4}),
            "out_channels": ({}, {"out_channels": 5}),
            "encoding": ({}, {**BINS, "num_frequencies": None}),
            "num_frequencies": ({}, {"num_frequencies": 5}),
            "relu": ({}, {"relu": False}),
        },
        ineffective={"sigma": "it says how the frequencies are drawn, which are given here"},
        wrong=(normal(2, 4), normal(2, 3, 1), normal(0, 3), NUMBERS.long(), NUMBERS * math.inf),
    ),
    "numbers of a table by bins": Part(
        "PerceiverNumberPreprocessor",
        constant(num_columns=3, out_channels=7, **BINS),
        NUMBERS,
        effects={"bin_edges": ({}, OTHER_BINS)},
    ),
    "categories of a table": Part(
        "PerceiverCategoryPreprocessor",
        constant(cardinalities=[2, 0, 5], out_channels=7),
        CATEGORIES,
        effects={
            "cardinalities": ({}, {"cardinalities": [3, 0, 5]}),
            "out_channels": ({}, {"out_channels": 5}),
        },
        wrong=(
            CATEGORIES[:, :2],
            CATEGORIES[0],
            CATEGORIES.float(),
            CATEGORIES[:0],
            CATEGORIES + 1,
            CATEGORIES - 1,
        ),
    ),
    "entities": Part(
        "PerceiverEntitiesPreprocessor",
        constant(cardinalities=[2, 0], num_numbers=2, out_channels=7, num_frequencies=4),
        ENTITIES,
        effects={
            "cardinalities": ({}, {"cardinalities": [3, 0]}),
            "num_numbers": ({}, {"num_numbers": 1, "cardinalities": [2, 0, 5]}),
            "out_channels": ({}, {"out_channels": 5}),
            "num_frequencies": ({}, {"num_frequencies": 5}),
        },
        ineffective={"sigma": "it says how the frequencies are drawn, which are given here"},
        wrong=(
            ENTITIES[0],
            ENTITIES[..., :3],
            ENTITIES.long(),
            ENTITIES[:, :0],
            ENTITIES.nan_to_num(math.inf),
            ENTITIES + 2,
        ),
    ),
    "a spectrogram through a stem": Part(
        "PerceiverSpectrogramPreprocessor",
        constant(
            mel_bins=6,
            frames_per_patch=2,
            bins_per_patch=2,
            num_bands=4,
            max_resolution=9,
            stem_widths=(5, 7),
        ),
        ENERGIES,
        effects={
            "stem_widths": ({}, {"stem_widths": (5, 8)}),
            "stem_blocks": ({}, {"stem_blocks": 1}),
        },
    ),
    "a spectrogram": Part(
        "PerceiverSpectrogramPreprocessor",
        constant(mel_bins=6, bins_per_patch=2, num_bands=4, max_resolution=9),
        ENERGIES,
        effects={
            "mel_bins": ({}, {"mel_bins": 8}),
            "frames_per_patch": ({}, {"frames_per_patch": 2}),
            "bins_per_patch": ({}, {"bins_per_patch": None}),
            "out_channels": ({}, {"out_channels": 5}),
            "positions": ({}, {"positions": "absolute", "max_frames": 11}),
            "max_frames": (
                {"positions": "absolute", "max_frames": 11},
                {"positions": "absolute", "max_frames": 12},
            ),
            "num_bands": ({}, {"num_bands": 5}),
            "max_resolution": ({}, {"max_resolution": (9, 10)}),
        },
        wrong=(
            normal(2, 6),
            normal(2, 5, 7),
            normal(2, 5, 6, 2),
            ENERGIES.long(),
            normal(2, 0, 6),
            ENERGIES * math.inf,
        ),
    ),
    "a mapped spectrogram": Part(
        "PerceiverSpectrogramPreprocessor",
        constant(mel_bins=6, frames_per_patch=2, out_channels=5),
        ENERGIES,
    ),
    "several modalities": Part(
        "PerceiverMultimodalPreprocessor",
        two_modalities,
        {"sound": SAMPLES, "class": normal(2, 3)},
        effects={
            "mask_probs": ({}, {"mask_probs": {"sound": 1.0}}),
            "min_padding_size": ({}, {"min_padding_size": 4}),
            "modalities": ({}, {"modalities": {}}),
        },
        wrong=(
            SAMPLES,
            {},
            {"smell": SAMPLES},
            {"sound": SAMPLES, "class": normal(3, 3)},
            {"sound": normal(2, 40, 2)},
        ),
        takes_config=False,
    ),
}

POSTPROCESSORS = {
    "a linear map": Part(
        "PerceiverProjectionPostprocessor",
        constant(in_channels=20, out_channels=7),
        normal(2, 5, 20),
        effects={
            "in_channels": ({}, {"in_channels": 19}),
            "out_channels": ({}, {"out_channels": 8}),
        },
        wrong=(normal(2, 5, 19),),
        takes_config=False,
    ),
    "sound": Part(
        "PerceiverAudioPostprocessor",
        constant(in_channels=20),
        normal(2, 5, 20),
        effects={
            "in_channels": ({}, {"in_channels": 19}),
            "postproc_type": ({}, {"postproc_type": "mel"}),
        },
        wrong=(normal(2, 5, 19), normal(2, 20)),
    ),
    "a class": Part(
        "PerceiverClassificationPostprocessor",
        constant(in_channels=20),
        normal(2, 5, 20),
        effects={"in_channels": ({}, {"in_channels": 19})},
        wrong=(normal(2, 5, 19), normal(2, 20)),
    ),
    "pictures": Part(
        "PerceiverImagePostprocessor",
        constant(in_channels=20, postproc_type="patches", spatial_upsample=2, input_reshape_size=(2, 3)),
        normal(2, 6, 20),
        effects={
            "in_channels": ({}, {"in_channels": 19}),
            "postproc_type": ({}, {"postproc_type": "conv"}),
            "spatial_upsample": ({}, {"spatial_upsample": 4}),
            "temporal_upsample": ({"input_reshape_size": (1, 2, 3)}, {"temporal_upsample": 2}),
            "out_channels": ({}, {"out_channels": 1}),
            "input_reshape_size": ({}, {"input_reshape_size": (3, 2)}),
        },
        wrong=(normal(2, 7, 20), normal(2, 6, 19)),
        takes_config=False,
    ),
    "several modalities": Part(
        "PerceiverMultimodalPostprocessor",
        lambda kit, config: {
            "modalities": {
                "sound": kit.PerceiverAudioPostprocessor(config, in_channels=20),
                "class": kit.PerceiverClassificationPostprocessor(config, in_channels=20),
            },
            "input_is_dict": True,
        },
        {"sound": normal(2, 5, 20), "class": normal(2, 1, 20)},
        effects={
            "modalities": ({}, {"modalities": {"sound": nn.Linear(20, 5)}}),
            "input_is_dict": ({}, {"input_is_dict": False}),
        },
        wrong=({"sound": normal(2, 5, 19)},),
        takes_config=False,
    ),
}

NO_POSITIONS = "its queries are the input tokens"
BASIC: dict[str, Any] = {
    "output_num_channels": 6,
    "output_index_dims": 5,
    "num_channels": 14,
    "trainable_position_encoding_kwargs": LEARNED,
}
DECODERS = {
    "learned queries": Part(
        "PerceiverBasicDecoder",
        constant(**BASIC),
        effects={
            "output_num_channels": ({}, {"output_num_channels": 7}),
            "output_index_dims": (
                {},
                {
                    "output_index_dims": 4,
                    "trainable_position_encoding_kwargs": {"num_channels": 14, "index_dims": 4},
                },
            ),
            "num_channels": ({}, {"num_channels": 15}),
            "subsampled_index_dims": ({}, {"subsampled_index_dims": 4}),
            "qk_channels": ({}, {"qk_channels": 12}),
            "v_channels": ({}, {"v_channels": 12}),
            "num_heads": ({}, {"num_heads": 2}),
            "widening_factor": ({}, {"widening_factor": 2}),
            "use_query_residual": ({}, {"use_query_residual": True}),
            "concat_preprocessed_input": ({}, {"concat_preprocessed_input": True, "num_channels": 19}),
            "final_project": ({}, {"final_project": False}),
            "position_encoding_only": ({}, {"position_encoding_only": True}),
            "position_encoding_type": (
                {},
                {"position_encoding_type": "fourier", "fourier_position_encoding_kwargs": SOUND},
            ),
            "project_pos_dim": (
                {"trainable_position_encoding_kwargs": {"num_channels": 9, "index_dims": 5}},
                {
                    "trainable_position_encoding_kwargs": {"num_channels": 9, "index_dims": 5},
                    "project_pos_dim": 14,
                },
            ),
            "trainable_position_encoding_kwargs": (
                {},
                {"trainable_position_encoding_kwargs": {"num_channels": 13, "index_dims": 5}},
            ),
            "fourier_position_encoding_kwargs": (
                {
                    "num_channels": 15,
                    "position_encoding_type": "fourier",
                    "fourier_position_encoding_kwargs": SOUND,
                },
                {
                    "num_channels": 15,
                    "position_encoding_type": "fourier",
                    "fourier_position_encoding_kwargs": {**SOUND, "max_resolution": (50,)},
                },
            ),
        },
    ),
    "a class": Part(
        "PerceiverClassificationDecoder",
        constant(num_channels=14, trainable_position_encoding_kwargs={"num_channels": 14, "index_dims": 1}),
        effects={"decoder_kwargs": ({}, {"widening_factor": 3})},
    ),
    "several tasks": Part(
        "PerceiverMultitaskDecoder",
        constant(num_tasks=5, num_channels=14),
        effects={
            "num_tasks": ({}, {"num_tasks": 6}),
            "num_channels": ({}, {"num_channels": 15}),
        },
        ineffective={"keeps_tokens": "it says what the model keeps for whoever reads the answers"},
    ),
    "the mean latent": Part("PerceiverProjectionDecoder"),
    "entities": Part(
        "PerceiverEntityDecoder",
        constant(num_channels=14),
        effects={"num_channels": ({}, {"num_channels": 15})},
    ),
    "flow": Part(
        "PerceiverOpticalFlowDecoder",
        constant(output_image_shape=(1, 5), num_channels=14),
        effects={
            "output_image_shape": ({}, {"output_image_shape": (5, 1)}),
            "output_num_channels": ({}, {"output_num_channels": 3}),
            "rescale_factor": ({}, {"rescale_factor": 7.0}),
            "decoder_kwargs": ({}, {"num_heads": 2}),
        },
    ),
    "video": Part(
        "PerceiverBasicVideoAutoencodingDecoder",
        constant(
            output_shape=(2, 1, 1, 5),
            position_encoding_type="trainable",
            num_channels=14,
            trainable_position_encoding_kwargs=LEARNED,
        ),
        effects={
            "output_shape": ({}, {"output_shape": (2, 5, 1, 1)}),
            "position_encoding_type": (
                {},
                {
                    "position_encoding_type": "fourier",
                    "fourier_position_encoding_kwargs": {"num_bands": 2, "max_resolution": (1, 1, 5)},
                },
            ),
            "output_num_channels": ({}, {"output_num_channels": 9}),
            "subsampled_index_dims": ({}, {"subsampled_index_dims": 4}),
            "decoder_kwargs": ({}, {"use_query_residual": True}),
        },
    ),
    "several modalities": Part(
        "PerceiverMultimodalDecoder",
        lambda kit, config: {
            "modalities": {
                "sound": kit.PerceiverBasicDecoder(config, position_encoding_only=True, **BASIC),
                "class": kit.PerceiverClassificationDecoder(
                    config,
                    position_encoding_only=True,
                    trainable_position_encoding_kwargs={"num_channels": 4, "index_dims": 1},
                ),
            },
            "output_num_channels": 9,
            "min_padding_size": 3,
        },
        effects={
            "modalities": ({}, {"modalities": {}}),
            "num_outputs": ({"num_outputs": 6}, {"num_outputs": 7}),
            "output_num_channels": ({}, {"output_num_channels": 8}),
            "min_padding_size": ({}, {"min_padding_size": 4}),
            "subsampled_index_dims": ({}, {"subsampled_index_dims": {"sound": (4,)}}),
            "decoder_kwargs": ({}, {"widening_factor": 2}),
        },
    ),
}

ALL = {
    **{f"preprocessor of {name}": part for name, part in PREPROCESSORS.items()},
    **{f"postprocessor of {name}": part for name, part in POSTPROCESSORS.items()},
    **{f"decoder of {name}": part for name, part in DECODERS.items()},
}


@pytest.fixture(scope="module")
def build(our_config: Callable[..., Any], lively: Callable[..., None]) -> Callable[..., Any]:
    def make(part: Part, **changes: Any) -> Any:
        import perceivers

        torch.manual_seed(0)
        config = our_config(samples_per_patch=5)
        arguments = {**part.arguments(perceivers, config), **changes}
        given = [config] if part.takes_config else []
        built = getattr(perceivers, part.class_name)(*given, **arguments).eval()
        lively(built)
        return built

    return make


def rows(value: Any, index: int) -> Any:
    if isinstance(value, Mapping):
        return {name: rows(item, index) for name, item in value.items()}
    return value[index : index + 1]


def decoded(decoder: Any, batch: slice = slice(None), subsampled: bool = False) -> dict[str, Any]:
    """Queries of a decoder, and what the latents answer them."""
    tokens, features = normal(2, 5, 14)[batch], normal(2, 5, 5)[batch]
    latents = normal(2, *LATENTS)[batch]
    points: Any = torch.tensor([4, 0, 4]) if subsampled else None
    if subsampled and hasattr(decoder, "modalities"):
        points = {"sound": points, "class": None}
    if subsampled and type(decoder).__name__ == "PerceiverClassificationDecoder":
        points = torch.tensor([0, 0, 0])
    query = decoder.decoder_query(tokens, inputs_without_pos=features, subsampled_points=points)
    return {"query": query, "answers": decoder(query, latents).logits}


def outcome(part: Part, name: str, make: Callable[..., Any], changes: dict[str, Any], flatten: Any) -> Any:
    """Everything observable of a part: its values, or the error that it raises."""
    try:
        built = make(part, **changes)
    except ConfigurationError as problem:
        return str(problem)
    results: dict[str, Any] = {}
    torch.manual_seed(0)
    calls: dict[str, Callable[[], Any]] = {"alone": lambda: built(part.inputs)}
    if name.startswith("decoder"):
        calls = {"all": lambda: decoded(built), "some": lambda: decoded(built, subsampled=True)}
    for label, call in calls.items():
        try:
            with torch.no_grad():
                results[label] = call()
        except (ConfigurationError, ShapeError, AttributeError) as problem:
            results[label] = str(problem)
    tensors = {path: (tuple(value.shape), value.tolist()) for path, value in flatten(results).items()}
    messages = {label: value for label, value in results.items() if isinstance(value, str)}
    return tensors, messages


@pytest.mark.parametrize("name", list(PREPROCESSORS))
def test_a_preprocessor_gives_the_channels_and_the_grid_that_it_declares(
    name: str, build: Callable[..., Any]
) -> None:
    part = PREPROCESSORS[name]
    preprocessor = build(part)
    tokens, sizes, _ = preprocessor(part.inputs)
    assert tokens.shape[0] == 2
    assert tokens.shape[1] == math.prod(preprocessor.index_dims(part.inputs))
    assert tokens.shape[2] == preprocessor.num_channels
    assert sizes is None or sum(sizes.values()) == tokens.shape[1]


@pytest.mark.parametrize("name", list(DECODERS))
def test_a_decoder_gives_the_query_channels_and_the_number_of_outputs_that_it_declares(
    name: str, build: Callable[..., Any]
) -> None:
    decoder = build(DECODERS[name])
    results = decoded(decoder)
    assert results["query"].shape[2] == decoder.num_query_channels
    own = decoder.own_dims()
    assert own is None or results["query"].shape[1] == math.prod(own)


@pytest.mark.parametrize("name", list(ALL))
def test_samples_of_a_batch_do_not_mix(name: str, build: Callable[..., Any], flatten: Any) -> None:
    changes = {"mask_probs": {"sound": 0.0}} if name == "preprocessor of several modalities" else {}
    part = ALL[name]
    built = build(part, **changes)
    is_decoder = name.startswith("decoder")
    whole = flatten(decoded(built) if is_decoder else built(part.inputs))
    for index in range(2):
        batch = slice(index, index + 1)
        alone = flatten(decoded(built, batch) if is_decoder else built(rows(part.inputs, index)))
        assert list(alone) == list(whole)
        for path, values in alone.items():
            torch.testing.assert_close(values, whole[path][batch], rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(
    ("name", "argument"), [(name, argument) for name, part in ALL.items() for argument in part.effects]
)
def test_a_constructor_argument_has_an_effect(
    name: str, argument: str, build: Callable[..., Any], flatten: Any
) -> None:
    part = ALL[name]
    before, after = part.effects[argument]
    first = outcome(part, name, build, before, flatten)
    assert not isinstance(first, str), first
    assert outcome(part, name, build, before, flatten) == first
    assert outcome(part, name, build, after, flatten) != first


@pytest.mark.parametrize("class_name", sorted({part.class_name for part in ALL.values()}))
def test_every_constructor_argument_is_in_the_table(class_name: str) -> None:
    import perceivers

    tried = {
        argument
        for part in ALL.values()
        if part.class_name == class_name
        for argument in [*part.effects, *part.ineffective]
    }
    arguments = set(inspect.signature(getattr(perceivers, class_name).__init__).parameters)
    assert tried == arguments - {"self", "config"}


def test_every_exported_modality_and_decoder_is_in_the_table() -> None:
    import perceivers

    endings = ("Preprocessor", "Postprocessor", "Decoder")
    exported = {name for name in perceivers.__all__ if name.endswith(endings) and "Abstract" not in name}
    assert exported - {"PerceiverEmbeddingDecoder"} == {part.class_name for part in ALL.values()}


@pytest.mark.parametrize(
    ("name", "index"),
    [(name, index) for name, part in ALL.items() for index in range(len(part.wrong))],
)
def test_wrong_inputs_are_an_error_that_names_them(name: str, index: int, build: Callable[..., Any]) -> None:
    part = ALL[name]
    with pytest.raises(ShapeError, match=r"`inputs`.*received"):
        build(part)(part.wrong[index])


@pytest.mark.parametrize("name", list(DECODERS))
def test_wrong_queries_and_latents_are_an_error_that_names_them(name: str, build: Callable[..., Any]) -> None:
    decoder = build(DECODERS[name])
    query, latents = normal(2, 5, max(decoder.num_query_channels, 1)), normal(2, *LATENTS)
    if decoder.num_query_channels > 0:
        with pytest.raises(ShapeError, match=r"`query`.*received \[2, 5, 99\]"):
            decoder(normal(2, 5, 99), latents)
        with pytest.raises(ShapeError, match=r"`query`.*received"):
            decoder(query[0], latents)
    with pytest.raises(ShapeError, match=r"`z`.*received \[2, 10, 19\]"):
        decoder(query, normal(2, 10, 19))
    with pytest.raises(ShapeError, match=r"`z`.*received \[10, 20\]"):
        decoder(query, normal(*LATENTS))


@pytest.mark.parametrize("name", list(ALL))
def test_gradients_reach_every_parameter(name: str, build: Callable[..., Any], flatten: Any) -> None:
    part = ALL[name]
    built = build(part)
    torch.manual_seed(0)
    results = decoded(built) if name.startswith("decoder") else built(part.inputs)
    total = torch.zeros(())
    for values in flatten(results).values():
        if values.requires_grad:
            total = total + (values * torch.linspace(-1, 2, values.numel()).reshape(values.shape)).sum()
    parameters = dict(built.named_parameters())
    if not parameters:
        assert not total.requires_grad
        return
    total.backward()
    for path, parameter in parameters.items():
        assert parameter.grad is not None, path
        # A softmax does not see what is added to all keys alike.
        assert path.endswith("key.bias") or parameter.grad.abs().max() > 0, path


@pytest.mark.parametrize("name", list(ALL))
def test_the_dtype_of_the_weights_and_inputs_is_kept(
    name: str, build: Callable[..., Any], flatten: Any
) -> None:
    def half(value: Any) -> Any:
        if isinstance(value, Mapping):
            return {key: half(item) for key, item in value.items()}
        return value.to(torch.bfloat16) if value.is_floating_point() else value

    part = ALL[name]
    built = build(part).to(torch.bfloat16)
    if name.startswith("decoder"):
        tokens, features = half(normal(2, 5, 14)), half(normal(2, 5, 5))
        results: Any = built(
            built.decoder_query(tokens, inputs_without_pos=features), half(normal(2, *LATENTS))
        ).logits
    else:
        results = built(half(part.inputs))
    assert {values.dtype for values in flatten(results).values()} == {torch.bfloat16}
