"""PerceiverModel: preprocess, encode, build queries, decode, postprocess; encode once, decode as often as wanted."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, cast

import torch
from torch import Tensor

from perceivers.configuration import PerceiverConfig
from perceivers.decoders.base import AskedFor, PerceiverAbstractDecoder, Queries, ask_for
from perceivers.decoders.chunking import decode_in_chunks
from perceivers.errors import ConfigurationError, ShapeError
from perceivers.layers import PerceiverEmbeddings, PerceiverEncoder
from perceivers.modalities.base import (
    AbstractPostprocessor,
    AbstractPreprocessor,
    Preprocessed,
    require_finite,
    require_tensor,
    token_mask,
)
from perceivers.models.base import PerceiverPreTrainedModel
from perceivers.nn.packing import drop_padding
from perceivers.outputs import (
    Encoded,
    EncoderOutput,
    PerceiverDecoderOutput,
    PerceiverModelOutput,
)

# Outputs decoded at a time where nobody says otherwise: some 70 MB an array of the released multimodal model's queries.
DECODING_CHUNK = 16384


class PerceiverModel(PerceiverPreTrainedModel):
    """Perceiver IO (Jaegle et al. 2021): inputs into latents, latents into any number of outputs.

    Args:
        config: sizes and numbers of layers.
        decoder: answers output queries; None ends with the latents.
        input_preprocessor: makes tokens of inputs; None takes inputs that are tokens [batch, num_inputs, d_model].
        output_postprocessor: makes values of the decoder's answers; None leaves them.

    The weights of all parts are drawn afresh, those of parts that were trained before included (as in the reference):
    load them after composing.
    """

    def __init__(
        self,
        config: PerceiverConfig,
        decoder: PerceiverAbstractDecoder | None = None,
        input_preprocessor: Callable[..., Preprocessed] | None = None,
        output_postprocessor: Callable[..., Any] | None = None,
    ) -> None:
        super().__init__(config)
        config.validate()
        if input_preprocessor is not None and not hasattr(input_preprocessor, "num_channels"):
            raise ConfigurationError(
                "`input_preprocessor` must say the channels of its tokens in `num_channels`, "
                f"received a {type(input_preprocessor).__name__} without it"
            )
        if decoder is not None and not isinstance(decoder, PerceiverAbstractDecoder):
            raise ConfigurationError(
                f"`decoder` must be a PerceiverAbstractDecoder, received {type(decoder).__name__}"
            )
        self.input_preprocessor = input_preprocessor
        self.output_postprocessor = output_postprocessor
        self.embeddings = PerceiverEmbeddings(config)
        kv_dim = (
            config.d_model if input_preprocessor is None else cast("Any", input_preprocessor).num_channels
        )
        self.encoder = PerceiverEncoder(config, kv_dim=kv_dim)
        self.decoder = decoder
        self.initialize_parameters()

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
    ) -> PerceiverModelOutput | tuple[Any, ...]:
        """Encode inputs and decode what is asked for.

        Args:
            inputs: what the preprocessor takes, or tokens [batch, num_inputs, d_model] without one.
            attention_mask: [batch, num_inputs], nonzero where an input counts, or [batch], for whole samples; by modality
                where there are several.
            subsampled_output_points: see `decode`.
            output_attentions: return attention weights; None takes the configuration's.
            output_hidden_states: return latents between layers; None takes the configuration's.
            interpolate_pos_encoding: fit learned positions to inputs of another size.
            return_dict: an output object, or else its tuple; None takes the configuration's.
            query_mask: see `decode`.
            output_dims: see `decode`.
            pos: see `encode`.
        """
        output_attentions = or_default(output_attentions, self.config.output_attentions)
        encoded = self.encode(
            inputs,
            attention_mask,
            interpolate_pos_encoding,
            pos=pos,
            output_attentions=output_attentions,
            output_hidden_states=or_default(output_hidden_states, self.config.output_hidden_states),
        )
        decoded = PerceiverDecoderOutput()
        if self.decoder is not None:
            asked_for = ask_for(subsampled_output_points=subsampled_output_points, output_dims=output_dims)
            decoded = self._answer(encoded, asked_for, None, query_mask, output_attentions)
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
        pos = self._positions(inputs, attention_mask, pos)
        tokens, modality_sizes, features = self.preprocess(inputs, interpolate_pos_encoding, pos)
        mask = self._mask(attention_mask, tokens, modality_sizes)
        encoder_output = self.encode_tokens(
            tokens, mask, output_attentions=output_attentions, output_hidden_states=output_hidden_states
        )
        describes = isinstance(self.input_preprocessor, AbstractPreprocessor)
        return Encoded(
            latents=cast("Tensor", encoder_output.last_hidden_state),
            tokens=tokens if self.decoder is not None and self.decoder.needs_tokens else None,
            features=features,
            modality_sizes=modality_sizes,
            mask=mask,
            index_dims=self.input_preprocessor.index_dims(inputs) if describes else (tokens.shape[1],),  # type: ignore[union-attr]
            output_dims=self.input_preprocessor.output_dims(inputs) if describes else None,  # type: ignore[union-attr]
            hidden_states=encoder_output.hidden_states,
            attentions=encoder_output.attentions,
            cross_attentions=encoder_output.cross_attentions,
        )

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
        """Outputs that are asked for: what `logits` of the model's output holds.

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
        answered = self._answer(encoded, asked_for, chunk_size, query_mask, output_attentions)
        return answered if output_attentions else answered.logits

    def preprocess(
        self, inputs: Any, interpolate_pos_encoding: bool = False, pos: Any = None
    ) -> Preprocessed:
        """Tokens [batch, num_inputs, channels], number of tokens of each modality (or None), tokens without positions."""
        inputs = _to_dtype(inputs, self.dtype)
        if self.input_preprocessor is None:
            return self._require_tokens(inputs), None, inputs
        extra = {} if pos is None else {"pos": pos}
        return self.input_preprocessor(inputs, interpolate_pos_encoding=interpolate_pos_encoding, **extra)

    def encode_tokens(
        self,
        tokens: Tensor,
        mask: Tensor | None = None,
        *,
        output_attentions: bool = False,
        output_hidden_states: bool = False,
    ) -> EncoderOutput:
        """Latents after they looked at tokens and at each other.

        Args:
            tokens: [batch, num_inputs, channels].
            mask: bool [batch, num_inputs], True where a token counts.
            output_attentions: return attention weights.
            output_hidden_states: return latents between layers.
        """
        if (
            mask is not None
            and not output_attentions
            and not torch.compiler.is_compiling()
            and not mask.is_meta
        ):
            tokens, mask = drop_padding(tokens, mask)
        return cast(
            "EncoderOutput",
            self.encoder(
                self.embeddings(batch_size=tokens.shape[0]),
                inputs=tokens,
                inputs_mask=mask,
                output_attentions=output_attentions,
                output_hidden_states=output_hidden_states,
            ),
        )

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
        return self._decoder().build_queries(encoded, asked_for, rows)

    def decode_queries(
        self,
        latents: Tensor,
        queries: Queries,
        query_mask: Tensor | None = None,
        output_attentions: bool = False,
    ) -> PerceiverDecoderOutput:
        """What latents [batch, num_latents, d_latents] answer the queries; `logits` [batch, num_queries, channels]."""
        return self._decoder().attend(queries.tokens, latents, query_mask, output_attentions)

    def postprocess(self, decoded: Any, sizes: Mapping[str, int] | None = None) -> Any:
        """Values of decoded answers [batch, num_queries, channels]; `sizes`: number of queries of each modality."""
        if self.output_postprocessor is None:
            return decoded
        return self.output_postprocessor(decoded, modality_sizes=sizes)

    def _answer(
        self,
        encoded: Encoded,
        asked_for: AskedFor,
        chunk_size: int | None,
        query_mask: Tensor | None,
        output_attentions: bool,
    ) -> PerceiverDecoderOutput:
        """Decode, lay out whole arrays, postprocess: by chunks whatever can be made of some answers alone."""
        decoder, postprocessor = self._decoder(), self.output_postprocessor
        if chunk_size is None and not (
            torch.is_grad_enabled() or torch.compiler.is_compiling() or output_attentions
        ):
            chunk_size = DECODING_CHUNK
        by_chunks = isinstance(postprocessor, AbstractPostprocessor)
        answered = decode_in_chunks(
            decoder,
            encoded,
            asked_for,
            chunk_size=chunk_size,
            query_mask=query_mask,
            output_attentions=output_attentions,
            postprocess=cast("AbstractPostprocessor", postprocessor).of_chunk if by_chunks else _as_they_are,
        )
        grid = decoder.whole_grid(encoded, asked_for)
        if grid is not None:
            answered.logits = decoder.arrange(cast("Tensor", answered.logits), grid)
        finish = cast("AbstractPostprocessor", postprocessor).of_whole if by_chunks else self.postprocess
        answered.logits = finish(answered.logits, decoder.modality_sizes(encoded, asked_for))
        return answered

    def _decoder(self) -> PerceiverAbstractDecoder:
        if self.decoder is None:
            raise ConfigurationError("`decoder` must be given to PerceiverModel to decode, received None")
        return self.decoder

    def _positions(self, inputs: Any, mask: Any, pos: Any) -> Any:
        """Positions that were given, and those that samples have for themselves because of their mask."""
        preprocessor = self.input_preprocessor
        if mask is None or _is_by_sample(mask) or not isinstance(preprocessor, AbstractPreprocessor):
            return pos
        if pos is not None and not isinstance(pos, Mapping):
            return pos
        own = preprocessor.own_positions(inputs, mask)
        return own if pos is None else {**(own or {}), **pos}

    def _mask(self, mask: Any, tokens: Tensor, modality_sizes: Mapping[str, int] | None) -> Tensor | None:
        if mask is None:
            return None
        if _is_by_sample(mask):
            return token_mask(mask[:, None].expand(-1, tokens.shape[1]), tokens)
        if isinstance(self.input_preprocessor, AbstractPreprocessor):
            return self.input_preprocessor.input_mask(mask, tokens, modality_sizes)
        return token_mask(mask, tokens)

    def _require_tokens(self, inputs: Tensor) -> Tensor:
        require_tensor("inputs", inputs)
        if inputs.ndim != 3 or inputs.shape[-1] != self.config.d_model or not inputs.is_floating_point():
            raise ShapeError(
                f"`inputs` must be floating-point tokens [batch, num_inputs, {self.config.d_model}] (`d_model`) without an "
                f"`input_preprocessor`, received {list(inputs.shape)} of {inputs.dtype}"
            )
        if 0 in inputs.shape:
            raise ShapeError(f"`inputs` must not be empty, received {list(inputs.shape)}")
        require_finite("inputs", inputs)
        return inputs


def _is_by_sample(mask: Any) -> bool:
    """Whether a mask [batch] hides whole samples."""
    return isinstance(mask, Tensor) and mask.ndim == 1


def _as_they_are(answers: Tensor, _sizes: Mapping[str, int] | None) -> Tensor:
    return answers


def or_default(value: bool | None, default: bool) -> bool:
    """What a caller said, or the default where nothing was said."""
    return default if value is None else value


def _to_dtype(inputs: Any, dtype: torch.dtype) -> Any:
    """Floating-point tensors, alone or by modality, in the model's dtype; everything else as it is."""
    if isinstance(inputs, Mapping):
        return {name: _to_dtype(value, dtype) for name, value in inputs.items()}
    if isinstance(inputs, Tensor) and inputs.is_floating_point():
        return inputs.to(dtype)
    return inputs
