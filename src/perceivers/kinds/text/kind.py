"""Texts: byte by byte, one or two as a row of tokens; or as words and runs of letters, a token a column."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Self, cast

import numpy as np

from perceivers.arguments.advice import Advice
from perceivers.errors import DataError
from perceivers.kinds.asked import Field
from perceivers.kinds.base import NOTHING_CHOSEN, Kind, ModalityInput, as_tokens
from perceivers.kinds.forms import Forms
from perceivers.kinds.shading import shaded_list
from perceivers.kinds.text.augmentation import cropped, hidden_bytes
from perceivers.kinds.text.bags import bags_of, ngrams_in, stacked_bags
from perceivers.kinds.text.batches import Ids, padded_arrays, require_room, row_of_texts, shortened
from perceivers.kinds.text.drawing import shaded_words
from perceivers.kinds.text.ngram_weights import NgramWeights
from perceivers.kinds.text.ngrams import plain_letters, rows_of_letters, rows_of_words
from perceivers.kinds.text.options import TextOptions
from perceivers.kinds.text.reading import TEXT_SUFFIXES, encoded, names_text_file, text_of
from perceivers.kinds.text.sizing import lone_text_options, text_learning, text_options
from perceivers.kinds.text.value import TextValue
from perceivers.processors.tokenizer.byte_tokenizer import PerceiverTokenizer
from perceivers.rivals.simple import SimpleForm

if TYPE_CHECKING:
    from torch import Tensor

    from perceivers.configuration import PerceiverConfig

TOKENIZER = PerceiverTokenizer()


@dataclass(frozen=True)
class TextKind(Kind):
    """Texts as the options say. A value is a TextValue.

    Bytes: [CLS] first [SEP], or [CLS] first [SEP] second [SEP]. N-grams: for each column one bag of words and one of letters.

    Args:
        num_columns: of the texts, where they are read as n-grams; 0 before `settle`.
        words: what training texts tell of their words and runs of words; None where bytes are read, before `settle`, and
            where no words are read.
        letters: the same of runs of letters.
    """

    num_columns: int = 0
    words: NgramWeights | None = None
    letters: NgramWeights | None = None

    name: ClassVar[str] = "text"
    options_class: ClassVar[type[Any]] = TextOptions
    suffixes: ClassVar[tuple[str, ...]] = TEXT_SUFFIXES
    keys_of_a_cell: ClassVar[frozenset[str]] = frozenset({"bytes", "path"})
    belonging: ClassVar[Mapping[str, Sequence[str]]] = {
        "text_reading": tuple(entry.name for entry in fields(TextOptions) if entry.name != "empty_texts")
    }
    forms_of_input: ClassVar[Forms] = {
        "text_reading": {
            "ngrams": (
                "ngram_words",
                "ngram_letters",
                "ngram_texts",
                "ngram_vectors",
                "ngram_dropout",
                "ngram_learning_rate",
            ),
            "bytes": ("max_length", "ngram_sizes", "position_start", "random_offset", "truncate"),
        }
    }
    usual_columns: ClassVar[tuple[str, ...]] = ("text", "sentence", "content", "description", "review")
    simple_form: ClassVar[SimpleForm | None] = SimpleForm(
        "text", "SVM on words and letters", "ridge regression on words and letters"
    )

    @property
    def is_light(self) -> bool:
        """Texts that are read as n-grams are: as such they are a token each."""
        return self.reads_ngrams

    @property
    def is_linear(self) -> bool:
        """See Kind: n-grams are."""
        return self.reads_ngrams

    @property
    def is_linear_first(self) -> bool:
        """See Kind: n-grams, of which there are far more than texts."""
        return self.reads_ngrams

    @property
    def gathers(self) -> bool:
        """All columns are one value where each becomes one token."""
        return self.reads_ngrams

    @property
    def settles_on(self) -> int | None:
        """All values, for n-grams; none, for bytes."""
        return None if self.reads_ngrams else 0

    @property
    def reads_ngrams(self) -> bool:
        """Whether texts are read as words and runs of letters."""
        return bool(self.options.text_reading == "ngrams")

    @classmethod
    def limits_of(cls, config: PerceiverConfig) -> dict[str, Any]:
        """See Kind: bytes that it has positions for."""
        return {"max_length": min(cls.options_class.max_length, config.max_position_embeddings)}

    @classmethod
    def guess(cls, name: str, cells: Sequence[Any]) -> float:
        """See Kind; whatever else is written in letters is a text."""
        if not all(isinstance(cell, str) for cell in cells):
            return 0.0
        return 0.95 if all(map(names_text_file, cells)) else 0.5

    @classmethod
    def advise(
        cls,
        cells: Sequence[Any],
        table: Any,
        num_rows: int,
        hidden: float,
        chosen: Mapping[str, Any] = NOTHING_CHOSEN,
    ) -> TextOptions:
        """See Kind; where nothing is hidden of the other columns, words are not either."""
        return text_options(num_rows, hides=hidden > 0.0)

    @classmethod
    def advise_alone(
        cls, cells: Sequence[Any], table: Any, num_rows: int, chosen: Mapping[str, Any] = NOTHING_CHOSEN
    ) -> TextOptions:
        """See Kind."""
        return lone_text_options(num_rows)

    def learning(self, num_rows: int, num_classes: int | None = None) -> Advice:
        """See Kind; read as bytes, texts are learned as whatever else is a row of tokens."""
        return text_learning(num_rows, num_classes) if self.reads_ngrams else Advice()

    @property
    def num_tokens(self) -> int:
        """See Kind."""
        return (
            max(self.num_columns, 1) * self.bags_a_column
            if self.reads_ngrams
            else int(self.options.max_length)
        )

    @property
    def columns_learned(self) -> int | None:
        """See Kind."""
        return self.num_columns or None

    def described(self) -> str:
        """See Kind."""
        if self.reads_ngrams:
            return f"words and runs of letters of texts of any length{as_tokens(self.num_tokens)}"
        return f"up to {self.options.max_length:,} bytes of text, a token each"

    def read(self, row: Mapping[str, Any], columns: Sequence[str], table: Any) -> TextValue | None:
        """See Kind; a text that is too long is cut, or refused, as the options say."""
        texts = [text_of(row, column, table) for column in columns]
        if self.options.empty_texts == "texts" and texts[0] is None:
            texts[0] = b""
        present = [text for text in texts if text is not None]
        if not present:
            return None
        if self.reads_ngrams:
            return TextValue(tuple(texts))
        if texts[0] is None:
            raise DataError(f"has no text in the column {columns[0]!r}, but a second one")
        room = self._room(len(present))
        if self.options.truncate:
            present = shortened(present, room)
        require_room(present, room, self.options.max_length)
        return TextValue(tuple(texts)).with_present(present)

    def is_cut(self, row: Mapping[str, Any], columns: Sequence[str], table: Any) -> bool:
        """See Kind; read as n-grams, a text may have any length."""
        texts = [text for column in columns if (text := text_of(row, column, table)) is not None]
        return not self.reads_ngrams and sum(map(len, texts)) > self._room(len(texts))

    def settle(self, values: Sequence[TextValue], columns: Sequence[str]) -> Self:
        """Find the n-grams that training texts have often enough."""
        chosen = self.options
        texts = [plain_letters(text) for value in values for text in value.present]
        words = self._weights_of(texts, self._word_rows) if chosen.ngram_words else None
        letters = self._weights_of(texts, self._letter_rows) if chosen.ngram_letters else None
        return replace(self, num_columns=len(columns), words=words, letters=letters)

    def simplified(self, row: Mapping[str, Any], columns: Sequence[str], table: Any) -> str | None:
        """The whole texts, one after the other."""
        texts = [self.plain(row.get(column), column, table) for column in columns]
        present = [text for text in texts if text is not None]
        return " ".join(present) if present else None

    def plain(self, cell: Any, column: str, table: Any) -> str | None:
        """See Kind; the text of a file whose path it is."""
        text = text_of({column: cell}, column, table)
        return None if text is None else text.decode("utf-8")

    def lesser(self, value: TextValue) -> list[TextValue]:
        """See Kind: texts of half the length."""
        halves = tuple(None if text is None else text[: (len(text) + 1) // 2] for text in value.texts)
        return [replace(value, texts=halves, hidden=())]

    @property
    def varies(self) -> bool:
        """See Kind."""
        return bool(self.options.crop or self.options.hide or self.options.random_offset)

    def vary(self, value: TextValue, generator: np.random.Generator) -> TextValue:
        """Read a part, hide words, begin elsewhere."""
        texts = cropped(value.present, self.options.crop, generator)
        hidden = tuple(hidden_bytes(text, self.options.hide, generator) for text in texts)
        offset = int(generator.integers(self.options.random_offset + 1))
        return value.with_present(texts, hidden=hidden, offset=offset)

    def arrays(self, values: Sequence[TextValue | None]) -> dict[str, ModalityInput]:
        """Ids of bytes, int64 [batch, length], and a mask that is False behind, and before, each text.

        Or ids and weights of n-grams, int64 [batch, num_bags, most of a text, 2], see `perceivers.modalities.bag_of_ngrams`.
        """
        if self.reads_ngrams:
            return {"": ModalityInput(self._bags(values))}
        rows = [_row(value) for value in values]
        offsets = [0 if value is None else value.offset for value in values]
        return {"": ModalityInput(*padded_arrays(TOKENIZER, rows, offsets))}

    def modalities(self) -> dict[str, dict[str, Any]]:
        """See Kind."""
        chosen = self.options
        if self.reads_ngrams:
            return {
                "": {
                    "type": "bag_of_ngrams",
                    "num_bags": self.num_columns * self.bags_a_column,
                    "num_rows": max(sum(known.num_known for known, _ in self._known), 1),
                    "learning_rate_factor": chosen.ngram_learning_rate,
                    "dropout": chosen.ngram_dropout,
                }
            }
        return {
            "": {
                "type": "text",
                "max_length": chosen.max_length,
                "ngram_sizes": list(chosen.ngram_sizes),
                **({"ngram_rows": chosen.ngram_rows} if chosen.ngram_sizes else {}),
                "position_start": "random" if chosen.position_start == "random" else "waves",
            }
        }

    def save_pretrained(self, folder: Path) -> None:
        """Write the tokenizer of bytes."""
        if not self.reads_ngrams:
            PerceiverTokenizer(model_max_length=self.options.max_length).save_pretrained(folder)

    def state(self) -> dict[str, Any]:
        """See Kind."""
        if not self.num_columns:
            return {}
        return {
            "num_columns": self.num_columns,
            "words": None if self.words is None else self.words.state(),
            "letters": None if self.letters is None else self.letters.state(),
        }

    def with_state(self, state: Mapping[str, Any]) -> Self:
        """See Kind."""
        if not state:
            return self
        words, letters = (
            None if state[name] is None else NgramWeights.of_state(state[name])
            for name in ("words", "letters")
        )
        return replace(self, num_columns=state["num_columns"], words=words, letters=letters)

    def fields(self, columns: Sequence[str]) -> tuple[Field, ...]:
        """See AskedKind."""
        hint = "" if self.reads_ngrams else f"at most {self.options.max_length:,} bytes"
        return tuple(Field(column, self.name, "words", hint) for column in columns)

    def content(self, cell: Any, folder: Path) -> Any:
        """See AskedKind; a text is its bytes, so that none is taken for the path of a file."""
        return encoded(cell) if isinstance(cell, str) else super().content(cell, folder)

    def show(
        self, value: TextValue | None, weights: Mapping[str, Tensor], grids: Mapping[str, tuple[int, ...]]
    ) -> Any:
        """`texts`, and `looked_at`: the weight of each byte of each; read as n-grams, each column's text and its weight."""
        if self.reads_ngrams:
            texts = [None] * self.num_columns if value is None else value.texts
            words = ["" if text is None else text.decode("utf-8", errors="replace") for text in texts]
            of_columns = weights[""].reshape(self.num_columns, -1).sum(dim=1)
            return list(zip(words, of_columns.tolist(), strict=True))
        if value is None:
            return None
        looked_at, begin = [], 1  # behind [CLS]
        for text in value.present:
            looked_at.append(weights[""][begin : begin + len(text)].tolist())
            begin += len(text) + 1
        return {"texts": tuple(value.present), "looked_at": looked_at}

    def html(self, shown: Any, columns: Sequence[str]) -> str:
        """Each text, its words shaded, or the whole of it."""
        if self.reads_ngrams:
            return shaded_list(columns, shown)
        if shown is None:
            return ""
        pairs = zip(shown["texts"], shown["looked_at"], strict=True)
        return "\n".join(f"<p>{shaded_words(text, weights)}</p>" for text, weights in pairs)

    @property
    def bags_a_column(self) -> int:
        """Tokens of a column's text: its words, its letters."""
        return bool(self.options.ngram_words) + bool(self.options.ngram_letters)

    def ngrams_of(self, value: TextValue) -> tuple[Ids, np.ndarray]:
        """Ids of the known n-grams of all bags of a value, and their weights, float32; see `tensors`."""
        return ngrams_in(self._bags([value])[0])

    @property
    def _known(self) -> list[tuple[NgramWeights, Callable[[str], Ids]]]:
        """What is known of words and of letters, and what finds them in a text; see `bags_of`."""
        both = ((self.words, self._word_rows), (self.letters, self._letter_rows))
        return [(known, rows_of) for known, rows_of in both if known is not None]

    def _room(self, num_texts: int) -> int:
        """Bytes that so many texts may have together: [CLS], and a [SEP] behind each, need some of the ids."""
        return int(self.options.max_length - self.options.random_offset - 1 - num_texts)

    def _bags(self, values: Sequence[TextValue | None]) -> Ids:
        """Ids and weights of the known n-grams of each text, [batch, num_bags, most of a bag, 2]."""
        known = self._known
        bags = [
            bag
            for value in values
            for text in ([None] * self.num_columns if value is None else value.seen())
            for bag in bags_of(text, known)
        ]
        stacked = stacked_bags(bags)
        return stacked.reshape(len(values), -1, *stacked.shape[1:])

    def _weights_of(self, texts: Sequence[str], rows_of: Callable[[str], Ids]) -> NgramWeights:
        chosen = self.options
        return NgramWeights.of_texts(
            map(rows_of, texts), chosen.ngram_rows, fewest=chosen.ngram_texts, most=chosen.ngram_vectors
        )

    def _word_rows(self, letters: str) -> Ids:
        return rows_of_words(letters, self.options.ngram_words, self.options.ngram_rows)

    def _letter_rows(self, letters: str) -> Ids:
        return rows_of_letters(letters, self.options.ngram_letters, self.options.ngram_rows)


def _row(value: TextValue | None) -> Ids:
    """Ids of a value, its hidden bytes as [MASK]; none where it is absent."""
    if value is None:
        return row_of_texts(TOKENIZER)[:0]
    texts = value.present
    row, begin = row_of_texts(TOKENIZER, *texts), 1
    for text, hidden in zip(texts, value.hidden or ((),) * len(texts), strict=True):
        row[[begin + index for index in hidden]] = cast("int", TOKENIZER.mask_token_id)
        begin += len(text) + 1
    return row
