"""The five verbs: preprocess, encode, build queries, decode, postprocess; encode once, decode as often as wanted."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from perceivers.configuration import PerceiverConfig
from perceivers.decoders.asked_for import ask_for
from perceivers.decoders.base import PerceiverAbstractDecoder, Queries
from perceivers.errors import ConfigurationError
from perceivers.modalities.adapters import Postprocessor, Preprocessor, as_postprocessor, as_preprocessor
from perceivers.modalities.base import Preprocessed, token_mask
from perceivers.models.answering import Answering, Question
from perceivers.models.other_arguments import pass_over
from perceivers.nn.attention import two_axes
from perceivers.outputs import Encoded, PerceiverDecoderOutput, PerceiverModelOutput


class PerceiverVerbs(nn.Module, ABC):
    """What can be asked of a Perceiver IO, however its parts are computed.

    A subclass says how tokens are made and encoded, and what answers. `tokens` goes from one of its methods to the next
    and may be of any kind.

    Attributes:
        config: sizes and numbers of layers.
        input_preprocessor: makes tokens of inputs: what the user gave, None included.
        output_postprocessor: makes values of answers: what the user gave, None included.
        decoder: builds queries; None ends with the latents.
    """

    config: PerceiverConfig
    input_preprocessor: Any
    output_postprocessor: Any
    decoder: PerceiverAbstractDecoder | None

    @property
    @abstractmethod
    def dtype(self) -> torch.dtype:
        """Type of latents and outputs."""

    @abstractmethod
    def _preprocess(self, inputs: Any, attention_mask: Any, interpolate_pos_encoding: bool, pos: Any) -> Any:
        """Tokens of inputs, with all that is known of them."""

    @abstractmethod
    def _encode(self, tokens: Any, output_attentions: bool, output_hidden_states: bool) -> Encoded:
        """Latents that have looked at the tokens."""

    @abstractmethod
    def _answering(self) -> Answering:
        """What builds queries, answers them and makes values of the answers.

        Raises:
            ConfigurationError: there is no decoder.
        """

    def forward(
        self,
        inputs: Any,
        attention_mask: Any = None,
        subsampled_output_points: Any = None,
        output_attentions: bool | None = None,
        output_hidden_states: bool | None = None,
        interpolate_pos_encoding: bool = False,
        return_dict: bool | None = None,
        query_mask: Tensor | None = None,
        output_dims: Any = None,
        pos: Any = None,
        **others: Any,
    ) -> PerceiverModelOutput | tuple[Any, ...]:
        """Encode inputs and decode what is asked for.

        Args:
            inputs: what the preprocessor takes, or tokens [batch, num_inputs, d_model] without one.
            attention_mask: [batch, num_inputs], nonzero where an input counts, or [batch], for whole samples; by modality
                where there are several. Or [batch, 1, 1, num_inputs], bool, or additive: 0 where an input counts, a large
                negative number where not.
            subsampled_output_points: see `decode`.
            output_attentions: return attention weights; None takes the configuration's.
            output_hidden_states: return latents between layers; None takes the configuration's.
            interpolate_pos_encoding: fit learned positions to inputs of another size.
            return_dict: an output object, or else its tuple; None takes the configuration's.
            query_mask: see `decode`.
            output_dims: see `decode`.
            pos: see `encode`.
            others: what tokenizers and training loops hand on, such as `token_type_ids`, is passed over; anything else is
                refused, see `perceivers.models.other_arguments`.
        """
        pass_over(others, self.forward)
        with_weights = or_default(output_attentions, self.config.output_attentions)
        with_states = or_default(output_hidden_states, self.config.output_hidden_states)

        tokens = self._preprocess(inputs, two_axes(attention_mask), interpolate_pos_encoding, pos)
        encoded = self._encode(tokens, with_weights, with_states)
        decoded = PerceiverDecoderOutput()
        if self.decoder is not None:
            asked_for = ask_for(subsampled_output_points=subsampled_output_points, output_dims=output_dims)
            question = Question(asked_for, query_mask, output_attentions=with_weights)
            answering = self._answering()
            queries = answering.build_queries(encoded, question)
            answers = answering.decode(encoded, queries, question)
            decoded = answering.postprocess(encoded, answers, question)

        weights = (encoded.cross_attentions or ()) + (decoded.cross_attentions or ())
        output = PerceiverModelOutput(
            logits=decoded.logits,
            last_hidden_state=encoded.latents,
            hidden_states=encoded.hidden_states,
            attentions=encoded.attentions,
            cross_attentions=weights or None,
        )
        return output if or_default(return_dict, self.config.return_dict) else output.to_tuple()

    def encode(
        self,
        inputs: Any,
        attention_mask: Any = None,
        interpolate_pos_encoding: bool = False,
        *,
        pos: Any = None,
        output_attentions: bool = False,
        output_hidden_states: bool = False,
    ) -> Encoded:
        """Preprocess and encode: everything that depends on the inputs, once.

        Args:
            inputs: see `forward`.
            attention_mask: see `forward`.
            interpolate_pos_encoding: see `forward`.
            pos: positions of the tokens, each sample its own, see AbstractPreprocessor; by modality where there are several.
                None: the preprocessor's, which may depend on `attention_mask`.
            output_attentions: keep attention weights.
            output_hidden_states: keep latents between layers.
        """
        tokens = self._preprocess(inputs, two_axes(attention_mask), interpolate_pos_encoding, pos)
        return self._encode(tokens, output_attentions, output_hidden_states)

    def decode(
        self,
        encoded: Encoded,
        *,
        subsampled_output_points: Any = None,
        positions: Any = None,
        output_dims: Any = None,
        coordinate_rule: str = "grid",
        query_mask: Tensor | None = None,
        chunk_size: int | None = None,
        output_attentions: bool = False,
    ) -> Any:
        """Build queries, decode and postprocess: what `logits` of the model's output holds, for the outputs asked for.

        The argument that names points is one value, or a mapping from modality; a modality that a mapping does not name is
        decoded whole, one with an empty list of points is left out.

        Args:
            encoded: what `encode` returned.
            subsampled_output_points: flat indices [num_points] of outputs, whose coordinates are -1 + 2 i / n: the rule that
                the released multimodal model is decoded by.
            positions: flat indices [num_points], or [batch, num_points] for each sample its own, of outputs of the full
                array, whose coordinates are linspace(-1, 1, n) or as `coordinate_rule` says.
            output_dims: sizes of the output array, where it is not the one that the decoder was built for.
            coordinate_rule: "grid" or "subsampled", for `positions` and for arrays that are decoded whole.
            query_mask: [batch, num_outputs], nonzero where an output may look at the latents.
            chunk_size: decode at most as many outputs at a time; the result is the same, memory is bounded. None: 16,384 at
                a time while gradients are off, all at once otherwise, and where attentions are asked for.
            output_attentions: return a PerceiverDecoderOutput with `cross_attentions` beside `logits`.
        """
        asked_for = ask_for(
            subsampled_output_points=subsampled_output_points,
            positions=positions,
            output_dims=output_dims,
            coordinate_rule=coordinate_rule,
        )
        question = Question(asked_for, query_mask, chunk_size, output_attentions)
        answering = self._answering()
        queries = answering.build_queries(encoded, question)
        answers = answering.decode(encoded, queries, question)
        decoded = answering.postprocess(encoded, answers, question)
        return decoded if output_attentions else decoded.logits

    def preprocess(
        self, inputs: Any, interpolate_pos_encoding: bool = False, pos: Any = None
    ) -> Preprocessed:
        """Tokens [batch, num_inputs, channels], number of tokens of each modality (or None), tokens without positions."""
        # A preprocessor may do without `pos`.
        places = {} if pos is None else {"pos": pos}
        inputs = to_dtype(inputs, self.dtype)
        return self._preprocessor(inputs, interpolate_pos_encoding=interpolate_pos_encoding, **places)

    def build_queries(
        self,
        encoded: Encoded,
        *,
        subsampled_output_points: Any = None,
        positions: Any = None,
        output_dims: Any = None,
        coordinate_rule: str = "grid",
        rows: slice | None = None,
    ) -> Queries:
        """Queries for the outputs that are asked for, or for some `rows` of them; arguments as in `decode`."""
        asked_for = ask_for(
            subsampled_output_points=subsampled_output_points,
            positions=positions,
            output_dims=output_dims,
            coordinate_rule=coordinate_rule,
        )
        return self._require_decoder().build_queries(encoded, asked_for, rows)

    def postprocess(self, decoded: Any, sizes: Mapping[str, int] | None = None) -> Any:
        """Values of decoded answers [batch, num_queries, channels]; `sizes`: number of queries of each modality."""
        return self._postprocessor(decoded, modality_sizes=sizes)

    # Made anew when they are asked for: an adapter that was kept would hold on to a part that was replaced, and a module that
    # is kept twice has two keys in the state dict.
    @property
    def _preprocessor(self) -> Preprocessor:
        return as_preprocessor(self.input_preprocessor, self.config.d_model)

    @property
    def _postprocessor(self) -> Postprocessor:
        return as_postprocessor(self.output_postprocessor)

    def _require_decoder(self) -> PerceiverAbstractDecoder:
        if self.decoder is None:
            raise ConfigurationError("`decoder` must be given to PerceiverModel to decode, received None")
        return self.decoder

    def _places(self, inputs: Any, mask: Any, pos: Any) -> Any:
        """Positions that were given, and those that samples have for themselves because of their mask."""
        by_modality = pos is None or isinstance(pos, Mapping)
        if mask is None or not by_modality or _hides_samples(mask):
            return pos
        own = self._preprocessor.own_positions(inputs, mask)
        return own if pos is None else {**(own or {}), **pos}

    def _mask(self, mask: Any, tokens: Tensor, modality_sizes: Mapping[str, int] | None) -> Tensor | None:
        """Which tokens count, bool [batch, num_tokens]; None where all do."""
        if mask is None:
            return None
        if _hides_samples(mask):
            return token_mask(mask[:, None].expand(-1, tokens.shape[1]), tokens)
        return self._preprocessor.input_mask(mask, tokens, modality_sizes)


def _hides_samples(mask: Any) -> bool:
    """Whether a mask is [batch], for whole samples."""
    return isinstance(mask, Tensor) and mask.ndim == 1


def or_default(value: bool | None, default: bool) -> bool:
    """What a caller said, or the default where nothing was said."""
    return default if value is None else value


def to_dtype(inputs: Any, dtype: torch.dtype) -> Any:
    """Floating-point tensors, alone or by modality, in the model's dtype; everything else as it is."""
    if isinstance(inputs, Mapping):
        return {name: to_dtype(value, dtype) for name, value in inputs.items()}
    if isinstance(inputs, Tensor) and inputs.is_floating_point():
        return inputs.to(dtype)
    return inputs
