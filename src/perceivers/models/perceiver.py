"""PerceiverModel: latents look at the inputs once and at each other many times; outputs look at the latents."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, cast

import torch
from torch import Tensor

from perceivers.configuration import PerceiverConfig
from perceivers.decoders.base import PerceiverAbstractDecoder, Queries
from perceivers.errors import ConfigurationError
from perceivers.layers import PerceiverEmbeddings, PerceiverEncoder
from perceivers.modalities.base import Preprocessed
from perceivers.models.answering import PlainAnswering
from perceivers.models.base import PerceiverPreTrainedModel
from perceivers.models.verbs import PerceiverVerbs
from perceivers.nn.packing import drop_padding
from perceivers.outputs import Encoded, EncoderOutput, PerceiverDecoderOutput


@dataclass(frozen=True)
class Tokens:
    """What the preprocessor made of inputs; attributes as in Encoded, where they go on to."""

    tokens: Tensor
    mask: Tensor | None
    features: Any
    modality_sizes: Mapping[str, int] | None
    index_dims: tuple[int, ...]
    output_dims: Any


class PerceiverModel(PerceiverPreTrainedModel, PerceiverVerbs):
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
        if decoder is not None and not isinstance(decoder, PerceiverAbstractDecoder):
            raise ConfigurationError(
                f"`decoder` must be a PerceiverAbstractDecoder, received {type(decoder).__name__}"
            )
        if config.mean_of_latents and decoder is not None and not decoder.takes_mean:
            raise ConfigurationError(
                "`mean_of_latents` must not be set for a model that asks the latents with queries, received "
                f"{type(decoder).__name__}; models that answer with classes, labels or numbers take it"
            )
        self.input_preprocessor = input_preprocessor
        self.output_postprocessor = output_postprocessor
        self.embeddings = PerceiverEmbeddings(config)
        self.encoder = PerceiverEncoder(config, kv_dim=self._preprocessor.num_channels)
        self.decoder = decoder
        self.initialize_parameters()

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
            # Its parts are those of the tokens as they came.
            and self.config.cross_attend_inputs != "parts"
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

    def decode_queries(
        self,
        latents: Tensor,
        queries: Queries,
        query_mask: Tensor | None = None,
        output_attentions: bool = False,
    ) -> PerceiverDecoderOutput:
        """What latents [batch, num_latents, d_latents] answer the queries; `logits` [batch, num_queries, channels]."""
        return self._require_decoder().attend(queries.tokens, latents, query_mask, output_attentions)

    def _preprocess(
        self, inputs: Any, attention_mask: Any, interpolate_pos_encoding: bool, pos: Any
    ) -> Tokens:
        preprocessor = self._preprocessor
        places = self._places(inputs, attention_mask, pos)
        tokens, modality_sizes, features = self.preprocess(inputs, interpolate_pos_encoding, places)
        return Tokens(
            tokens=tokens,
            mask=self._mask(attention_mask, tokens, modality_sizes),
            features=features,
            modality_sizes=modality_sizes,
            index_dims=preprocessor.index_dims(inputs) or (tokens.shape[1],),
            output_dims=preprocessor.output_dims(inputs),
        )

    def _encode(self, tokens: Tokens, output_attentions: bool, output_hidden_states: bool) -> Encoded:
        output = self.encode_tokens(
            tokens.tokens,
            tokens.mask,
            output_attentions=output_attentions,
            output_hidden_states=output_hidden_states,
        )
        return Encoded(
            latents=cast("Tensor", output.last_hidden_state),
            tokens=tokens.tokens if self._keeps_tokens else None,
            features=tokens.features,
            modality_sizes=tokens.modality_sizes,
            mask=tokens.mask,
            index_dims=tokens.index_dims,
            output_dims=tokens.output_dims,
            hidden_states=output.hidden_states,
            attentions=output.attentions,
            cross_attentions=output.cross_attentions,
        )

    @property
    def _keeps_tokens(self) -> bool:
        """Whether anybody reads the tokens after the latents did."""
        return self.decoder is not None and (self.decoder.needs_tokens or self.decoder.keeps_tokens)

    def _answering(self) -> PlainAnswering:
        return PlainAnswering(self._require_decoder(), self._postprocessor)
