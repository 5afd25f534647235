"""`perceivers samples`: the bundled data, listed, or written out as files."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from perceivers.cli.whole_numbers import MaybeWhole


def samples(
    name: str | None = None,
    /,
    *,
    output: Path | None = None,
    split: Literal["train", "validation", "test", "all"] = "test",
    count: MaybeWhole = None,
) -> None:
    """List the bundled data sets, or write one of them as files: in one sub-folder a class, or as a table.

    Args:
        name: a data set of the list.
        output: folder that receives the files of `name`.
        split: part to write, divided as `perceivers train` does by default.
        count: how many samples to write; all if not given.
    """
    from rich.console import Console
    from rich.table import Table

    from perceivers.data.bundled import BUNDLED
    from perceivers.errors import ConfigurationError

    if (name is None) != (output is None):
        raise ConfigurationError("`name` and `output` go together: perceivers samples digits --output FOLDER")
    if name is not None and output is not None:
        from perceivers.kinds.sample_files import write_samples

        written = write_samples(name, output, split=split, count=count)
        files = "1 file" if len(written) == 1 else f"{len(written):,} files"
        Console().print(f"{files} written to {output}", highlight=False, soft_wrap=True)
        return
    table = Table()
    # Names are typed: they are never cut.
    table.add_column("name", no_wrap=True)
    for heading in ("modality", "content", "from package", "licence"):
        table.add_column(heading, overflow="fold")
    for key, entry in BUNDLED.items():
        table.add_row(key, entry.modality, entry.content, entry.package, entry.licence)
    Console().print(table)
