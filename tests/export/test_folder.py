"""An exported folder is there whole, or as it was before, whatever stops the process."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from perceivers.errors import ConfigurationError, DataError, PerceiversError
from perceivers.export.folder import PARTIAL, whole_folder
from perceivers.runtime.predictor import EXPORT_FILE


def write(output: Path, text: str, *, overwrite: bool = False) -> None:
    with whole_folder(output, overwrite=overwrite) as folder:
        (folder / EXPORT_FILE).write_text(text, encoding="utf-8")


def left_over(place: Path) -> list[str]:
    return [path.name for path in place.iterdir() if path.name.startswith(PARTIAL)]


def test_a_folder_appears_when_all_is_written(tmp_path: Path) -> None:
    output = tmp_path / "deep" / "exported"
    with whole_folder(output, overwrite=False) as folder:
        (folder / EXPORT_FILE).write_text("first", encoding="utf-8")
        assert not output.exists()
    assert (output / EXPORT_FILE).read_text(encoding="utf-8") == "first"
    assert left_over(output.parent) == []


def test_another_export_is_replaced_only_on_demand(tmp_path: Path) -> None:
    output = tmp_path / "exported"
    write(output, "first")
    with pytest.raises(ConfigurationError, match=r"already holds an export; .* --overwrite to replace it"):
        write(output, "second")
    write(output, "second", overwrite=True)
    assert (output / EXPORT_FILE).read_text(encoding="utf-8") == "second"
    assert left_over(tmp_path) == []


def test_what_another_process_has_put_there_meanwhile_is_not_replaced(tmp_path: Path) -> None:
    output = tmp_path / "exported"

    def write_both() -> None:
        with whole_folder(output, overwrite=False) as folder:
            (folder / EXPORT_FILE).write_text("second", encoding="utf-8")
            write(output, "first")

    with pytest.raises(ConfigurationError, match="already holds an export"):
        write_both()
    assert (output / EXPORT_FILE).read_text(encoding="utf-8") == "first"
    assert left_over(tmp_path) == []


def test_other_files_are_never_replaced(tmp_path: Path) -> None:
    (tmp_path / "photo.jpg").write_bytes(b"dear")
    with pytest.raises(ConfigurationError, match="holds files that are no export"):
        write(tmp_path, "first", overwrite=True)
    with pytest.raises(ConfigurationError, match="`output` must be a folder, received the file"):
        write(tmp_path / "photo.jpg", "first", overwrite=True)
    assert (tmp_path / "photo.jpg").read_bytes() == b"dear"


def test_an_error_leaves_what_was_there(tmp_path: Path) -> None:
    output = tmp_path / "exported"
    write(output, "first")

    def write_half() -> None:
        with whole_folder(output, overwrite=True) as folder:
            (folder / EXPORT_FILE).write_text("half", encoding="utf-8")
            raise ValueError("stopped")

    with pytest.raises(ValueError, match="stopped"):
        write_half()
    assert (output / EXPORT_FILE).read_text(encoding="utf-8") == "first"
    assert left_over(tmp_path) == []


def test_a_full_disk_is_said_with_its_cure(tmp_path: Path) -> None:
    def fill() -> None:
        with whole_folder(tmp_path / "exported", overwrite=False):
            raise OSError(errno.ENOSPC, "No space left on device")

    with pytest.raises(PerceiversError, match=r"could not be written: .*No space left.*--output"):
        fill()
    assert left_over(tmp_path) == []


def test_errors_name_the_folder_that_was_given(tmp_path: Path) -> None:
    output = tmp_path / "exported"

    def fail(error: type[Exception], *arguments: object) -> None:
        with whole_folder(output, overwrite=False) as folder:
            raise error(*arguments, f"`{folder / 'model.onnx'}` cannot be read")

    for error, arguments in ((DataError, ()), (OSError, (errno.ENOSPC,))):
        with pytest.raises(PerceiversError, match=r"`[^`]*/exported/model\.onnx` cannot be read") as raised:
            fail(error, *arguments)
        assert PARTIAL not in str(raised.value)


def test_what_another_process_is_filling_is_left_alone(tmp_path: Path) -> None:
    output = tmp_path / "exported"
    alive = tmp_path / f"{PARTIAL}exported-{os.getppid()}-x"
    alive.mkdir()
    write(output, "first")
    assert left_over(tmp_path) == [alive.name]


def test_a_killed_process_leaves_what_was_there_and_the_next_one_cleans_up(tmp_path: Path) -> None:
    output = tmp_path / "exported"
    write(output, "first")
    code = f"""
import os, signal
from pathlib import Path
from perceivers.export.folder import whole_folder
with whole_folder(Path({str(output)!r}), overwrite=True) as folder:
    (folder / "model.onnx").write_bytes(b"half")
    os.kill(os.getpid(), signal.SIGKILL)
"""
    finished = subprocess.run([sys.executable, "-c", code], check=False)
    assert finished.returncode == -signal.SIGKILL
    assert (output / EXPORT_FILE).read_text(encoding="utf-8") == "first"
    assert len(left_over(tmp_path)) == 1
    write(output, "second", overwrite=True)
    assert (output / EXPORT_FILE).read_text(encoding="utf-8") == "second"
    assert left_over(tmp_path) == []
