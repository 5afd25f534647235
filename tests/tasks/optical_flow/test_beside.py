"""What flow stands beside: TV-L1 and no motion, on the same pairs, at the end of a run and later."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from perceivers.arguments import DataArguments, RunArguments, TrainingArguments
from perceivers.data.splits import Splits
from perceivers.errors import DataError, MissingExtraError
from perceivers.processors.optical_flow.files import write_flow
from perceivers.rivals import reading
from perceivers.tasks.optical_flow.augmentation import FlowSample
from perceivers.tasks.optical_flow.beside import beside_pairs
from perceivers.tasks.optical_flow.options import OpticalFlowArguments
from perceivers.tasks.optical_flow.task import OpticalFlow
from perceivers.training.beside import cheap_rival
from perceivers.training.evaluation import evaluate
from perceivers.training.run import train

pytest.importorskip("skimage")
TINY: dict[str, Any] = {
    "size": "usual",
    "num_latents": 5, "latent_channels": 8, "num_layers": 1, "num_heads": 2, "num_cross_heads": 2, "qk_channels": 8,
    "train_height": 11, "train_width": 13, "tile_overlap": 4, "patch_size": 3, "patch_channels": 7, "num_fourier_bands": 2,
    "contrast_window": 5,
}  # fmt: skip


def waves(shift: tuple[float, float], valid: bool = True) -> FlowSample:
    """Smooth frames of 24 x 37 pixels that move right and down."""
    rows, columns = np.mgrid[:24, :37]
    first, second = (
        np.repeat(0.5 + 0.25 * (np.sin(x / 4) + np.cos(y / 5))[..., None], 3, axis=-1).astype(np.float32)
        for x, y in ((columns, rows), (columns - shift[0], rows - shift[1]))
    )
    flow = np.tile(np.float32(shift), (24, 37, 1))
    return FlowSample(first, second, flow, np.full((24, 37), valid))


def write_pairs(folder: Path, count: int) -> Path:
    """A table of pairs that move by 3 pixels to the right and 4 down."""
    sample = waves((3.0, 4.0))
    lines = ["first,second,flow"]
    for index in range(count):
        for name, frame in (("a", sample.first), ("b", sample.second)):
            Image.fromarray(np.uint8(frame * 255)).save(folder / f"{index}{name}.png")
        write_flow(folder / f"{index}.flo", torch.from_numpy(sample.flow))
        lines.append(f"{index}a.png,{index}b.png,{index}.flo")
    (folder / "pairs.csv").write_text("\n".join(lines) + "\n")
    return folder / "pairs.csv"


def run(folder: Path, count: int = 5, **data: Any) -> dict[str, Any]:
    return train(
        OpticalFlow(OpticalFlowArguments(**TINY)),
        RunArguments(
            output=str(folder / "run"),
            data=DataArguments(data=str(write_pairs(folder, count)), **data),
            training=TrainingArguments(steps=1, batch_size=2, device="cpu"),
            beside="auto",
            pictures=False,
            quiet=True,
        ),
    )


def test_both_are_measured_on_the_same_pairs_by_the_names_of_the_task() -> None:
    found = beside_pairs([waves((3.0, 4.0)), waves((0.0, 0.0))])
    assert found is not None
    assert (found["method"], found["trivial"], found["samples"]) == ("TV-L1", "no motion", 2)
    assert "training_samples" not in found
    # The first pair moves by 5 pixels, which is no more than 5; the second stands still.
    assert found["no motion"] == {
        "epe": 2.5, "error_1px": 0.5, "error_3px": 0.5, "error_5px": 0.0, "fl_all": 0.5, "relative_epe": 1.0
    }  # fmt: skip
    assert found["TV-L1"]["epe"] < 1.0


def test_of_pairs_without_truth_nothing_is_said_and_of_no_pairs_there_is_nothing() -> None:
    found = beside_pairs([waves((3.0, 4.0), valid=False)])
    assert found is not None
    assert (found["TV-L1"], found["no motion"]) == ({}, {})
    still = beside_pairs([waves((0.0, 0.0))])
    assert still is not None
    assert "relative_epe" not in still["no motion"], "nothing moves that an error could be relative to"
    assert beside_pairs([]) is None


def test_a_run_stands_beside_both_and_so_does_its_evaluation(tmp_path: Path) -> None:
    results = run(tmp_path)
    beside = results["beside"]
    assert beside["part"] == "test"
    assert set(beside["TV-L1"]) == set(results["test"])
    assert beside["no motion"]["epe"] == pytest.approx(5.0)
    assert (beside["samples"], beside["asked_samples"]) == (1, 1)
    assert json.loads((tmp_path / "run" / "results.json").read_text()) == results
    again = evaluate(tmp_path / "run", device="cpu", beside="auto", split="all")["beside"]
    assert (again["samples"], again["no motion"]["epe"]) == (5, pytest.approx(5.0))


def test_of_a_run_without_a_test_part_the_validation_part_is_measured(tmp_path: Path) -> None:
    assert run(tmp_path, test_fraction=0.0)["beside"]["part"] == "validation"


def test_a_streamed_run_stands_beside_both_for_they_learn_nothing(tmp_path: Path) -> None:
    table = str(write_pairs(tmp_path, 3))
    assert run(tmp_path, streaming=True, test_data=table)["beside"]["samples"] == 5
    with pytest.raises(
        DataError, match=r"`split` 'train' of .* must be samples that can be read again, .* stream"
    ):
        evaluate(tmp_path / "run", device="cpu", split="train")
    with pytest.raises(DataError, match=r"`split` 'all' of .* must be samples that can be read again"):
        evaluate(tmp_path / "run", device="cpu", split="all")


def test_when_the_time_is_up_it_is_said_how_many_of_all_were_measured(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    now = iter(range(0, 1000, 25))
    monkeypatch.setattr(reading.time, "monotonic", lambda: next(now))
    task = OpticalFlow(OpticalFlowArguments(**TINY))
    parts = task.build(Splits([], [], []))
    found = task.stand_beside(parts, [], [waves((3.0, 4.0))] * 7)
    assert found is not None
    # Looked at after each pair, at 25, 50 and 75 seconds of 60.
    assert (found["samples"], found["asked_samples"]) == (3, 7)


def test_without_scikit_image_a_run_says_what_brings_it_and_an_evaluation_stops(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "skimage", None)
    results = run(tmp_path)
    assert results["finished"]
    assert "beside" not in results
    (line,) = [line for line in capsys.readouterr().err.splitlines() if "warning" in line]
    assert line.endswith('`scikit-image`, which is not installed: pip install "perceivers[samples]"')
    with pytest.raises(MissingExtraError, match="scikit-image"):
        evaluate(tmp_path / "run", device="cpu", beside="auto")


def test_a_task_without_samples_that_can_be_read_has_no_rival() -> None:
    task = OpticalFlow(OpticalFlowArguments(**TINY))
    parts = task.build(Splits([], [], []))
    assert cheap_rival(task, parts, [], []) is None
    assert cheap_rival(task, parts, [], iter([waves((3.0, 4.0))])) is None
