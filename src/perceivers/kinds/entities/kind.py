"""Sets of entities: one column of them is one modality."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np

from perceivers.data.evenly import evenly_spread
from perceivers.data.numbers import Decimal
from perceivers.data.some_cells import MOST_LISTS, SomeCells
from perceivers.errors import DataError
from perceivers.kinds.asked import Field, Sent, stored
from perceivers.kinds.base import MOSTLY, NOTHING_CHOSEN, Kind, ModalityInput, counted, is_empty
from perceivers.kinds.entities.attributes import Attributes
from perceivers.kinds.entities.options import EntityOptions
from perceivers.kinds.entities.reading import ENTITY_SUFFIXES, Entities, decode_entities, read_entities
from perceivers.kinds.shading import shaded
from perceivers.rivals.simple import SimpleForm

if TYPE_CHECKING:
    from torch import Tensor

# Training sets that names and numbers are learned from.
LEARNED_FROM = 2_000
# Entities of a page's list: those that were looked at most.
MOST_SHOWN = 24


@dataclass(frozen=True)
class EntitiesKind(Kind):
    """Sets of typed entities with attributes. A value is a tuple of mappings, attribute -> number or name.

    Args:
        attributes: what is known of them; None before `settle`.
        decimal: how numbers are written in the training sets, see `perceivers.data.numbers.number_of`.
    """

    attributes: Attributes | None = None
    decimal: Decimal = "point"

    name: ClassVar[str] = "entities"
    options_class: ClassVar[type[Any]] = EntityOptions
    suffixes: ClassVar[tuple[str, ...]] = ENTITY_SUFFIXES
    usual_columns: ClassVar[tuple[str, ...]] = ("entities", "units", "agents", "objects", "items")
    simple_form: ClassVar[SimpleForm | None] = SimpleForm("vector", "linear on counts and means")
    settles_on: ClassVar[int | None] = LEARNED_FROM
    tells_learned: ClassVar[bool] = True

    @classmethod
    def guess(cls, name: str, cells: Sequence[Any]) -> float:
        """See Kind; files, which may hold anything, are entities where the column's name says so."""
        wanted = MOSTLY * len(cells)
        if sum(map(_holds_objects, cells)) >= wanted and any(map(_is_filled, cells)):
            return 0.97
        if name.lower() not in cls.usual_columns:
            return 0.0
        endings = [PurePath(cell).suffix.lower() if isinstance(cell, str) else "" for cell in cells]
        return 0.98 if sum(ending in ENTITY_SUFFIXES for ending in endings) >= wanted else 0.0

    @classmethod
    def number_texts(cls, column: SomeCells, table: Any) -> Sequence[SomeCells]:
        """See Kind; each attribute is as a column of its own. Sets that cannot be read are told with their rows."""
        found: dict[str, tuple[list[Any], list[str]]] = {}
        few = evenly_spread(list(zip(column.cells, column.rows, strict=True)), MOST_LISTS)
        for cell, row in few:
            for entity in _entities_or_none(cell, table):
                for name, value in entity.items():
                    cells, rows = found.setdefault(name, ([], []))
                    cells.append(value)
                    rows.append(row)
        return [SomeCells(f"{column.name}.{name}", *own) for name, own in found.items()]

    @classmethod
    def advise(
        cls,
        cells: Sequence[Any],
        table: Any,
        num_rows: int,
        hidden: float,
        chosen: Mapping[str, Any] = NOTHING_CHOSEN,
    ) -> EntityOptions:
        """See Kind."""
        return EntityOptions(attribute_hidden=hidden)

    @property
    def num_tokens(self) -> int:
        """See Kind."""
        return int(self.options.max_entities)

    def described(self) -> str:
        """See Kind."""
        known = self.attributes
        sets = f"up to {counted(self.num_tokens, 'entity', 'entities')}"
        if known is None:
            return f"{sets}, a token each"
        types = f" of {counted(len(known.names[known.type_name]), 'type')}" if known.type_name else ""
        others = counted(len(known.names) - bool(known.type_name), "name")
        return f"{sets}{types}, by {others} and {counted(len(known.numbers), 'number')}, a token each"

    def read(self, row: Mapping[str, Any], columns: Sequence[str], table: Any) -> Entities | None:
        """See Kind; the first `max_entities`."""
        cell = row.get(columns[0])
        if is_empty(cell):
            return None
        entities = read_entities(cell, getattr(table, "root", None))[: self.options.max_entities]
        if self.attributes is None:
            return entities
        return self.attributes.require(entities, getattr(table, "decimal", "point"))

    def is_cut(self, row: Mapping[str, Any], columns: Sequence[str], table: Any) -> bool:
        """See Kind."""
        cell = row.get(columns[0])
        most = self.options.max_entities
        return not is_empty(cell) and len(read_entities(cell, getattr(table, "root", None))) > most

    def survey(self, table: Any, columns: Sequence[str]) -> Self:
        """See Kind."""
        return dataclasses.replace(self, decimal=getattr(table, "decimal", "point"))

    def settle(self, values: Sequence[Entities], columns: Sequence[str]) -> Self:
        """Tell names from numbers, list the names, and measure the numbers."""
        return dataclasses.replace(
            self, attributes=Attributes.of(values, self.options, columns[0], self.decimal)
        )

    def learned(self) -> str:
        """See Kind."""
        return "" if self.attributes is None else self.attributes.note()

    def simplified(self, row: Mapping[str, Any], columns: Sequence[str], table: Any) -> np.ndarray | None:
        """How many entities have each name, how many there are, and the means of their numbers, float32."""
        value = self.read(row, columns, table)
        if value is None:
            return None
        known = self._known()
        array, first = known.array(value), len(known.cardinalities)
        counts = [
            np.bincount(array[:, column].astype(int), minlength=2 + size)
            for column, size in enumerate(known.cardinalities)
        ]
        there = np.isfinite(array[:, first:])
        sums = np.where(there, array[:, first:], 0.0).sum(axis=0)
        means = sums / np.maximum(there.sum(axis=0), 1)
        return np.concatenate([*counts, [len(array)], means]).astype(np.float32)

    def vary(self, value: Entities, generator: np.random.Generator) -> Entities:
        """Leave out some of the entities, and hide some of their attributes."""
        chosen = self.options
        if chosen.entity_drop and value:
            stay = generator.random(len(value)) >= generator.uniform(0.0, chosen.entity_drop)
            stay[int(generator.integers(len(value)))] = True
            value = tuple(entity for entity, stays in zip(value, stay.tolist(), strict=True) if stays)
        if chosen.attribute_hidden:
            value = tuple(
                {name: each for name, each in entity.items() if generator.random() >= chosen.attribute_hidden}
                for entity in value
            )
        return value

    def lesser(self, value: Entities) -> list[Entities]:
        """See Kind: the first half of them."""
        return [value[: (len(value) + 1) // 2]]

    def arrays(self, values: Sequence[Entities | None]) -> dict[str, ModalityInput]:
        """Entities [batch, num_entities, num_columns], 0 where there is none, and the mask over them."""
        known = self._known()
        sets = [known.array(value or ()) for value in values]
        batch = np.zeros((len(sets), max(1, *map(len, sets)), known.num_columns), dtype=np.float32)
        mask = np.zeros(batch.shape[:2], dtype=bool)
        for row, entities in enumerate(sets):
            batch[row, : len(entities)] = entities
            mask[row, : len(entities)] = True
        return {"": ModalityInput(batch, None if bool(mask.all()) else mask)}

    def modalities(self) -> dict[str, dict[str, Any]]:
        """See Kind."""
        known, chosen = self._known(), self.options
        waves = {"num_frequencies": chosen.number_waves, "sigma": chosen.wave_sigma}
        return {
            "": {
                "type": "entities",
                "cardinalities": known.cardinalities,
                "num_numbers": len(known.numbers),
                **(waves if known.numbers and chosen.number_waves else {"num_frequencies": 0}),
            }
        }

    def state(self) -> dict[str, Any]:
        """See Kind."""
        return {} if self.attributes is None else self.attributes.state()

    def with_state(self, state: Mapping[str, Any]) -> Self:
        """See Kind."""
        return dataclasses.replace(self, attributes=Attributes.of_state(state)) if state else self

    def show(
        self, value: Entities | None, weights: Mapping[str, Tensor], grids: Mapping[str, tuple[int, ...]]
    ) -> list[tuple[str, float]] | None:
        """The entities in words, those that the answer looked at most first, each with its share of the heaviest weight."""
        if value is None:
            return None
        known = self._known()
        weight = weights[""][: len(value)].tolist()
        heaviest = max(weight, default=0.0) or 1.0
        order = sorted(range(len(value)), key=lambda index: -weight[index])
        return [(known.words(value[index]), weight[index] / heaviest) for index in order]

    def html(self, shown: list[tuple[str, float]] | None, columns: Sequence[str]) -> str:
        """See Kind."""
        if shown is None:
            return ""
        lines = "".join(f"<li>{shaded(text, share)}</li>\n" for text, share in shown[:MOST_SHOWN])
        more = len(shown) - MOST_SHOWN
        rest = (
            f"<p>and {counted(more, 'entity', 'entities')} that it looked at less</p>\n" if more > 0 else ""
        )
        return f"<ol>\n{lines}</ol>\n{rest}"

    def fields(self, columns: Sequence[str]) -> tuple[Field, ...]:
        """See AskedKind."""
        hint = f"entities ({', '.join(ENTITY_SUFFIXES)})"
        return tuple(Field(column, self.name, "file", hint, self.suffixes) for column in columns)

    def content(self, cell: Any, folder: Path) -> Any:
        """See AskedKind; a list of entities may be JSON text."""
        if isinstance(cell, Sent):
            return stored(cell, folder, ENTITY_SUFFIXES)
        if isinstance(cell, str) and cell.lstrip().startswith("["):
            return decode_entities(cell)
        return super().content(cell, folder)

    def _known(self) -> Attributes:
        if self.attributes is None:
            raise DataError("nothing is known of the entities' attributes yet: settle on training sets first")
        return self.attributes


def _entities_or_none(cell: Any, table: Any) -> Entities:
    try:
        return () if is_empty(cell) else read_entities(cell, getattr(table, "root", None))
    except DataError:
        return ()


def _holds_objects(cell: Any) -> bool:
    """Whether a cell is a list of objects, or the same as JSON text; a list of none may be one."""
    if isinstance(cell, str):
        beginning = "".join(cell[:40].split())
        return beginning.startswith("[{") or beginning == "[]"
    if isinstance(cell, np.ndarray):
        cell = cell.tolist()
    return isinstance(cell, list | tuple) and all(isinstance(each, Mapping) for each in cell[:3])


def _is_filled(cell: Any) -> bool:
    return "{" in cell if isinstance(cell, str) else len(cell) > 0
