"""Sequences, model and writing of `text-generation`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from perceivers.arguments.base import require, require_at_least, require_choice, require_share
from perceivers.arguments.network import NetworkArguments
from perceivers.arguments.open import given, left_open


@left_open(
    NetworkArguments,
    "context",
    "embedding_channels",
    "positions",
    "rotary_fraction",
    "prefix_dropout",
    "z_loss",
    "activation",
)
@dataclass(frozen=True, kw_only=True)
class TextGenerationArguments(NetworkArguments):
    """Sequences, model and writing of `text-generation`: a text, or a sequence of whole numbers, in, what follows out."""

    text_column: str = "text"
    """Column of a table that holds the texts. Files and folders of text need none."""
    event_column: str | None = None
    """Column of whole numbers that are learned instead of texts, such as the notes of music: a list in a cell, a text such as
    `60 62 64`, or one number a row; None: texts."""
    document_column: str | None = None
    """Column whose equal values are one sequence, where `event_column` has one number a row; None: all rows are one."""
    context: int = 256
    """Tokens (bytes, or events) that are looked at, at most."""
    num_latents: int = 128
    """Of these, how many of the last are latents, at most: each learns the token that follows it, and sees those before."""
    embedding_channels: int = 128
    """Size of the learned vector of a token."""
    positions: Literal["rotary", "sinusoidal", "learned"] = "rotary"
    """How places are told apart: by turning queries and keys, or by adding waves, or learned vectors, to the tokens."""
    rotary_fraction: float = 0.5
    """Share of the channels of a head that is turned, in (0, 1]; of rotary positions."""
    rotary_head_fraction: float = 1.0
    """Share of the heads that is turned, in (0, 1]; of rotary positions."""
    rotary_max_wavelength: float | None = None
    """The slowest turn takes 2 pi times as many tokens; None: `context`. Of rotary positions."""
    prefix_dropout: float = 0.0
    """Share of the tokens that the cross-attention does not see while training, in [0, 1)."""
    z_loss: float = 0.0
    """Weight of the squared logarithm of the sum of all exponentials in the loss; the authors use 0.0001."""
    activation: Literal["relu2", "gelu"] = "relu2"
    """Of the perceptrons: the square of what is positive, as the authors have it, or GELU."""
    crops: Literal["any", "ends"] = "any"
    """What is drawn while training. `any`: a stretch of the text that may end anywhere, so that every length of the past
    occurs; `ends`: the last tokens of each text, for texts that are one problem each."""
    evaluation_stride: int | None = None
    """Tokens that are measured with each look, the last ones: fewer have a longer past, and cost more looks; None:
    `num_latents`."""
    max_new_tokens: int = 256
    """Tokens that are written for a prompt, at most."""
    temperature: float = 0.8
    """Of what is written: lower is more careful, 0 always takes the likeliest token."""
    top_k: int | None = None
    """Only so many of the likeliest tokens may be written; None: any."""
    top_p: float | None = 0.95
    """Only the likeliest tokens that together have this probability may be written; None: any."""
    repetition_penalty: float = 1.0
    """Above 1, tokens that are there already are less likely."""
    stop: tuple[str, ...] = ()
    """Texts, or events with spaces between them, that end what is written; so does the end that the model writes."""
    cache: Literal["exact", "sliding"] = "exact"
    """What is kept while writing beyond `context`. `exact`: as if nothing were kept, at the cost of some computing anew;
    `sliding`: nothing is computed anew, and the answer is another one."""

    def __post_init__(self) -> None:
        super().__post_init__()
        require_at_least(2, self, "context", "embedding_channels")
        require_at_least(1, self, "num_latents", "evaluation_stride", "max_new_tokens", "top_k")
        require_choice("positions", self.positions, ("rotary", "sinusoidal", "learned"))
        require_choice("activation", self.activation, ("relu2", "gelu"))
        require_choice("crops", self.crops, ("any", "ends"))
        require_choice("cache", self.cache, ("exact", "sliding"))
        require_share(self, "prefix_dropout")
        for name in ("rotary_fraction", "rotary_head_fraction"):
            value = getattr(self, name)
            require(name, value, 0.0 < value <= 1.0, "in (0, 1]")
        require("z_loss", self.z_loss, self.z_loss >= 0.0, "at least 0")
        require("temperature", self.temperature, self.temperature >= 0.0, "at least 0")
        require("repetition_penalty", self.repetition_penalty, self.repetition_penalty > 0.0, "above 0")
        require("stop", self.stop, all(self.stop), "texts of a letter or more, or left out")
        top_p = self.top_p
        require("top_p", top_p, top_p is None or 0.0 < top_p <= 1.0, "in (0, 1]")
        require(
            "document_column",
            self.document_column,
            self.document_column is None or self.event_column is not None,
            "left out where there is no `event_column`",
        )

    def require_that_sizes_fit(self) -> None:
        """Raise ConfigurationError where sizes do not fit each other; what is open still is not looked at."""
        inputs = self.embedding_channels if self.qk_channels is None else self.qk_channels
        is_chosen = {"embedding_channels", "qk_channels", "num_cross_heads"} <= given(self).keys()
        longest = self.context if self.rotary_max_wavelength is None else self.rotary_max_wavelength
        rules = (
            ("num_latents", self.num_latents <= self.context, f"at most `context` ({self.context})"),
            (
                "evaluation_stride",
                self.stride <= self.num_latents,
                f"at most `num_latents` ({self.num_latents})",
            ),
            ("rotary_max_wavelength", longest >= self.context, f"at least `context` ({self.context})"),
            (
                "num_cross_heads",
                not is_chosen or inputs % self.num_cross_heads == 0,
                f"a divisor of {inputs}, the channels of the cross-attention",
            ),
        )
        for name, holds, expected in rules:
            require(name, getattr(self, name), holds, expected)

    @property
    def stride(self) -> int:
        """Tokens that are measured with each look."""
        return self.num_latents if self.evaluation_stride is None else self.evaluation_stride

    def config_values(self) -> dict[str, Any]:
        """See NetworkArguments."""
        is_rotary = self.positions == "rotary"
        return {
            **super().config_values(),
            "d_model": self.embedding_channels,
            "max_position_embeddings": self.context,
            "hidden_act": self.activation,
            "causal_positions": self.positions,
            "rotary_fraction": self.rotary_fraction if is_rotary else None,
            "rotary_head_fraction": self.rotary_head_fraction if is_rotary else None,
            "rotary_max_wavelength": self.rotary_max_wavelength if is_rotary else None,
            "prefix_dropout_prob": self.prefix_dropout,
            "z_loss_weight": self.z_loss,
        }
