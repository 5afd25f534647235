"""A PerceiverModel in its exact fast form: the same five verbs, folded once, never trained."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, cast

import torch
from torch import Tensor, nn

from perceivers.decoders.base import PerceiverAbstractDecoder
from perceivers.decoders.basic import PerceiverBasicDecoder
from perceivers.errors import ConfigurationError
from perceivers.inference.budget import Budget
from perceivers.inference.cross_attention import AbsorbedCrossAttention, Take
from perceivers.inference.folded_answering import (
    BudgetedAnswering,
    FoldedAnswering,
    linear_map,
    postprocessors_of,
    refuse_weights,
)
from perceivers.inference.freed_memory import give_back_freed_memory
from perceivers.inference.latent_layer import FoldedSelfAttend, MakeMap, can_fold
from perceivers.inference.lookup_attention import LookedUp, LookupCrossAttention
from perceivers.inference.overrides import is_overridden
from perceivers.inference.packed_map import PackedMap
from perceivers.inference.prepared_decoder import PreparedDecoder, Progress
from perceivers.inference.quantization import Int8Linear, quantize_linears
from perceivers.modalities.base import AbstractPreprocessor, PositionedPreprocessor
from perceivers.models.answering import Answering
from perceivers.models.perceiver import PerceiverModel
from perceivers.models.verbs import PerceiverVerbs, to_dtype
from perceivers.nn.attention_layer import AttentionLayer
from perceivers.nn.position_encoding import PerceiverTrainablePositionEncoding
from perceivers.nn.token_structure import AffineMap, TablePositions, TokenStructure
from perceivers.outputs import Encoded


@dataclass(frozen=True)
class ReadTokens:
    """What was read of inputs.

    Attributes:
        attended: what the latents look at: ids and positions, or the structure of each part of the tokens.
        batch_size: number of samples.
        num_tokens: of a sample.
        mask: bool [batch, num_tokens], True where a token counts; None where all do.
        tokens: kept for a decoder that asks with them.
        features: as in Encoded.
        modality_sizes: as in Encoded.
        index_dims: as in Encoded.
        output_dims: as in Encoded.
    """

    attended: Any
    batch_size: int
    num_tokens: int
    mask: Tensor | None
    tokens: Tensor | None
    features: Any
    modality_sizes: Mapping[str, int] | None
    index_dims: tuple[int, ...]
    output_dims: Any


class PreparedPerceiver(PerceiverVerbs):
    """What `prepare` makes of a PerceiverModel.

    Args:
        model: the plain model.
        budget: how much is computed at a time.
        take: see Take.
        answer_map: a linear map that the caller applies to all answers; folded in, it must not be applied again.
        progress: told how far a decode is.
        quantize: round the self-attends to 8 bits.
        release: drop every self-attend of the model once it is folded, so that only one exists twice.
    """

    def __init__(
        self,
        model: PerceiverModel,
        budget: Budget,
        take: Take[Any],
        answer_map: AffineMap | None = None,
        progress: Progress | None = None,
        *,
        quantize: bool = False,
        release: bool = False,
    ) -> None:
        super().__init__()
        self.config = copy.deepcopy(model.config)
        self.budget = budget
        self.plain_parts: dict[str, str] = {}
        self._latents = model.embeddings.latents.detach().clone()
        self.input_preprocessor = _taken(model.input_preprocessor, take)
        self.output_postprocessor = _taken(model.output_postprocessor, take)
        self._note_whole_tokens()
        self._cross_attention = self._fold_encoder(model.encoder.cross_attention, take)
        self.decoder, self._answers_by = self._fold_decoder(model.decoder, take, answer_map, progress)
        if release:
            give_back_freed_memory()
        self.self_attends = _fold_self_attends(
            model.encoder.self_attends, take, budget, quantize=quantize, release=release
        )
        self.requires_grad_(False)
        self.eval()

    @property
    def device(self) -> torch.device:
        """Where the weights are."""
        return self._latents.device

    @property
    def dtype(self) -> torch.dtype:
        """Type of latents and outputs."""
        return self._latents.dtype

    def _preprocess(
        self, inputs: Any, attention_mask: Any, interpolate_pos_encoding: bool, pos: Any
    ) -> ReadTokens:
        inputs = to_dtype(inputs, self.dtype)
        pos = self._places(inputs, attention_mask, pos)
        modality_sizes: Mapping[str, int] | None = None
        features: Any = None
        tokens: Tensor | None = None
        needs_tokens = self.decoder is not None and self.decoder.needs_tokens
        attended: Any
        if isinstance(self._cross_attention, LookupCrossAttention):
            positions = cast("Any", self.input_preprocessor).lookup(inputs, pos, interpolate_pos_encoding)
            attended = LookedUp(inputs, positions)
            batch_size, num_tokens = inputs.shape
        else:
            structures = self._token_structures(inputs, interpolate_pos_encoding) if pos is None else None
            if structures is None:
                tokens, modality_sizes, features = self.preprocess(inputs, interpolate_pos_encoding, pos)
                structures = {"": TokenStructure(tokens.shape[1], tokens)}
            elif list(structures) != [""]:
                modality_sizes = {name: each.num_tokens for name, each in structures.items()}
            # Inputs are known to make sense from here on.
            batch_size = len(next(iter(inputs.values())) if isinstance(inputs, Mapping) else inputs)
            num_tokens = sum(each.num_tokens for each in structures.values())
            if needs_tokens and tokens is None:
                tokens = features = structures[""].features
            attended = structures
        stand_in = self._latents.new_empty(1).expand(batch_size, num_tokens, 1)
        return ReadTokens(
            attended,
            batch_size,
            num_tokens,
            mask=self._mask(attention_mask, stand_in, modality_sizes),
            tokens=tokens if needs_tokens else None,
            features=features,
            modality_sizes=modality_sizes,
            index_dims=self._preprocessor.index_dims(inputs) or (num_tokens,),
            output_dims=self._preprocessor.output_dims(inputs),
        )

    def _encode(self, tokens: ReadTokens, output_attentions: bool, output_hidden_states: bool) -> Encoded:
        """Latents; `features` and `tokens` hold what this model's own `decode` needs, no more."""
        refuse_weights(output_attentions)
        if isinstance(self._cross_attention, LookupCrossAttention):
            latents = self._cross_attention(tokens.attended, tokens.mask, self.budget)
        else:
            latents = self._cross_attention(tokens.attended, tokens.batch_size, tokens.mask, self.budget)
        hidden_states: list[Tensor] = []
        latents = self._self_attend(latents, hidden_states if output_hidden_states else None)
        return Encoded(
            latents=latents,
            tokens=tokens.tokens,
            features=tokens.features,
            modality_sizes=tokens.modality_sizes,
            mask=tokens.mask,
            index_dims=tokens.index_dims,
            output_dims=tokens.output_dims,
            hidden_states=tuple(hidden_states) if output_hidden_states else None,
        )

    def _answering(self) -> Answering:
        self._require_decoder()
        return cast("Answering", self._answers_by)

    def _self_attend(self, latents: Tensor, hidden_states: list[Tensor] | None) -> Tensor:
        """Latents after all blocks; `hidden_states` receives them as `perceivers.nn.latent_encoder` records them."""
        for _ in range(self.config.num_blocks):
            for layer in self.self_attends:
                if hidden_states is not None:
                    hidden_states.append(latents)
                latents = layer(latents)
            if hidden_states is not None:
                hidden_states.append(latents)
        return latents

    def _token_structures(
        self, inputs: Any, interpolate_pos_encoding: bool
    ) -> dict[str, TokenStructure] | None:
        """Structure of the tokens; None where they must be built whole."""
        preprocessor = self.input_preprocessor
        if not isinstance(preprocessor, AbstractPreprocessor) or "input_preprocessor" in self.plain_parts:
            return None
        structures = preprocessor.structures(inputs, interpolate_pos_encoding)
        needs_tokens = self.decoder is not None and self.decoder.needs_tokens
        if structures is None or not needs_tokens:
            return structures
        # A decoder that asks with the tokens must be able to tell their values from whole tokens, by the channels.
        values = structures[""].features if list(structures) == [""] else None
        if values is None or not isinstance(preprocessor, PositionedPreprocessor):
            return None
        return structures if values.shape[-1] != preprocessor.num_channels else None

    def _note_whole_tokens(self) -> None:
        preprocessor = self.input_preprocessor
        if preprocessor is None:
            return
        if not isinstance(preprocessor, AbstractPreprocessor):
            self.plain_parts["input_preprocessor"] = (
                f"{type(preprocessor).__name__} is not an AbstractPreprocessor: its tokens are built whole"
            )
        elif not _has_tables(preprocessor) and (reason := _whole_because(preprocessor)) is not None:
            self.plain_parts["input_preprocessor"] = f"{reason}: tokens are built whole"

    def _fold_encoder(
        self, layer: AttentionLayer, take: Take[Any]
    ) -> AbsorbedCrossAttention | LookupCrossAttention:
        preprocessor = self.input_preprocessor
        if isinstance(preprocessor, AbstractPreprocessor) and _has_tables(preprocessor):
            tables = cast("tuple[Tensor, Tensor]", preprocessor.lookup_tables())
            return LookupCrossAttention(layer, self._latents, take, tables)
        modules = preprocessor.modules() if isinstance(preprocessor, nn.Module) else iter(())
        learned = [
            _learned_table(each.position_embeddings, each.positions_projection)
            for each in modules
            if isinstance(each, PositionedPreprocessor) and each.whole_because() is None
        ]
        return AbsorbedCrossAttention(
            layer, self._latents, take, [each for each in learned if each is not None]
        )

    def _fold_decoder(
        self,
        decoder: PerceiverAbstractDecoder | None,
        take: Take[Any],
        answer_map: AffineMap | None,
        progress: Progress | None,
    ) -> tuple[PerceiverAbstractDecoder | None, Answering | None]:
        """The decoder without its cross-attend, and that one folded; or the plain decoder, and itself in chunks."""
        if decoder is None:
            return None, None
        answering = decoder.answering()
        reason = decoder.whole_because() if answering is not None else "its answers come about in another way"
        described = (("attend", "answering"), ("build_queries", "whole_because"))
        for part in decoder.modules():
            is_decoder = isinstance(part, PerceiverAbstractDecoder)
            if reason is None and is_decoder and any(is_overridden(part, *each) for each in described):
                reason = f"{type(part).__name__} changes how queries are built or answered"
        if answering is None or reason is not None:
            self.plain_parts["decoder"] = f"{reason}: outputs are decoded by the plain layers, in chunks"
            if decoder.needs_tokens or _asks_with_features(decoder):
                self.plain_parts.setdefault(
                    "input_preprocessor",
                    "the decoder asks with the input's tokens or features: they are built whole",
                )
            if answer_map is not None:
                raise ConfigurationError("a decoder whose answers are mapped afterwards cannot be plain")
            own = take(decoder)
            return own, BudgetedAnswering(own, self._postprocessor, self.budget, self._latents.shape)
        basic, factor = cast("tuple[PerceiverBasicDecoder, float]", answering)
        layer, final = basic.decoding_cross_attention, basic.final_layer
        memo = {id(layer): nn.Identity(), id(final): nn.Identity()}
        own = copy.deepcopy(decoder, memo)
        maps = {
            name: linear_map(post) if answer_map is None else answer_map
            for name, post in postprocessors_of(own, self.output_postprocessor).items()
        }
        folded = PreparedDecoder(
            layer,
            final if isinstance(final, nn.Linear) else None,
            factor,
            maps,
            self._latents.shape[0],
            self.dtype,
            _learned_queries(own),
        )
        return own, FoldedAnswering(
            own, folded, self._postprocessor, self.budget, progress, self.input_preprocessor
        )


def _fold_self_attends(
    layers: nn.ModuleList, take: Take[Any], budget: Budget, *, quantize: bool, release: bool
) -> list[Callable[[Tensor], Tensor]]:
    """The latents' layers, each from latents to latents."""
    folded: list[Callable[[Tensor], Tensor]] = []
    for index, layer in enumerate(layers):
        if can_fold(layer):
            make_map: MakeMap = Int8Linear if quantize else PackedMap
            folded.append(FoldedSelfAttend(cast("AttentionLayer", layer), make_map, budget.tile_values))
        else:
            own = take(layer).eval().requires_grad_(False)
            if quantize:
                quantize_linears(own)
            folded.append(_PlainSelfAttend(own))
        if release:
            layers[index] = nn.Identity()
            del layer
            give_back_freed_memory()
    return folded


class _PlainSelfAttend:
    """A layer that is not folded.

    Args:
        layer: as AttentionLayer.
    """

    def __init__(self, layer: nn.Module) -> None:
        self.layer = layer

    def __call__(self, latents: Tensor) -> Tensor:
        """[batch, num_latents, channels] after the layer."""
        output: Tensor = self.layer(latents)[0]
        return output


def _taken(part: Any, take: Callable[[Any], Any]) -> Any:
    """A module that nothing else changes; anything else as it is."""
    return take(part) if isinstance(part, nn.Module) else part


def _learned_table(encoding: nn.Module, projection: nn.Module) -> TablePositions | None:
    if not isinstance(encoding, PerceiverTrainablePositionEncoding):
        return None
    projected = AffineMap.of(projection) if isinstance(projection, nn.Linear) else None
    return TablePositions(encoding.position_embeddings, projected)


def _learned_queries(decoder: PerceiverAbstractDecoder) -> TablePositions | None:
    """The learned queries of a decoder with a single output array, where it has such."""
    basic = getattr(decoder, "decoder", decoder)
    encoding = getattr(basic, "output_position_encodings", None)
    if encoding is None or hasattr(decoder, "modalities"):
        return None
    return _learned_table(encoding, cast("nn.Module", basic.positions_projection))


def _has_tables(preprocessor: AbstractPreprocessor) -> bool:
    """Whether tokens are sums of table rows, made as the class that says so makes them."""
    described = not is_overridden(preprocessor, "forward", "lookup_tables")
    return described and preprocessor.lookup_tables() is not None


def _whole_because(preprocessor: AbstractPreprocessor) -> str | None:
    """Why tokens must be built whole; None where their structure is known."""
    reason = preprocessor.whole_because()
    for part in preprocessor.modules():
        is_changed = isinstance(part, AbstractPreprocessor) and is_overridden(part, "forward", "structures")
        if reason is None and is_changed:
            reason = f"{type(part).__name__} changes the tokens of its base"
    return reason


def _asks_with_features(decoder: nn.Module) -> bool:
    return any(getattr(module, "concat_preprocessed_input", False) for module in decoder.modules())
