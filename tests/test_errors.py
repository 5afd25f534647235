"""Errors are of the kinds that callers catch, and say what was expected and what came."""

from __future__ import annotations

import pickle
from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from perceivers.array_files import read_npy, read_npz
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
    absent,
    dead_link,
    no_file,
    one_line,
    require_shape,
)
from perceivers.kinds.points.reading import read_points
from perceivers.kinds.text.reading import read_text_file
from perceivers.processors.audio.files import read_samples
from perceivers.processors.image.opening import open_picture
from perceivers.processors.optical_flow.files import read_flow
from perceivers.processors.optical_flow.kitti import read_kitti_flow
from perceivers.processors.optical_flow.pfm import read_pfm_flow
from perceivers.processors.video.decoding import read_header
from perceivers.processors.video.files import read_video


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


def test_a_file_that_is_not_there_is_told_without_the_number_of_the_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError) as error:
        (tmp_path / "absent").read_bytes()
    assert one_line(error.value) == "there is no such file"


def test_a_link_to_nothing_says_what_it_is_and_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "there").write_text("")
    (tmp_path / "good").symlink_to("there")
    link = tmp_path / "dead"
    link.symlink_to("../annex/a.png")
    said = "it is a link to nothing (../annex/a.png): fetch what it stands for, as `git annex get` or `dvc pull` do"
    assert dead_link(link) == said
    assert absent(link) == f"does not exist: {said}"
    with pytest.raises(FileNotFoundError) as error:
        link.read_bytes()
    assert one_line(error.value) == said
    for name in ("there", "good", "absent", "no\0path", "x" * 5000):
        assert dead_link(tmp_path / name) == ""
    assert absent(tmp_path / "absent") == "does not exist"
    assert no_file(link) == said
    assert no_file(tmp_path / "absent") == "there is no such file"


# Readers, and a name that each takes.
MEDIA = [
    (open_picture, "a.png"),
    (read_samples, "a.wav"),
    (read_flow, "a.flo"),
    (read_pfm_flow, "a.pfm"),
    (read_kitti_flow, "a.png"),
    (read_video, "a.mp4"),
    (lambda path: read_header(path, "a.mp4"), "a.mp4"),
]


@pytest.mark.parametrize(
    ("read", "name"),
    [
        *MEDIA,
        (read_npy, "a.npy"),
        (read_npz, "a.npz"),
        (read_points, "a.ply"),
        (read_text_file, "a.txt"),
    ],
)
def test_whoever_reads_a_file_says_that_it_is_a_link_to_nothing(read, name, tmp_path):
    (tmp_path / name).symlink_to("gone")
    with pytest.raises(
        DataError, match=r"a\.\w{3}`.* it is a link to nothing \(gone\): fetch what it stands for"
    ):
        read(tmp_path / name)


@pytest.mark.parametrize(("read", "name"), MEDIA)
def test_whoever_reads_a_file_says_that_it_is_a_folder(read, name, tmp_path):
    (tmp_path / name).mkdir()
    with pytest.raises(DataError, match=r"a\.\w{3}`.* is a folder, where a file is wanted$"):
        read(tmp_path / name)


@pytest.mark.parametrize(
    "path", ["https://example.com/3.png", "data/https:/example.com/3.png", "s3://bucket/3.png"]
)
def test_an_address_in_the_place_of_a_file_is_told_to_be_none(path: str) -> None:
    assert "does not exist: it is an address, and nothing is fetched from the internet" in absent(path)
    assert absent("data/http/3.png") == "does not exist"
