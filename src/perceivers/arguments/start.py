"""What a run starts from, and which weights it trains."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from perceivers.arguments.base import require_choice, require_named
from perceivers.errors import ConfigurationError


@dataclass(frozen=True, kw_only=True)
class StartArguments:
    """What a run starts from, and which weights it trains."""

    start: str | None = None
    """A run, a folder with a checkpoint, or the name of one on the hub, whose sizes and weights are taken; None draws new
    weights."""
    start_from: Literal["all", "encoder"] = "all"
    """Take all weights that fit, or only those of the inputs, the latents and the encoder."""
    trained: Literal["all", "decoder"] = "all"
    """Train all weights, or only those behind the latents: decoder and output layers."""

    def __post_init__(self) -> None:
        require_named(self, "start")
        require_choice("start_from", self.start_from, ("all", "encoder"))
        require_choice("trained", self.trained, ("all", "decoder"))
        if self.start is None and (self.start_from, self.trained) != ("all", "all"):
            raise ConfigurationError(
                "`start` must name a checkpoint where `start_from` or `trained` is given, received None"
            )
