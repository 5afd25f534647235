"""The GPU benchmark, end to end on a tiny model and a processor: every part's rows, equal sides, sides that fail."""

from __future__ import annotations

from pathlib import Path

import device_measuring
import gpu
import gpu_choices
import pytest
import torch
from device_measuring import Side, build, run_once, tried

CPU = torch.device("cpu")


def test_every_part_has_its_rows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(device_measuring, "MOST_REPETITIONS", 1)
    monkeypatch.setattr(gpu_choices, "MEBIBYTES", (16,))
    output = tmp_path / "gpu.md"
    failed = gpu.main(
        "--small --device cpu --models sequence-classification --parts inference training choices "
        f"--sides Transformers prepared --dtypes bfloat16 --output {output}".split()
    )
    assert not failed
    report = output.read_text()
    assert "No GPU: a dry run." in report
    assert "Failed" not in report
    rows = [
        [cell.strip() for cell in line.split("|")[1:-1]] for line in report.splitlines() if line[:1] == "|"
    ]
    time, memory = (row for row in rows if row[0] == "sequence-classification, 1")
    assert time[7].endswith("x")
    assert time[2].endswith("s")
    assert time[3:6] == ["-"] * 3
    assert memory[-1] == "yes"
    assert any(row[:3] == ["sequence-classification", "8", "bfloat16"] for row in rows)
    assert [row[3] for row in rows if len(row) == 6 and row[0] == "sequence-classification"] == [
        "plain", "prepared, 16 MiB", "prepared, not recorded", "prepared, tail in float32",
    ]  # fmt: skip


def test_a_side_that_fails_says_how_and_takes_part_no_more() -> None:
    def fail() -> None:
        raise RuntimeError("CUDA out of memory. Tried to allocate 3 GiB")

    side = build(CPU, lambda: fail)
    run_once(CPU, side)
    assert (side.run, side.failure) == (None, "out of memory")
    other = Side()
    assert tried(other, lambda: {}["absent"]) is None
    assert other.failure == "KeyError: 'absent'"


def test_other_answers_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(device_measuring, "MOST_REPETITIONS", 1)
    monkeypatch.setattr(gpu, "largest_relative_error", lambda *_: 1.0)
    words = ["--small", "--device", "cpu", "--models", "sequence-classification", "--parts", "inference"]
    assert gpu.main([*words, "--sides", "prepared", "--dtypes", "float32"]) == 1
