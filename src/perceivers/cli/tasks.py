"""`perceivers tasks`: what a model can be trained for."""

from __future__ import annotations


def tasks() -> None:
    """List the tasks: input, output, metrics."""
    from rich.console import Console
    from rich.table import Table

    from perceivers.tasks.registry import TASKS

    table = Table()
    # Names are typed: they are never cut.
    table.add_column("task", no_wrap=True)
    for heading in ("input", "output", "metrics"):
        table.add_column(heading, overflow="fold")
    for name, entry in TASKS.items():
        table.add_row(name, entry.input, entry.output, entry.metrics)
    Console().print(table)
