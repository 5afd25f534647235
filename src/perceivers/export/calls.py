"""The calls that become files: a whole model, or its encoder and its decoder, from named tensors to named tensors."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, cast

import torch
from torch import Tensor, nn

from perceivers.decoders.multimodal import PerceiverMultimodalDecoder
from perceivers.inference.packed_map import unpacked
from perceivers.inference.prepared import PreparedModel, prepare
from perceivers.models.base import PerceiverPreTrainedModel
from perceivers.models.masked_language_modeling import PerceiverForMaskedLM
from perceivers.models.multimodal_autoencoding import PerceiverForMultimodalAutoencoding
from perceivers.models.optical_flow import PerceiverForOpticalFlow
from perceivers.models.perceiver import PerceiverModel
from perceivers.outputs import Encoded
from perceivers.runtime.ports import arguments_of, flattened, named, taken

Tensors = dict[str, Tensor]
# Points that a decoder is traced with.
_FEW_POINTS = 5


@dataclass(frozen=True, eq=False)
class Call:
    """One file: what it computes, and what it is traced with.

    Args:
        name: of the file, without its ending.
        compute: from tensors by name to tensors by name; of any form of the model.
        inputs: a sample.
        free: axes of each input that may have any size; all others have the sample's.
    """

    name: str
    compute: Callable[[Any, Mapping[str, Tensor]], Tensors]
    inputs: Tensors
    free: Mapping[str, tuple[int, ...]]


class TracedCall(nn.Module):
    """A call of one form of a model, as `torch.export` takes it.

    Args:
        form: a model, plain or prepared.
        call: see Call.
    """

    def __init__(self, form: nn.Module | PreparedModel, call: Call) -> None:
        super().__init__()
        is_prepared = isinstance(form, PreparedModel)
        # A prepared model is no module all through: what it holds are constants of the graph, and stay the same objects.
        self.form = None if is_prepared else form
        self._any_form = [form.traceable if is_prepared else form]
        self._call = call

    def forward(self, tensors: Tensors) -> Tensors:
        """See Call."""
        return self._call.compute(self._any_form[0], tensors)


def whole_model(model: PerceiverPreTrainedModel) -> Callable[[Any, Mapping[str, Tensor]], Tensors]:
    """A model's `forward`, or, where a model makes its own inputs again, its `reconstruct`."""
    if isinstance(model, PerceiverForMultimodalAutoencoding):

        def reconstruct(form: Any, tensors: Mapping[str, Tensor]) -> Tensors:
            given = arguments_of(tensors)
            return named("output", form.reconstruct(given["inputs"], given.get("attention_mask")))

        return reconstruct

    def forward(form: Any, tensors: Mapping[str, Tensor]) -> Tensors:
        call = form.forward if isinstance(form, nn.Module) else form
        output = call(**arguments_of(tensors), return_dict=True)
        logits = getattr(output, "logits", None)
        return named("latents", output.last_hidden_state) if logits is None else named("logits", logits)

    return forward


def is_asked_in_parts(model: PerceiverPreTrainedModel) -> bool:
    """Whether outputs are many, so that one encodes once and asks for some of them, as often as wanted."""
    if isinstance(model, PerceiverModel):
        dims = None if model.decoder is None else model.decoder.own_dims()
        return dims is not None and torch.Size(dims).numel() > 1
    several = (PerceiverForMaskedLM, PerceiverForOpticalFlow, PerceiverForMultimodalAutoencoding)
    return isinstance(model, several)


class Parts:
    """An encoder and a decoder that belong together.

    Args:
        model: see `is_asked_in_parts`.
        inputs: a sample, whose sizes the outputs have.
    """

    def __init__(self, model: PerceiverPreTrainedModel, inputs: Mapping[str, Tensor]) -> None:
        decoder = model.base_model.decoder
        self._modalities = (
            sorted(decoder.modalities) if isinstance(decoder, PerceiverMultimodalDecoder) else None
        )
        self._reconstructs = isinstance(model, PerceiverForMultimodalAutoencoding)
        given, any_model = arguments_of(inputs), cast("Any", model)
        with torch.no_grad():
            encoded = any_model.encode(given.pop("inputs"), **given)
        self._index_dims, self._output_dims = encoded.index_dims, encoded.output_dims

    def encode(self, form: Any, tensors: Mapping[str, Tensor]) -> Tensors:
        """Latents, and the tokens where a decoder asks with them."""
        given = arguments_of(tensors)
        encoded = form.encode(given.pop("inputs"), **given)
        return {"latents": encoded.latents, **named("tokens", encoded.tokens)}

    def decode(self, form: Any, tensors: Mapping[str, Tensor]) -> Tensors:
        """Outputs at `points`, of what `encode` gave; those of which no points are named are whole."""
        encoded = Encoded(
            latents=tensors["latents"],
            tokens=tensors.get("tokens"),
            index_dims=self._index_dims,
            output_dims=self._output_dims,
        )
        points = taken("points", tensors)
        if self._reconstructs:
            answers = form.decode(
                encoded,
                positions=points,
                output_dims=dict(self._output_dims),
                coordinate_rule="subsampled",
            )
            return named("output", answers)
        return named("logits", form.decode(encoded, positions=points))

    def points(self, outputs: Mapping[str, Tensor]) -> Tensors:
        """Points to trace a decoder with; one modality with a single output has none.

        Args:
            outputs: what the whole model gives.
        """
        if self._modalities is None:
            (whole,) = outputs.values()
            return {"points": torch.arange(min(_FEW_POINTS, whole[0, ..., 0].numel()))}
        counts = {name: self._count(name) for name in self._modalities}
        return {
            f"points_{name}": torch.arange(min(_FEW_POINTS, count))
            for name, count in counts.items()
            if count > 1
        }

    def _count(self, name: str) -> int:
        dims = (self._output_dims or {}).get(name)
        return 1 if dims is None else int(torch.Size(dims).numel())


def portable_form(model: PerceiverPreTrainedModel) -> PreparedModel:
    """The exact fast form with weights that every program reads."""
    with unpacked():
        return prepare(model)


__all__ = ["Call", "Parts", "TracedCall", "flattened", "is_asked_in_parts", "portable_form", "whole_model"]
