"""A cache whose content is given with a call and handed back by it, as files of a model know no other memory."""

from __future__ import annotations

import torch
from torch import Tensor


class GivenKeyValues:
    """Keys and values of one attention, side by side in one tensor.

    Args:
        before: of earlier calls, [batch, count, channels of keys and values]; perhaps none.
        key_channels: how many of the channels are the keys'.
    """

    def __init__(self, before: Tensor, key_channels: int) -> None:
        self.after = before
        self._key_channels = key_channels

    def extend(self, key: Tensor, value: Tensor) -> tuple[Tensor, Tensor]:
        """See KeyValueCache; all are kept."""
        self.after = torch.cat([self.after, torch.cat([key, value], dim=-1)], dim=1)
        return self.after[..., : self._key_channels], self.after[..., self._key_channels :]


class GivenCache:
    """What PerceiverForCausalLM asks of a CausalCache, without padding.

    It stands for an empty one whatever it holds, so that a call may have inputs that are no latents.

    Args:
        inputs: of the cross-attend, [batch, count, channels], see GivenKeyValues.
        latents: of each layer, [num_layers, batch, count, channels].
        first_position: of the first input that is new, counted from 0; whole number [1].
        key_channels: of the cross-attend, and of a layer.
    """

    num_inputs = 0

    def __init__(
        self, inputs: Tensor, latents: Tensor, first_position: Tensor, key_channels: tuple[int, int]
    ) -> None:
        self.cross = GivenKeyValues(inputs, key_channels[0])
        self.layers = tuple(GivenKeyValues(each, key_channels[1]) for each in latents.unbind(0))
        self._first_position = first_position

    def positions(self, _mask: Tensor | None, count: int, _batch: int, device: torch.device) -> Tensor:
        """See CausalCache."""
        return (self._first_position + torch.arange(count, device=device))[None]

    def inputs_mask(self, _mask: Tensor | None, _count: int, _batch: int, _device: torch.device) -> None:
        """See CausalCache."""
        return

    def latents_mask(self, _mask: Tensor | None, _count: int, _batch: int, _device: torch.device) -> None:
        """See CausalCache."""
        return
