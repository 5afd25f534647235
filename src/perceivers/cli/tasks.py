"""`perceivers tasks`: what a model can be trained for."""

from __future__ import annotations


def tasks() -> None:
    """List the tasks: input, output, metrics."""
    from rich.console import Console
    from rich.table import Table

    from perceivers.tasks.registry import TASKS

    table = Table("task", "input", "output", "metrics")
    for name, entry in TASKS.items():
        table.add_row(name, entry.input, entry.output, entry.metrics)
    Console().print(table)
