"""Samples decoded from the rows of a table when they are asked for, and their division into parts."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from typing import Any

from perceivers.arguments.data import DataArguments
from perceivers.data.division import column_of_groups, doubts, groups_of_stream, held_out, rows_of
from perceivers.data.groups import groups_of
from perceivers.data.known_names import is_whole, known_names
from perceivers.data.shared_lines import SharedLines
from perceivers.data.splits import Splits
from perceivers.data.tables import StreamTable, Table, require_columns
from perceivers.errors import DataError

# From a row and its table (for relative paths) to a sample; raises DataError for a row that cannot be used.
Decode = Callable[[Mapping[str, Any], Any], Any]


@dataclass(frozen=True)
class RowSamples:
    """Some rows of a table as samples.

    Args:
        table: the rows.
        indices: which of them, in order.
        decode: see Decode; picklable, so that worker processes can have it.
        held: samples that were read before, by row; None keeps none.
    """

    table: Table
    indices: Sequence[int]
    decode: Decode
    held: dict[int, Any] | None = None

    def __len__(self) -> int:
        """Count the samples."""
        return len(self.indices)

    def __getitem__(self, index: int) -> Any:
        """Read and decode the sample at `index`; a DataError names the row."""
        row = self.indices[index]
        if self.held is not None and row in self.held:
            return self.held[row]
        sample = decode_row(self.decode, self.table, self.table[row], self.table.name(row))
        if self.held is not None:
            self.held[row] = sample
        return sample

    def name(self, index: int) -> str:
        """What the sample at `index` is called."""
        return self.table.name(self.indices[index])

    def select(self, indices: Sequence[int]) -> RowSamples:
        """Give the samples at `indices`, in that order."""
        return replace(self, indices=[self.indices[index] for index in indices])


@dataclass
class StreamSamples:
    """Samples of a stream, one after the other.

    Args:
        table: the rows.
        decode: see Decode.
        skips_unreadable: leave out rows that cannot be used, and note them in `left_out`.
        left_out: lines of all processes that read the stream.
    """

    table: StreamTable
    decode: Decode
    skips_unreadable: bool = False
    left_out: SharedLines = field(default_factory=SharedLines)

    @property
    def unreadable(self) -> list[str]:
        """One line for each row that was left out, whichever process has read it."""
        return [*self.table.left_out, *self.left_out.read()]

    def samples(self, epoch: int, share: int = 0, shares: int = 1) -> Iterator[tuple[int, Any]]:
        """Pass over the stream: number of the row in this pass, from 0, and its sample.

        Args:
            epoch: decides about the order.
            share: which of every `shares` rows are read, from 0; the others are another process's.
            shares: number of processes that share the rows out among them.
        """
        for number, row in enumerate(self.table.rows(epoch)):
            if number % shares != share:
                continue
            try:
                yield number, decode_row(self.decode, self.table, row, self.name(number))
            except DataError as error:
                if not self.skips_unreadable:
                    raise
                self.left_out.add(str(error))

    def name(self, index: int) -> str:
        """What the row with this number is called; numbers count in the order of reading."""
        return self.table.name(index)


def decode_row(decode: Decode, table: Table | StreamTable, row: Mapping[str, Any], name: str) -> Any:
    """Decode one row; a DataError begins with the row's name."""
    try:
        return decode(row, table)
    except DataError as error:
        message = str(error)
        raise DataError(message if name in message else f"`{name}`: {message}") from error


def load_splits(
    arguments: DataArguments,
    tables: Mapping[str, Table | StreamTable],
    decode: Decode,
    *,
    labels: str | None = None,
    groups: str | None = None,
    class_names: Sequence[str] = (),
    hold: bool = False,
    labels_are_numbers: bool = False,
) -> Splits:
    """Divide tables into the three parts and look whether their rows can be read.

    Args:
        arguments: fractions, seed, groups, what is done about unreadable rows.
        tables: what `open_tables` gave.
        decode: see Decode.
        labels: column whose values each part has the same share of.
        groups: column whose equal values stay in one part, where the user named none; it goes before `labels`.
        class_names: handed on.
        labels_are_numbers: whether each part has the same share of small and of large `labels` instead of each value.
        hold: keep every sample in memory once it was read, for samples that are small.

    Raises:
        DataError: a column is absent, or a row cannot be read and `arguments.unreadable` is not "skip" or "trust".
    """
    problems: list[str] = []
    parts: dict[str, Any] = {}
    for part, table in tables.items():
        if part != "train" and labels is not None and labels not in table.columns:
            raise DataError(
                f"`{table.source}` has no column {labels!r}, unlike the training part: rows without answers are for predict; "
                f"give others as `{part}_data`, or the training table alone as `data`, of which a share is held out"
            )
        require_columns(table, *(name for name in (labels,) if name is not None))
        if isinstance(table, StreamTable):
            parts[part] = StreamSamples(table, decode, arguments.unreadable == "skip")
            continue
        problems.extend(table.left_out)
        samples = RowSamples(table, range(len(table)), decode, {} if hold else None)
        if arguments.unreadable != "trust":
            found = find_unreadable(samples)
            if found and arguments.unreadable != "skip":
                more = f" (and {len(found) - 1} more)" if len(found) > 1 else ""
                raise DataError(
                    f"{next(iter(found.values()))}{more}; mend it, remove it, or leave it out with --unreadable skip"
                )
            problems.extend(found.values())
            samples = samples.select([index for index in range(len(samples)) if index not in found])
        parts[part] = samples
    groups, pattern = column_of_groups(arguments, groups), arguments.group_pattern
    for part, share in (("test", arguments.test_fraction), ("validation", arguments.validation_fraction)):
        if part in parts:
            continue
        train = parts["train"]
        if isinstance(train, StreamSamples):
            if part == "test":
                raise DataError(
                    f"`test_data` must be given with `streaming`: `{train.table.source}` is a stream, which cannot be "
                    "divided, and there is no test part beside it that has answers"
                )
            parts[part] = ()
            continue
        kept, held = held_out(
            train.table,
            train.indices,
            share,
            arguments.split_seed,
            labels=labels,
            labels_are_numbers=labels_are_numbers,
            groups=None if groups is None and pattern is None else groups_of(train.table, groups, pattern),
        )
        parts["train"], parts[part] = train.select(kept), train.select(held)
    rows = {part: own for part, samples in parts.items() if (own := rows_of(samples)) is not None}
    notes = [note for table in tables.values() for note in table.notes]
    if isinstance(parts["train"], StreamSamples):
        notes += groups_of_stream(parts["train"].table, arguments)
    if "train" in rows:
        notes += doubts(rows, labels=labels, arguments=arguments, usual_groups=groups)
    return Splits(
        parts["train"],
        parts["validation"],
        parts["test"],
        tuple(class_names),
        tuple(problems),
        tuple(dict.fromkeys(notes)),
    )


def find_unreadable(samples: RowSamples) -> dict[int, str]:
    """Read every sample once; give the reason for each that cannot be read, by index."""

    def reason(index: int) -> str | None:
        try:
            samples[index]
        except DataError as error:
            return str(error)
        return None

    with ThreadPoolExecutor() as pool:
        reasons = pool.map(reason, range(len(samples)))
        return {index: text for index, text in enumerate(reasons) if text is not None}


def names_of_classes(table: Table | StreamTable, column: str) -> tuple[str, ...]:
    """The different values of a column as names, in order: whole numbers by size, all else by letter.

    Raises:
        DataError: there are fewer than two, or a row has none.
    """
    require_columns(table, column)
    values = table.column(column)
    for index, value in enumerate(values):
        if value is None or value == "":
            raise DataError(f"`{table.name(index)}` has no value in the column {column!r}")
    names = {str(value) for value in values}
    if len(names) < 2:
        raise DataError(f"`{table.source}` must hold two classes or more, received only {names.pop()!r}")
    return tuple(in_natural_order(names))


def in_natural_order(names: Iterable[str]) -> list[str]:
    """Names in order: whole numbers by size, all else by letter."""
    return sorted(names, key=lambda name: (0, int(name), "") if is_whole(name) else (1, 0, name))


def class_id(value: Any, class_names: Sequence[str], column: str) -> int:
    """Index of a row's class; a DataError for one that the model does not know.

    Its form may be another one, see `KnownNames`.
    """
    found = known_names(tuple(class_names)).find(value)
    if found is None:
        raise DataError(
            f"has the class {str(value)!r} in the column {column!r}, which is not one of {_some(class_names)}"
        )
    return found


def _some(names: Sequence[str]) -> str:
    return ", ".join(names) if len(names) <= 20 else f"{', '.join(names[:20])} and {len(names) - 20} more"
