"""The head of an answer that selects members of a set: each asks the latents with its own token, and a pointer scores it."""

from __future__ import annotations

from torch import Tensor, nn

from perceivers.configuration import PerceiverConfig
from perceivers.decoders.entities import PerceiverEntityDecoder
from perceivers.errors import ConfigurationError
from perceivers.nn.pointer import Pointer


class PointerHead(nn.Module):
    """Scores of the members of a set, for each query of an answer.

    Members are told apart as in PerceiverForEntitySelection: what the latents answer a member's token is added to it. What
    points is what they answer a query of the answer.

    Args:
        name: of the answer, for messages.
        config: gives the sizes of latents, and the heads of the cross-attend.
        num_channels: of a member's token.
    """

    def __init__(self, name: str, config: PerceiverConfig, num_channels: int) -> None:
        super().__init__()
        heads = config.num_cross_attention_heads
        if num_channels % heads:
            raise ConfigurationError(
                f"`num_cross_attention_heads` must divide the channels of an entity ({num_channels}) for the answer "
                f"{name!r}, received {heads}"
            )
        self.num_channels = num_channels
        self.decoder = PerceiverEntityDecoder(config, num_channels)
        self.pointer = Pointer(config.d_latents, num_channels, norm_eps=config.norm_eps)

    def forward(self, answered: Tensor, latents: Tensor, tokens: Tensor, mask: Tensor | None) -> Tensor:
        """Scores [batch, num_queries, num_members], the lowest number of their type where there is no member.

        Args:
            answered: [batch, num_queries, d_latents].
            latents: [batch, num_latents, d_latents].
            tokens: of the members, [batch, num_members, at least num_channels]; further channels are padding.
            mask: bool [batch, num_members], True where there is one; None: everywhere.
        """
        members = self.decoder.attend(tokens[..., : self.num_channels], latents).logits
        scores: Tensor = self.pointer(answered, members, mask)
        return scores
