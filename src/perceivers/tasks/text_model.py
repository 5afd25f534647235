"""What the tasks on text have in common beside the text itself: where it is, and the sizes of the page's text models."""

# No `from __future__ import annotations` here: the command line reads inherited fields in the subclass's module, which
# need not import what their annotations name.

from dataclasses import dataclass
from typing import Any

from perceivers.arguments.base import require, require_at_least
from perceivers.arguments.network import NetworkArguments
from perceivers.kinds.text.options import ByteOptions


@dataclass(frozen=True, kw_only=True)
class TextModelArguments(ByteOptions, NetworkArguments):
    """Where the text is, how it is read, and how large the model is."""

    text_column: str = "text"
    """Column of a table that holds the text. Files and folders of text need none."""
    embedding_channels: int = 64
    """Size of the learned vectors of a byte and of a position."""
    num_cross_heads: int = 8
    """Heads of the cross-attention from the latents to the bytes; divides `embedding_channels` where `qk_channels` is not
    given."""

    def __post_init__(self) -> None:
        ByteOptions.__post_init__(self)
        NetworkArguments.__post_init__(self)
        require_at_least(2, self, "embedding_channels")
        inputs = self.embedding_channels if self.qk_channels is None else self.qk_channels
        require(
            "num_cross_heads",
            self.num_cross_heads,
            inputs % self.num_cross_heads == 0,
            f"a divisor of {inputs}, the channels of the cross-attention",
        )

    def config_values(self) -> dict[str, Any]:
        """See NetworkArguments."""
        return {
            **super().config_values(),
            "d_model": self.embedding_channels,
            "max_position_embeddings": self.max_length,
            "ngram_sizes": self.ngram_sizes or None,
            "ngram_rows": self.ngram_rows if self.ngram_sizes else None,
        }
