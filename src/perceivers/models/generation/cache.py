"""What a causal model keeps from call to call: keys and values of its cross-attend and of each of its layers."""

from __future__ import annotations

import torch
from torch import Tensor

from perceivers.nn.key_value_cache import KeyValueCache, MaskCache


class CausalCache:
    """Filled by the first call that is given it, extended by the following ones.

    Nothing is computed again. What the model answers equals a call without a cache whose inputs are all that are kept, and
    whose latents are all that are kept, as long as neither has given away an entry. After that it differs: latents remember
    what has left.

    Args:
        num_inputs: entries of the cross-attend that are kept, at least 1.
        num_latents: entries of each layer that are kept, at least 1.
        num_layers: that are executed, blocks one after another.
    """

    def __init__(self, num_inputs: int, num_latents: int, num_layers: int) -> None:
        self.cross = KeyValueCache(num_inputs)
        self.layers = tuple(KeyValueCache(num_latents) for _ in range(num_layers))
        self._inputs, self._latents = MaskCache(num_inputs), MaskCache(num_latents)
        self._next_positions: Tensor | None = None

    @property
    def num_inputs(self) -> int:
        """Inputs that are kept."""
        return len(self.cross)

    @property
    def num_latents(self) -> int:
        """Latents that are kept."""
        return len(self.layers[0])

    def positions(self, mask: Tensor | None, count: int, batch: int, device: torch.device) -> Tensor:
        """Positions of the inputs that come next, counted without padding: [batch, count]."""
        counted = torch.ones(batch, count, dtype=torch.bool, device=device) if mask is None else mask
        steps = counted.long().cumsum(dim=1)
        before = 0 if self._next_positions is None else self._next_positions
        positions = before + steps - 1
        self._next_positions = positions[:, -1:] + 1
        return positions.clamp(min=0)

    def inputs_mask(self, mask: Tensor | None, count: int, batch: int, device: torch.device) -> Tensor | None:
        """Add inputs; which of all that are kept count, [batch, num_inputs], None where all do."""
        return self._inputs.extend(mask, count, batch, device)

    def latents_mask(
        self, mask: Tensor | None, count: int, batch: int, device: torch.device
    ) -> Tensor | None:
        """Add latents; which of all that are kept count, [batch, num_latents], None where all do."""
        return self._latents.extend(mask, count, batch, device)
