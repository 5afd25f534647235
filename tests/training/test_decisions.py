"""What is decided before training: enough samples, or an error that says why there are none."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar

import pytest

from line_task import LineTask, run
from perceivers.arguments import DataArguments
from perceivers.data.splits import Splits
from perceivers.errors import DataError


@pytest.mark.parametrize("sizes", [(0, 3, 11), (30, 3, 0)])
def test_an_empty_training_or_test_part_is_an_error(tmp_path: Path, sizes: tuple[int, int, int]) -> None:
    class Empty(LineTask):
        pass

    Empty.sizes = sizes
    with pytest.raises(DataError, match="`data` must fill a training and a test part, received"):
        run(tmp_path / "run", Empty())
    assert not (tmp_path / "run").exists()


def test_a_training_part_of_rows_that_cannot_be_read_says_why(tmp_path: Path) -> None:
    class Torn(LineTask):
        sizes: ClassVar[tuple[int, int, int]] = (0, 0, 0)

        def load_data(self, arguments: DataArguments, parts: Any = None) -> Splits:
            return replace(
                super().load_data(arguments, parts), unreadable=("`t, row 1`: is torn", "`t, row 2`")
            )

    with pytest.raises(DataError, match=r"2 cannot be read, the first because `t, row 1`: is torn$"):
        run(tmp_path / "run", Torn())
