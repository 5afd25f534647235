"""An exported folder: filled beside its place and put there whole, so that a half-written export never stays."""

from __future__ import annotations

import errno
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from perceivers.errors import ConfigurationError, PerceiversError
from perceivers.records import writing
from perceivers.runtime.predictor import EXPORT_FILE

PARTIAL = ".exporting-"
# What the system says where a folder takes no more.
_NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EROFS)


@contextmanager
def whole_folder(output: Path, *, overwrite: bool) -> Iterator[Path]:
    """Give a folder to fill, which takes the place of `output` when all is written, and is gone where it is not.

    Args:
        output: where it is to lie.
        overwrite: whether it may replace another export. Nothing else is ever replaced.

    Raises:
        ConfigurationError: `output` holds something that may not be replaced.
        PerceiversError: nothing can be written there.
    """
    _require_place(output, overwrite=overwrite)
    cure = "give another folder with --output, or make room there"
    with writing(output, cure):
        output.parent.mkdir(parents=True, exist_ok=True)
        _clean(output)
        partial = Path(tempfile.mkdtemp(dir=output.parent, prefix=_prefix(output)))
    try:
        try:
            yield partial
        except PerceiversError as error:
            # Whoever gave `output` has never seen the folder beside it.
            error.args = tuple(_called(each, partial, output) for each in error.args)
            raise
        except OSError as error:
            if error.errno not in _NO_ROOM:
                raise
            raise PerceiversError(
                f"{str(output)!r} could not be written: {_called(str(error), partial, output)}; {cure}"
            ) from error
        # Another process may have put something there meanwhile.
        _require_place(output, overwrite=overwrite)
        with writing(output, cure):
            _put(partial, output)
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def _called(said: Any, partial: Path, output: Path) -> Any:
    """What an error says, with the user's name for the folder."""
    return said.replace(str(partial), str(output)) if isinstance(said, str) else said


def _require_place(output: Path, *, overwrite: bool) -> None:
    if output.is_file():
        raise ConfigurationError(f"`output` must be a folder, received the file {str(output)!r}")
    if not output.exists() or not any(output.iterdir()):
        return
    if not (output / EXPORT_FILE).is_file():
        raise ConfigurationError(
            f"`output` {str(output)!r} holds files that are no export; give another folder, or an empty one"
        )
    if not overwrite:
        raise ConfigurationError(
            f"`output` {str(output)!r} already holds an export; give another folder, or --overwrite to replace it"
        )


def _prefix(output: Path) -> str:
    """What folders beside `output` are called that this process fills."""
    return f"{PARTIAL}{output.name}-{os.getpid()}-"


def _clean(output: Path) -> None:
    """Remove what processes that were killed have left beside the folder; what others are filling stays."""
    for path in output.parent.glob(f"{PARTIAL}{output.name}-*-*"):
        process = path.name.removeprefix(f"{PARTIAL}{output.name}-").partition("-")[0]
        if process.isdecimal() and not _is_alive(int(process)):
            shutil.rmtree(path, ignore_errors=True)


def _is_alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True


def _put(partial: Path, output: Path) -> None:
    """Rename; a folder that is there is moved aside first, into the one that is removed in the end."""
    partial.chmod(0o755)
    if not output.exists():
        os.replace(partial, output)
        return
    aside = Path(tempfile.mkdtemp(dir=output.parent, prefix=_prefix(output)))
    try:
        os.replace(output, aside / "old")
        try:
            os.replace(partial, output)
        except OSError:
            os.replace(aside / "old", output)
            raise
    finally:
        shutil.rmtree(aside, ignore_errors=True)
