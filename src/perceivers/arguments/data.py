"""Where the samples come from and how they are divided."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from perceivers.arguments.base import require_at_least, require_choice, require_named, require_share
from perceivers.errors import ConfigurationError


@dataclass(frozen=True, kw_only=True)
class DataArguments:
    """Where the samples come from and how they are divided."""

    data: str
    """A bundled name (`perceivers samples` lists them), a folder, a table (.csv, .tsv, .jsonl, .json, .parquet,
    .csv.gz, .tsv.gz), or the name of a data set on the hub."""
    validation_data: str | None = None
    """Samples that are watched while training, named like `data`; None takes what `data` has for it, or a share of it."""
    test_data: str | None = None
    """Samples that are measured at the end, named like `data`; None takes what `data` has for it, or a share of it."""
    subset: str | None = None
    """Subset of a data set on the hub that has several."""
    folders: Literal["auto", "parts", "classes"] = "auto"
    """How the sub-folders of a folder are meant. `parts`: those that are called train, validation, test, or the like, are
    parts, and others are left out; `classes`: none is a part; `auto`: as they look, and an error where that can be both."""
    streaming: bool = False
    """Read the training samples one after the other instead of holding or indexing them all. For data sets on the hub
    and for tables; needs `--steps`, and a test part of its own, which `data` or `test_data` has."""
    decimal: Literal["auto", "point", "comma", "grouped"] = "auto"
    """How numbers are written that a table holds as text: `point`, 0.126; `comma`, 0,126; `grouped`, 1,234.5, where commas
    divide thousands; `auto`: as those numbers of the training table say that can be read in one way alone."""
    shuffle_buffer: int = 10_000
    """While streaming: samples that the next one is drawn from."""
    test_fraction: float = 0.2
    """Share of the samples held out for the test, in [0, 1), where there is no test data; 0 measures none."""
    validation_fraction: float = 0.1
    """Share of the remaining samples that is watched while training, in [0, 1), where there is no validation data; 0
    watches none."""
    group_column: str | None = None
    """Column whose equal values stay in one part when the data are divided: the patient, the speaker, the document, the
    owner. It is not read as data."""
    group_pattern: str | None = None
    """Regular expression that is searched in the values of `group_column`, or in the names of the files where none is
    given (where these do not tell, in their paths below `data`): samples stay in one part for which its first group, in
    parentheses, finds the same. `_([a-z]+)_` is the speaker in 7_jackson_32.wav."""
    split_seed: int = 0
    """Seed of the division into parts. Training seeds leave it as it is, so the test part never changes."""
    keep_megabytes: int = 1024
    """MiB of memory for what was read of pictures, sounds and sets of points, so that each file is decoded once; 0 keeps
    nothing in memory. Results are the same."""
    keep_gigabytes: float = 8.0
    """GiB of disk for what the memory has no room for, shared by `workers`; 0 keeps nothing on disk."""
    keep_folder: str | None = None
    """Where that lies, for later runs too; None: in a temporary folder that is removed at the end."""
    unreadable: Literal["auto", "stop", "skip", "trust"] = "auto"
    """What is done about samples that cannot be read. `stop` looks at all before training and stops with an error that
    names the first; `skip` looks at all, leaves those out and reports them; `trust` does not look, and stops when one is
    met; `auto` is `stop`, but single cells that are no number, or no date, in a column of them (at most 2 %) are taken for
    missing, counted and told."""

    @property
    def takes_strays(self) -> bool:
        """Whether single cells that are no number or date are taken for missing."""
        return self.unreadable in ("auto", "trust")

    @property
    def known_decimal(self) -> Literal["point", "comma", "grouped"]:
        """`decimal` of a run that was trained; a ConfigurationError where nobody has found it out."""
        if self.decimal == "auto":
            raise ConfigurationError(
                "`decimal` of a run must be point, comma or grouped, received auto: `perceivers train` records which it was"
            )
        return self.decimal

    def __post_init__(self) -> None:
        require_named(self, "data", "validation_data", "test_data", "keep_folder")
        require_share(self, "test_fraction", "validation_fraction")
        require_choice("unreadable", self.unreadable, ("auto", "stop", "skip", "trust"))
        require_choice("folders", self.folders, ("auto", "parts", "classes"))
        require_choice("decimal", self.decimal, ("auto", "point", "comma", "grouped"))
        require_at_least(1, self, "shuffle_buffer")
        if self.group_pattern is not None:
            _require_pattern(self.group_pattern)
        require_at_least(0, self, "keep_megabytes", "keep_gigabytes")


def _require_pattern(pattern: str) -> None:
    try:
        re.compile(pattern)
    except re.error as error:
        raise ConfigurationError(
            f"`group_pattern` must be a regular expression, received {pattern!r}: {error}"
        ) from error
