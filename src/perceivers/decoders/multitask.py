"""One learned query for each task, answered by a vector that the task's own head then reads (Perceiver IO, section 4.1)."""

from __future__ import annotations

from perceivers.configuration import PerceiverConfig
from perceivers.decoders.basic import PerceiverBasicDecoder, PerceiverWrappingDecoder


class PerceiverMultitaskDecoder(PerceiverWrappingDecoder):
    """A learned query a task; answers are vectors [batch, num_tasks, num_channels], not yet scores.

    Args:
        config: gives the sizes of the latents.
        num_tasks: number of queries.
        num_channels: channels of a query and of its answer.
        keeps_tokens: see PerceiverAbstractDecoder.
    """

    def __init__(
        self, config: PerceiverConfig, num_tasks: int, num_channels: int, *, keeps_tokens: bool = False
    ) -> None:
        super().__init__()
        self.keeps_tokens = keeps_tokens
        self.decoder = PerceiverBasicDecoder(
            config,
            output_num_channels=num_channels,
            output_index_dims=num_tasks,
            num_channels=num_channels,
            use_query_residual=True,
            final_project=False,
            trainable_position_encoding_kwargs={"num_channels": num_channels, "index_dims": num_tasks},
        )
