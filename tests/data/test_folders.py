"""Folders whose sub-folders are parts, classes, or neither."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from perceivers.data.folders import files_below, find_files, open_files
from perceivers.data.layouts import LayoutChoice
from perceivers.errors import EMPTY_PATH, DataError, absent

SUFFIXES = (".note",)


def folder(root: Path, *names: str) -> Path:
    for name in names:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name)
    return root


def classes(root: Path, *names: str, choice: LayoutChoice = "auto") -> dict[str, list[Any]]:
    tables = open_files(folder(root, *names), SUFFIXES, labelled=True, choice=choice)
    return {part: sorted(set(table.column("label"))) for part, table in tables.items()}


def test_parts_are_seen_in_any_case_and_by_their_usual_names(tmp_path: Path) -> None:
    names = ("Training/cat/a.note", "Training/dog/b.note", "Testing/cat/c.note", "Valid/dog/d.note")
    assert classes(tmp_path, *names) == {"test": ["cat"], "train": ["cat", "dog"], "validation": ["dog"]}


def test_parts_beside_a_folder_with_the_same_classes_are_not_guessed(tmp_path: Path) -> None:
    names = [
        f"{part}/{label}/a.note"
        for part in ("train", "valid", "test", "consolidated")
        for label in ("cat", "dog")
    ]
    with pytest.raises(DataError) as error:
        classes(tmp_path, *names)
    assert str(error.value) == (
        f"`{tmp_path}` can be read in two ways: as the parts train, valid, test of the classes cat, dog, with consolidated "
        "left out (--folders parts), or as the classes consolidated, test, train, valid (--folders classes); choose one, or "
        "name the folders with `data`, `validation_data` and `test_data`"
    )
    assert classes(tmp_path, choice="parts") == {
        part: ["cat", "dog"] for part in ("train", "validation", "test")
    }
    assert classes(tmp_path, choice="classes") == {"train": ["consolidated", "test", "train", "valid"]}


def test_parts_with_the_same_classes_are_not_classes_beside_a_flat_folder(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="parts train, test of the classes cat, with extra left out"):
        classes(tmp_path, "train/cat/a.note", "test/cat/b.note", "extra/c.note")
    tables = open_files(tmp_path, SUFFIXES, labelled=True, choice="parts")
    assert tables["train"].notes == [f"`{tmp_path}`: extra left out, as asked for"]


@pytest.mark.parametrize("names", [("train_images", "test_images"), ("asl_train", "asl_test")])
def test_parts_may_have_other_words_in_their_names(tmp_path: Path, names: tuple[str, str]) -> None:
    files = [f"{name}/{label}/a.note" for name in names for label in ("cat", "dog")]
    assert classes(tmp_path, *files) == {"train": ["cat", "dog"], "test": ["cat", "dog"]}


def test_classes_whose_names_hold_such_words_are_classes(tmp_path: Path) -> None:
    assert classes(tmp_path, "train_station/in/a.note", "test_tube/in/b.note") == {
        "train": ["test_tube", "train_station"]
    }


def test_parts_may_lie_below_the_classes(tmp_path: Path) -> None:
    names = [
        f"{label}/{part}/{label}_{part}.note" for label in ("chair", "sofa") for part in ("train", "test")
    ]
    tables = open_files(folder(tmp_path, *names), SUFFIXES, labelled=True)
    assert {part: table.column("file") for part, table in tables.items()} == {
        part: [str(tmp_path / label / part / f"{label}_{part}.note") for label in ("chair", "sofa")]
        for part in ("train", "test")
    }
    assert [table.column("label") for table in tables.values()] == [["chair", "sofa"]] * 2
    assert tables["train"].notes == [
        f"`{tmp_path}`: the parts train, test are folders in those of the classes"
    ]
    assert classes(tmp_path, choice="classes") == {"train": ["chair", "sofa"]}
    assert len(open_files(tmp_path, SUFFIXES, labelled=True, choice="classes")["train"]) == 4
    folder(tmp_path, "desk/desk.note")
    with pytest.raises(
        DataError,
        match=r"in two ways: some classes hold folders of the parts .*, but desk holds desk/desk.note",
    ):
        classes(tmp_path)


def test_a_box_around_the_data_is_opened(tmp_path: Path) -> None:
    folder(tmp_path, "archive/data/train/cat/a.note", "archive/data/test/cat/b.note")
    tables = open_files(tmp_path, SUFFIXES, labelled=True)
    assert [table.column("label") for table in tables.values()] == [["cat"], ["cat"]]
    assert tables["train"].notes == [f"`{tmp_path}`: the data are taken from its folder archive/data"]
    assert classes(tmp_path / "flat", "images/cat/a.note", "images/dog/b.note") == {"train": ["cat", "dog"]}
    assert classes(tmp_path / "in", "seg_train/seg_train/cat/a.note", "seg_train/seg_train/dog/a.note") == {
        "train": ["cat", "dog"]
    }


def test_folds_with_the_same_classes_are_told(tmp_path: Path) -> None:
    names = [f"{fold}/{label}/a.note" for fold in ("fold1", "fold2") for label in ("cat", "dog")]
    table = open_files(folder(tmp_path, *names), SUFFIXES, labelled=True)["train"]
    assert table.notes == [
        f"`{tmp_path}`: the classes are fold1, fold2; each of these folders holds cat, dog: if those are the classes, name "
        "the folders with `data`, `validation_data` and `test_data`"
    ]


@pytest.mark.parametrize(
    ("names", "reason"),
    [
        (("test/1.note",), "holds no class folders"),
        (("test/unknown/1.note",), "holds the folder unknown alone, which is no class of the training part"),
    ],
)
def test_a_part_without_classes_is_for_predictions(
    tmp_path: Path, names: tuple[str, ...], reason: str
) -> None:
    folder(tmp_path, "train/cat/a.note", "train/dog/b.note", *names)
    tables = open_files(tmp_path, SUFFIXES, labelled=True)
    assert list(tables) == ["train"]
    assert tables["train"].notes == [
        f"`{tmp_path / 'test'}` {reason}: it is left out; it can be given to `perceivers predict`"
    ]


def test_files_beside_the_class_folders_are_counted(tmp_path: Path) -> None:
    folder(tmp_path, "cat/a.note", "dog/b.note", "c.note", "d.note")
    assert open_files(tmp_path, SUFFIXES, labelled=True)["train"].notes == [
        f"`{tmp_path}`: 2 files beside the class folders are left out, such as c.note"
    ]


def test_classes_may_be_called_like_parts(tmp_path: Path) -> None:
    assert classes(tmp_path, "train/a.note", "plane/b.note") == {"train": ["plane", "train"]}
    assert classes(tmp_path / "deep", "test/1/a.note", "exam/2/b.note") == {"train": ["exam", "test"]}


def test_folders_without_files_of_the_kind_are_passed_over_with_a_note(tmp_path: Path) -> None:
    folder(tmp_path, "train/cat/a.note", "test/cat/b.note", "docs/.readme")
    tables = open_files(tmp_path, SUFFIXES, labelled=True)
    assert list(tables) == ["train", "test"]
    assert tables["train"].notes[0] == f"`{tmp_path}`: docs passed over, without files of the kind asked for"


def test_a_division_of_files_without_classes_is_not_guessed_either(tmp_path: Path) -> None:
    folder(tmp_path, "train/a.note", "test/b.note", "more/c.note")
    with pytest.raises(
        DataError, match=r"the parts train, test, with more left out .*or as one set of all files"
    ):
        open_files(tmp_path, SUFFIXES, labelled=False)
    assert {
        part: len(table)
        for part, table in open_files(tmp_path, SUFFIXES, labelled=False, choice="parts").items()
    } == {
        "train": 1,
        "test": 1,
    }
    assert len(open_files(tmp_path, SUFFIXES, labelled=False, choice="classes")["train"]) == 3


def test_a_tree_of_files_may_have_a_folder_of_tests(tmp_path: Path) -> None:
    folder(tmp_path, "source/a.note", "test/b.note")
    assert len(open_files(tmp_path, SUFFIXES, labelled=False)["train"]) == 2


def test_two_folders_of_one_part_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="holds 'dev' and 'val', which both mean the part validation"):
        classes(tmp_path, "train/cat/a.note", "val/cat/a.note", "dev/cat/a.note")


def test_nothing_hidden_and_nothing_of_the_system_is_read(tmp_path: Path) -> None:
    folder(
        tmp_path,
        "cat/a.note",
        "cat/.ipynb_checkpoints/a-checkpoint.note",
        "cat/@eaDir/a.note",
        "__MACOSX/cat/a.note",
        "__MACOSX/a.note",
    )
    assert files_below(tmp_path, SUFFIXES) == [tmp_path / "cat" / "a.note"]
    assert classes(tmp_path) == {"train": ["cat"]}
    hidden = folder(tmp_path / ".hidden", "a.note")
    assert files_below(hidden, SUFFIXES) == [hidden / "a.note"], "a folder that is asked for is read"


def test_what_is_passed_over_and_left_out_is_counted(tmp_path: Path) -> None:
    names = [
        "cat/a.note",
        "dog/b.note",
        "cat/a.heic",
        "dog/b.heic",
        "dog/c.txt",
        "cat/Thumbs.db",
        "cat/._a.note",
    ]
    folder(tmp_path, *names, "dog/._b.note", ".git/x.note", "$RECYCLE.BIN/x.note")
    assert open_files(tmp_path, SUFFIXES, labelled=True)["train"].notes == [
        f"`{tmp_path}`: passed over 5 hidden or system files and folders ($RECYCLE.BIN, ._*, .git, Thumbs.db)",
        f"`{tmp_path}`: left out 3 files of other formats (2 with .heic, 1 with .txt)",
    ]
    notes: list[str] = []
    assert len(find_files([str(tmp_path)], SUFFIXES, "note", notes)) == 2
    assert len(notes) == 2


def test_links_to_nothing_are_found_in_folders_and_told_where_they_are_named(tmp_path: Path) -> None:
    link = folder(tmp_path, "a.note") / "b.note"
    link.symlink_to("gone")
    assert find_files([str(tmp_path)], SUFFIXES, "note") == [tmp_path / "a.note", link]
    with pytest.raises(DataError) as error:
        find_files([str(link)], SUFFIXES, "note")
    assert str(error.value) == f"`{link}` {absent(link)}"


def test_an_empty_text_is_not_the_folder_that_the_user_is_in(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(folder(tmp_path, "a.note"))
    assert find_files(["."], SUFFIXES, "note") == [Path("a.note")]
    with pytest.raises(DataError) as error:
        find_files([""], SUFFIXES, "note")
    assert str(error.value) == f"`inputs` must name a file, a table or a folder each, {EMPTY_PATH}"


@pytest.mark.parametrize("given", ["[1, 2], " * 1_000, "a\0b"])
def test_a_text_that_no_file_can_be_called_is_refused(given: str) -> None:
    with pytest.raises(
        DataError, match=f"must name a file, a table or a folder each, received .* of {len(given):,}"
    ):
        find_files([given], SUFFIXES, "note")


def test_a_class_of_other_files_alone_is_named_with_them(tmp_path: Path) -> None:
    folder(tmp_path, "cat/a.heic", "cat/b.heic", "dog/b.note")
    with pytest.raises(
        DataError, match=r"cat` is a class without files \(.note\); it holds others: 2 with .heic"
    ):
        open_files(tmp_path, SUFFIXES, labelled=True)
    with pytest.raises(DataError, match=r"holds no note \(.note\), but other files: 2 with .heic"):
        find_files([str(tmp_path / "cat")], SUFFIXES, "note")
