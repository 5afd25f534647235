from __future__ import annotations

import json
import os
import signal
import socket
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file

from forked import finished
from perceivers.checkpoints import writing
from perceivers.errors import CheckpointError, ConfigurationError

INDEX = "model.safetensors.index.json"


def files(folder):
    return sorted(path.name for path in folder.iterdir())


def header(path):
    """Bytes before the tensors of a safetensors file."""
    return 8 + int.from_bytes(path.read_bytes()[:8], "little")


def fill(model, value):
    with torch.no_grad():
        for tensor in model.state_dict().values():
            tensor.fill_(value)
    return model


def test_one_file_holds_everything_below_the_limit(task, tmp_path):
    task.save_pretrained(tmp_path)
    assert files(tmp_path) == ["config.json", "model.safetensors"]
    assert json.loads((tmp_path / "config.json").read_text())["model_type"] == "perceiver"


def test_shards_hold_everything_above_the_limit(task, task_class, tmp_path, assert_same_tensors):
    task.save_pretrained(tmp_path, max_shard_size=500)
    names = files(tmp_path)
    assert INDEX in names
    assert "model.safetensors" not in names
    index = json.loads((tmp_path / INDEX).read_text())
    shards = sorted(set(index["weight_map"].values()))
    assert len(shards) > 2
    assert shards[0] == f"model-00001-of-{len(shards):05d}.safetensors"
    assert names == sorted(["config.json", INDEX, *shards])
    assert index["metadata"]["total_size"] == sum(
        path.stat().st_size - header(path) for path in map(tmp_path.joinpath, shards)
    )
    assert (tmp_path / INDEX).read_text() == json.dumps(index, indent=2, sort_keys=True) + "\n"
    for key, name in index["weight_map"].items():
        assert key in load_file(tmp_path / name)
    for name in shards:
        tensors = load_file(tmp_path / name)
        assert len(tensors) == 1 or sum(tensor.nbytes for tensor in tensors.values()) <= 500
    assert_same_tensors(task_class.from_pretrained(tmp_path), task)


@pytest.mark.parametrize("first", ["5GB", 500, 900])
@pytest.mark.parametrize("second", ["5GB", 500, 900])
def test_a_second_save_replaces_the_first_and_leaves_nothing_of_it(
    task, task_class, tmp_path, first, second, assert_same_tensors
):
    (tmp_path / "results.json").write_text("{}")
    fill(task, 1).save_pretrained(tmp_path, max_shard_size=first)
    fill(task, 2).save_pretrained(tmp_path, max_shard_size=second)
    assert_same_tensors(task_class.from_pretrained(tmp_path), task)
    expected = {"config.json", "results.json"}
    if second == "5GB":
        expected |= {"model.safetensors"}
    else:
        expected |= {INDEX, *json.loads((tmp_path / INDEX).read_text())["weight_map"].values()}
    assert set(files(tmp_path)) == expected


def test_no_shard_takes_the_name_of_one_that_is_there(task, tmp_path):
    def stem() -> str:
        task.save_pretrained(tmp_path, max_shard_size=500)
        (found,) = {
            name.rsplit("-", 3)[0]
            for name in json.loads((tmp_path / INDEX).read_text())["weight_map"].values()
        }
        return found

    assert [stem() for _ in range(3)] == ["model", "model-2", "model"]
    (tmp_path / "model-2-00001-of-00002.safetensors").touch()
    assert stem() == "model-3"
    assert not (tmp_path / "model-2-00001-of-00002.safetensors").exists()


def test_all_is_on_the_disk_before_any_of_it_counts(task, tmp_path, monkeypatch):
    folder, events = tmp_path / "runs" / "model", []
    fsync, replace = os.fsync, os.replace

    def flush(handle):
        events.append(os.fstat(handle).st_ino)
        handles.append(handle)
        fsync(handle)

    def move(source, target):
        events.append("moved")
        replace(source, target)

    handles = []
    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", flush)
        patch.setattr(os, "replace", move)
        task.save_pretrained(folder)
    written = {(folder / name).stat().st_ino for name in ("config.json", "model.safetensors")}
    assert set(events[:2]) == written
    assert events[2:] == ["moved", "moved", folder.stat().st_ino]
    for handle in set(handles):
        with pytest.raises(OSError, match="Bad file descriptor"):
            os.fstat(handle)


@pytest.mark.parametrize("name", ["posix", "nt"])
def test_what_may_belong_to_a_running_save_stays(name, monkeypatch):
    def kill(process, signal_number):
        # Windows would end the process.
        assert name == "posix"
        assert signal_number == 0
        raise PermissionError

    monkeypatch.setattr(writing, "os", SimpleNamespace(name=name, kill=kill))
    assert writing._is_running(7) is True


def test_folders_are_not_flushed_where_they_cannot_be_opened(tmp_path, monkeypatch):
    opened = []
    other = SimpleNamespace(
        name="nt", O_RDONLY=os.O_RDONLY, open=lambda *given: opened.append(given), fsync=id, close=id
    )
    monkeypatch.setattr(writing, "os", other)
    writing._flush(tmp_path)
    assert opened == []
    writing._flush(Path(__file__))
    assert opened == [(Path(__file__), os.O_RDONLY)]


class Stop(BaseException):
    """Stands for a signal: not an Exception, so that nothing swallows it."""


def test_what_a_killed_save_has_left_goes_with_the_next_one(task, tmp_path):
    def die() -> None:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(writing, "_publish", lambda *given: os.kill(os.getpid(), signal.SIGKILL))
            task.save_pretrained(tmp_path)

    assert finished(die).returncode == -signal.SIGKILL
    (left,) = files(tmp_path)
    assert left.startswith(".saving-")
    kept = [f".saving-{socket.gethostname()}-{os.getpid()}-abc", ".saving-another-machine-7-abc"]
    for name in kept:
        (tmp_path / name).mkdir()
    task.save_pretrained(tmp_path)
    assert files(tmp_path) == sorted([*kept, "config.json", "model.safetensors"])


@pytest.mark.parametrize("first", ["5GB", 500])
@pytest.mark.parametrize("second", ["5GB", 500])
def test_an_interrupted_save_leaves_the_former_or_the_new_checkpoint_whole(
    task, task_class, tmp_path, monkeypatch, first, second
):
    """Every call that changes the folder is the last one in turn."""
    import safetensors.torch

    calls = 0
    stop_at = 0

    def counted(function):
        def call(*arguments, **options):
            nonlocal calls
            calls += 1
            if calls == stop_at:
                raise Stop
            return function(*arguments, **options)

        return call

    outcomes = []
    for stop_at in range(1, 100):
        folder = tmp_path / str(stop_at)
        fill(task, 1).save_pretrained(folder, max_shard_size=first)
        fill(task, 2)
        calls = 0
        with monkeypatch.context() as patch:
            patch.setattr(safetensors.torch, "save_file", counted(safetensors.torch.save_file))
            patch.setattr(os, "replace", counted(os.replace))
            patch.setattr(writing, "_flush", counted(writing._flush))
            patch.setattr(Path, "unlink", counted(Path.unlink))
            try:
                task.save_pretrained(folder, max_shard_size=second)
                finished = True
            except Stop:
                finished = False
        loaded = task_class.from_pretrained(folder, strict=True)
        values = {tensor.flatten()[0].item() for tensor in loaded.state_dict().values()}
        assert len(values) == 1
        outcomes.append(values.pop())
        assert not any(name.startswith(".saving-") for name in files(folder))
        if finished:
            break
        fill(task, 2).save_pretrained(folder, max_shard_size=second)
        after = [name for name in files(folder) if name.endswith(".safetensors")]
        if second == "5GB":
            assert after == ["model.safetensors"]
        else:
            assert set(after) == set(json.loads((folder / INDEX).read_text())["weight_map"].values())
    assert outcomes == sorted(outcomes)
    assert outcomes[0] == 1
    assert outcomes[-1] == 2


def test_tensors_that_share_memory_are_untangled(task, tmp_path):
    whole = torch.arange(12.0).reshape(3, 4)
    tensors = {"whole": whole, "again": whole, "row": whole[1], "turned": whole.T}
    task.save_pretrained(tmp_path, state_dict=tensors)
    stored = load_file(tmp_path / "model.safetensors")
    assert set(stored) == {"whole", "row", "turned"}
    for key, tensor in stored.items():
        assert torch.equal(tensor, tensors[key])


def test_only_what_shares_memory_is_copied():
    whole, empty = torch.arange(12.0).reshape(3, 4), torch.empty(0)
    kept = writing._independent({"whole": whole, "row": whole[1], "empty": empty, "same": empty})
    assert kept["whole"].data_ptr() == whole.data_ptr()
    assert kept["row"].untyped_storage().nbytes() == 16
    assert kept["same"].untyped_storage()._cdata == empty.untyped_storage()._cdata


def test_the_file_says_what_has_written_it_and_a_shard_may_be_a_byte(task, tmp_path):
    task.save_pretrained(tmp_path / "one")
    with safe_open(tmp_path / "one" / "model.safetensors", "pt") as file:
        assert file.metadata() == {"format": "pt"}
    task.save_pretrained(tmp_path / "many", max_shard_size=1)
    # Tensors that are there twice are written once.
    assert len(files(tmp_path / "many")) == len(load_file(tmp_path / "one" / "model.safetensors")) + 2


def test_other_processes_write_nothing(task, tmp_path):
    task.save_pretrained(tmp_path / "run", is_main_process=False)
    assert not (tmp_path / "run").exists()


def test_a_model_without_values_cannot_be_saved(task_class, config, tmp_path):
    with torch.device("meta"):
        model = task_class(config)
    with pytest.raises(CheckpointError, match=r"meta device, it has no values: head\.bias"):
        model.save_pretrained(tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_a_file_is_no_folder(task, tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(CheckpointError, match="`save_directory` must be a folder, received the file"):
        task.save_pretrained(tmp_path / "file")


@pytest.mark.parametrize("size", [0, -1, "many", "5 apples"])
def test_a_shard_size_that_is_none_is_an_error(task, tmp_path, size):
    with pytest.raises(ConfigurationError, match="`max_shard_size` must be"):
        task.save_pretrained(tmp_path, max_shard_size=size)
    assert files(tmp_path) == []


def test_pickled_weights_are_not_written(task, tmp_path):
    with pytest.raises(ConfigurationError, match="`safe_serialization` must be True"):
        task.save_pretrained(tmp_path, safe_serialization=False)


def test_files_are_readable_by_others_as_the_system_says(task, tmp_path):
    previous = os.umask(0o022)
    try:
        task.save_pretrained(tmp_path)
    finally:
        os.umask(previous)
    assert {path.stat().st_mode & 0o777 for path in tmp_path.iterdir()} == {0o644}
