from __future__ import annotations

import json

import huggingface_hub
import pytest
import torch
from huggingface_hub import errors
from safetensors.torch import save_file

from perceivers.checkpoints.locating import HubOptions, find_weights, resolve_file, weight_names
from perceivers.errors import CheckpointError

COMMIT = "0123456789abcdef0123456789abcdef01234567"


@pytest.fixture
def shards(tmp_path):
    for name in ("a", "b", "c"):
        save_file({name: torch.zeros(2)}, tmp_path / f"model-{name}.safetensors")
    index = {"weight_map": {name: f"model-{name}.safetensors" for name in ("a", "b", "c")}}
    (tmp_path / "model.safetensors.index.json").write_text(json.dumps(index))
    return tmp_path


def test_a_file_of_a_folder_is_found(tmp_path):
    (tmp_path / "config.json").touch()
    assert resolve_file(tmp_path, "config.json") == tmp_path / "config.json"
    assert resolve_file(str(tmp_path), "config.json") == tmp_path / "config.json"


def test_a_long_folder_is_not_listed_to_the_end(tmp_path):
    for number in range(13):
        (tmp_path / f"{number:02d}").touch()
    with pytest.raises(CheckpointError, match=r"holds no config.json; it holds 00, 01, .*, 09 and 3 more$"):
        resolve_file(tmp_path, "config.json")


def test_weights_are_looked_for_in_one_order(tmp_path, shards):
    torch.save({}, tmp_path / "pytorch_model.bin")
    names = [path.name for path in find_weights(tmp_path, HubOptions())]
    assert names == ["model-a.safetensors", "model-b.safetensors", "model-c.safetensors"]
    save_file({"a": torch.zeros(2)}, tmp_path / "model.safetensors")
    assert find_weights(tmp_path, HubOptions()) == [tmp_path / "model.safetensors"]


@pytest.mark.parametrize(
    ("options", "names"),
    [
        (
            {},
            [
                "model.safetensors",
                "model.safetensors.index.json",
                "pytorch_model.bin",
                "pytorch_model.bin.index.json",
            ],
        ),
        ({"use_safetensors": True}, ["model.safetensors", "model.safetensors.index.json"]),
        (
            {"use_safetensors": False, "variant": "fp16"},
            ["pytorch_model.fp16.bin", "pytorch_model.bin.index.fp16.json"],
        ),
    ],
)
def test_names_of_weight_files_are_those_that_the_hub_knows(options, names):
    assert weight_names(**options) == names


def test_a_subfolder_is_part_of_the_path_everywhere(tmp_path, cache, monkeypatch):
    (tmp_path / "inner").mkdir()
    (tmp_path / "inner" / "config.json").touch()
    assert resolve_file(tmp_path, "config.json", subfolder="inner") == tmp_path / "inner" / "config.json"
    seen = []

    def download(name, filename, **options):
        seen.append((name, filename, options.get("subfolder")))
        return str(tmp_path / filename)

    monkeypatch.setattr(huggingface_hub, "hf_hub_download", download)
    resolve_file("someone/model", "config.json", subfolder="inner")
    assert seen == [("someone/model", "inner/config.json", None)]


def test_old_weights_in_several_files_are_found(tmp_path):
    torch.save({"a": torch.zeros(2)}, tmp_path / "one.bin")
    (tmp_path / "pytorch_model.bin.index.json").write_text(json.dumps({"weight_map": {"a": "one.bin"}}))
    assert find_weights(tmp_path, HubOptions()) == [tmp_path / "one.bin"]


def test_absent_shards_are_named(shards):
    (shards / "model-a.safetensors").unlink()
    (shards / "model-c.safetensors").unlink()
    with pytest.raises(
        CheckpointError,
        match=r"names 3 weight files, of which 2 are absent: model-a.safetensors, model-c.safetensors",
    ):
        find_weights(shards, HubOptions())


@pytest.mark.parametrize(
    "content", ["", "[]", "{}", '{"weight_map": 3}', '{"weight_map": {"a": ["b"]}}', "{nonsense"]
)
def test_an_index_that_is_none_is_an_error(tmp_path, content):
    (tmp_path / "model.safetensors.index.json").write_text(content)
    with pytest.raises(CheckpointError, match="is no index of weight files"):
        find_weights(tmp_path, HubOptions())


@pytest.mark.parametrize("name", ["../secret.bin", "/etc/passwd", "deeper/model.bin", "", ".."])
def test_an_index_cannot_reach_outside_its_folder(tmp_path, name):
    (tmp_path / "pytorch_model.bin.index.json").write_text(json.dumps({"weight_map": {"a": name}}))
    with pytest.raises(CheckpointError, match="names files outside its folder"):
        find_weights(tmp_path, HubOptions())


def test_a_name_that_cannot_be_one_is_an_error():
    with pytest.raises(
        CheckpointError, match=r"must be an existing folder or a hub name like .*, received 'a/b/c'"
    ):
        resolve_file("a/b/c", "config.json")


@pytest.fixture
def cache(tmp_path):
    """A cache of downloads that holds one repository, as the hub's client lays it out."""
    repository = tmp_path / "cache" / "models--someone--model"
    (repository / "refs").mkdir(parents=True)
    (repository / "refs" / "main").write_text(COMMIT)
    snapshot = repository / "snapshots" / COMMIT
    snapshot.mkdir(parents=True)
    (snapshot / "config.json").write_text("{}")
    (snapshot / "pytorch_model.bin").write_text("old")
    return tmp_path / "cache"


def test_a_download_made_before_is_found_without_network(cache):
    path = resolve_file("someone/model", "config.json", cache_dir=cache, local_files_only=True)
    assert path.read_text() == "{}"
    [weights] = find_weights("someone/model", HubOptions(cache_dir=cache, local_files_only=True))
    assert weights.name == "pytorch_model.bin"


def test_a_download_without_weights_says_that_they_cannot_be_fetched(cache):
    [weights] = find_weights("someone/model", HubOptions(cache_dir=cache, local_files_only=True))
    weights.unlink()
    with pytest.raises(
        CheckpointError, match=r"holds no weights.*the cached copy .*`local_files_only` forbids"
    ):
        find_weights("someone/model", HubOptions(cache_dir=cache, local_files_only=True))


def test_a_name_never_downloaded_says_why_it_is_not_fetched(tmp_path, monkeypatch):
    message = "'someone/else' is no folder here, config.json is not in the cache of downloads, and "
    with pytest.raises(CheckpointError, match=message + "`local_files_only` forbids to ask the hub"):
        resolve_file("someone/else", "config.json", cache_dir=tmp_path, local_files_only=True)
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)
    with pytest.raises(CheckpointError, match=message + "HF_HUB_OFFLINE is set"):
        resolve_file("someone/else", "config.json", cache_dir=tmp_path)


def test_options_reach_the_hub_and_its_answer_comes_back(tmp_path, monkeypatch):
    seen = {}

    def download(name, filename, **options):
        seen.update(name=name, filename=filename, **options)
        return str(tmp_path / filename)

    monkeypatch.setattr(huggingface_hub, "hf_hub_download", download)
    path = resolve_file(
        "someone/model", "config.json", revision="v2", cache_dir=tmp_path, token="secret", force_download=True
    )
    assert path == tmp_path / "config.json"
    assert seen == {
        "name": "someone/model",
        "filename": "config.json",
        "revision": "v2",
        "cache_dir": tmp_path,
        "token": "secret",
        "local_files_only": False,
        "force_download": True,
    }


def raised(kind, monkeypatch):
    """Have the hub answer with an error, made without its web response."""

    class Answer(kind):
        def __init__(self):
            Exception.__init__(self, "the hub's own words")

    def download(*arguments, **options):
        raise Answer

    monkeypatch.setattr(huggingface_hub, "hf_hub_download", download)


@pytest.mark.parametrize(
    ("kind", "message"),
    [
        (errors.RepositoryNotFoundError, "is neither a folder here nor a repository of the hub"),
        (errors.GatedRepoError, "the hub repository 'someone/model' at 'v2' is gated: accept its terms"),
        (errors.RevisionNotFoundError, "'someone/model' has no `revision` 'v2'"),
        (errors.EntryNotFoundError, "at 'v2' holds no config.json"),
        (errors.LocalEntryNotFoundError, "and the hub cannot be reached"),
        (errors.HfHubHTTPError, "cannot fetch config.json of .* the hub's own words"),
        (ConnectionError, "cannot fetch config.json of .* the hub's own words"),
    ],
)
def test_what_the_hub_answers_is_said_in_words(kind, message, monkeypatch, tmp_path):
    raised(kind, monkeypatch)
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", False)
    with pytest.raises(CheckpointError, match=message):
        resolve_file("someone/model", "config.json", revision="v2", cache_dir=tmp_path)
