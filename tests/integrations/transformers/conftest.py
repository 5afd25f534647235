"""Transformers as quiet as tests need it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import transformers

from tiny_models import CLASSES


@pytest.fixture(scope="session", autouse=True)
def quiet() -> Iterator[None]:
    """Reports of loading, which these tests ask for as values, are not printed."""
    before = transformers.logging.get_verbosity()
    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()
    yield
    transformers.logging.set_verbosity(before)
    transformers.logging.enable_progress_bar()


@pytest.fixture(params=list(CLASSES))
def task(request: pytest.FixtureRequest) -> str:
    """The name of each of the seven tasks in turn."""
    return str(request.param)
