"""`prepare`: a frozen, exact, faster and leaner copy of a model, with the same call."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from contextlib import nullcontext
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, NoReturn, Self

import torch
from torch import Tensor, nn

from perceivers.configuration import PerceiverConfig
from perceivers.errors import ConfigurationError
from perceivers.freed_memory import blocks_of_their_own, give_back_freed_memory
from perceivers.inference.budget import Budget, largest_tile, usual_memory
from perceivers.inference.cross_attention import Take
from perceivers.inference.prepared_decoder import Progress
from perceivers.inference.prepared_hierarchy import PLAIN_PARTS, prepare_hierarchy
from perceivers.inference.prepared_perceiver import PreparedPerceiver
from perceivers.inference.rounding import Rounding, chosen_rounding
from perceivers.models.base import PerceiverPreTrainedModel
from perceivers.models.causal_language_modeling import PerceiverForCausalLM
from perceivers.models.generation.cache import CausalCache
from perceivers.models.generation.generating import Generated
from perceivers.models.hierarchical_perceiver import HierarchicalPerceiver
from perceivers.models.perceiver import PerceiverModel
from perceivers.models.task import PerceiverTaskModel
from perceivers.outputs import Encoded


@dataclass(frozen=True, eq=False)
class PreparedModel:
    """The exact fast form of a model: the same call, `encode`, `decode` and `reconstruct`, without gradients.

    It is a snapshot: nothing that happens to the model afterwards changes it, and it cannot be trained or saved.

    Attributes:
        plain_parts: part -> why it runs as it does in the plain model; empty where everything is folded.
    """

    _model: Any
    plain_parts: Mapping[str, str]

    @property
    def config(self) -> PerceiverConfig:
        """The model's configuration."""
        config: PerceiverConfig = self._model.config
        return config

    @property
    def training(self) -> bool:
        """False: a prepared model cannot be trained."""
        return False

    def eval(self) -> PreparedModel:
        """This object, as it is: code that takes models may put them into evaluation mode."""
        return self

    def __copy__(self) -> Self:
        """This object: nothing changes it."""
        return self

    def __deepcopy__(self, _: dict[int, Any]) -> Self:
        """This object: nothing changes it, and weights that processors have packed cannot be copied."""
        return self

    def __reduce__(self) -> NoReturn:
        """A prepared model belongs to its process."""
        raise ConfigurationError(
            "a prepared model cannot be pickled: its weights lie as the processor of this machine takes them; pickle or save "
            "the model that it was made of, and call `prepare` where that is loaded"
        )

    @property
    def device(self) -> torch.device:
        """Where the weights are."""
        return _inner(self._model).device

    @property
    def dtype(self) -> torch.dtype:
        """Type of the outputs."""
        return _inner(self._model).dtype

    @property
    def traceable(self) -> Any:
        """The same calls for `torch.export`, which captures no inference mode; prepare with `unpacked()` for it."""
        return self._model

    @torch.inference_mode()
    def __call__(self, *inputs: Any, **options: Any) -> Any:
        """What the model's `forward` gives for the same arguments; attention weights excepted."""
        return self._model.forward(*inputs, **options)

    @torch.inference_mode()
    def encode(self, *inputs: Any, **options: Any) -> Encoded:
        """See the model's `encode`; only this object's `decode` can use the result."""
        encoded: Encoded = self._model.encode(*inputs, **options)
        return encoded

    @torch.inference_mode()
    def decode(self, encoded: Encoded, **asked_for: Any) -> Any:
        """See the model's `decode`."""
        return self._model.decode(encoded, **asked_for)

    @torch.inference_mode()
    def reconstruct(self, *inputs: Any, **options: Any) -> dict[str, Tensor]:
        """See the model's `reconstruct`, where it has one.

        Raises:
            ConfigurationError: the model reconstructs nothing.
        """
        if not hasattr(self._model, "reconstruct"):
            raise ConfigurationError(
                f"{type(self._model).__name__} has no `reconstruct`: only models that decode their own inputs have"
            )
        reconstructed: dict[str, Tensor] = self._model.reconstruct(*inputs, **options)
        return reconstructed


class PreparedHierarchicalPerceiver(PreparedModel):
    """The same of a HierarchicalPerceiver, with what masked autoencoding needs of it."""

    @property
    def device(self) -> torch.device:
        """Where the weights are."""
        device: torch.device = self._model.device
        return device

    @property
    def dtype(self) -> torch.dtype:
        """Type of the outputs."""
        dtype: torch.dtype = self._model.dtype
        return dtype

    def draw_visible(
        self, batch_size: int, hidden: float, generator: torch.Generator | None = None
    ) -> Tensor:
        """See HierarchicalPerceiver."""
        drawn: Tensor = self._model.draw_visible(batch_size, hidden, generator)
        return drawn

    def draw_visible_groups(
        self, batch_size: int, hidden: float, generator: torch.Generator | None = None
    ) -> Tensor:
        """See HierarchicalPerceiver."""
        drawn: Tensor = self._model.draw_visible_groups(batch_size, hidden, generator)
        return drawn

    def hidden_points(
        self, visible_slots: Tensor | None, visible_groups: Tensor | None
    ) -> dict[str, Tensor] | None:
        """See HierarchicalPerceiver."""
        hidden: dict[str, Tensor] | None = self._model.hidden_points(visible_slots, visible_groups)
        return hidden

    def position_table(self, name: str) -> Tensor:
        """See HierarchicalPerceiver."""
        table: Tensor = self._model.position_table(name)
        return table


@dataclass(frozen=True, eq=False)
class PreparedCausalModel(PreparedModel):
    """A causal model, frozen: the same call, `new_cache` and `generate`; it keeps keys and values from call to call."""

    def new_cache(self, num_inputs: int | None = None, num_latents: int | None = None) -> CausalCache:
        """See PerceiverForCausalLM."""
        cache: CausalCache = self._model.new_cache(num_inputs, num_latents)
        return cache

    def generate(self, input_ids: Tensor, max_new_tokens: int, **options: Any) -> Generated:
        """See PerceiverForCausalLM."""
        generated: Generated = self._model.generate(input_ids, max_new_tokens, **options)
        return generated


class ConsumedModel(nn.Module):
    """What is left of a model whose weights `prepare(consume=True)` moved out: every use says so."""

    def __call__(self, *inputs: Any, **options: Any) -> NoReturn:
        """Raise ConfigurationError."""
        raise ConfigurationError(_CONSUMED)

    def __getattribute__(self, name: str) -> Any:
        if name.startswith("__"):
            return object.__getattribute__(self, name)
        raise ConfigurationError(_CONSUMED)


_CONSUMED = (
    "this model's weights were moved into its prepared form by `prepare(consume=True)`: "
    "use that, or load the model again"
)


class _AlreadyMapped(nn.Module):
    """Stands for a task model's linear head, which is folded into the decoder."""

    def forward(self, answers: Tensor, **_options: Any) -> Tensor:
        """The answers, which are mapped already."""
        return answers


def prepare(
    model: PerceiverPreTrainedModel,
    *,
    consume: bool = False,
    max_memory: int | None = None,
    chunk_size: int | None = None,
    progress: Progress | None = None,
    quantize: str | None = None,
    dtype: str | None = None,
) -> PreparedModel:
    """The exact fast form of a model.

    Constant factors are multiplied out in float64, one matrix at a time. Where a part allows no fast form, its plain form
    runs without gradients and in chunks, and `plain_parts` of the result says which and why.

    Args:
        model: any model of this library, or one composed by hand.
        consume: move the weights that stay as they are instead of copying them; the model cannot be used afterwards.
        max_memory: bytes of working memory beside weights, inputs and outputs; it decides how much is computed at a time.
            None: 256 MiB; on a GPU a sixteenth of its memory, at most 4 GiB.
        chunk_size: tokens, or outputs, computed at a time at most; None: as many as fit.
        progress: called with the number of outputs decoded so far and the number asked for, after every tile.
        quantize: "int8" rounds weights and inputs of the latents' self-attends to 8 bits: faster on processors, and *not
            equal* to the model any more. None rounds nothing.
        dtype: "bfloat16" takes the products of the latents' self-attends in bfloat16: several times as fast on processors
            with AMX, and *not equal* to the model any more. None: as the model's weights are.

    Raises:
        ConfigurationError: an argument is out of range, or there is no PerceiverModel inside `model`.
    """
    rounding = chosen_rounding(quantize, dtype)
    known = isinstance(model, PerceiverModel | PerceiverTaskModel)
    device = model.device if known else torch.device("cpu")
    budget = Budget(
        usual_memory(device) if max_memory is None else max_memory, chunk_size, largest_tile(device)
    )
    take: Take[Any] = _itself if consume else copy.deepcopy
    if isinstance(model, PerceiverForCausalLM):
        return _causal_model(model, take, chunk_size, progress, quantize, dtype, consume)
    with torch.no_grad(), blocks_of_their_own() if consume else nullcontext():
        if isinstance(model, PerceiverModel):
            prepared: Any = PreparedPerceiver(
                model, budget, take, progress=progress, rounding=rounding, release=consume
            )
        elif isinstance(model, HierarchicalPerceiver):
            prepared = prepare_hierarchy(model, budget, take, progress, rounding)
        elif isinstance(model, PerceiverTaskModel):
            prepared = _task_model(model, budget, take, progress, rounding, consume)
        else:
            raise ConfigurationError(
                f"`model` must be a PerceiverModel or a task model around one, received {type(model).__name__}"
            )
    is_hierarchy = isinstance(model, HierarchicalPerceiver)
    if consume:
        _empty(model)
        give_back_freed_memory()
    if is_hierarchy:
        return PreparedHierarchicalPerceiver(prepared, MappingProxyType(dict(PLAIN_PARTS)))
    plain = {**_inner(prepared).plain_parts, **getattr(prepared, "plain_heads", {})}
    return PreparedModel(prepared, MappingProxyType(plain))


# What keeps a causal model from being folded.
_CAUSAL = (
    "latents are tokens that look at no later one, at turned keys, and at those of earlier calls: attention runs as in the "
    "model, and keys and values are kept from call to call instead"
)


def _causal_model(
    model: PerceiverForCausalLM,
    take: Take[Any],
    chunk_size: int | None,
    progress: Progress | None,
    quantize: str | None,
    dtype: str | None,
    release: bool,
) -> PreparedCausalModel:
    unused = {"chunk_size": chunk_size, "progress": progress, "quantize": quantize, "dtype": dtype}
    for name, value in unused.items():
        if value is not None:
            raise ConfigurationError(
                f"`{name}` must be None for {type(model).__name__}, whose parts are not folded, received {value!r}"
            )
    # A shallow copy, because what is consumed is emptied.
    frozen = copy.copy(model) if release else take(model)
    if release:
        _empty(model)
    frozen.eval().requires_grad_(False)
    return PreparedCausalModel(frozen, MappingProxyType({"encoder": _CAUSAL}))


def _task_model(
    model: PerceiverTaskModel,
    budget: Budget,
    take: Take[Any],
    progress: Progress | None,
    rounding: Rounding,
    release: bool,
) -> PerceiverTaskModel:
    """A shallow copy of a task model around the prepared PerceiverModel, whose own methods then do the rest."""
    head = model.linear_head()
    mapped = None if head is None else head.mapped
    perceiver = PreparedPerceiver(
        model.perceiver, budget, take, mapped, progress, rounding=rounding, release=release
    )
    shell = copy.copy(model)
    children = {name: take(child) for name, child in model.named_children() if name != "perceiver"}
    children["perceiver"] = perceiver
    if head is not None and perceiver.maps_answers:
        children[head.child] = _AlreadyMapped()
    vars(shell)["_modules"] = children
    shell.config = perceiver.config
    shell.training = False
    return shell


def _inner(model: Any) -> PreparedPerceiver:
    perceiver: PreparedPerceiver = getattr(model, "perceiver", model)
    return perceiver


def _itself(module: Any) -> Any:
    return module


def _empty(model: nn.Module) -> None:
    inner = getattr(model, "perceiver", None)
    for each in (model, inner):
        if each is not None:
            vars(each).clear()
            each.__class__ = ConsumedModel
