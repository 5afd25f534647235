"""A run that another one is to replace: where the new one lies, and what is said to whoever asks the former one."""

from __future__ import annotations

from pathlib import Path

from perceivers.arguments import ARGUMENTS_FILE

# Inside the former run's folder.
NEW = ".new"


def line_of_new_run(folder: str | Path) -> str | None:
    """A line about the run that is to replace the one in a folder, and is not complete; None where there is none.

    Args:
        folder: of a training run that is asked.
    """
    former = Path(folder)
    if not all((each / ARGUMENTS_FILE).is_file() for each in (former, former / NEW)):
        return None
    return (
        f"{former} is the former run: the one that is to replace it is not complete yet, in {former / NEW}; to go on with "
        "it, repeat its `perceivers train` with --resume in the place of --overwrite"
    )
