"""PerceiverConfig: every number a Perceiver model is built from, validated, read from and written to config.json."""

from __future__ import annotations

import copy
import json
import os
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Self, overload

from perceivers.checkpoints.foreign import without_foreign
from perceivers.checkpoints.locating import CONFIG_NAME as CONFIG_NAME
from perceivers.checkpoints.locating import HubOptions, resolve_file
from perceivers.configuration_answers import read_answers
from perceivers.configuration_causal import CAUSAL_KEYS, read_causal
from perceivers.configuration_hierarchy import read_hierarchy
from perceivers.configuration_rules import validate_fields
from perceivers.errors import CheckpointError, ConfigurationError, one_line

if TYPE_CHECKING:
    import torch

# Each arithmetic difference between Transformers' port and the JAX original is a field of its own; a fidelity
# sets them together.
FIDELITIES: Mapping[str, Mapping[str, Any]] = {
    "transformers": {
        "hidden_act": "gelu",
        "attention_probs_dropout_prob": 0.1,
        "stem_padding": "transformers",
        "learned_classifier_query_residual": True,
        "use_query_mask": False,
        "zero_fully_masked_rows": False,
    },
    "deepmind": {
        "hidden_act": "gelu_pytorch_tanh",
        "attention_probs_dropout_prob": 0.0,
        "stem_padding": "same",
        "learned_classifier_query_residual": False,
        "use_query_mask": True,
        "zero_fully_masked_rows": True,
    },
}

_DEFAULT_NUM_LABELS = 2
_OUTPUT_FLAGS = ("output_attentions", "output_hidden_states", "return_dict")
_UNSAVED = ("attn_implementation",)
_SAVED_WHERE_GIVEN = (
    "id2label",
    "label2id",
    "dtype",
    "fan_in_scaling",
    "architectures",
    "problem_type",
    "modalities",
    "answers",
    "hierarchy",
    "ngram_sizes",
    "ngram_rows",
    *CAUSAL_KEYS,
    "num_cross_attends",
    "cross_attend_places",
    "cross_attend_sharing",
    "cross_attend_inputs",
    "share_self_attends",
    "latents_as_keys",
    "mean_of_latents",
)


@dataclass(kw_only=True, repr=False, eq=False)
class _ConfigFields:
    """The keys of config.json, grouped by what they describe. Sizes are channels unless said otherwise."""

    # The latent array and the encoder.
    num_latents: int = 256
    d_latents: int = 1280
    d_model: int = 768
    num_blocks: int = 1
    num_self_attends_per_block: int = 26
    num_self_attention_heads: int = 8
    num_cross_attention_heads: int = 8
    # The first Perceiver's encoder; None: one cross-attend, then blocks that share their weights, as Perceiver IO has it.
    num_cross_attends: int | None = None
    # Self-attends before each cross-attend; None: spread evenly (as many as there are blocks stand before one block each).
    cross_attend_places: Sequence[int] | None = None
    # Weights of the cross-attends: "after_first" (None too: the first has its own, the others share theirs), "all", "none".
    cross_attend_sharing: str | None = None
    # What each cross-attend sees: "all" inputs (None too), or "parts", of which each cross-attend has one.
    cross_attend_inputs: str | None = None
    share_self_attends: bool | None = None
    # The encoder's latents look at the inputs and at themselves in one attention, as resamplers do.
    latents_as_keys: bool | None = None
    # Classify by a linear map of the mean of the latents instead of a query.
    mean_of_latents: bool | None = None
    qk_channels: int | None = None
    v_channels: int | None = None
    cross_attention_shape_for_attention: str = "kv"
    self_attention_widening_factor: int = 1
    cross_attention_widening_factor: int = 1
    hidden_act: str = "gelu"
    attention_probs_dropout_prob: float = 0.1
    mlp_dropout_prob: float = 0.0
    # Training from scratch starts from this standard deviation. Matrices start by their fan-in instead where the second
    # key is True; None: where the first has its default, which every released configuration holds.
    initializer_range: float = 0.02
    fan_in_scaling: bool | None = None
    # Released files carry 1e-12 here although their models were trained and run with 1e-5: read, never applied.
    layer_norm_eps: float = 1e-12
    norm_eps: float = 1e-5
    use_query_residual: bool = True

    # Text.
    vocab_size: int = 262
    max_position_embeddings: int = 2048
    decoder_num_heads: int = 8
    decoder_qk_channels: int = 256
    # Hashed n-grams beside the bytes: their sizes, and the rows of each size's table.
    ngram_sizes: Sequence[int] | None = None
    ngram_rows: int | None = None

    # Causal models: positions, and what is hidden while training, see `perceivers.configuration_causal`.
    causal_positions: str | None = None
    position_sizes: Sequence[int] | None = None
    first_position: int | None = None
    rotary_fraction: float | None = None
    rotary_head_fraction: float | None = None
    rotary_max_wavelength: float | None = None
    prefix_dropout_prob: float | None = None
    latent_dropout_prob: float | None = None
    z_loss_weight: float | None = None

    # Images. Resolutions are (height, width) in pixels.
    image_size: int | Sequence[int] = 56
    image_channels: int = 3
    image_projection_channels: int = 256
    position_channels: int = 256
    projected_position_channels: int = 256
    fourier_num_bands: int = 64
    fourier_max_resolution: Sequence[int] = (224, 224)
    stem_channels: int = 64
    stem_num_layers: int = 1
    stem_batch_norm: bool = True
    stem_max_resolution: Sequence[int] = (56, 56)
    conv_kernel_order: str = "height_width"

    # Optical flow. `train_size` is (height, width) in pixels.
    train_size: Sequence[int] = (368, 496)
    flow_patch_size: int = 3
    flow_projection_channels: int = 64
    flow_rescale_factor: float = 100.0
    flow_target_scale: float = 20.0
    flow_tile_overlap: int = 20

    # Video, audio and label. `output_shape` is (batch, frames, height, width); the batch entry is not used.
    num_frames: int = 16
    audio_samples_per_frame: int = 1920
    samples_per_patch: int = 16
    output_shape: Sequence[int] = (1, 16, 224, 224)
    output_num_channels: int = 512
    _label_trainable_num_channels: int = 1024
    video_patch_size: int = 4
    video_frames_per_patch: int = 1
    video_num_bands: int = 32
    audio_num_bands: int = 192
    input_padding_size: int = 4
    query_padding_size: int = 2
    mask_probabilities: Mapping[str, float] = field(
        default_factory=lambda: {"audio": 0.0, "image": 0.0, "label": 1.0}
    )
    loss_weights: Mapping[str, float] = field(
        default_factory=lambda: {"audio": 1.0, "image": 0.03, "label": 1e-4}
    )
    num_training_points: int = 512

    # Any modalities in: name -> {"type": ..., settings of the type}.
    modalities: Mapping[str, Mapping[str, Any]] | None = None

    # Any answers out: name -> {"type": "class", "labels", "number", ..., settings}, see `perceivers.configuration_answers`.
    answers: Mapping[str, Mapping[str, Any]] | None = None

    # Levels and inputs of a HierarchicalPerceiver, see `perceivers.configuration_hierarchy`.
    hierarchy: Mapping[str, Any] | None = None

    # Which arithmetic: see FIDELITIES.
    fidelity: str = "transformers"
    stem_padding: str = "transformers"
    learned_classifier_query_residual: bool = True
    use_query_mask: bool = False
    zero_fully_masked_rows: bool = False

    # Outputs and execution.
    output_attentions: bool = False
    output_hidden_states: bool = False
    return_dict: bool = True
    chunk_size_feed_forward: int = 0
    attn_implementation: str = "sdpa"
    dtype: torch.dtype | None = None
    architectures: Sequence[str] | None = None
    id2label: Mapping[int, str] | None = None
    label2id: Mapping[str, int] | None = None
    problem_type: str | None = None


class PerceiverConfig(_ConfigFields):
    """What a Perceiver model is made of; the keys and defaults of Transformers' class of the same name, and more.

    Sizes that Transformers writes into its code (Fourier bands and resolutions, stem channels, decoder heads, paddings,
    patch sizes) are keys here, with the released models' values as defaults. Keys that this class does not know are kept
    as attributes and written back.

    Args:
        fidelity: "transformers" (equal to Transformers for the same weights) or "deepmind" (equal to the JAX original).
            It sets `hidden_act`, `attention_probs_dropout_prob`, `stem_padding`, `learned_classifier_query_residual`,
            `use_query_mask` and `zero_fully_masked_rows`, each of which may also be given alone.
        num_labels: number of classes, or of regression targets; default 2. Names the classes LABEL_0, LABEL_1, ...
            unless `id2label` is given too.
        values: any other key, by name; see `perceivers.configuration._ConfigFields` for those with a meaning.

    Raises:
        ConfigurationError: a value is out of range, or two values contradict each other.
    """

    model_type = "perceiver"

    def __init__(
        self, *, fidelity: str = "transformers", num_labels: int | None = None, **values: Any
    ) -> None:
        # None, where a caller hands on an option that nobody chose, is the default.
        undecided = [key for key in _OUTPUT_FLAGS if key in values and values[key] is None]
        values = {key: value for key, value in values.items() if key not in undecided}
        if "torch_dtype" in values:
            values.setdefault("dtype", values.pop("torch_dtype"))
        if "use_return_dict" in values:
            values["return_dict"] = values.pop("use_return_dict")
        _require_model_type(values.pop("model_type", self.model_type))
        known = {entry.name for entry in fields(_ConfigFields)}
        unknown = {key: value for key, value in values.items() if key not in known}
        given = {key: value for key, value in values.items() if key in known}
        super().__init__(fidelity=fidelity, **{**_preset(fidelity), **given})
        for key, value in unknown.items():
            if hasattr(type(self), key):
                raise ConfigurationError(
                    f"`{key}` cannot be given: it is derived from the other keys, or a method"
                )
            setattr(self, key, value)
        self._set_labels(num_labels)
        if self.dtype is not None:
            self.dtype = _as_dtype(self.dtype)
        self.validate()

    @property
    def num_labels(self) -> int:
        """Number of classes; setting it renames them LABEL_0, LABEL_1, ... when their number changes."""
        return len(self.id2label) if self.id2label else _DEFAULT_NUM_LABELS

    @num_labels.setter
    def num_labels(self, value: int) -> None:
        if not isinstance(value, int) or isinstance(value, bool) or value < 1:
            raise ConfigurationError(f"`num_labels` must be a whole number of at least 1, received {value!r}")
        if self.id2label is None or len(self.id2label) != value:
            self.id2label = _label_names(value)
            self.label2id = {name: index for index, name in self.id2label.items()}

    @property
    def use_return_dict(self) -> bool:
        """Another name of `return_dict`."""
        return self.return_dict

    @use_return_dict.setter
    def use_return_dict(self, value: bool) -> None:
        self.return_dict = value

    @property
    def matrix_std(self) -> float | None:
        """Standard deviation that matrices and convolutions start from; None: by their fan-in."""
        by_fan_in = self.initializer_range == _ConfigFields.initializer_range
        if self.fan_in_scaling is not None:
            by_fan_in = self.fan_in_scaling
        return None if by_fan_in else self.initializer_range

    @property
    def image_height_width(self) -> tuple[int, int]:
        """`image_size` as (height, width), in pixels."""
        if isinstance(self.image_size, int):
            return self.image_size, self.image_size
        height, width = self.image_size
        return height, width

    @property
    def num_audio_samples(self) -> int:
        """Samples of sound that go with `num_frames` frames."""
        return self.num_frames * self.audio_samples_per_frame

    def set_fidelity(self, fidelity: str) -> None:
        """Set every field that `fidelity` ("transformers" or "deepmind") governs, whatever they were before."""
        for key, value in _preset(fidelity).items():
            setattr(self, key, value)
        self.fidelity = fidelity

    def validate(self) -> None:
        """Raise ConfigurationError, naming the key, for the first value that no model can be built from."""
        validate_fields(self)
        read_answers(self.answers or {})
        read_causal(self)
        if self.hierarchy is not None:
            read_hierarchy(self.hierarchy)

    def to_dict(self) -> dict[str, Any]:
        """Every key that config.json holds, plain JSON types, tuples as lists."""
        values = {
            key.name: getattr(self, key.name) for key in fields(_ConfigFields) if key.name not in _UNSAVED
        }
        values.update((key, value) for key, value in vars(self).items() if key not in values)
        values = {key: value for key, value in values.items() if key not in _UNSAVED}
        if self.id2label == _label_names(_DEFAULT_NUM_LABELS):
            values["id2label"] = values["label2id"] = None
        if self.dtype is not None:
            values["dtype"] = _dtype_name(self.dtype)
        for key in _SAVED_WHERE_GIVEN:
            if values[key] is None:
                del values[key]
        values["model_type"] = self.model_type
        plain: dict[str, Any] = json.loads(json.dumps(values))
        return plain

    def to_json_string(self) -> str:
        """config.json's text."""
        return json.dumps(self.to_dict(), indent=2, sort_keys=True) + "\n"

    def save_pretrained(
        self,
        save_directory: str | os.PathLike[str],
        *,
        push_to_hub: bool = False,
        repo_id: str | None = None,
        **hub_options: Any,
    ) -> None:
        """Write `config.json` into a folder, whole or not at all.

        Args:
            save_directory: made if absent.
            push_to_hub: also upload, to `repo_id`.
            repo_id: the repository's name; the folder's name if None.
            hub_options: as in `push_to_hub`.
        """
        target = Path(save_directory)
        if target.is_file():
            raise CheckpointError(f"`save_directory` must be a folder, received the file {target}")
        target.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(dir=target, prefix=".config-")
        try:
            with os.fdopen(handle, "w", encoding="utf-8") as file:
                file.write(self.to_json_string())
            os.chmod(temporary, 0o644)
            os.replace(temporary, target / CONFIG_NAME)
        except BaseException:
            Path(temporary).unlink(missing_ok=True)
            raise
        if push_to_hub:
            self.push_to_hub(repo_id or target.resolve().name, **hub_options)
        elif hub_options or repo_id is not None:
            given = ", ".join(sorted([*hub_options, *(["repo_id"] if repo_id is not None else [])]))
            raise ConfigurationError(f"without `push_to_hub=True` nothing uses {given}")

    def push_to_hub(
        self,
        repo_id: str,
        *,
        commit_message: str = "Upload configuration",
        private: bool | None = None,
        token: str | bool | None = None,
        revision: str | None = None,
        create_pr: bool = False,
    ) -> str:
        """Upload `config.json` to the model hub and give the commit's (or pull request's) address.

        Args:
            repo_id: the repository's name, "owner/name"; made if absent.
            commit_message: the commit's title.
            private: whether a new repository is private; None: as the owner's settings say.
            token: hub access token; None or True takes the stored one.
            revision: branch to commit to.
            create_pr: open a pull request instead of committing.
        """
        from perceivers.checkpoints.pretrained import upload

        return upload(
            self.save_pretrained,
            repo_id,
            commit_message=commit_message,
            private=private,
            token=token,
            revision=revision,
            create_pr=create_pr,
        )

    @classmethod
    def from_dict(cls, values: Mapping[str, Any], **overrides: Any) -> Self:
        """A configuration from config.json's mapping.

        A mapping that does not say `conv_kernel_order` was written by Transformers' converter, which stored the stem's
        kernel as width x height. Keys in `overrides` win; a `fidelity` there sets every field that it governs.
        """
        merged = copy.deepcopy(dict(values))
        merged.setdefault("conv_kernel_order", "width_height")
        if "fidelity" in overrides:
            merged.update(_preset(overrides["fidelity"]))
        if "id2label" in overrides:
            merged.pop("label2id", None)
            merged.pop("num_labels", None)
        elif "num_labels" in overrides:
            stored = merged.get("id2label") or {}
            if len(stored) != overrides["num_labels"]:
                merged.pop("id2label", None)
                merged.pop("label2id", None)
        merged.update(overrides)
        return cls(**merged)

    @classmethod
    def from_json_file(cls, path: str | os.PathLike[str], **overrides: Any) -> Self:
        """A configuration from a config.json at `path`."""
        return cls._from_file(path, _read_mapping(path), overrides)

    @classmethod
    def _from_file(
        cls, path: str | os.PathLike[str], values: Mapping[str, Any], overrides: Mapping[str, Any]
    ) -> Self:
        """See `from_dict`; an error that the file's own values make names the file."""
        try:
            return cls.from_dict(values, **overrides)
        except ConfigurationError as error:
            if overrides:
                # Values that are sound by themselves are not to blame.
                cls._from_file(path, values, {})
                raise
            error.args = (f"{one_line(error)}; it stands in {path}",)
            raise

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
        """A configuration from a local folder, or from a repository of the model hub.

        Args:
            pretrained_model_name_or_path: folder that holds config.json, or a hub name such as
                "deepmind/language-perceiver".
            return_unused_kwargs: also return the options that are neither below nor keys of the configuration; without it
                they become keys.
            options: `revision`, `cache_dir`, `token`, `local_files_only`, `force_download` and `subfolder`, see
                `perceivers.checkpoints.locating.HubOptions`; and keys that replace those of the file. What Transformers
                takes beyond them is listed in `perceivers.checkpoints.foreign`: passed over, or refused with a reason.
        """
        path, overrides = _located(pretrained_model_name_or_path, options)
        values = _read_mapping(path)
        unused: dict[str, Any] = {}
        if return_unused_kwargs:
            known = vars(cls()).keys() | values.keys() | {"num_labels", "torch_dtype", "use_return_dict"}
            unused = {key: value for key, value in overrides.items() if key not in known}
        wanted = {key: value for key, value in overrides.items() if key not in unused}
        config = cls._from_file(path, values, wanted)
        return (config, unused) if return_unused_kwargs else config

    @classmethod
    def get_config_dict(
        cls, pretrained_model_name_or_path: str | os.PathLike[str], **options: Any
    ) -> tuple[dict[str, Any], dict[str, Any]]:
        """config.json's mapping as it is stored, and the options that do not say how to find it.

        Args:
            pretrained_model_name_or_path: see `from_pretrained`.
            options: see `from_pretrained`.
        """
        path, others = _located(pretrained_model_name_or_path, options)
        return _read_mapping(path), others

    def __eq__(self, other: object) -> bool:
        return isinstance(other, PerceiverConfig) and self.to_dict() == other.to_dict()

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"PerceiverConfig {self.to_json_string()}"

    def _set_labels(self, num_labels: int | None) -> None:
        if self.id2label is not None:
            self.id2label = _labels_by_number(self.id2label)
            if num_labels is not None and num_labels != len(self.id2label):
                raise ConfigurationError(
                    f"`num_labels` is {num_labels} but `id2label` names {len(self.id2label)} labels: give one of the two"
                )
            if self.label2id is None:
                self.label2id = {name: index for index, name in self.id2label.items()}
        else:
            self.num_labels = _DEFAULT_NUM_LABELS if num_labels is None else num_labels


def _located(
    name_or_folder: str | os.PathLike[str], options: Mapping[str, Any]
) -> tuple[str | os.PathLike[str], dict[str, Any]]:
    """Where config.json is, and the options that do not say how to find it."""
    others = without_foreign(options)
    hub = {entry.name: others.pop(entry.name) for entry in fields(HubOptions) if entry.name in others}
    return resolve_file(name_or_folder, CONFIG_NAME, **hub), others


def _read_mapping(path: str | os.PathLike[str]) -> dict[str, Any]:
    try:
        values = json.loads(Path(path).read_text(encoding="utf-8"))
    except (OSError, ValueError) as problem:
        raise CheckpointError(f"cannot read a configuration from {path}: {problem}") from problem
    if not isinstance(values, dict):
        raise CheckpointError(f"{path} must hold a JSON object, received {type(values).__name__}")
    return values


def _label_names(num_labels: int) -> dict[int, str]:
    return {index: f"LABEL_{index}" for index in range(num_labels)}


def _labels_by_number(id2label: object) -> dict[int, str]:
    try:
        labels = {int(index): name for index, name in id2label.items()}  # type: ignore[attr-defined]
    except (AttributeError, TypeError, ValueError):
        labels = {}
    if not labels:
        raise ConfigurationError(f"`id2label` must map class numbers to names, received {id2label!r}")
    return labels


def _dtype_name(dtype: object) -> str:
    return str(dtype).removeprefix("torch.")


def _as_dtype(dtype: object) -> Any:
    """The torch.dtype of that name, as `torch.float16` or as the "float16" of config.json."""
    # Torch takes seconds to import, and a configuration without this key does without it.
    import torch

    found = getattr(torch, _dtype_name(dtype), None)
    if not isinstance(found, torch.dtype):
        raise ConfigurationError(
            f"`dtype` must be a torch.dtype or its name, such as 'float16', received {dtype!r}"
        )
    return found


def _preset(fidelity: str) -> Mapping[str, Any]:
    if fidelity not in FIDELITIES:
        choices = ", ".join(repr(name) for name in FIDELITIES)
        raise ConfigurationError(f"`fidelity` must be one of {choices}, received {fidelity!r}")
    return FIDELITIES[fidelity]


def _require_model_type(model_type: object) -> None:
    if model_type != PerceiverConfig.model_type:
        raise ConfigurationError(
            f"`model_type` must be {PerceiverConfig.model_type!r}, received {model_type!r}"
        )
