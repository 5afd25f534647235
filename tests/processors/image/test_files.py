"""What is saved here Transformers loads, what Transformers saves is loaded here."""

import json

import numpy as np
import pytest

from perceivers.errors import CheckpointError, ConfigurationError
from perceivers.processors.auto import AutoImageProcessor
from perceivers.processors.image.fast import PerceiverImageProcessorFast
from perceivers.processors.image.pillow import PerceiverImageProcessor

CHANGED = {
    "size": (13, 17),
    "crop_size": 29,
    "resample": 2,
    "do_normalize": False,
    "image_mean": [0.1, 0.2, 0.3],
}


@pytest.fixture(scope="module")
def transformers():
    return pytest.importorskip("transformers")


@pytest.mark.parametrize(
    "options", [{}, CHANGED, {"do_normalize": None, "do_center_crop": None, "image_mean": None}]
)
def test_the_saved_file_is_the_references(transformers, tmp_path, options):
    PerceiverImageProcessor(**options).save_pretrained(tmp_path / "ours")
    transformers.PerceiverImageProcessorPil(**options).save_pretrained(tmp_path / "theirs")
    ours, theirs = (
        json.loads((tmp_path / side / "preprocessor_config.json").read_text()) for side in ("ours", "theirs")
    )
    assert ours == theirs


@pytest.mark.parametrize("options", [{}, CHANGED])
def test_both_libraries_load_each_others_files(transformers, tmp_path, options):
    picture = np.random.default_rng(0).integers(0, 256, (37, 53, 3), dtype=np.uint8)
    theirs = transformers.PerceiverImageProcessorPil(**options)
    expected = theirs(picture, return_tensors="np").pixel_values
    theirs.save_pretrained(tmp_path / "theirs")
    for processor in (PerceiverImageProcessor, PerceiverImageProcessorFast):
        loaded = processor.from_pretrained(tmp_path / "theirs")
        np.testing.assert_array_equal(loaded(picture, return_tensors="np").pixel_values, expected)
        loaded.save_pretrained(tmp_path / "ours")
        back = transformers.PerceiverImageProcessorPil.from_pretrained(tmp_path / "ours")
        np.testing.assert_array_equal(back(picture, return_tensors="np").pixel_values, expected)


def test_transformers_auto_class_knows_the_saved_name(transformers, tmp_path):
    PerceiverImageProcessorFast().save_pretrained(tmp_path)
    loaded = transformers.AutoImageProcessor.from_pretrained(tmp_path)
    assert type(loaded).__name__.startswith("PerceiverImageProcessor")


def test_the_published_file_of_2021_is_read(tmp_path):
    published = {
        "crop_size": 256,
        "do_center_crop": True,
        "do_normalize": True,
        "do_resize": True,
        "feature_extractor_type": "PerceiverFeatureExtractor",
        "image_mean": [0.485, 0.456, 0.406],
        "image_std": [0.229, 0.224, 0.225],
        "resample": 3,
        "size": 224,
    }
    (tmp_path / "preprocessor_config.json").write_text(json.dumps(published))
    assert PerceiverImageProcessor.from_pretrained(tmp_path) == PerceiverImageProcessor()


def test_loading_options_win_and_unknown_entries_are_kept(tmp_path):
    saved = {**PerceiverImageProcessor().to_dict(), "invented": [3, 5]}
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "preprocessor_config.json").write_text(json.dumps(saved))
    loaded = PerceiverImageProcessor.from_pretrained(tmp_path, subfolder="sub", size=7, crop_mode="deepmind")
    assert loaded.size == {"height": 7, "width": 7}
    assert loaded.invented == [3, 5]
    loaded.save_pretrained(tmp_path)
    again = PerceiverImageProcessor.from_pretrained(str(tmp_path / "preprocessor_config.json"))
    assert again == loaded
    assert again.to_dict()["crop_mode"] == "deepmind"
    assert again != PerceiverImageProcessor()
    assert "invented" in repr(again)


def test_the_shared_file_of_transformers_5_is_read(tmp_path):
    shared = {"processor_class": "X", "image_processor": PerceiverImageProcessor(size=7).to_dict()}
    (tmp_path / "processor_config.json").write_text(json.dumps(shared))
    assert PerceiverImageProcessor.from_pretrained(tmp_path) == PerceiverImageProcessor(size=7)
    (tmp_path / "processor_config.json").write_text("{}")
    with pytest.raises(CheckpointError, match="holds no image processor: expected preprocessor_config"):
        PerceiverImageProcessor.from_pretrained(tmp_path)


def test_unreadable_places_are_named(tmp_path):
    with pytest.raises(CheckpointError, match="holds no image processor"):
        PerceiverImageProcessor.from_pretrained(tmp_path)
    with pytest.raises(CheckpointError, match="nobody/nothing"):
        PerceiverImageProcessor.from_pretrained("nobody/nothing", local_files_only=True)
    (tmp_path / "preprocessor_config.json").write_text("{")
    with pytest.raises(CheckpointError, match=r"preprocessor_config.json` is not valid JSON"):
        PerceiverImageProcessor.from_pretrained(tmp_path)
    (tmp_path / "preprocessor_config.json").write_text("[]")
    with pytest.raises(CheckpointError, match="must hold a JSON object, received list"):
        PerceiverImageProcessor.from_pretrained(tmp_path)
    with pytest.raises(CheckpointError, match="`save_directory` must be a folder, received the file"):
        PerceiverImageProcessor().save_pretrained(tmp_path / "preprocessor_config.json")


def test_nothing_is_left_of_a_failed_save(tmp_path, monkeypatch):
    monkeypatch.setattr("os.replace", lambda *_: (_ for _ in ()).throw(OSError("full")))
    with pytest.raises(OSError, match="full"):
        PerceiverImageProcessor().save_pretrained(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_push_to_hub_uploads_the_saved_file(monkeypatch):
    seen = {}

    def upload(save, repo_id, **options):
        import tempfile
        from pathlib import Path

        with tempfile.TemporaryDirectory() as folder:
            save(Path(folder))
            seen[repo_id] = [entry.name for entry in Path(folder).iterdir()]
        return "address"

    monkeypatch.setattr("perceivers.checkpoints.pretrained.upload", upload)
    assert PerceiverImageProcessor().push_to_hub("someone/somewhere") == "address"
    assert seen == {"someone/somewhere": ["preprocessor_config.json"]}


@pytest.mark.parametrize(
    "options",
    [
        {"do_normalize": None},
        {"do_resize": None, "do_rescale": None, "do_center_crop": None},
        {"size": None, "do_resize": False, "do_center_crop": False},
        {"image_mean": None, "image_std": None, "do_normalize": False, "default_to_square": None},
    ],
)
def test_an_option_that_is_none_is_none_again(tmp_path, options):
    processor = PerceiverImageProcessor(**options)
    processor.save_pretrained(tmp_path)
    saved = json.loads((tmp_path / "preprocessor_config.json").read_text())
    again = PerceiverImageProcessor.from_pretrained(tmp_path)
    for name, value in options.items():
        assert saved[name] is value
        assert getattr(again, name) is value
    picture = np.random.default_rng(0).integers(0, 256, (37, 53, 3), dtype=np.uint8)
    before, after = processor(picture, return_tensors="np"), again(picture, return_tensors="np")
    np.testing.assert_array_equal(before.pixel_values, after.pixel_values)


def test_arguments_go_by_transformers_names(tmp_path):
    PerceiverImageProcessor(size=13).save_pretrained(save_directory=tmp_path / "inner")
    loaded, unused = PerceiverImageProcessor.from_pretrained(
        pretrained_model_name_or_path=tmp_path,
        subfolder="inner",
        return_unused_kwargs=True,
        do_normalize=False,
        do_pad=False,
        colour="red",
        trust_remote_code=False,
        _from_auto=True,
    )
    assert unused == {"colour": "red"}
    assert (loaded.size, loaded.do_normalize) == ({"height": 13, "width": 13}, False)
    saved, options = PerceiverImageProcessor.get_image_processor_dict(
        tmp_path, subfolder="inner", do_normalize=False
    )
    assert saved == json.loads((tmp_path / "inner" / "preprocessor_config.json").read_text())
    assert options == {"do_normalize": False}
    with pytest.raises(TypeError, match="`colour` is not an option of the image processor"):
        PerceiverImageProcessor.from_pretrained(tmp_path / "inner", colour="red")
    with pytest.raises(ConfigurationError, match="code that comes with a checkpoint is never run"):
        PerceiverImageProcessor.from_pretrained(tmp_path / "inner", trust_remote_code=True)


def test_saving_uploads_where_asked_for_and_only_then(tmp_path, monkeypatch):
    sent = []

    def upload(save, repo_id, **options):
        save(tmp_path / "sent")
        sent.append((repo_id, options["private"]))
        return "address"

    monkeypatch.setattr("perceivers.checkpoints.pretrained.upload", upload)
    PerceiverImageProcessor().save_pretrained(tmp_path / "mine", push_to_hub=True, private=True)
    assert sent == [("mine", True)]
    assert (tmp_path / "sent" / "preprocessor_config.json").is_file()
    with pytest.raises(ConfigurationError, match="without `push_to_hub=True` nothing uses private"):
        PerceiverImageProcessor().save_pretrained(tmp_path, private=True)


def test_the_auto_class_takes_the_same_names(tmp_path):
    PerceiverImageProcessorFast(size=13).save_pretrained(tmp_path / "inner")
    loaded = AutoImageProcessor.from_pretrained(pretrained_model_name_or_path=tmp_path, subfolder="inner")
    assert loaded.size.height == 13
