"""What models return: named fields that also read as a mapping and as a tuple, fields that are None left out."""

from __future__ import annotations

import functools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from typing import Any, TypeVar

from torch import Tensor
from torch.utils import _pytree as pytree

Logits = Tensor | Mapping[str, Tensor]
OutputClass = TypeVar("OutputClass", bound="type[ModelOutput]")


class ModelOutput:
    """Base of the output classes: `output.logits`, `output["logits"]`, `output[0]`, `output[:2]`, `logits, *_ = ...`.

    Iterating gives the names, as a mapping does; unpack values through `to_tuple()`. Code that changes every tensor of a
    mapping may rebuild an output, `type(output)({"logits": ...})`, and set its fields, `output["loss"] = ...`.
    """

    def keys(self) -> tuple[str, ...]:
        """Names of the fields that are not None, in order."""
        return tuple(entry.name for entry in fields(self) if getattr(self, entry.name) is not None)  # type: ignore[arg-type]

    def to_tuple(self) -> tuple[Any, ...]:
        """The fields that are not None, in order."""
        return tuple(getattr(self, name) for name in self.keys())

    def values(self) -> tuple[Any, ...]:
        """Another name of `to_tuple`."""
        return self.to_tuple()

    def items(self) -> tuple[tuple[str, Any], ...]:
        """Pairs of name and value of the fields that are not None."""
        return tuple((name, getattr(self, name)) for name in self.keys())

    def get(self, name: str, default: Any = None) -> Any:
        """The field called `name`, or `default` where it is absent or None."""
        return getattr(self, name) if name in self.keys() else default

    def __getitem__(self, key: str | int | slice) -> Any:
        if isinstance(key, str):
            if key not in self.keys():
                raise KeyError(key)
            return getattr(self, key)
        return self.to_tuple()[key]

    def __setitem__(self, name: str, value: Any) -> None:
        names = [entry.name for entry in fields(self)]  # type: ignore[arg-type]
        if name not in names:
            raise KeyError(f"{type(self).__name__} has the fields {', '.join(names)}, received {name!r}")
        setattr(self, name, value)

    def __contains__(self, name: object) -> bool:
        return name in self.keys()

    def __iter__(self) -> Iterator[str]:
        return iter(self.keys())

    def __len__(self) -> int:
        return len(self.keys())


# Not a base class: a mapping's own methods would give views where these give tuples. Known as one, outputs are gone through
# by code that moves or converts the tensors of any mapping, such as accelerate's.
Mapping.register(ModelOutput)


def named_output(output_class: OutputClass) -> OutputClass:
    """Let an output class be built from a mapping, and be a pytree: torch.export and torch.func see the tensors inside."""
    _accept_mapping(output_class)

    def flatten(output: Any) -> tuple[list[Any], list[str]]:
        return list(output.to_tuple()), list(output.keys())

    def flatten_with_keys(output: Any) -> tuple[list[tuple[Any, Any]], list[str]]:
        return [(pytree.MappingKey(name), value) for name, value in output.items()], list(output.keys())

    def unflatten(values: Any, present: list[str]) -> Any:
        return output_class(**dict(zip(present, values, strict=True)))

    pytree.register_pytree_node(
        output_class,
        flatten,
        unflatten,
        serialized_type_name=f"perceivers.{output_class.__name__}",
        flatten_with_keys_fn=flatten_with_keys,
    )
    return output_class


def _accept_mapping(output_class: type[ModelOutput]) -> None:
    """A mapping that is the only argument, and given by position, holds the fields; `logits={...}` stays what it says."""
    from_fields = output_class.__init__
    names = {entry.name for entry in fields(output_class)}  # type: ignore[arg-type]

    @functools.wraps(from_fields)
    def build(self: ModelOutput, *values: Any, **named: Any) -> None:
        if len(values) == 1 and not named and isinstance(values[0], Mapping) and names.issuperset(values[0]):
            from_fields(self, **values[0])
        else:
            from_fields(self, *values, **named)

    output_class.__init__ = build  # type: ignore[assignment, method-assign]


@named_output
@dataclass
class PerceiverModelOutput(ModelOutput):
    """What PerceiverModel returns.

    Attributes:
        logits: the decoder's output after the postprocessor, if there is a decoder.
        last_hidden_state: the latents after the last layer, [batch, num_latents, d_latents].
        hidden_states: the latents after the encoder's cross-attend and after each layer.
        attentions: one [batch, heads, num_latents, num_latents] for each executed self-attend.
        cross_attentions: the encoder's [batch, heads, num_latents, num_inputs], then the decoder's
            [batch, heads, num_outputs, num_latents].
    """

    logits: Logits | None = None
    last_hidden_state: Tensor | None = None
    hidden_states: tuple[Tensor, ...] | None = None
    attentions: tuple[Tensor, ...] | None = None
    cross_attentions: tuple[Tensor, ...] | None = None


@named_output
@dataclass
class PerceiverDecoderOutput(ModelOutput):
    """What a decoder returns.

    Attributes:
        logits: decoded values, [batch, num_outputs, channels], or arranged as the decoder says.
        cross_attentions: one [batch, heads, num_outputs, num_latents], when attentions are asked for.
    """

    logits: Tensor | None = None
    cross_attentions: tuple[Tensor, ...] | None = None


@named_output
@dataclass
class PerceiverMaskedLMOutput(ModelOutput):
    """What PerceiverForMaskedLM returns.

    Attributes:
        loss: mean cross-entropy over the labels that are not -100, when labels are given.
        logits: [batch, max_position_embeddings, vocab_size].
        hidden_states: as in PerceiverModelOutput.
        attentions: as in PerceiverModelOutput.
        cross_attentions: as in PerceiverModelOutput.
    """

    loss: Tensor | None = None
    logits: Tensor | None = None
    hidden_states: tuple[Tensor, ...] | None = None
    attentions: tuple[Tensor, ...] | None = None
    cross_attentions: tuple[Tensor, ...] | None = None


@named_output
@dataclass
class PerceiverCausalLMOutput(ModelOutput):
    """What PerceiverForCausalLM returns.

    Attributes:
        loss: mean cross-entropy of the tokens that follow the latents', with the z-loss, when labels are given.
        logits: [batch, num_latents, vocab_size], of the token after each latent's own.
        hidden_states: as in PerceiverModelOutput.
        attentions: as in PerceiverModelOutput.
        cross_attentions: the encoder's, [batch, heads, num_latents, num_inputs].
    """

    loss: Tensor | None = None
    logits: Tensor | None = None
    hidden_states: tuple[Tensor, ...] | None = None
    attentions: tuple[Tensor, ...] | None = None
    cross_attentions: tuple[Tensor, ...] | None = None


@named_output
@dataclass
class PerceiverClassifierOutput(ModelOutput):
    """What the classification, optical flow and multimodal models return.

    Attributes:
        loss: the task's loss, when labels are given.
        logits: [batch, num_labels]; optical flow [batch, height, width, 2]; multimodal a mapping from modality.
        hidden_states: as in PerceiverModelOutput.
        attentions: as in PerceiverModelOutput.
        cross_attentions: as in PerceiverModelOutput.
    """

    loss: Tensor | None = None
    logits: Logits | None = None
    hidden_states: tuple[Tensor, ...] | None = None
    attentions: tuple[Tensor, ...] | None = None
    cross_attentions: tuple[Tensor, ...] | None = None


@named_output
@dataclass
class PerceiverPredictionOutput(ModelOutput):
    """What PerceiverForPrediction returns. All mappings are from the name of an answer.

    Attributes:
        loss: sum of the answers' losses, each times its weight, when labels are given.
        logits: scores of classes or labels [batch, num_labels]; numbers [batch]; quantiles of numbers
            [batch, num_quantiles].
        query_logits: the same before the answer's queries are averaged, [batch, num_queries, ...].
        losses: mean loss of each answer that labels are given for.
        hidden_states: as in PerceiverModelOutput.
        attentions: as in PerceiverModelOutput.
        cross_attentions: as in PerceiverModelOutput.
    """

    loss: Tensor | None = None
    logits: Mapping[str, Tensor] | None = None
    query_logits: Mapping[str, Tensor] | None = None
    losses: Mapping[str, Tensor] | None = None
    hidden_states: tuple[Tensor, ...] | None = None
    attentions: tuple[Tensor, ...] | None = None
    cross_attentions: tuple[Tensor, ...] | None = None


@named_output
@dataclass
class PerceiverEntityOutput(ModelOutput):
    """What PerceiverForEntitySelection returns.

    Attributes:
        loss: of the selection, when labels are given.
        logits: scores of the pointer, [batch, num_queries, num_entities].
        entities: an output for each entity, [batch, num_entities, channels].
        mean: of the outputs of a sample's entities, [batch, channels].
        hidden_states: as in PerceiverModelOutput.
        attentions: as in PerceiverModelOutput.
        cross_attentions: as in PerceiverModelOutput.
    """

    loss: Tensor | None = None
    logits: Tensor | None = None
    entities: Tensor | None = None
    mean: Tensor | None = None
    hidden_states: tuple[Tensor, ...] | None = None
    attentions: tuple[Tensor, ...] | None = None
    cross_attentions: tuple[Tensor, ...] | None = None


@named_output
@dataclass
class EncoderOutput(ModelOutput):
    """What the encoder returns; fields as in PerceiverModelOutput, `cross_attentions` the encoder's alone."""

    last_hidden_state: Tensor | None = None
    hidden_states: tuple[Tensor, ...] | None = None
    attentions: tuple[Tensor, ...] | None = None
    cross_attentions: tuple[Tensor, ...] | None = None


@dataclass
class Encoded:
    """Everything that answers any number of questions about some inputs: the result of `PerceiverModel.encode`.

    Attributes:
        latents: [batch, num_latents, d_latents].
        tokens: [batch, num_inputs, channels], kept only for a decoder whose queries are made of them.
        features: the tokens without positions, as the preprocessor gave them; by modality where there are several.
        modality_sizes: number of tokens of each modality, where there are several.
        mask: bool [batch, num_inputs], True where an input counts; None where all do.
        index_dims: sizes of the grid that the tokens lie on.
        output_dims: sizes of the array that would describe the inputs whole; by modality where there are several.
        hidden_states: as in PerceiverModelOutput, when asked for.
        attentions: as in PerceiverModelOutput, when asked for.
        cross_attentions: the encoder's, when asked for.
    """

    latents: Tensor
    tokens: Tensor | None = None
    features: Any = None
    modality_sizes: Mapping[str, int] | None = None
    mask: Tensor | None = None
    index_dims: tuple[int, ...] | None = None
    output_dims: Any = None
    hidden_states: tuple[Tensor, ...] | None = None
    attentions: tuple[Tensor, ...] | None = None
    cross_attentions: tuple[Tensor, ...] | None = None
