"""Text, masking and model of `fill-mask`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from perceivers.arguments.base import require, require_at_least, require_choice
from perceivers.arguments.network import NetworkArguments
from perceivers.arguments.open import left_open
from perceivers.tasks.text_model import TextModelArguments


@left_open(
    NetworkArguments,
    "max_length",
    "position_start",
    "ngram_sizes",
    "ngram_rows",
    "embedding_channels",
    "num_decoder_heads",
    "decoder_qk_channels",
)
@dataclass(frozen=True, kw_only=True)
class FillMaskArguments(TextModelArguments):
    """Text, masking and model of `fill-mask`: a text with hidden words in, the hidden bytes out."""

    mask_fraction: float = 0.15
    """Share of the words, or of their bytes, that is hidden; a text has at least one."""
    mask_unit: Literal["word", "byte"] = "word"
    """What is hidden together: all bytes of a word, as in the paper, or each byte by itself. Words are what white space
    divides, which is never hidden. Single bytes are easier to guess: little text teaches more of its language with them."""
    moving_windows: bool = True
    """While training, cut long texts anew each time instead of always at the same places."""
    num_decoder_heads: int = 8
    """Heads of the cross-attention from the asked bytes to the latents; divides `embedding_channels` and
    `decoder_qk_channels`."""
    decoder_qk_channels: int | None = None
    """Channels of its queries and keys; None: `embedding_channels`."""

    def __post_init__(self) -> None:
        super().__post_init__()
        require("mask_fraction", self.mask_fraction, 0.0 < self.mask_fraction <= 1.0, "in (0, 1]")
        require_choice("mask_unit", self.mask_unit, ("word", "byte"))
        require_at_least(1, self, "num_decoder_heads", "decoder_qk_channels")
        for name in ("embedding_channels", "decoder_qk_channels"):
            size = getattr(self, name)
            require(
                "num_decoder_heads",
                self.num_decoder_heads,
                size is None or size % self.num_decoder_heads == 0,
                f"a divisor of `{name}` ({size})",
            )

    def config_values(self) -> dict[str, Any]:
        """See NetworkArguments."""
        qk_channels = (
            self.embedding_channels if self.decoder_qk_channels is None else self.decoder_qk_channels
        )
        return {
            **super().config_values(),
            "decoder_num_heads": self.num_decoder_heads,
            "decoder_qk_channels": qk_channels,
        }
