"""Tasks by their names."""

from __future__ import annotations

import pytest

from perceivers.errors import ConfigurationError
from perceivers.tasks.registry import task_class


def test_an_unknown_task_is_named() -> None:
    with pytest.raises(
        ConfigurationError, match=r"`task` must be one of .*image-classification, .*, received 'chess'"
    ):
        task_class("chess")
