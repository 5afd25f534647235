"""What a user may choose about texts."""

# No `from __future__ import annotations` here: the command line reads inherited fields in the subclass's module, which
# need not import what their annotations name.

from dataclasses import dataclass
from typing import Literal

from perceivers.arguments.base import require, require_at_least, require_choice, require_share
from perceivers.errors import ConfigurationError

TEXT_READINGS = ("bytes", "ngrams")
POSITION_STARTS = ("random", "waves", "aligned")
# Ids that [CLS], [SEP] and a few bytes of text need.
SHORTEST = 8


@dataclass(frozen=True, kw_only=True)
class ByteOptions:
    """How a text is told to the model byte by byte."""

    max_length: int = 256
    """Ids that the model takes at most; an id is a byte, [CLS] or [SEP]."""
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
        require_choice("position_start", self.position_start, POSITION_STARTS)
        require_at_least(SHORTEST, self, "max_length")
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
            self.random_offset <= self.max_length - SHORTEST,
            f"at most {self.max_length - SHORTEST}, which leaves text in `max_length`",
        )


@dataclass(frozen=True, kw_only=True)
class TextOptions(ByteOptions):
    """How texts are told to the model, and how they change while training."""

    text_reading: Literal["bytes", "ngrams"] = "bytes"
    """How a text is read: byte by byte, or as two bags of vectors, those of its words and pairs of words and those of its
    runs of letters. Without weights that were trained before, the second learns more, and in minutes; a text may have any
    length then. Of the options on bytes it has `ngram_rows`: rows that words are told apart by, and as many for letters;
    only rows that training texts fall into cost anything, so that there may be a million."""
    ngram_words: tuple[int, ...] = (1, 2)
    """With `ngrams`, the words of a run: 1 2 are single words and pairs. None given: no words are read."""
    ngram_letters: tuple[int, ...] = (1, 2, 3, 4, 5)
    """With `ngrams`, the letters of a run, blanks between words included. None given: no letters are read."""
    ngram_texts: int = 2
    """With `ngrams`, the training texts that must have a run; rarer ones are left out."""
    ngram_vectors: int = 65_536
    """With `ngrams`, the runs of words that have a vector, at most, and as many of letters: those of most training texts."""
    ngram_dropout: float = 0.0
    """With `ngrams`, the share in [0, 1) of a text's runs that are left out while training."""
    ngram_learning_rate: float = 1.0
    """With `ngrams`, the learning rate of the vectors of runs, in parts of the run's."""
    empty_texts: Literal["texts", "absent"] = "absent"
    """Whether an empty cell, or one of blanks alone, is a text like any other, or as if nothing were there."""
    truncate: bool = True
    """Cut texts that are longer than `max_length`, the longer one of two first, instead of stopping with an error. Read as
    `ngrams`, a text may have any length."""
    crop: float = 0.0
    """While training, the probability in [0, 1) that only a random run of a text's words is read."""
    hide: float = 0.0
    """While training, the share in [0, 1) of words whose bytes are all replaced by [MASK], or, with `ngrams`, of those that
    are left out; few texts need 0.7 of it."""

    def __post_init__(self) -> None:
        super().__post_init__()
        require_choice("text_reading", self.text_reading, TEXT_READINGS)
        require_choice("empty_texts", self.empty_texts, ("texts", "absent"))
        require_at_least(1, self, "ngram_texts", "ngram_vectors")
        require("ngram_learning_rate", self.ngram_learning_rate, self.ngram_learning_rate > 0.0, "above 0")
        require_share(self, "crop", "hide", "ngram_dropout")
        if self.text_reading == "ngrams" and not (self.ngram_words or self.ngram_letters):
            raise ConfigurationError(
                "`ngram_words` or `ngram_letters` must have a size with `text_reading` ngrams, received none"
            )
        for name in ("ngram_words", "ngram_letters"):
            sizes = getattr(self, name)
            if min(sizes, default=1) < 1 or len(set(sizes)) < len(sizes):
                raise ConfigurationError(
                    f"`{name}` must be different numbers of at least 1, received {sizes}"
                )
