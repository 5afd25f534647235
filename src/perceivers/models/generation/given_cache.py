"""A cache whose content is given with a call and handed back by it, as files of a model know no other memory."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor


class GivenKeyValues:
    """Keys and values of one attention.

    Args:
        keys: of earlier calls, [batch, count, channels]; perhaps none.
        values: likewise.
    """

    def __init__(self, keys: Tensor, values: Tensor) -> None:
        self.keys, self.values = keys, values

    def extend(self, key: Tensor, value: Tensor) -> tuple[Tensor, Tensor]:
        """See KeyValueCache; all are kept."""
        self.keys, self.values = torch.cat([self.keys, key], dim=1), torch.cat([self.values, value], dim=1)
        return self.keys, self.values


class GivenCache:
    """What PerceiverForCausalLM asks of a CausalCache, without padding.

    It stands for an empty one whatever it holds, so that a call may have inputs that are no latents.

    Args:
        kept: keys and values of the cross-attend, then those of each layer.
        first_position: of the first input that is new, counted from 0; whole number [1].
    """

    num_inputs = 0

    def __init__(self, kept: Sequence[tuple[Tensor, Tensor]], first_position: Tensor) -> None:
        self.cross, *self.layers = (GivenKeyValues(*each) for each in kept)
        self._first_position = first_position

    @property
    def kept(self) -> list[tuple[Tensor, Tensor]]:
        """What is kept now, as it was given."""
        return [(each.keys, each.values) for each in (self.cross, *self.layers)]

    def positions(self, _mask: Tensor | None, count: int, _batch: int, device: torch.device) -> Tensor:
        """See CausalCache."""
        return (self._first_position + torch.arange(count, device=device))[None]

    def inputs_mask(self, _mask: Tensor | None, _count: int, _batch: int, _device: torch.device) -> None:
        """See CausalCache."""
        return

    def latents_mask(self, _mask: Tensor | None, _count: int, _batch: int, _device: torch.device) -> None:
        """See CausalCache."""
        return
