"""The benchmark of compiled and bfloat16 steps, end to end on tiny models and a bundled set; the compiler is a stand-in."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
import training_ways
from measuring import Outcome
from training_ways import BFLOAT16, BOTH, COMPILED, PLAIN, REFERENCE, WAYS, Way

from perceivers.training import compilation


@pytest.fixture
def here(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """No process is started, and nothing is compiled: what torch traced is run as it is."""

    def run(function: Any, *arguments: Any) -> Outcome:
        return Outcome(function(*arguments))

    monkeypatch.setattr(training_ways, "in_fresh_process", run)
    monkeypatch.setattr(compilation, "BACKEND", "eager")
    torch._dynamo.reset()
    yield
    torch._dynamo.reset()


def cells(line: str) -> list[str]:
    return [cell.strip() for cell in line.strip("|").split("|")]


@pytest.mark.slow
def test_the_script_writes_a_table_of_released_models_and_one_of_what_users_train(
    here: None, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    output = tmp_path / "ways.md"
    words = ["--small", "--models", "image-conv", "--sets", "digits", "--repetitions", "1", "--steps", "2"]
    training_ways.main([*words, "--threads", str(torch.get_num_threads()), "--output", str(output)])
    text = output.read_text()
    assert capsys.readouterr().out == text
    first, _, model, second, _, learned = (cells(line) for line in text.splitlines() if line.startswith("|"))
    measures = ["loss", "loss of bfloat16", "first step, compiled"]
    assert first == ["model", *WAYS, *measures]
    assert second == ["what users train", *WAYS[:4], *measures]
    assert (model[0], learned[0]) == ("image-conv", "digits")
    for row, number in ((model, 5), (learned, 4)):
        assert all("s" in cell for cell in row[1 : number + 1])
        assert all(cell.endswith("x)") for cell in row[2 : number + 1])
        assert 0.0 < float(row[number + 2]) < 0.1
    assert "medians of 1 (released models, batch size 1) and 2 (what users train) steps in turns" in text


def test_a_way_that_begins_with_another_loss_ends_the_run_unless_it_is_bfloat16() -> None:
    def results(**losses: float) -> dict[str, Way]:
        given = {PLAIN: 2.0, COMPILED: 2.0001, REFERENCE: 2.0, BFLOAT16: 2.2, BOTH: 2.2, **losses}
        return {way: Way(loss, 0.0, ()) for way, loss in given.items()}

    training_ways.require_equal("digits", results())
    for way in (COMPILED, REFERENCE):
        with pytest.raises(SystemExit, match=r"digits: the ways differ in the loss: .*2\.001"):
            training_ways.require_equal("digits", results(**{way: 2.001}))


def test_a_row_has_medians_and_how_much_faster_they_are_than_float32() -> None:
    ways = {
        PLAIN: Way(2.0, 0.1, (0.2, 0.4, 0.3)),
        BFLOAT16: Way(2.1, 0.1, (0.6, 0.6, 0.1)),
        COMPILED: Way(2.0, 30.0, (0.15, 0.15, 0.15)),
    }
    row = training_ways.row("digits", list(ways), ways)
    assert row == ["digits", "300 ms", "600 ms (0.50x)", "150 ms (2.00x)", "2.00000", "5.0e-02", "30.00 s"]


def test_an_unknown_set_is_named_with_those_that_there_are() -> None:
    with pytest.raises(SystemExit, match=r"--sets must be of .*mnist-5k.*, received nist"):
        training_ways.main(["--models", "--sets", "digits", "nist"])


def test_what_an_earlier_run_left_compiled_is_not_used(tmp_path: Path) -> None:
    with training_ways.fresh_cache(str(tmp_path)):
        assert os.environ["TORCHINDUCTOR_CACHE_DIR"] == str(tmp_path)
