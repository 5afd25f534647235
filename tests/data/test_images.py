"""Labelled pictures from folders and from scikit-learn."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from perceivers.data.bundled import BUNDLED, load_digits
from perceivers.data.images import find_images, load_images, read_image, write_images
from perceivers.errors import DataError, MissingExtraError


def draw(path: Path, value: int = 0, size: tuple[int, int] = (5, 3), mode: str = "L") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new(mode, size, value).save(path)
    return path


def two_classes(root: Path, count: int = 10) -> Path:
    for name, shade in (("cat", 10), ("dog", 200)):
        for index in range(count):
            draw(root / name / f"{index:02d}.png", shade)
    return root


def test_the_digits_are_1797_pictures_of_8_by_8_with_their_full_range() -> None:
    pixels, digits = load_digits()
    assert pixels.shape == (1797, 8, 8)
    assert pixels.dtype == np.uint8
    assert (pixels.min(), pixels.max()) == (0, 255)
    assert digits[:10].tolist() == list(range(10))


def test_the_digits_are_divided_once_and_for_all() -> None:
    splits = load_images("digits")
    assert [len(part) for part in (splits.train, splits.validation, splits.test)] == [1295, 143, 359]
    assert splits.class_names == tuple("0123456789")
    names = [
        {part[i].name for i in range(len(part))} for part in (splits.train, splits.validation, splits.test)
    ]
    assert len(names[0] | names[1] | names[2]) == 1797
    assert {splits.test[i].label for i in range(60)} == set(range(10))
    sample = splits.test[0]
    pixels, digits = load_digits()
    row = int(sample.name.removeprefix("digits/"))
    assert sample.label == digits[row]
    assert np.array_equal(np.asarray(sample.image), pixels[row])


def test_a_folder_without_parts_is_divided(tmp_path: Path) -> None:
    splits = load_images(str(two_classes(tmp_path)), test_fraction=0.3, validation_fraction=0.15)
    assert splits.class_names == ("cat", "dog")
    assert [len(part) for part in (splits.train, splits.validation, splits.test)] == [12, 2, 6]
    sample = splits.train[0]
    assert sample.name == str(tmp_path / "cat" / Path(sample.name).name)
    assert sample.image.size == (5, 3)
    assert (sample.label, sample.image.getpixel((0, 0))) == (0, 10)


def test_another_split_seed_divides_otherwise(tmp_path: Path) -> None:
    root = str(two_classes(tmp_path))
    first, second = (load_images(root, split_seed=seed).test for seed in (0, 1))
    assert [first[i].name for i in range(len(first))] != [second[i].name for i in range(len(second))]


@pytest.mark.parametrize("validation", ["val", "valid", "validation"])
def test_train_validation_and_test_folders_are_kept(tmp_path: Path, validation: str) -> None:
    two_classes(tmp_path / "train", 7)
    two_classes(tmp_path / validation, 3)
    two_classes(tmp_path / "test", 2)
    splits = load_images(str(tmp_path))
    assert [len(part) for part in (splits.train, splits.validation, splits.test)] == [14, 6, 4]
    assert all("test" in Path(splits.test[i].name).parts for i in range(4))


def test_a_train_folder_alone_gives_the_other_parts(tmp_path: Path) -> None:
    two_classes(tmp_path / "train", 10)
    splits = load_images(str(tmp_path), test_fraction=0.2, validation_fraction=0.0)
    assert [len(part) for part in (splits.train, splits.validation, splits.test)] == [16, 0, 4]


def test_hidden_files_other_files_and_deeper_folders_are_told_apart(tmp_path: Path) -> None:
    two_classes(tmp_path, 4)
    (tmp_path / "cat" / "notes.txt").write_text("not a picture")
    draw(tmp_path / "cat" / ".hidden.png")
    draw(tmp_path / ".cache" / "x.png")
    draw(tmp_path / "dog" / "deeper" / "x.JPG")
    splits = load_images(str(tmp_path), validation_fraction=0.0)
    assert splits.class_names == ("cat", "dog")
    assert len(splits.train) + len(splits.test) == 9


def test_the_classes_of_a_trained_model_decide_the_ids(tmp_path: Path) -> None:
    splits = load_images(str(two_classes(tmp_path, 2)), class_names=("dog", "bird", "cat"))
    assert {splits.train[i].label for i in range(2)} == {0, 2}
    assert splits.class_names == ("dog", "bird", "cat")


def test_a_class_that_the_model_does_not_know_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="has the class 'cat', which is not one of dog, bird"):
        load_images(str(two_classes(tmp_path, 2)), class_names=("dog", "bird"))


def test_a_test_class_without_training_pictures_is_named(tmp_path: Path) -> None:
    two_classes(tmp_path / "train", 3)
    draw(tmp_path / "test" / "bird" / "x.png")
    with pytest.raises(DataError, match=r"test` has the class 'bird', which is not one of cat, dog"):
        load_images(str(tmp_path))


def test_a_missing_folder_is_named_with_the_bundled_names() -> None:
    with pytest.raises(
        DataError, match=r"bundled name \(digits\) or a folder, received '/no/such', which does not"
    ):
        load_images("/no/such")


def test_a_file_in_place_of_a_folder_is_named(tmp_path: Path) -> None:
    path = draw(tmp_path / "x.png")
    with pytest.raises(DataError, match=r"x.png', which is a file"):
        load_images(str(path))


def test_a_folder_of_loose_pictures_is_an_error(tmp_path: Path) -> None:
    draw(tmp_path / "x.png")
    with pytest.raises(DataError, match=r"one sub-folder per class, received .* without sub-folders"):
        load_images(str(tmp_path))


def test_a_class_without_pictures_is_named(tmp_path: Path) -> None:
    two_classes(tmp_path, 2)
    (tmp_path / "bird").mkdir()
    with pytest.raises(DataError, match=r"bird` is a class without pictures"):
        load_images(str(tmp_path))


def test_a_part_without_classes_is_named(tmp_path: Path) -> None:
    two_classes(tmp_path / "train", 2)
    (tmp_path / "test").mkdir()
    with pytest.raises(DataError, match=r"test` holds no sub-folder; each class needs one"):
        load_images(str(tmp_path))


def test_a_single_class_is_an_error(tmp_path: Path) -> None:
    draw(tmp_path / "cat" / "x.png")
    with pytest.raises(DataError, match=r"two classes or more, received .* with only 'cat'"):
        load_images(str(tmp_path))


def test_parts_without_train_are_an_error(tmp_path: Path) -> None:
    two_classes(tmp_path / "test", 2)
    with pytest.raises(DataError, match="must hold a folder `train` beside test"):
        load_images(str(tmp_path))


def test_a_torn_picture_stops_with_its_name(tmp_path: Path) -> None:
    two_classes(tmp_path, 3)
    torn = tmp_path / "cat" / "01.png"
    torn.write_bytes(torn.read_bytes()[:-24])
    (tmp_path / "dog" / "02.png").write_text("no picture at all")
    with pytest.raises(DataError, match=r"01.png` cannot be read as a picture: .* \(and 1 more such files\)"):
        load_images(str(tmp_path))


def test_torn_pictures_are_left_out_and_listed_when_asked_to(tmp_path: Path) -> None:
    two_classes(tmp_path, 3)
    (tmp_path / "dog" / "02.png").write_text("no picture at all")
    splits = load_images(str(tmp_path), unreadable="skip", validation_fraction=0.0)
    assert len(splits.train) + len(splits.test) == 5
    assert len(splits.unreadable) == 1
    assert "02.png" in splits.unreadable[0]


def test_a_class_of_torn_pictures_only_is_named(tmp_path: Path) -> None:
    two_classes(tmp_path, 1)
    (tmp_path / "dog" / "00.png").write_text("no picture at all")
    with pytest.raises(DataError, match="dog` holds no picture that can be read"):
        load_images(str(tmp_path), unreadable="skip")


def test_inputs_are_files_and_whole_folders_in_order(tmp_path: Path) -> None:
    first, second = draw(tmp_path / "b" / "2.png"), draw(tmp_path / "b" / "a" / "1.png")
    single = draw(tmp_path / "a.png")
    assert find_images([single, tmp_path / "b"]) == [single, first, second]


def test_inputs_without_pictures_are_named(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match=r"empty` holds no picture \(.png, .jpg"):
        find_images([tmp_path / "empty"])
    with pytest.raises(DataError, match=r"gone\.png` does not exist"):
        find_images([tmp_path / "gone.png"])


def test_pictures_keep_their_mode_and_size(tmp_path: Path) -> None:
    image = read_image(draw(tmp_path / "x.png", 70_000 % 65_536, size=(7, 11), mode="I;16"))
    assert (image.mode, image.size) == ("I;16", (7, 11))


def test_bundled_pictures_are_written_as_files_that_load_again(tmp_path: Path) -> None:
    written = write_images("digits", tmp_path, split="test", count=23)
    assert len(written) == 23
    test = load_images("digits").test
    for index, path in enumerate(written):
        assert path.parent.name == str(test[index].label)
        assert np.array_equal(np.asarray(read_image(path)), np.asarray(test[index].image))
    assert len(write_images("digits", tmp_path / "all", split="validation")) == 143


def test_writing_names_its_mistakes(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="`name` must be one of digits, received 'letters'"):
        write_images("letters", tmp_path)
    with pytest.raises(DataError, match="`count` must be at least 1, received 0"):
        write_images("digits", tmp_path, count=0)


def test_bundled_data_of_another_modality_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    from dataclasses import replace

    monkeypatch.setattr(
        "perceivers.data.images.BUNDLED", {"digits": replace(BUNDLED["digits"], modality="text")}
    )
    with pytest.raises(DataError, match="`data` must be pictures, received 'digits'"):
        load_images("digits")


def test_missing_scikit_learn_names_the_command_that_installs_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "sklearn.datasets", None)
    with pytest.raises(
        MissingExtraError, match=r'`digits` needs .*`scikit-learn`.*pip install "perceivers\[samples\]"'
    ):
        load_digits()
