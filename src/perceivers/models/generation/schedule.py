"""How many inputs and latents a model looks at while a text grows beyond what it takes."""

from __future__ import annotations

from dataclasses import dataclass

from perceivers.errors import ConfigurationError


@dataclass(frozen=True)
class Look:
    """What the model looks at for the next token.

    Attributes:
        num_inputs: the last tokens of the text.
        num_latents: the last of these.
        is_anew: nothing is left of what was looked at before: a cache is filled again.
    """

    num_inputs: int
    num_latents: int
    is_anew: bool


@dataclass(frozen=True)
class Schedule:
    """Inputs and latents grow with the text up to their limits; then some of the oldest are let go at once.

    Where a limit is met, `stride` latents and inputs fewer than it admits, plus one, are looked at, so that the next `stride`
    tokens need nothing else. With a stride of 1, each token is answered by as many inputs and latents as there may be.

    Attributes:
        context: inputs at most.
        num_latents: latents at most.
        stride: tokens from one computing anew to the next.

    Raises:
        ConfigurationError: the stride is no number of 1 to the latents.
    """

    context: int
    num_latents: int
    stride: int

    def __post_init__(self) -> None:
        if not 1 <= self.stride <= self.num_latents:
            raise ConfigurationError(
                f"`stride` must be in [1, {self.num_latents}] (the latents), received {self.stride}"
            )

    def begin(self, total: int) -> Look:
        """What is looked at first, of a text of `total` tokens."""
        room = self.stride - 1
        num_inputs = total if total <= self.context else self.context - room
        num_latents = num_inputs if num_inputs <= self.num_latents else self.num_latents - room
        return Look(num_inputs, num_latents, is_anew=True)

    def after(self, look: Look, total: int) -> Look:
        """What is looked at next, the text having grown by one token to `total`."""
        if look.num_inputs < self.context and look.num_latents < self.num_latents:
            return Look(look.num_inputs + 1, look.num_latents + 1, is_anew=False)
        return self.begin(total)
