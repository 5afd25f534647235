"""`perceivers convert` hands everything on to the conversion, whose own tests are in tests/conversion."""

from __future__ import annotations

import typing
from pathlib import Path
from typing import Any

import pytest

from perceivers.cli import main
from perceivers.cli.convert import Architecture
from perceivers.configuration import PerceiverConfig
from perceivers.conversion import ARCHITECTURES


def test_the_command_offers_every_architecture() -> None:
    assert set(typing.get_args(Architecture)) == set(ARCHITECTURES)


class Converted:
    def num_parameters(self) -> int:
        return 12345


def test_source_sizes_and_output_are_handed_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    received: list[Any] = []

    def record(*arguments: Any) -> Converted:
        received.extend(arguments)
        return Converted()

    monkeypatch.setattr("perceivers.conversion.convert_haiku", record)
    config = PerceiverConfig(num_latents=13, fidelity="deepmind", conv_kernel_order="height_width")
    config.save_pretrained(tmp_path)
    with pytest.raises(SystemExit) as stopped:
        main(["convert", "flow.pickle", "--architecture", "optical-flow", "--output", "out", "--config",
              str(tmp_path / "config.json")])  # fmt: skip
    assert not stopped.value.code
    assert received == [Path("flow.pickle"), Path("out"), "optical-flow", config]
    assert capsys.readouterr().out == "Converted with 12,345 parameters saved in out\n"


def test_a_file_that_does_not_exist_is_one_readable_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as stopped:
        main(
            [
                "convert",
                str(tmp_path / "gone.pickle"),
                "--architecture",
                "optical-flow",
                "--output",
                str(tmp_path),
            ]
        )
    assert stopped.value.code == 1
    message = capsys.readouterr().err
    assert message.startswith("error: ")
    assert "gone.pickle" in message
