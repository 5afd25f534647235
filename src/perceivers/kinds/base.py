"""The contract of a kind of data: from the cells of a table to what a model takes, and back to what people look at.

    cells --read--> value --vary--> value --tensors--> what the model takes

A kind knows nothing of what is asked. It is frozen: `settle` gives another one that has learned from training values.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar, Self

from perceivers.arguments.advice import Advice
from perceivers.errors import ConfigurationError
from perceivers.kinds.asked import AskedKind
from perceivers.kinds.forms import Forms, forms_meant, without_effect

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np
    from torch import Tensor

    from perceivers.configuration import PerceiverConfig
    from perceivers.data.known_names import KnownNames
    from perceivers.data.some_cells import SomeCells
    from perceivers.kinds.cards import CardLayout
    from perceivers.rivals.simple import SimpleForm

# Share of a column's cells that must look like a kind: a few others among many are faults of the table, not another kind.
MOSTLY = 0.98
# Of options that somebody may choose.
NOTHING_CHOSEN: Mapping[str, Any] = MappingProxyType({})


@dataclass(frozen=True)
class ModalityInput:
    """What a batch gives one modality of a model: tensors, or arrays where `Kind.arrays` gives it.

    Args:
        values: [batch, ...], as the modality's preprocessor takes them; anything where nothing counts.
        mask: bool [batch], True for samples that have the modality, or [batch, entries], True for entries that count, as the
            preprocessor takes it; None where everything counts.
        positions: [batch, num_tokens, axes], each sample's own; None for the preprocessor's.
    """

    values: Any
    mask: Any = None
    positions: Any = None

    def as_tensors(self) -> ModalityInput:
        """Arrays as tensors, which share their memory."""
        import torch

        given = (self.values, self.mask, self.positions)
        return ModalityInput(*(None if each is None else torch.from_numpy(each) for each in given))


@dataclass(frozen=True)
class Kind(AskedKind, ABC):
    """One kind of data. What it takes several columns of at once is one value; a value that is absent is None.

    Args:
        options: what a user may choose, an instance of `options_class`.
    """

    options: Any

    name: ClassVar[str]
    """As the command line writes it."""
    options_class: ClassVar[type[Any]]
    """Dataclass of `options`; nothing heavy is imported with it."""
    suffixes: ClassVar[tuple[str, ...]] = ()
    """Endings of the files that hold one value each, lower case with the dot; none where values are no files."""
    keys_of_a_cell: ClassVar[frozenset[str]] = frozenset()
    """Keys of a mapping that is a cell, as data sets of the hub have them; none where no mapping is one."""
    usual_columns: ClassVar[tuple[str, ...]] = ()
    """Names that a column of this kind usually has, the likeliest first."""
    belonging: ClassVar[Mapping[str, Sequence[str]]] = {}
    """Options that are chosen together: of an option, those that its choice brings along."""
    forms_of_input: ClassVar[Forms] = {}
    """Options that only some forms of the input have."""
    card: ClassVar[CardLayout | None] = None
    """How values of this kind are drawn with their answers; None where they are shown on a page instead."""
    simple_form: ClassVar[SimpleForm | None] = None
    """What a simple method can read of a value, see `simplified`; None where none of ours can."""
    tells_learned: ClassVar[bool] = False
    """Whether `described` or `learned` say something that `settle` has found."""
    answered_at_once: ClassVar[int] = 64
    """Values that lie in memory together, at most, when a trained model answers; fewer where each takes much room."""

    @classmethod
    def number_texts(cls, column: SomeCells, table: Any) -> Sequence[SomeCells]:
        """What is read as numbers in cells that may be texts: they tell which notation a table has.

        Args:
            column: some cells of a column of this kind.
            table: what they are from; relative paths belong to its `root`.
        """
        return ()

    @property
    def is_light(self) -> bool:
        """Whether values are so small that those of all rows are held in memory, and are few tokens."""
        return False

    @property
    def gathers(self) -> bool:
        """Whether all columns of this kind are one value: numbers and categories, of which there may be hundreds."""
        return False

    @property
    def several(self) -> str:
        """What columns of this kind are called together."""
        return f"{self.name}s"

    @property
    def is_linear(self) -> bool:
        """Whether tokens are linear maps of fixed features: a model may start as what these say by themselves."""
        return False

    @property
    def is_linear_first(self) -> bool:
        """Whether what tokens say by themselves is more than a network finds from nothing, however many rows there are."""
        return False

    @property
    def settles_on(self) -> int | None:
        """Training values that `settle` wants, evenly spread over the rows; None for all, 0 for none."""
        return 0

    @classmethod
    @abstractmethod
    def guess(cls, name: str, cells: Sequence[Any]) -> float:
        """How sure it is, in [0, 1], that a column holds this kind.

        Args:
            name: of the column.
            cells: some of its cells that are not empty, at least one.
        """

    @classmethod
    def advise(
        cls,
        cells: Sequence[Any],
        table: Any,
        num_rows: int,
        hidden: float,
        chosen: Mapping[str, Any] = NOTHING_CHOSEN,
    ) -> Any:
        """Options for a column of a mixed table where the user left them open: an instance of `options_class`.

        Args:
            cells: some of the column's cells that are not empty; of kinds that gather columns, those of the first.
            table: what they are from; relative paths belong to its `root`.
            num_rows: of the training table.
            hidden: share of the cells that are hidden while training, for kinds that can do without some.
            chosen: options that the user gave: cells are read by them, and what is advised goes together with them.
        """
        return cls.options_class()

    @classmethod
    def advise_alone(
        cls, cells: Sequence[Any], table: Any, num_rows: int, chosen: Mapping[str, Any] = NOTHING_CHOSEN
    ) -> Any:
        """The same for the only column that is read.

        Args:
            cells: some of the column's cells that are not empty.
            table: what they are from.
            num_rows: of the training table.
            chosen: see `advise`.
        """
        return cls.advise(cells, table, num_rows, 0.0, chosen)

    def learning(self, num_rows: int, num_classes: int | None = None) -> Advice:
        """The network and the loop for samples that are one value of this kind: `options` are complete, the values surveyed.

        Args:
            num_rows: training samples.
            num_classes: that are told apart; None where something else is answered.
        """
        return Advice()

    @classmethod
    def limits_of(cls, config: PerceiverConfig) -> dict[str, Any]:
        """The options that a checkpoint sets bounds to, at these bounds, where they are below the usual values."""
        return {}

    @classmethod
    def suiting(cls, chosen: Mapping[str, Any], advised: Mapping[str, Any]) -> dict[str, Any]:
        """What is advised of the options, without what belongs to another choice than the user's.

        Who gives an option that the advised form does not have means a form that has it.

        Args:
            chosen: options that the user gave.
            advised: options that are advised together.
        """
        meant = forms_meant(cls.forms_of_input, chosen, advised)
        chosen = {**chosen, **meant}
        others = {
            name
            for option, brought in cls.belonging.items()
            if option in chosen and option in advised and chosen[option] != advised[option]
            for name in brought
        } | without_effect(cls.forms_of_input, {**advised, **chosen})
        return {name: value for name, value in advised.items() if name not in others} | meant

    @property
    def num_tokens(self) -> int | None:
        """Inputs of the network that a value is, at most; None before that is known."""
        return None

    @property
    def columns_learned(self) -> int | None:
        """Number of columns that a settled kind has learned from; None where they do not matter to it."""
        return None

    def described(self) -> str:
        """What a value is to the model, in a few words, once settled: "64 x 64 pixels in colour as 64 tokens"."""
        return f"a {self.name}{as_tokens(self.num_tokens)}"

    def trusting(self) -> Self:
        """This kind for rows that are not looked through first: it believes what files say of themselves."""
        return self

    @abstractmethod
    def read(self, row: Mapping[str, Any], columns: Sequence[str], table: Any) -> Any:
        """The value of a row.

        Args:
            row: cells by column.
            columns: those that are read, in order.
            table: what the row is from; relative paths belong to its `root`.

        Returns:
            The value; None where all cells are empty.

        Raises:
            DataError: a cell holds something else.
        """

    def kept(self) -> tuple[Any, ...] | None:
        """What a value that was read depends on, beside the file: those of equal settings are kept for each other.

        None, as usual, for kinds whose values are not kept, because reading them costs little. Others have `pack` and
        `unpack` as well.
        """
        return None

    def pack(self, value: Any) -> Mapping[str, np.ndarray]:
        """A value that was read, before it is varied, as arrays."""
        raise ConfigurationError(f"values of a {self.name} are not kept")

    def unpack(self, arrays: Mapping[str, np.ndarray]) -> Any:
        """The value of what `pack` gave, equal to the last bit; the arrays themselves are not to be changed."""
        raise ConfigurationError(f"values of a {self.name} are not kept")

    def plain(self, cell: Any, column: str, table: Any) -> Any:
        """A cell as those read it who know nothing of kinds: a number, a text, a date; None where it is empty."""
        return None if is_empty(cell) else cell

    def stray(self, column: str) -> str:
        """What a cell of a column is none of that `plain` refuses, where a few of them are taken for missing: "number".

        "" where such a cell is an error always.
        """
        return ""

    def vocabulary(self, place: int) -> KnownNames | None:
        """The names that the model knows of the column at a place; None for what is no name."""
        return None

    def typed(self, cell: Any, column: str, table: Any) -> Any:
        """A cell as somebody types it who asks: `plain`, where that is read again."""
        return self.plain(cell, column, table)

    def simplified(self, row: Mapping[str, Any], columns: Sequence[str], table: Any) -> Any:
        """The value of a row in its `simple_form`, for a cheap method that stands beside a model; None where it is empty.

        Args:
            row: cells by column.
            columns: those that are read, in order.
            table: what the row is from.
        """
        raise ConfigurationError(f"a {self.name} has no simple form")

    def is_cut(self, row: Mapping[str, Any], columns: Sequence[str], table: Any) -> bool:
        """Whether a row's value, which can be read, is longer than what the model can be given of it; see `read`."""
        return False

    def survey(self, table: Any, columns: Sequence[str]) -> Self:
        """This kind with what the first rows of a training table tell of all values: how many channels they have.

        Args:
            table: the rows.
            columns: those that are read.
        """
        return self

    def column_note(self, column: str) -> str:
        """What people are told of a column that was surveyed, beside its kind; "" where that says all."""
        return ""

    def with_surveys(self, others: Sequence[Self]) -> Self:
        """This kind with what others of it have found by `survey` in columns that it is to read, too."""
        return self

    def notes(self) -> list[str]:
        """What the user should know of how values are read, once `survey` has looked at some."""
        return []

    def settle(self, values: Sequence[Any], columns: Sequence[str]) -> Self:
        """This kind with what must be learned from training values: their size, scale, vocabulary.

        Args:
            values: at least one, none of them None; see `settles_on`.
            columns: those that were read.
        """
        return self

    def learned(self) -> str:
        """What people are told of what `settle` has found, beside what `described` says; "" where that says all."""
        return ""

    @property
    def varies(self) -> bool:
        """Whether `vary` may change a value: where no kind does, it is not called.

        A kind that is derived from one that says no, and has a `vary` of its own, must say so here, too.
        """
        return True

    def vary(self, value: Any, generator: np.random.Generator) -> Any:
        """Change a training value at random; chance comes from `generator` alone."""
        return value

    def lesser(self, value: Any) -> list[Any]:
        """Values that are shorter than this one, or lack a part, as users may ask about; of kinds whose values may."""
        return []

    def views(self, value: Any) -> list[Any]:
        """What is looked at where a value is measured or asked about: several views of it give the mean of their answers."""
        return [value]

    def tensors(self, values: Sequence[Any]) -> Mapping[str, ModalityInput]:
        """A batch, by modality, without chance; None among the values is masked, never invented."""
        return {name: given.as_tensors() for name, given in self.arrays(values).items()}

    def arrays(self, values: Sequence[Any]) -> Mapping[str, ModalityInput]:
        """The same as NumPy arrays, without torch: what `perceivers.runtime` reads. A kind has this one or `tensors`."""
        raise ConfigurationError(
            f"a {self.name} cannot be read without torch; ask the run itself: perceivers predict RUN"
        )

    def augment(self, inputs: Mapping[str, Tensor]) -> Mapping[str, Tensor]:
        """Change the values of a whole training batch at random (torch's generator, seeded at every step)."""
        return inputs

    @abstractmethod
    def modalities(self) -> Mapping[str, Mapping[str, Any]]:
        """Entries of `config.modalities`, by the names that `tensors` gives; a single one is called ""."""

    @property
    def modality_names(self) -> tuple[str, ...]:
        """The names that `tensors` and `modalities` give."""
        return tuple(self.modalities())

    def save_pretrained(self, folder: Path) -> None:
        """Write what others, such as Transformers, read a model's only input of this kind with; nothing where they cannot."""
        return

    def state(self) -> dict[str, Any]:
        """What `settle` learned, for a JSON file; nothing where it learns nothing."""
        return {}

    def with_state(self, state: Mapping[str, Any]) -> Self:
        """This kind with what `state` gave."""
        return self

    def show(self, value: Any, weights: Mapping[str, Tensor], grids: Mapping[str, tuple[int, ...]]) -> Any:
        """What `html` is given of a value: what the model saw of it, small enough to be kept.

        Args:
            value: what was read; None where it is absent.
            weights: modality -> attention of the answer to each of its tokens [num_tokens], non-negative.
            grids: modality -> sizes of the grid that the tokens lie on.
        """
        return value

    def draw(self, figure: Any, places: Sequence[Any], shown: Any, source: str) -> None:
        """Draw what `show` gave; of kinds that have a `card` alone.

        Args:
            figure: of matplotlib.
            places: of the value's parts (matplotlib SubplotSpec), as many as `card.parts`.
            shown: what `show` gave.
            source: what the value is called.
        """
        raise ConfigurationError(f"a {self.name} has no card: it is shown on a page")

    def html(self, shown: Any, columns: Sequence[str]) -> str:
        """What `show` gave, as HTML that needs no other file; where several columns were read, with their names."""
        return "" if shown is None else f"<p>{escape(str(shown))}</p>"


def as_tokens(count: int | None) -> str:
    """The end of what `described` says: " as 64 tokens"; nothing where the number is not known."""
    return "" if count is None else f" as {counted(count, 'token')}"


def counted(count: int, what: str, several: str | None = None) -> str:
    """So many of something, in words: "1 token", "1,024 tokens"; `several` where the plural is another one."""
    return f"{count:,} {what if count == 1 else several or f'{what}s'}"


def is_empty(cell: Any) -> bool:
    """Whether a cell holds nothing: None, an empty text, or a number that is none (NaN)."""
    if cell is None:
        return True
    if isinstance(cell, str):
        return not cell.strip()
    return isinstance(cell, float) and cell != cell
