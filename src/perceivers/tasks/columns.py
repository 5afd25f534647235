"""Which columns of a table are read as what, and what is asked for: everything between rows and a model's tensors."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from perceivers.answers.base import Answer
from perceivers.checkpoints.locating import CONFIG_NAME
from perceivers.data.kept import KeptValues
from perceivers.errors import CheckpointError, DataError
from perceivers.kinds.base import ModalityInput
from perceivers.tasks.inputs import Input, Sample
from perceivers.tasks.saved_columns import FILE, read_columns, write_columns

if TYPE_CHECKING:
    import numpy as np
    from torch import Tensor

    from perceivers.configuration import PerceiverConfig


@dataclass(frozen=True)
class Columns:
    """Inputs and answers: rows to samples, samples to a batch, and the parts of a model's configuration that follow.

    Args:
        inputs: what is read.
        answers: what is asked for, by the name that the model has for it.
    """

    inputs: tuple[Input, ...]
    answers: Mapping[str, Answer]

    def surveyed(self, train: Any) -> Self:
        """These columns with what the first rows of a training table tell of each kind."""
        inputs = tuple(
            dataclasses.replace(each, kind=each.kind.survey(train, each.columns)) for each in self.inputs
        )
        return dataclasses.replace(self, inputs=inputs)

    def with_strays(self, taken: Mapping[str, frozenset[str]]) -> Self:
        """These columns with the texts of training cells that were taken for missing, by column."""
        inputs = (
            dataclasses.replace(
                each, strays={column: taken[column] for column in each.columns if column in taken}
            )
            for each in self.inputs
        )
        return dataclasses.replace(self, inputs=tuple(inputs))

    def read(self, row: Mapping[str, Any], table: Any, kept: KeptValues | None = None) -> Sample:
        """A row as a sample; an answer's column may be absent.

        Args:
            row: cells by column.
            table: what the row is from.
            kept: see `Input.read`.
        """
        values = tuple(self._value(each, row, table, kept) for each in self.inputs)
        targets = tuple(
            each.target(row[each.column]) if each.column in row and each.asks(row) else None
            for each in self.answers.values()
        )
        return Sample(values, targets)

    def require_members(self, sample: Sample) -> None:
        """Raise DataError where a target is none of the members of the sample's own set."""
        for answer, target in zip(self.answers.values(), sample.targets, strict=True):
            if not answer.members_of or target is None:
                continue
            for each, value in zip(self.inputs, sample.values, strict=True):
                if answer.members_of == each.modality(""):
                    answer.require_among(target, value)

    def _value(self, each: Input, row: Mapping[str, Any], table: Any, kept: KeptValues | None) -> Any:
        try:
            return each.read(row, table, kept)
        except DataError as error:
            if len(self.inputs) == 1 or any(repr(column) in str(error) for column in each.columns):
                raise
            raise DataError(f"in the column {', '.join(each.columns)!r}: {error}") from error

    def trusting(self) -> Self:
        """The same for rows that are not looked through first; see Kind."""
        inputs = (dataclasses.replace(each, kind=each.kind.trusting()) for each in self.inputs)
        return dataclasses.replace(self, inputs=tuple(inputs))

    @property
    def varies(self) -> bool:
        """Whether `vary` may change a sample."""
        return any(each.kind.varies for each in self.inputs)

    def vary(self, sample: Sample, generator: np.random.Generator) -> Sample:
        """Change the values of a training sample at random."""
        values = tuple(
            None if value is None else each.kind.vary(value, generator)
            for each, value in zip(self.inputs, sample.values, strict=True)
        )
        return dataclasses.replace(sample, values=values)

    def views(self, sample: Sample) -> list[Sample]:
        """What is looked at of a sample that is measured; an input of one view is the same in all."""
        views = [
            [None] if value is None else each.kind.views(value)
            for each, value in zip(self.inputs, sample.values, strict=True)
        ]
        count = max(map(len, views))
        return [
            dataclasses.replace(sample, values=tuple(own[index % len(own)] for own in views))
            for index in range(count)
        ]

    def tensors(self, values: Sequence[Sequence[Any]]) -> dict[str, ModalityInput]:
        """What the model takes of some samples' values, by modality."""
        found: dict[str, ModalityInput] = {}
        for place, each in enumerate(self.inputs):
            with each.telling():
                own = each.kind.tensors([some[place] for some in values])
            found.update((each.modality(name), given) for name, given in own.items())
        return found

    def arrays(self, values: Sequence[Sequence[Any]]) -> dict[str, ModalityInput]:
        """The same as NumPy arrays, for models that are asked without torch."""
        found: dict[str, ModalityInput] = {}
        for place, each in enumerate(self.inputs):
            with each.telling():
                own = each.kind.arrays([some[place] for some in values])
            found.update((each.modality(name), given) for name, given in own.items())
        return found

    def targets(self, samples: Sequence[Sample]) -> dict[str, Tensor]:
        """Targets of a batch by answer."""
        return {
            name: answer.stack([sample.targets[place] for sample in samples])
            for place, (name, answer) in enumerate(self.answers.items())
        }

    def exact_targets(self, samples: Sequence[Sample]) -> dict[str, Tensor]:
        """The same for measures, of answers that learn rounded ones; see `perceivers.answers.base.Answer.exact`."""
        found = {
            name: answer.exact([sample.targets[place] for sample in samples])
            for place, (name, answer) in enumerate(self.answers.items())
        }
        return {name: exact for name, exact in found.items() if exact is not None}

    def augment(self, inputs: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Change the values of a whole training batch at random."""
        changed = dict(inputs)
        for each in self.inputs:
            own = each.modality_names
            present = {name: changed[full] for name, full in own.items() if full in changed}
            changed.update((own[name], value) for name, value in each.kind.augment(present).items())
        return changed

    @property
    def asks_for_numbers(self) -> bool:
        """Whether an answer is a number."""
        return any(answer.is_quantity for answer in self.answers.values())

    def modalities(self) -> dict[str, dict[str, Any]]:
        """`config.modalities`."""
        return {
            each.modality(name): dict(description)
            for each in self.inputs
            for name, description in each.kind.modalities().items()
        }

    def require_of(self, config: PerceiverConfig, folder: Path) -> None:
        """Raise CheckpointError where a folder holds these columns beside a model of others: damaged, or of two runs."""
        for name, here, there in (
            ("modalities", _kept(self.modalities()), _kept(config.modalities)),
            ("answers", _kept(self.heads()), _kept(config.answers)),
        ):
            if there and here != there:
                raise CheckpointError(
                    f"`{folder / FILE}` and `{folder / CONFIG_NAME}` must be of one run, received other {name}: "
                    f"{', '.join(here)} and {', '.join(there)}"
                )

    def heads(self) -> dict[str, dict[str, Any]]:
        """`config.answers`."""
        return {name: answer.head() for name, answer in self.answers.items()}

    @property
    def columns_read(self) -> tuple[str, ...]:
        """All columns that inputs read, each once."""
        return tuple(dict.fromkeys(column for each in self.inputs for column in each.columns))

    @property
    def columns_asked(self) -> tuple[str, ...]:
        """The answers' columns, and those that say which rows are asked, each once."""
        return tuple(
            dict.fromkeys(
                name for answer in self.answers.values() for name in (answer.column, *answer.where[:1])
            )
        )

    @property
    def light_columns(self) -> tuple[str, ...]:
        """Columns whose cells are small: those of light kinds, and the answers'."""
        light = [column for each in self.inputs if each.kind.is_light for column in each.columns]
        return tuple(dict.fromkeys([*light, *self.columns_asked]))

    def save_pretrained(self, folder: Path) -> None:
        """Write `columns.json` into `folder`, and beside it what others read the only input with."""
        if len(self.inputs) == 1:
            self.inputs[0].kind.save_pretrained(Path(folder))
        write_columns(self.inputs, self.answers, Path(folder))

    @classmethod
    def from_pretrained(cls, folder: Path) -> Self:
        """Read what `save_pretrained` wrote."""
        return cls(*read_columns(Path(folder)))


def _kept(described: Mapping[str, Mapping[str, Any]] | None) -> dict[str, tuple[Any, ...]]:
    """What no step changes between the columns and a finished model: what each is, and what its classes are called."""
    return {
        name: (
            each.get("type"),
            each.get("num_queries"),
            # JSON has made texts of the numbers.
            {str(index): label for index, label in (each.get("id2label") or {}).items()},
        )
        for name, each in (described or {}).items()
    }


def stack_inputs(given: Mapping[str, ModalityInput]) -> dict[str, dict[str, Tensor]]:
    """`inputs`, `attention_mask` and `pos` of a model of several modalities."""
    return {
        "inputs": {name: each.values for name, each in given.items()},
        "attention_mask": {name: each.mask for name, each in given.items() if each.mask is not None},
        "pos": {name: each.positions for name, each in given.items() if each.positions is not None},
    }
