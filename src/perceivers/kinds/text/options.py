"""What the tasks on text have in common: where the text is, and the model's view of it."""

# No `from __future__ import annotations` here: the command line reads inherited fields in the subclass's module, which
# need not import what their annotations name.

from dataclasses import dataclass
from typing import Any, Literal

from perceivers.arguments.base import require, require_at_least, require_choice
from perceivers.arguments.network import NetworkArguments
from perceivers.errors import ConfigurationError


@dataclass(frozen=True, kw_only=True)
class TextArguments(NetworkArguments):
    """Where the text is, and how long the model's inputs are."""

    text_column: str = "text"
    """Column of a table that holds the text. Files and folders of text need none."""
    group_column: str | None = None
    """Column whose equal values stay in one part when the data are divided: the document, the author, the message that was
    translated."""
    max_length: int = 256
    """Ids that the model takes at most; an id is a byte, [CLS] or [SEP]."""
    embedding_channels: int = 64
    """Size of the learned vectors of a byte and of a position."""
    num_cross_heads: int = 8
    """Heads of the cross-attention from the latents to the bytes; divides `embedding_channels` where `qk_channels` is not
    given."""
    ngram_sizes: tuple[int, ...] = ()
    """Add to each byte the learned vectors of the runs of so many bytes that end at it, for example 2 3 4; none, the default,
    is the papers' model. With them a little text is enough to learn words and languages from."""
    ngram_rows: int = 8192
    """Rows of the table of each of `ngram_sizes`; runs of bytes share them by their hash."""
    position_start: Literal["random", "waves", "aligned"] = "waves"
    """What the learned positions start from: random vectors, as in the paper, or sines and cosines of many wavelengths, with
    which neighbours are alike from the first step on; small data need that. `aligned` also spreads the latents over the text,
    each reading its own stretch at first: with about a latent a byte and one cross head, hidden bytes are learned sooner. It
    needs as many `latent_channels` as `embedding_channels`."""
    random_offset: int = 0
    """While training, begin the text at a random position, up to so many from the first; it then has that much less room."""

    def __post_init__(self) -> None:
        super().__post_init__()
        require_choice("position_start", self.position_start, ("random", "waves", "aligned"))
        require_at_least(8, self, "max_length")
        require_at_least(2, self, "embedding_channels")
        require_at_least(0, self, "random_offset")
        require_at_least(1, self, "ngram_rows")
        sizes = self.ngram_sizes
        if min(sizes, default=2) < 2 or len(set(sizes)) < len(sizes):
            raise ConfigurationError(
                f"`ngram_sizes` must be different numbers of at least 2, received {sizes}"
            )
        require(
            "random_offset",
            self.random_offset,
            self.random_offset <= self.max_length - 8,
            f"at most {self.max_length - 8}, which leaves text in `max_length`",
        )
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
