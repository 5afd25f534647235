"""What goes wrong, named: every message says which argument, what was expected, what was received."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor

# What is said of an empty text in the place of a path, of which `Path` would make the present folder.
EMPTY_PATH = (
    "received an empty text, as an unset variable of the shell is; the folder that you are in is called ."
)
# Of a path, in which two slashes became one.
_ADDRESS = re.compile(r"(?:^|/)(?:https?|ftp|s3|gs):/")
_FOLDER = "a folder, where a file is wanted"


class PerceiversError(Exception):
    """Base of every error that this library raises on purpose."""


class ShapeError(PerceiversError, ValueError):
    """A tensor has another rank, size or dtype than the call needs."""


class ConfigurationError(PerceiversError, ValueError):
    """A configuration value, or a combination of values, that no model can be built from."""


class CheckpointError(PerceiversError, OSError):
    """A checkpoint is absent, unreadable, or does not fit the model."""


class CheckpointMismatchError(CheckpointError, RuntimeError):
    """A checkpoint's tensors do not fit the model. It is a RuntimeError too, as what torch raises in that case."""


class MetaDeviceError(ConfigurationError, RuntimeError):
    """Weights were to be loaded where no tensor has values: under `torch.device("meta")`."""


class NameConflictError(ConfigurationError, AttributeError):
    """A name was given that is a method's."""


class DataError(PerceiversError, ValueError):
    """A file, row or sample that cannot be used; the message names it."""


class MissingColumnError(DataError):
    """A table lacks a column; who knows which argument has named it adds that, see `of`."""

    column = ""
    """Its name."""
    option: str | None = None
    """The argument that names it, where the name itself does not tell."""

    @classmethod
    def of(cls, said: str, column: str, option: str | None = None) -> MissingColumnError:
        """The error with what is known of the column.

        Args:
            said: the message.
            column: its name.
            option: the argument that another column is named with; None: the one whose value the name is.
        """
        error = cls(said)
        error.column, error.option = column, option
        return error


class UnreadableError(DataError):
    """Some of the inputs cannot be read; all others were answered, and their answers written."""


class MissingExtraError(PerceiversError, ImportError):
    """An optional dependency is not installed.

    Args:
        package: the package that could not be imported.
        extra: the extra of this library that brings it; None where none does.
        purpose: what needs it, as it reads in "... needs `package`".
    """

    def __init__(self, package: str, extra: str | None, purpose: str) -> None:
        wanted = package if extra is None else f'"perceivers[{extra}]"'
        super().__init__(
            f"{purpose} needs the package `{package}`, which is not installed: pip install {wanted}"
        )
        self._given = (package, extra, purpose)

    def __reduce__(self) -> tuple[type[MissingExtraError], tuple[str, str | None, str]]:
        # An exception is rebuilt from its message by default; this one, coming out of a worker process, needs its parts.
        return type(self), self._given


class RunInterrupted(KeyboardInterrupt):
    """Ctrl-C or SIGTERM has ended a training run, which is saved; the message says how to go on.

    Args:
        message: one line.
        signal: its number.
    """

    def __init__(self, message: str, signal: int) -> None:
        super().__init__(message)
        self.signal = signal

    def __reduce__(self) -> tuple[type[RunInterrupted], tuple[str, int]]:
        return type(self), (str(self), self.signal)


def dead_link(path: str | os.PathLike[str]) -> str:
    """What is said of a link to nothing, as data have that were not fetched, and of an address; "" of all else."""
    try:
        if _ADDRESS.search(os.fspath(path)) and not os.path.lexists(path):
            return (
                "it is an address, and nothing is fetched from the internet: download it, and name the file"
            )
        return (
            f"it is a link to nothing ({os.readlink(path)}): fetch what it stands for, as `git annex get` or `dvc pull` do"
            if os.path.islink(path) and not os.path.exists(path)
            else ""
        )
    except (OSError, ValueError):  # a name that no path has
        return ""


def absent(path: str | os.PathLike[str]) -> str:
    """That a file does not exist, as the end of a sentence; of a link to nothing, why; or that it is a folder."""
    if os.path.isdir(path):
        return f"is {_FOLDER}"
    link = dead_link(path)
    return f"does not exist: {link}" if link else "does not exist"


def no_file(path: str | os.PathLike[str]) -> str:
    """Why a path is no file, as a sentence of its own: nothing is there, it is a link to nothing, or a folder."""
    if os.path.isdir(path):
        return f"it is {_FOLDER}"
    return dead_link(path) or "there is no such file"


def one_line(problem: object, most: int = 300) -> str:
    """What another library's error says, for a message of ours: in one line, and no longer than `most` characters."""
    if isinstance(problem, FileNotFoundError) and isinstance(problem.filename, str):
        problem = dead_link(problem.filename) or "there is no such file"
    said = " ".join(str(problem).split()) or type(problem).__name__
    return said if len(said) <= most else said[: most - 3] + "..."


def require_shape(argument: str, tensor: Tensor, expected: Sequence[int | str]) -> None:
    """Raise ShapeError unless `tensor` has the expected rank and the expected sizes.

    Args:
        argument: the argument's name as the caller wrote it.
        tensor: what was received.
        expected: one entry an axis: a number for a fixed size, a word (such as "batch") for any size.
    """
    fits = tensor.ndim == len(expected) and all(
        not isinstance(size, int) or size == actual
        for size, actual in zip(expected, tensor.shape, strict=True)
    )
    if not fits:
        wanted = ", ".join(str(size) for size in expected)
        raise ShapeError(f"`{argument}` must have shape [{wanted}], received {list(tensor.shape)}")
