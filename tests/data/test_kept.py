"""What was read is kept in memory, then on disk, within bounds, and is the same when it comes back."""

from __future__ import annotations

import multiprocessing
import os
import pickle
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from perceivers.data import kept as kept_module
from perceivers.data.kept import OVERHEAD, KeptValues, key_of, remove_abandoned

VALUE = {"a": np.arange(7, dtype=np.float32), "b": np.ones((2, 3), np.uint8)}
SIZE = OVERHEAD + 28 + 6


@pytest.fixture(autouse=True)
def own_temporary_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "tmp").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "tmp"))


def same(found: Any) -> bool:
    return found is not None and all(np.array_equal(found[name], VALUE[name]) for name in VALUE)


def test_memory_is_filled_first_then_the_disk_then_nothing(tmp_path: Path) -> None:
    kept = KeptValues(2 * SIZE, 3 * SIZE, tmp_path / "kept")
    for key in "abcdefg":
        kept.add(key, VALUE)
    assert [key for key in "abcdefg" if same(kept.get(key))] == list("abcde")
    assert sorted(path.name for path in (tmp_path / "kept").iterdir()) == [
        f"{key}.safetensors" for key in "cde"
    ]
    assert kept.get("f") is None


def test_a_folder_serves_later_runs_and_counts_what_it_holds(tmp_path: Path) -> None:
    KeptValues(0, 10_000, tmp_path / "kept").add("a", VALUE)
    later = KeptValues(0, 200, tmp_path / "kept")
    assert same(later.get("a"))
    later.add("b", VALUE)
    assert later.get("b") is None


def test_a_damaged_file_counts_as_absent(tmp_path: Path) -> None:
    kept = KeptValues(0, 10_000, tmp_path / "kept")
    (tmp_path / "kept" / "a.safetensors").write_bytes(b"\xff" * 30)
    assert kept.get("a") is None


def test_without_room_nothing_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kept = KeptValues(0, 10_000, tmp_path / "kept")
    monkeypatch.setattr(kept_module, "RESERVE", 1 << 62)
    kept.add("a", VALUE)
    assert not list((tmp_path / "kept").iterdir())
    KeptValues(0, 0).add("a", VALUE)
    assert not list((tmp_path / "tmp").iterdir())


def test_a_full_disk_costs_no_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kept = KeptValues(0, 10_000, tmp_path / "kept")

    def full(*_: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", full)
    kept.add("a", VALUE)
    assert not list((tmp_path / "kept").iterdir())


def test_a_temporary_folder_goes_with_its_owner_and_after_a_kill(tmp_path: Path) -> None:
    kept = KeptValues(0, 10_000)
    kept.add("a", VALUE)
    (folder,) = (tmp_path / "tmp").iterdir()
    assert len(list(folder.iterdir())) == 1
    del kept
    assert not folder.exists()
    # A process number that no system gives.
    abandoned = tmp_path / "tmp" / f"perceivers-kept-{2**30}-x"
    others = tmp_path / "tmp" / "perceivers-kept-of-somebody"
    abandoned.mkdir()
    others.mkdir()
    remove_abandoned()
    assert (abandoned.exists(), others.exists()) == (False, True)


def _add_in_worker(kept: KeptValues) -> None:
    kept.add("worker", VALUE)


def test_workers_write_for_all_and_leave_the_folder(tmp_path: Path) -> None:
    kept = KeptValues(10_000, 10_000)
    process = multiprocessing.get_context("fork").Process(target=_add_in_worker, args=(kept,))
    process.start()
    process.join()
    assert same(kept.get("worker"))
    sent: KeptValues = pickle.loads(pickle.dumps(kept))  # our own bytes
    assert same(sent.get("worker"))
    sent.add("sent", VALUE)
    assert same(kept.get("sent"))


def test_a_key_follows_the_file_and_the_settings(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"one")
    first = key_of("a", tmp_path, ("image", 1))
    assert first is not None
    assert key_of(str(tmp_path / "a"), None, ("image", 1)) == first
    assert key_of({"path": "a", "bytes": None}, tmp_path, ("image", 1)) == first
    assert key_of("a", tmp_path, ("image", 2)) != first
    os.utime(tmp_path / "a", ns=(1, 1))
    assert key_of("a", tmp_path, ("image", 1)) != first
    content = key_of(b"one", None, ())
    assert content == key_of({"bytes": b"one", "path": "a"}, tmp_path, ())
    assert content != key_of(b"two", None, ())


def test_pixels_are_known_by_their_content_and_shape() -> None:
    pixels = np.arange(6, dtype=np.uint8)
    keys = {
        key_of(each, None, ())
        for each in (pixels.reshape(2, 3), pixels.reshape(3, 2), pixels.reshape(2, 3) + 1)
    }
    assert len(keys) == 3
    assert None not in keys
    assert key_of(pixels.reshape(2, 3).copy(), None, ()) in keys


@pytest.mark.parametrize("cell", [None, "", "absent", 3.5, "[[1, 2]]", np.zeros(3), "nul\0byte"])
def test_what_is_no_file_has_no_key(cell: Any, tmp_path: Path) -> None:
    assert key_of(cell, tmp_path, ()) is None
