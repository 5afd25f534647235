"""The `perceivers` command: one file a subcommand, nothing heavy imported before a command runs."""

from __future__ import annotations

import io
import signal
import sys
from collections.abc import Sequence
from importlib.metadata import version
from itertools import pairwise

from cyclopts import App
from rich.console import Console
from rich.text import Text

from perceivers.cli import app as page
from perceivers.cli import (
    convert,
    evaluate,
    explain,
    export,
    generate,
    inspect,
    predict,
    runs,
    samples,
    tasks,
)
from perceivers.cli.words import BACK
from perceivers.errors import EMPTY_PATH, ConfigurationError, PerceiversError, UnreadableError
from perceivers.warned import plain_warnings

# Exit code where some of the inputs cannot be read, and the others are answered.
SOME_UNREADABLE = 3
# Commands whose first argument is the folder of a run, or of runs.
OF_RUNS = ("evaluate", "predict", "generate", "explain", "app", "runs", "export")

app = App(
    name="perceivers",
    help="Train, evaluate and apply Perceiver IO models on your own data.",
    version=lambda: version("perceivers"),
    # A run that was stopped says so itself.
    suppress_keyboard_interrupt=False,
)
# A subcommand a task, with all its options: built when it is asked for, not when `perceivers --help` is.
app.command(
    "perceivers.cli.train:app",
    name="train",
    help="Train a model on your data, measure it on held-out data, save both. "
    "`--config RECIPE.yaml` takes the task and the options from a file.",
)
app.command(evaluate.evaluate)
app.command(predict.predict)
app.command(generate.generate)
app.command(explain.explain)
app.command(page.app)
app.command(runs.runs)
app.command(inspect.inspect)
app.command(export.export)
app.command(convert.convert)
app.command(tasks.tasks)
app.command(samples.samples)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line; a mistake of the user's ends it with one readable message and exit code 1; Ctrl-C with 130.

    Args:
        arguments: what follows `perceivers`; None takes the process's own.
    """
    for stream in (sys.stdout, sys.stderr):
        # A letter that the terminal lacks, or a name of a file that is no text, is no reason to lose a run.
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    tokens = list(sys.argv[1:] if arguments is None else arguments)
    try:
        with plain_warnings():
            _require_paths(tokens)
            if tokens[:1] == ["train"] and _changes_defaults(tokens[1:]):
                from perceivers.cli.train import train_command

                train_command(tokens[1:])
            else:
                app(tokens)
    except PerceiversError as error:
        console = Console(stderr=True)
        line = Text.assemble(("error:", "bold red"), f" {error}")
        console.print(line, highlight=False, soft_wrap=True)
        sys.exit(SOME_UNREADABLE if isinstance(error, UnreadableError) else 1)
    except KeyboardInterrupt as stopped:
        # What a shell says of a process that a signal has ended.
        Console(stderr=True).print(str(stopped) or "stopped", markup=False, highlight=False, soft_wrap=True)
        sys.exit(128 + getattr(stopped, "signal", signal.SIGINT))


def _require_paths(tokens: Sequence[str]) -> None:
    """Raise ConfigurationError for an empty text where a folder is expected: later, nothing tells it from the present one."""
    if tokens[1:2] == [""] and tokens[0] in OF_RUNS:
        raise ConfigurationError(f"`folder` must be a folder, {EMPTY_PATH}")
    for token, following in pairwise([*tokens, "."]):
        if token == "--output=" or (token, following) == ("--output", ""):
            raise ConfigurationError(f"`output` must be a folder, {EMPTY_PATH}")


def _changes_defaults(tokens: Sequence[str]) -> bool:
    """Whether a recipe, or a word that sets an option back, has to be read before the options are."""
    values = [token.partition("=")[2] if token.startswith("--") else token for token in tokens]
    return any(token.partition("=")[0] == "--config" for token in tokens) or any(
        value.lower() in BACK for value in values
    )
