"""The size of a Perceiver, as every task chooses it."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any, Literal

from perceivers.arguments.base import require_at_least, require_choice, require_share
from perceivers.errors import ConfigurationError

_FIRST_PERCEIVER = ("num_cross_attends", "cross_attend_places", "cross_attend_sharing", "cross_attend_inputs",
                    "share_self_attends", "mean_of_latents")  # fmt: skip
SIZES = ("auto", "tiny", "small", "base", "paper", "usual")


@dataclass(frozen=True, kw_only=True)
class NetworkArguments:
    """Size of the network. A run that starts from a checkpoint has the checkpoint's; others beside it are an error."""

    size: Literal["auto", "tiny", "small", "base", "paper", "usual"] = "auto"
    """What is not given by itself: `auto` chooses all of it from the data; `tiny`, `small` and `base` name the network, and
    the rest is chosen from the data; `paper` takes the network of the papers, and what it is given of a sample; with `usual`
    nothing looks at the data, as recipes want it. docs/learning/README.md has the sizes."""
    num_latents: int = 32
    """Vectors that all inputs are gathered into."""
    latent_channels: int = 64
    """Size of each of them."""
    num_blocks: int = 1
    """How often the self-attention layers are run through, with the same weights."""
    num_layers: int = 3
    """Self-attention layers over the latents, in each block."""
    num_heads: int = 4
    """Heads of each of those layers; divides `latent_channels`."""
    num_cross_heads: int = 1
    """Heads of the cross-attention from the latents to the inputs."""
    num_cross_attends: int = 1
    """How often the latents look at the inputs, as in the first Perceiver."""
    cross_attend_places: tuple[int, ...] | None = None
    """Self-attention layers before each look, ascending: `0 0` looks twice at the start. None: spread evenly."""
    cross_attend_sharing: Literal["after_first", "all", "none"] = "after_first"
    """Which looks have the same weights: `after_first` gives the first one its own, as the paper does."""
    cross_attend_inputs: Literal["all", "parts"] = "all"
    """What each look sees: all inputs, or a part of its own, one after the other, such as the next frames of a film."""
    share_self_attends: bool = True
    """Run through the same layers in every block; otherwise each block has layers of its own."""
    mean_of_latents: bool = False
    """Answer with the mean of the latents instead of a learned query, as the first Perceiver does; for classes, labels and
    numbers."""
    qk_channels: int | None = None
    """Channels of queries and keys of all attention layers; None: those of the inputs in the cross-attention, those of the
    latents elsewhere, as in the papers."""
    v_channels: int | None = None
    """Channels of values; None: as many as queries and keys have."""
    widening_factor: int = 1
    """Hidden size of the perceptrons behind each attention, in multiples of the channels."""
    dropout: float = 0.0
    """Share of attention weights left out while training, in [0, 1)."""
    mlp_dropout: float = 0.0
    """Share of the perceptrons' hidden channels left out while training, in [0, 1)."""

    def __post_init__(self) -> None:
        sizes = ("num_latents", "latent_channels", "num_blocks", "num_cross_attends", "num_layers", "num_heads",
                 "num_cross_heads", "qk_channels", "v_channels", "widening_factor")  # fmt: skip
        require_at_least(1, self, *sizes)
        require_share(self, "dropout", "mlp_dropout")
        require_choice("size", self.size, SIZES)
        require_choice("cross_attend_sharing", self.cross_attend_sharing, ("after_first", "all", "none"))
        require_choice("cross_attend_inputs", self.cross_attend_inputs, ("all", "parts"))
        self._require_places()
        for heads, channels in (
            ("num_heads", "latent_channels"),
            ("num_heads", "qk_channels"),
            ("num_heads", "v_channels"),
            ("num_cross_heads", "qk_channels"),
            ("num_cross_heads", "v_channels"),
        ):
            count, size = getattr(self, heads), getattr(self, channels)
            if size is not None and count is not None and size % count:
                raise ConfigurationError(
                    f"`{heads}` must divide `{channels}`, received {count} heads and {size} channels"
                )

    def config_values(self) -> dict[str, Any]:
        """The same as keys of PerceiverConfig."""
        return {
            "num_latents": self.num_latents,
            "d_latents": self.latent_channels,
            "num_blocks": self.num_blocks,
            "num_self_attends_per_block": self.num_layers,
            "num_self_attention_heads": self.num_heads,
            "num_cross_attention_heads": self.num_cross_heads,
            "qk_channels": self.qk_channels,
            "v_channels": self.v_channels,
            "self_attention_widening_factor": self.widening_factor,
            "cross_attention_widening_factor": self.widening_factor,
            "attention_probs_dropout_prob": self.dropout,
            "mlp_dropout_prob": self.mlp_dropout,
            # Whatever a task chooses for its vectors, matrices start by their fan-in.
            "fan_in_scaling": True,
            **self._first_perceiver(),
        }

    def _first_perceiver(self) -> dict[str, Any]:
        """What the first Perceiver has and Perceiver IO has not, as keys of PerceiverConfig; nothing where it is not used."""
        usual = {entry.name: entry.default for entry in dataclasses.fields(NetworkArguments)}
        values = {name: getattr(self, name) for name in _FIRST_PERCEIVER}
        return {name: value for name, value in values.items() if value != usual[name]}

    def _require_places(self) -> None:
        places, looks = self.cross_attend_places, self.num_cross_attends
        if places is None:
            return
        most = self.num_blocks * self.num_layers
        if len(places) != looks or list(places) != sorted(places) or places[0] < 0 or places[-1] > most:
            raise ConfigurationError(
                f"`cross_attend_places` must be one ascending number from 0 to {most} (num_blocks times num_layers) for each "
                f"of the {looks} `num_cross_attends`, received {', '.join(map(str, places)) or 'none'}"
            )
