"""Texts: one column, or two that are read as one text after the other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, cast

from torch import Tensor

from perceivers.errors import DataError
from perceivers.kinds.base import Kind, ModalityInput
from perceivers.kinds.text.augmentation import cropped, hidden_bytes
from perceivers.kinds.text.batches import Ids, padded_rows, require_room, row_of_texts, shortened
from perceivers.kinds.text.drawing import shaded_words
from perceivers.kinds.text.options import TextOptions
from perceivers.kinds.text.reading import TEXT_SUFFIXES, names_text_file, text_of
from perceivers.processors.tokenizer.byte_tokenizer import PerceiverTokenizer

if TYPE_CHECKING:
    import numpy as np

TOKENIZER = PerceiverTokenizer()


@dataclass(frozen=True)
class TextValue:
    """The texts of a row, as they are read.

    Args:
        texts: UTF-8, in the order of the columns; None where a cell is empty.
        hidden: for each text, the indices of bytes that are not to be seen.
        offset: empty positions before the first text.
    """

    texts: tuple[bytes | None, ...]
    hidden: tuple[tuple[int, ...], ...] = ()
    offset: int = 0

    @property
    def present(self) -> list[bytes]:
        """The texts that are there."""
        return [text for text in self.texts if text is not None]


@dataclass(frozen=True)
class TextKind(Kind):
    """Texts as bytes: [CLS] first [SEP], or [CLS] first [SEP] second [SEP]. A value is a TextValue."""

    name: ClassVar[str] = "text"
    options_class: ClassVar[type[Any]] = TextOptions
    suffixes: ClassVar[tuple[str, ...]] = TEXT_SUFFIXES
    usual_columns: ClassVar[tuple[str, ...]] = ("text", "sentence", "content", "description", "review")

    @classmethod
    def guess(cls, name: str, cells: Sequence[Any]) -> float:
        """See Kind; whatever else is written in letters is a text."""
        if not all(isinstance(cell, str) for cell in cells):
            return 0.0
        return 0.95 if all(map(names_text_file, cells)) else 0.5

    def read(self, row: Mapping[str, Any], columns: Sequence[str], table: Any) -> TextValue | None:
        """See Kind; a text that is too long is cut, or refused, as the options say."""
        texts = [text_of(row, column, table) for column in columns]
        present = [text for text in texts if text is not None]
        if not present:
            return None
        if texts[0] is None:
            raise DataError(f"has no text in the column {columns[0]!r}, but a second one")
        # [CLS], and a [SEP] behind each.
        room = self.options.max_length - self.options.random_offset - 1 - len(present)
        if self.options.truncate:
            present = shortened(present, room)
        require_room(present, room, self.options.max_length)
        kept = iter(present)
        return TextValue(tuple(None if text is None else next(kept) for text in texts))

    def vary(self, value: TextValue, generator: np.random.Generator) -> TextValue:
        """Read a part, hide words, begin elsewhere."""
        texts = cropped(value.present, self.options.crop, generator)
        hidden = tuple(hidden_bytes(text, self.options.hide, generator) for text in texts)
        offset = int(generator.integers(self.options.random_offset + 1))
        return TextValue(tuple(texts), hidden, offset)

    def tensors(self, values: Sequence[TextValue | None]) -> dict[str, ModalityInput]:
        """Ids, int64 [batch, length], and a mask that is False behind, and before, each text."""
        rows = [_row(value) for value in values]
        offsets = [0 if value is None else value.offset for value in values]
        return {"": ModalityInput(*padded_rows(TOKENIZER, rows, offsets))}

    def modalities(self) -> dict[str, dict[str, Any]]:
        """See Kind."""
        chosen = self.options
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
        """Write the tokenizer."""
        PerceiverTokenizer(model_max_length=self.options.max_length).save_pretrained(folder)

    def show(
        self, value: TextValue | None, weights: Mapping[str, Tensor], grids: Mapping[str, tuple[int, ...]]
    ) -> dict[str, Any] | None:
        """`texts`, and `looked_at`: the weight of each byte of each."""
        if value is None:
            return None
        looked_at, begin = [], 1  # behind [CLS]
        for text in value.present:
            looked_at.append(weights[""][begin : begin + len(text)].tolist())
            begin += len(text) + 1
        return {"texts": tuple(value.present), "looked_at": looked_at}

    def html(self, shown: Mapping[str, Any] | None, columns: Sequence[str]) -> str:
        """Each text, its words shaded."""
        if shown is None:
            return ""
        pairs = zip(shown["texts"], shown["looked_at"], strict=True)
        return "\n".join(f"<p>{shaded_words(text, weights)}</p>" for text, weights in pairs)


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
