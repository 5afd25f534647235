"""The mean of the latents as the answer to every query: the first Perceiver's head, without its linear map."""

from __future__ import annotations

from torch import Tensor

from perceivers.decoders.asked_for import EVERYTHING, AskedFor, one_array, require_indices
from perceivers.decoders.base import PerceiverAbstractDecoder, Queries
from perceivers.decoders.structure import PlainAnswers
from perceivers.outputs import Encoded, PerceiverDecoderOutput


class PerceiverMeanDecoder(PerceiverAbstractDecoder):
    """Every task is answered by the mean of the latents [batch, num_tasks, d_latents]; it has no weights.

    Args:
        num_tasks: number of answers.
        keeps_tokens: see PerceiverAbstractDecoder.
    """

    takes_mean = True

    def __init__(self, num_tasks: int, *, keeps_tokens: bool = False) -> None:
        super().__init__()
        self.num_tasks = num_tasks
        self.keeps_tokens = keeps_tokens

    @property
    def num_query_channels(self) -> int:
        """0: a query says nothing."""
        return 0

    def num_outputs(self, encoded: Encoded, asked_for: AskedFor) -> int:
        """How many of the tasks are asked for."""
        return one_array(asked_for).count((self.num_tasks,))

    def build_queries(
        self, encoded: Encoded, asked_for: AskedFor = EVERYTHING, rows: slice | None = None
    ) -> Queries:
        """Empty stand-ins, [batch, number asked for, 0]."""
        points, latents = one_array(asked_for), encoded.latents
        if points.indices is not None:
            require_indices(points.indices, (self.num_tasks,), latents.shape[0])
        count = self.num_outputs(encoded, asked_for)
        asked = count if rows is None else len(range(*rows.indices(count)))
        return Queries(latents.new_empty(latents.shape[0], asked, 0))

    def structure(self) -> PlainAnswers:
        """See PerceiverAbstractDecoder."""
        return PlainAnswers("its answers are the mean latent, without a query", asks_with_inputs=False)

    def attend(
        self, query: Tensor, z: Tensor, query_mask: Tensor | None = None, output_attentions: bool = False
    ) -> PerceiverDecoderOutput:
        """The mean of z [batch, num_latents, d_latents] for each query; every latent has the same weight."""
        count = query.shape[1]
        weights = equal_weights(z, count) if output_attentions else None
        return PerceiverDecoderOutput(
            logits=z.mean(dim=1, keepdim=True).expand(-1, count, -1), cross_attentions=weights
        )


def equal_weights(latents: Tensor, num_queries: int) -> tuple[Tensor]:
    """What each query gives each latent where the mean is taken, as attention weights [batch, 1, queries, latents]."""
    num_latents = latents.shape[1]
    return (latents.new_full((latents.shape[0], 1, num_queries, num_latents), 1 / num_latents),)
