"""Errors are of the kinds that callers catch, and say what was expected and what came."""

from __future__ import annotations

import pickle

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from perceivers.errors import (
    CheckpointError,
    CheckpointMismatchError,
    ConfigurationError,
    DataError,
    MetaDeviceError,
    MissingColumnError,
    MissingExtraError,
    NameConflictError,
    PerceiversError,
    ShapeError,
    one_line,
    require_shape,
)


@pytest.mark.parametrize(
    ("kind", "builtin"),
    [
        (ShapeError, ValueError),
        (ConfigurationError, ValueError),
        (DataError, ValueError),
        (CheckpointError, OSError),
        (CheckpointMismatchError, OSError),
        (CheckpointMismatchError, RuntimeError),
        (MetaDeviceError, RuntimeError),
        (NameConflictError, AttributeError),
        (MissingExtraError, ImportError),
    ],
)
def test_each_error_is_ours_and_the_usual_kind(kind, builtin):
    assert issubclass(kind, PerceiversError)
    assert issubclass(kind, builtin)


def test_a_missing_extra_names_the_command_that_brings_it():
    error = MissingExtraError("torchmetrics", "train", "evaluation")
    assert str(error) == (
        'evaluation needs the package `torchmetrics`, which is not installed: pip install "perceivers[train]"'
    )


def test_errors_survive_the_way_out_of_another_process():
    ours = (MissingExtraError("av", "media", "video"), ShapeError("`pos` is odd"), DataError("row 3"))
    absent = MissingColumnError.of("no `x`", "x", "text_column")
    assert vars(pickle.loads(pickle.dumps(absent))) == {"column": "x", "option": "text_column"}
    for error in (
        *ours,
        absent,
        CheckpointMismatchError("too wide"),
        NameConflictError("`decode` is a method"),
    ):
        copied = pickle.loads(pickle.dumps(error))
        assert type(copied) is type(error)
        assert str(copied) == str(error)


def test_a_tensor_of_the_wanted_shape_passes():
    require_shape("flow", torch.zeros(3, 5, 2), ["height", "width", 2])
    require_shape("scale", torch.tensor(1.0), [])


@pytest.mark.parametrize("shape", [(3, 5, 7), (3, 5), (1, 3, 5, 2), ()])
def test_another_shape_is_an_error_that_names_the_argument(shape):
    with pytest.raises(ShapeError) as caught:
        require_shape("flow", torch.zeros(shape), ["height", "width", 2])
    assert str(caught.value) == f"`flow` must have shape [height, width, 2], received {list(shape)}"


@given(
    shape=st.lists(st.integers(0, 3), max_size=4),
    wanted=st.lists(st.integers(0, 3) | st.just("any"), max_size=4),
)
def test_sizes_are_compared_and_words_are_not(shape, wanted):
    fits = len(shape) == len(wanted) and all(
        want in ("any", size) for size, want in zip(shape, wanted, strict=True)
    )
    if fits:
        require_shape("x", torch.zeros(shape), wanted)
    else:
        with pytest.raises(ShapeError, match="`x` must have shape"):
            require_shape("x", torch.zeros(shape), wanted)


def test_what_other_libraries_say_is_one_short_line() -> None:
    assert one_line(ValueError("two\n  lines")) == "two lines"
    assert one_line(ValueError()) == "ValueError"
    assert one_line("x" * 1000, most=10) == "x" * 7 + "..."
