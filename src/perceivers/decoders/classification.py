"""Decoders that answer with class scores: one learned query, or the mean of the latents."""

from __future__ import annotations

from typing import Unpack

from torch import Tensor, nn

from perceivers.configuration import PerceiverConfig
from perceivers.decoders.asked_for import EVERYTHING, AskedFor, one_array
from perceivers.decoders.base import PerceiverAbstractDecoder, Queries
from perceivers.decoders.basic import (
    PerceiverBasicDecoder,
    PerceiverWrappingDecoder,
    PositionedDecoderOptions,
)
from perceivers.decoders.structure import PlainAnswers
from perceivers.errors import ShapeError, require_shape
from perceivers.nn.initialization import start_at_zero
from perceivers.outputs import Encoded, PerceiverDecoderOutput


class PerceiverClassificationDecoder(PerceiverWrappingDecoder):
    """One query, answered by the scores of `config.num_labels` classes.

    Args:
        config: gives `num_labels`.
        decoder_kwargs: further arguments of PerceiverBasicDecoder.
    """

    def __init__(self, config: PerceiverConfig, **decoder_kwargs: Unpack[PositionedDecoderOptions]) -> None:
        super().__init__()
        self.num_labels = config.num_labels
        self.decoder = PerceiverBasicDecoder(
            config, output_num_channels=config.num_labels, output_index_dims=1, **decoder_kwargs
        )

    def arrange(self, logits: Tensor, index_dims: tuple[int, ...]) -> Tensor:
        """[batch, 1, num_labels] to [batch, num_labels]."""
        return logits[:, 0]


class PerceiverProjectionDecoder(PerceiverAbstractDecoder):
    """Class scores of the mean latent; no query, no cross-attention (the baseline of the original code).

    Args:
        config: gives `d_latents` and `num_labels`.
    """

    takes_mean = True

    def __init__(self, config: PerceiverConfig) -> None:
        super().__init__()
        self.classifier = nn.Linear(config.d_latents, config.num_labels)
        start_at_zero(self.classifier)

    @property
    def num_query_channels(self) -> int:
        """0: there is no query."""
        return 0

    def num_outputs(self, encoded: Encoded, asked_for: AskedFor) -> int:
        """Always one."""
        return 1

    def build_queries(
        self, encoded: Encoded, asked_for: AskedFor = EVERYTHING, rows: slice | None = None
    ) -> Queries:
        """An empty stand-in, [batch, 1, 0]; there is one output, which cannot be chosen."""
        if one_array(asked_for).indices is not None:
            raise ShapeError("output points must be None: the mean latent is answered by one row of scores")
        latents = encoded.latents
        return Queries(latents.new_empty(latents.shape[0], 1, 0))

    def structure(self) -> PlainAnswers:
        """See PerceiverAbstractDecoder."""
        return PlainAnswers(
            "its answers are a map of the mean latent, without a query", asks_with_inputs=False
        )

    def attend(
        self,
        query: Tensor | None,
        z: Tensor,
        query_mask: Tensor | None = None,
        output_attentions: bool = False,
    ) -> PerceiverDecoderOutput:
        """Scores [batch, num_labels] of the mean of z [batch, num_latents, d_latents]; the rest is not used."""
        require_shape("z", z, ("batch", "num_latents", self.classifier.in_features))
        return PerceiverDecoderOutput(logits=self.classifier(z.mean(dim=1)))
