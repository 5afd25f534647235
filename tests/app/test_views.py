"""What the page shows of an example."""

from __future__ import annotations

import pytest

from perceivers.app.views import card_of
from perceivers.tasks.asking.base import Example


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("/home/somebody/sounds/high/4.wav", "high/4.wav"),
        ("sounds/4.wav", "sounds/4.wav"),
        ("row 7", "row 7"),
    ],
)
def test_an_example_is_not_called_by_a_whole_path_of_this_machine(name: str, shown: str) -> None:
    assert card_of(Example(name, {}, {"label": "high"}), [])["name"] == shown
