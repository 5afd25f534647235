"""Which n-grams a model knows, and how much each counts in a text: much where it is often in the text and in few others.

    weight = (1 + ln(times in the text)) * (ln((1 + texts) / (1 + texts that have it)) + 1),

those of a text divided by the root of the sum of their squares.

Source: tf-idf with sublinear counts (Salton and Buckley 1988), smoothed as in scikit-learn.
"""

from __future__ import annotations

import base64
import zlib
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from perceivers.kinds.text.batches import Ids

Weights = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class NgramWeights:
    """What training texts tell of a table's rows.

    Args:
        num_texts: training texts.
        counts: int32 [num_rows], texts that fall into each known row; 0 of rows that are not known.
    """

    num_texts: int
    counts: NDArray[np.int32]

    @classmethod
    def of_texts(cls, texts: Iterable[Ids], num_rows: int, *, fewest: int, most: int) -> Self:
        """Count the texts of each row.

        Args:
            texts: the rows of each, in any order and as often as they come.
            num_rows: of the table.
            fewest: texts that must fall into a row, for it to be known.
            most: rows that are known, at most: where there are more, more texts must.
        """
        counts = np.zeros(num_rows, dtype=np.int32)
        num_texts = 0
        for rows in texts:
            counts[np.unique(rows)] += 1
            num_texts += 1
        found = np.sort(counts[counts >= fewest])[::-1]
        if len(found) > most:
            fewest = int(found[most]) + 1
        return cls(num_texts, np.where(counts >= fewest, counts, 0).astype(np.int32))

    @cached_property
    def num_known(self) -> int:
        """Rows that are known."""
        return int(self._is_known.sum())

    def weighted(self, rows: Ids) -> tuple[Ids, Weights]:
        """The known rows of a text.

        Args:
            rows: its rows, in any order and as often as they come.

        Returns:
            Their places among the known rows, int64 in [0, num_known), ascending, each once; their weights, of which the
            squares sum to 1.
        """
        found, times = np.unique(rows[self._is_known[rows]], return_counts=True)
        weights = (1.0 + np.log(times)) * self._rarity[found]
        return self._places[found], weights / max(float(np.sqrt(np.square(weights).sum())), 1e-12)

    def state(self) -> dict[str, Any]:
        """For a JSON file."""
        # As bytes in the order of small machines, whatever this one's; mostly zeros, which take no room.
        packed = zlib.compress(self.counts.astype("<i4").tobytes(), 9)
        return {"num_texts": self.num_texts, "counts": base64.b64encode(packed).decode("ascii")}

    @classmethod
    def of_state(cls, state: Any) -> Self:
        """What `state` gave."""
        counts = np.frombuffer(zlib.decompress(base64.b64decode(state["counts"])), dtype="<i4")
        return cls(int(state["num_texts"]), counts.astype(np.int32))

    @cached_property
    def _is_known(self) -> NDArray[np.bool_]:
        return self.counts > 0

    @cached_property
    def _places(self) -> Ids:
        return np.cumsum(self._is_known) - 1

    @cached_property
    def _rarity(self) -> Weights:
        rarity: Weights = np.log((1.0 + self.num_texts) / (1.0 + self.counts)) + 1.0
        return rarity
