"""What is learned of the attributes of entities: which are names and which numbers, the names, and the numbers' scale."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Self

import numpy as np

from perceivers.data.columns import why_index_of_groups
from perceivers.data.known_names import known_names
from perceivers.data.numbers import Decimal, is_missing_word, looks_like_number, number_of
from perceivers.data.words import listed
from perceivers.errors import ConfigurationError, DataError
from perceivers.kinds.entities.options import EntityOptions
from perceivers.kinds.entities.reading import Entities, Entity
from perceivers.modalities.ids import MISSING, NUM_RESERVED, UNKNOWN

# Standard deviations from the mean: more tells nothing, and squares of much more are no float32.
FURTHEST = 1_000.0
# Attributes that usually say what an entity is.
USUAL_TYPES = ("type", "unit_type", "kind", "class", "name")


@dataclass(frozen=True)
class Attributes:
    """The columns that entities become: ids of names, the type first, then numbers.

    Args:
        type_name: attribute that is the type; None where entities have none.
        names: attribute -> its known names, in the order of their ids; the type is the first.
        numbers: attribute -> mean and standard deviation of the training entities.
        decimal: how these write numbers, see `perceivers.data.numbers.number_of`; others are read by `require` first.
        left_out: attribute that only counts or names the entities -> why; known where they were learned.
    """

    type_name: str | None
    names: Mapping[str, tuple[str, ...]]
    numbers: Mapping[str, tuple[float, float]]
    decimal: Decimal = "point"
    left_out: Mapping[str, str] = field(default_factory=dict, compare=False)

    @classmethod
    def of(
        cls, sets: Sequence[Entities], options: EntityOptions, column: str, decimal: Decimal = "point"
    ) -> Self:
        """Learn from training sets.

        An attribute whose known values are all numbers, or texts of numbers, is a number; all else is a name. The type is
        always a name. One that only counts the entities, or names each of them, is left out unless it is asked for.

        Raises:
            ConfigurationError: an attribute that is asked for is absent.
            DataError: no attribute is left, or a number cannot be read.
        """
        values: dict[str, list[Any]] = {}
        for entities in sets:
            for entity in entities:
                for name, value in entity.items():
                    values.setdefault(name, []).append(value)
        for argument, wanted in (
            ("type_attribute", [options.type_attribute] if options.type_attribute else []),
            ("name_attributes", list(options.name_attributes)),
        ):
            if absent := [name for name in wanted if name not in values]:
                raise ConfigurationError(
                    f"`{argument}` must name attributes of the entities in the column {column!r}, which have "
                    f"{', '.join(sorted(values)) or 'none'}; received {absent[0]!r}"
                )
        asked = {options.type_attribute, *options.name_attributes}
        left_out = {
            name: why
            for name in values
            if name not in asked and (why := _why_no_attribute(name, sets)) is not None
        }
        if values and len(left_out) == len(values):
            raise DataError(
                f"the entities of the column {column!r} must have an attribute that says what they are, received only "
                f"{_with_reasons(left_out)}"
            )
        values = {name: known for name, known in values.items() if name not in left_out}
        type_name = options.type_attribute or next((name for name in USUAL_TYPES if name in values), None)
        always = {type_name, *options.name_attributes}
        numbers = {
            name: _scale(known, name, decimal)
            for name, known in sorted(values.items())
            if name not in always and _are_numbers(known)
        }
        others = sorted(name for name in values if name not in numbers and name != type_name)
        own = [] if type_name is None else [type_name]
        names = {name: _vocabulary(sets, name, options.name_sets) for name in (*own, *others)}
        return cls(type_name, names, numbers, decimal, left_out)

    @property
    def cardinalities(self) -> list[int]:
        """Known names of each attribute that is one, the type first: of entities without a type it has none."""
        return [*([] if self.type_name is not None else [0]), *(len(known) for known in self.names.values())]

    @property
    def num_columns(self) -> int:
        """Numbers that the model is given of an entity."""
        return len(self.cardinalities) + len(self.numbers)

    def require(self, entities: Entities, decimal: Decimal) -> Entities:
        """The entities with numbers as floats; a DataError where what must be a number is none."""
        found = []
        for place, entity in enumerate(entities, start=1):
            values = dict(entity)
            for name in self.numbers.keys() & values.keys():
                try:
                    number = number_of(values.pop(name), decimal)
                except DataError as error:
                    raise DataError(f"the attribute {name!r} of entity {place}: {error}") from None
                if number is not None:
                    values[name] = number
            found.append(values)
        return tuple(found)

    def array(self, entities: Entities) -> np.ndarray:
        """Float32 [num_entities, num_columns]: ids, then standardised numbers, NaN where one is missing.

        A number further from the mean than a thousand deviations counts as if it were there.
        """
        table = np.full((len(entities), self.num_columns), np.nan, dtype=np.float64)
        first = len(self.cardinalities)
        table[:, :first] = MISSING
        start = first - len(self.names)
        for column, (name, known) in enumerate(self.names.items(), start=start):
            ids = known_names(known)
            for row, entity in enumerate(entities):
                if name in entity:
                    found = ids.find(name_of(entity[name]))
                    table[row, column] = UNKNOWN if found is None else found + NUM_RESERVED
        for column, (name, (mean, deviation)) in enumerate(self.numbers.items(), start=first):
            for row, entity in enumerate(entities):
                if name in entity:
                    value = entity[name]
                    number = number_of(value, self.decimal) if isinstance(value, str) else value
                    table[row, column] = np.nan if number is None else (number - mean) / deviation
        table[:, first:] = np.clip(table[:, first:], -FURTHEST, FURTHEST)
        return table.astype(np.float32)

    def words(self, entity: Entity) -> str:
        """An entity in a line: its type, then the other attributes."""
        own = [] if self.type_name is None else [name_of(entity.get(self.type_name, "?"))]
        others = [
            f"{name} {value:g}" if isinstance(value, float) else f"{name} {name_of(value)}"
            for name, value in entity.items()
            if name != self.type_name and (name in self.names or name in self.numbers)
        ]
        return ", ".join([*own, *others])

    def note(self) -> str:
        """Which attributes are used, and which are not."""
        said = f"told by {listed([*self.names, *self.numbers])}"
        if not self.left_out:
            return said
        return (
            f"{said}; left out: {_with_reasons(self.left_out)}; `--name-attributes NAMES` takes it as a name"
        )

    def state(self) -> dict[str, Any]:
        """For a JSON file."""
        return {
            "type": self.type_name,
            "names": {name: list(known) for name, known in self.names.items()},
            "numbers": {name: list(scale) for name, scale in self.numbers.items()},
            **({} if self.decimal == "point" else {"decimal": self.decimal}),
        }

    @classmethod
    def of_state(cls, state: Mapping[str, Any]) -> Self:
        """What `state` gave."""
        return cls(
            state["type"],
            {name: tuple(known) for name, known in state["names"].items()},
            {name: (float(mean), float(deviation)) for name, (mean, deviation) in state["numbers"].items()},
            state.get("decimal", "point"),
        )


def name_of(value: Any) -> str:
    """A value as a name: whole numbers without a fraction, so that 48 and 48.0 are one type."""
    whole = isinstance(value, float) and value.is_integer()
    return str(int(value)) if whole else str(value)


def _why_no_attribute(name: str, sets: Sequence[Entities]) -> str | None:
    groups = [[entity[name] for entity in entities if name in entity] for entities in sets]
    return why_index_of_groups(name, groups, ("entity", "entities"))


def _with_reasons(left_out: Mapping[str, str]) -> str:
    return listed([f"{name} ({why})" for name, why in left_out.items()])


def _are_numbers(values: Sequence[Any]) -> bool:
    known = [value for value in values if not is_missing_word(value)]
    return bool(known) and all(map(looks_like_number, known))


def _scale(values: Sequence[Any], name: str, decimal: Decimal) -> tuple[float, float]:
    """Mean and standard deviation of the numbers among these; 1 for numbers that are all alike."""
    try:
        known = [number_of(value, decimal, may_be_infinite=True) for value in values]
    except DataError as error:
        raise DataError(f"the attribute {name!r} of an entity: {error}") from None
    numbers = np.array([number for number in known if number is not None], dtype=np.float64)
    # An infinite one is refused where its set is read.
    numbers = numbers[np.isfinite(numbers)] if np.isfinite(numbers).any() else np.zeros(1)
    deviation = float(numbers.std())
    return float(numbers.mean()), deviation if deviation > 0 and math.isfinite(deviation) else 1.0


def _vocabulary(sets: Sequence[Entities], name: str, fewest: int) -> tuple[str, ...]:
    """The names that come in enough sets, the most frequent first."""
    counts = Counter(
        text for entities in sets for text in {name_of(entity[name]) for entity in entities if name in entity}
    )
    often = [text for text, count in counts.items() if count >= fewest]
    return tuple(sorted(often, key=lambda text: (-counts[text], text)))
