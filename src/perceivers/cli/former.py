"""What every command that asks a training run says first where another run is to replace it."""

from __future__ import annotations

from pathlib import Path


def warn_of_former(folder: Path) -> None:
    """Print a warning where what `folder` holds is to be replaced by a run that is not complete.

    Args:
        folder: the training run that is asked.
    """
    from perceivers.training.replacing import line_of_new_run

    line = line_of_new_run(folder)
    if line is None:
        return
    from perceivers.training.reporting import is_main_process
    from perceivers.warned import print_warning

    if is_main_process():
        print_warning(line)
