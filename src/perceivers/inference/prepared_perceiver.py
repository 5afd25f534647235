"""A PerceiverModel in its exact fast form: the same five verbs, folded once, never trained."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, cast

import torch
from torch import Tensor, nn

from perceivers.configuration import PerceiverConfig
from perceivers.decoders.base import PerceiverAbstractDecoder
from perceivers.decoders.structure import AttendedAnswers, DecoderStructure, PlainAnswers
from perceivers.freed_memory import give_back_freed_memory
from perceivers.inference.budget import Budget
from perceivers.inference.cross_attention import AbsorbedCrossAttention, Grouped, Take
from perceivers.inference.folded_answering import (
    BudgetedAnswering,
    FoldedAnswering,
    decoder_structure,
    refuse_weights,
)
from perceivers.inference.folded_values import FoldedValues
from perceivers.inference.folding import tail_dtype
from perceivers.inference.latent_layer import FoldedSelfAttend, can_fold
from perceivers.inference.lookup_attention import LookedUp, LookupCrossAttention
from perceivers.inference.plain_cross_attend import PlainCrossAttend
from perceivers.inference.prepared_decoder import PreparedDecoder, Progress
from perceivers.inference.recorded import recorder
from perceivers.inference.rounding import EXACT, Rounding
from perceivers.inference.token_readers import Reading, build_reader, input_structure
from perceivers.layers import PerceiverEncoder
from perceivers.modalities.structure import InputStructure, TokensOfGroups, TokensOfTables, WholeTokens
from perceivers.models.answering import Answering
from perceivers.models.perceiver import PerceiverModel
from perceivers.models.verbs import PerceiverVerbs, to_dtype
from perceivers.nn.attention_layer import AttentionLayer
from perceivers.nn.late_weights import arrive
from perceivers.nn.latent_encoder import consecutive_part
from perceivers.nn.token_structure import AffineMap
from perceivers.outputs import Encoded

#: From what is read of tokens, their mask, how much is computed at a time, and latents (None: the learned ones) to latents.
FoldedCrossAttend = Callable[[Any, Tensor | None, Budget, Tensor | None], Tensor]


@dataclass(frozen=True)
class ReadTokens:
    """What was read of inputs.

    Attributes:
        reading: the tokens.
        mask: bool [batch, num_tokens], True where a token counts; None where all do.
        index_dims: as in Encoded.
        output_dims: as in Encoded.
    """

    reading: Reading
    mask: Tensor | None
    index_dims: tuple[int, ...]
    output_dims: Any


class PreparedPerceiver(PerceiverVerbs):
    """What `prepare` makes of a PerceiverModel.

    Args:
        model: the plain model.
        budget: how much is computed at a time.
        take: see Take.
        answer_map: a linear map that the caller applies to all answers; where `maps_answers`, it must not be applied again.
        progress: told how far a decode is.
        rounding: how the self-attends are rounded.
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
        rounding: Rounding = EXACT,
        release: bool = False,
    ) -> None:
        super().__init__()
        self.config = copy.deepcopy(model.config)
        self.budget = budget
        self._latents = model.embeddings.latents.detach().clone()
        self.input_preprocessor = _taken(model.input_preprocessor, take)
        self.output_postprocessor = _taken(model.output_postprocessor, take)

        answers = None if model.decoder is None else decoder_structure(model.decoder)
        is_kept = model.decoder is not None and model.decoder.keeps_tokens
        tokens = _readable(input_structure(self._preprocessor), answers, self.config, is_kept=is_kept)
        self.plain_parts = _plain_parts(tokens, answers, self.config)
        self._keeps_tokens = is_kept or (model.decoder is not None and model.decoder.needs_tokens)
        self._reader = build_reader(tokens, self._preprocessor, self._keeps_tokens)
        self._cross_attends = _fold_cross_attends(model.encoder, self._latents, take, tokens)
        self._cross_attend_places = tuple(model.encoder.cross_attend_places)
        self._shares_self_attends = model.encoder.shares_self_attends
        self.maps_answers = (
            answer_map is not None
            and isinstance(answers, AttendedAnswers)
            and self.output_postprocessor is None
        )
        self.decoder = None
        self._answers_by: Answering | None = None
        if isinstance(answers, AttendedAnswers):
            self.decoder, self._answers_by = self._fold_decoder(
                cast("PerceiverAbstractDecoder", model.decoder),
                answers,
                tokens,
                answer_map if self.maps_answers else None,
                progress,
            )
        elif model.decoder is not None:
            self.decoder = take(model.decoder)
            self._answers_by = BudgetedAnswering(
                self.decoder, self._postprocessor, budget, self._latents.shape
            )
        if release:
            # What was folded is not needed any more, and would lie beside every layer that is folded below.
            model.encoder.cross_attention = model.decoder = None  # type: ignore[assignment]
            del answers
            give_back_freed_memory()
        self.self_attends = _fold_self_attends(
            model.encoder.self_attends, take, budget, rounding, release=release
        )
        self._run = recorder(self._latents.device)
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
        reading = self._reader.read(inputs, interpolate_pos_encoding, pos)
        stand_in = self._latents.new_empty(1).expand(reading.batch_size, reading.num_tokens, 1)
        return ReadTokens(
            reading,
            mask=self._mask(attention_mask, stand_in, reading.modality_sizes),
            index_dims=self._preprocessor.index_dims(inputs) or (reading.num_tokens,),
            output_dims=self._preprocessor.output_dims(inputs),
        )

    def _encode(self, tokens: ReadTokens, output_attentions: bool, output_hidden_states: bool) -> Encoded:
        """Latents; `features` and `tokens` hold what this model's own `decode` needs, no more."""
        refuse_weights(output_attentions)
        reading = tokens.reading
        hidden_states: list[Tensor] = []
        latents = self._attend(reading.attended, tokens.mask, hidden_states if output_hidden_states else None)
        return Encoded(
            latents=latents,
            tokens=reading.values if self._keeps_tokens else None,
            features=reading.features,
            modality_sizes=reading.modality_sizes,
            mask=tokens.mask,
            index_dims=tokens.index_dims,
            output_dims=tokens.output_dims,
            hidden_states=tuple(hidden_states) if output_hidden_states else None,
        )

    def _answering(self) -> Answering:
        self._require_decoder()
        return cast("Answering", self._answers_by)

    def _attend(
        self, inputs: LookedUp | Grouped, mask: Tensor | None, hidden_states: list[Tensor] | None
    ) -> Tensor:
        """Latents after all layers; `hidden_states` receives them as `perceivers.nn.latent_encoder` records them."""
        if hidden_states is None and self._cross_attend_places == (0,):
            # Layers that wait for no inputs can be recorded; a recording keeps no values on the way.
            return self._run(self._self_attend, self._cross_attends[0](inputs, mask, self.budget, None))
        latents: Tensor | None = None
        waiting = list(enumerate(zip(self._cross_attend_places, self._cross_attends, strict=True)))

        def look(latents: Tensor | None, done: int) -> Tensor:
            while waiting and waiting[0][1][0] <= done:
                index, (_, layer) = waiting.pop(0)
                seen, some = self._part(inputs, mask, index)
                latents = layer(seen, some, self.budget, latents)
            return cast("Tensor", latents)

        num_blocks, done = self.config.num_blocks, 0
        all_layers = self.self_attends
        length = len(all_layers) if self._shares_self_attends else len(all_layers) // num_blocks
        for block in range(num_blocks):
            first = 0 if self._shares_self_attends else block * length
            for layer in all_layers[first : first + length]:
                latents = look(latents, done)
                if hidden_states is not None:
                    hidden_states.append(latents)
                latents = layer(latents)
                done += 1
            if length == 0:
                latents = look(latents, done)
            if hidden_states is not None:
                hidden_states.append(cast("Tensor", latents))
        return look(latents, done)

    def _self_attend(self, latents: Tensor) -> Tensor:
        """Latents after all self-attends, one after the other."""
        for _ in range(self.config.num_blocks if self._shares_self_attends else 1):
            for layer in self.self_attends:
                latents = layer(latents)
        return latents

    def _part(
        self, inputs: LookedUp | Grouped, mask: Tensor | None, index: int
    ) -> tuple[LookedUp | Grouped, Tensor | None]:
        """What a cross-attend sees."""
        if self.config.cross_attend_inputs != "parts":
            return inputs, mask
        # Tokens were built whole.
        ((name, tokens),) = cast("Grouped", inputs).parts.items()
        part = consecutive_part(tokens.num_tokens, index, len(self._cross_attends))
        own = tokens.at(torch.arange(part.start, part.stop, device=self.device))
        return Grouped({name: own}, cast("Grouped", inputs).batch_size), None if mask is None else mask[
            :, part
        ]

    def _fold_decoder(
        self,
        decoder: PerceiverAbstractDecoder,
        structure: AttendedAnswers,
        tokens: InputStructure,
        answer_map: AffineMap | None,
        progress: Progress | None,
    ) -> tuple[PerceiverAbstractDecoder, FoldedAnswering]:
        """The decoder without the layers that answer, and these folded."""
        layer, final = cast("AttentionLayer", structure.layer), structure.final
        memo: dict[int, Any] = {id(layer): nn.Identity()}
        if final is not None:
            memo[id(final)] = nn.Identity()
        own = copy.deepcopy(decoder, memo)
        queries = cast("AttendedAnswers", own.structure())
        values = FoldedValues(self._postprocessor, structure.names)
        maps = values.maps()
        if answer_map is not None:
            maps = dict.fromkeys(maps, answer_map)
        folded = PreparedDecoder(
            layer,
            final,
            structure.factor,
            maps,
            self._latents.shape[0],
            self.dtype,
            queries.learned,
            tail_dtype(self.dtype, self.device),
        )
        return own, FoldedAnswering(own, queries, folded, values, self.budget, progress, tokens)


def _readable(
    tokens: InputStructure, answers: DecoderStructure | None, config: PerceiverConfig, *, is_kept: bool
) -> InputStructure:
    """What is known of the tokens, and can be used: a decoder, or whoever reads its answers, may need them whole."""
    if config.cross_attend_inputs == "parts" and not isinstance(tokens, WholeTokens):
        return WholeTokens("each cross-attend sees a part of the tokens of its own")
    if config.latents_as_keys and not isinstance(tokens, WholeTokens):
        return WholeTokens("keys are made of tokens and latents by the same maps")
    if is_kept and not isinstance(tokens, WholeTokens):
        return WholeTokens("answers are read off the tokens, too")
    if isinstance(answers, PlainAnswers) and answers.asks_with_inputs and not isinstance(tokens, WholeTokens):
        return WholeTokens("the decoder may ask with the input's tokens or features")
    is_asked_for = isinstance(answers, AttendedAnswers) and answers.queries is None
    if is_asked_for and isinstance(tokens, TokensOfTables):
        return WholeTokens("the decoder asks with tokens that are looked up in tables")
    return tokens


def _plain_parts(
    tokens: InputStructure, answers: DecoderStructure | None, config: PerceiverConfig
) -> dict[str, str]:
    """Part -> why it runs as it does in the plain model."""
    parts: dict[str, str] = {}
    reason = None
    if isinstance(tokens, WholeTokens):
        reason = tokens.because
    elif isinstance(tokens, TokensOfGroups):
        reason = tokens.whole_because
    if reason is not None:
        parts["input_preprocessor"] = f"{reason}: tokens are built whole"
    if config.latents_as_keys:
        parts["cross_attention"] = (
            "latents are keys, too (`latents_as_keys`): they look by the plain layer, a few samples at a time"
        )
    if isinstance(answers, PlainAnswers):
        parts["decoder"] = f"{answers.because}: outputs are decoded by the plain layers, in chunks"
    return parts


def _fold_cross_attends(
    encoder: PerceiverEncoder, latents: Tensor, take: Take[Any], tokens: InputStructure
) -> list[FoldedCrossAttend]:
    """The encoder's cross-attends in the order in which they run; those that share weights are the same."""
    folded: dict[int, FoldedCrossAttend] = {}
    order: list[AttentionLayer] = [encoder.cross_attention, *encoder.more_cross_attends]
    for layer in order:
        if id(layer) not in folded:
            folded[id(layer)] = _fold_cross_attend(layer, latents, take, tokens)
    return [folded[id(layer)] for layer in order]


def _fold_cross_attend(
    layer: AttentionLayer, latents: Tensor, take: Take[Any], tokens: InputStructure
) -> FoldedCrossAttend:
    """From what is read of the tokens, their mask, and latents where they are not the learned ones, to latents."""
    if layer.latents_as_keys:
        return PlainCrossAttend(layer, latents, take)
    if isinstance(tokens, TokensOfTables):
        return LookupCrossAttention(layer, latents, take, (tokens.ids, tokens.positions))
    learned = tokens.learned if isinstance(tokens, TokensOfGroups) else ()
    return AbsorbedCrossAttention(layer, latents, take, learned)


def _fold_self_attends(
    layers: nn.ModuleList, take: Take[Any], budget: Budget, rounding: Rounding, *, release: bool
) -> list[Callable[[Tensor], Tensor]]:
    """The latents' layers, each from latents to latents."""
    folded: list[Callable[[Tensor], Tensor]] = []
    for index, layer in enumerate(layers):
        if can_fold(layer):
            own_layer = cast("AttentionLayer", layer)
            # A layer that comes again is still needed.
            is_last = all(layer is not other for other in layers[index + 1 :])
            folded.append(
                FoldedSelfAttend(
                    own_layer,
                    rounding.make_map,
                    budget.tile_values,
                    release=release and is_last,
                    inner=rounding.inner,
                )
            )
        else:
            arrive(layer)
            own = take(layer).eval().requires_grad_(False)
            rounding.round_linears(own)
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
