"""Which batches a compiled network computes, and that nothing else of a run changes; the compiler is one that counts."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch import nn

from line_task import LineArguments, LineTask, run
from perceivers.arguments import TrainingArguments
from perceivers.errors import ConfigurationError, PerceiversError
from perceivers.training import compilation, loop
from perceivers.training.compilation import UsualForm, require_compiler, shape_of
from perceivers.training.evaluation import build_accelerator
from perceivers.training.pace import Stopwatch

# 30 samples are four batches of 7 and one of 2.
TRAINING: dict[str, Any] = {
    "epochs": 3,
    "batch_size": 7,
    "checkpoint_every": 2,
    "ema_decay": 0.5,
    "keep_best": True,
}


class Compiler:
    """Runs what torch traced as it is, and counts how often it was asked, and how often the result was run."""

    def __init__(self) -> None:
        self.asked = self.run = 0
        self.on_asked: Callable[[], None] = lambda: None

    def __call__(self, graph: Any, inputs: Any) -> Any:
        self.asked += 1
        self.on_asked()

        def counted(*given: Any) -> Any:
            self.run += 1
            return graph(*given)

        return counted


@pytest.fixture
def compiler(monkeypatch: pytest.MonkeyPatch) -> Iterator[Compiler]:
    found = Compiler()
    # The trial needs none.
    monkeypatch.setattr("perceivers.training.run.require_compiler", lambda device: None)
    monkeypatch.setattr(compilation, "BACKEND", found)
    torch._dynamo.reset()
    yield found
    torch._dynamo.reset()


def noisy() -> LineTask:
    return LineTask(LineArguments(noise=0.3, dropout=0.4))


def form_of(model: nn.Module) -> tuple[UsualForm, list[str]]:
    said: list[str] = []
    form = UsualForm(model, build_accelerator(TrainingArguments(device="cpu")))
    form.say = said.append
    return form, said


def learn(form: UsualForm, *batch_sizes: int) -> list[bool]:
    """Have batches computed; whether each waited for the compiler."""
    waited = []
    for size in batch_sizes:
        batch = {"x": torch.ones(size, 3)}
        with form.for_batch(batch) as model:
            model(batch["x"])
        waited.append(form.has_waited)
    return waited


def test_a_run_is_the_same_and_batches_of_the_usual_shape_are_compiled_once(
    compiler: Compiler, tmp_path: Path
) -> None:
    _, plain = run(tmp_path / "plain", noisy(), **TRAINING)
    assert compiler.asked == 0
    _, compiled = run(tmp_path / "compiled", noisy(), compile=True, **TRAINING)
    assert torch.equal(compiled, plain)
    # Batch 4 is the first of its kind that is the usual one; then four of the five of each further pass. No look counts.
    assert (compiler.asked, compiler.run) == (1, 1 + 4 + 4)
    assert list(torch.load(tmp_path / "compiled" / "weights.pt")) == ["weight"]


def test_a_resumed_run_compiles_for_the_shape_of_its_checkpoint_at_once(
    compiler: Compiler, tmp_path: Path
) -> None:
    class Cut(LineTask):
        def step(self, model: Any, batch: Any) -> Any:
            if len(self.batch_sizes) >= 12:
                raise RuntimeError("the power is off")
            return super().step(model, batch)

    _, whole = run(tmp_path / "whole", noisy(), compile=True, **TRAINING)
    with pytest.raises(RuntimeError, match="the power is off"):
        # Twelve batches with those of looks: ten are learned, and the last checkpoint is that of step 10.
        run(tmp_path / "cut", Cut(LineArguments(noise=0.3, dropout=0.4)), compile=True, **TRAINING)
    torch._dynamo.reset()
    compiler.asked = compiler.run = 0
    _, resumed = run(tmp_path / "cut", noisy(), compile=True, resume=True, **TRAINING)
    assert torch.equal(resumed, whole)
    assert (compiler.asked, compiler.run) == (1, 4)


def test_a_shape_is_usual_when_more_than_half_of_the_batches_have_had_it(compiler: Compiler) -> None:
    form, said = form_of(nn.Linear(3, 2))
    assert learn(form, 7, 2, 7, 2, 7, 2, 7) == [False] * 4 + [True] + [False] * 2
    assert (compiler.asked, compiler.run) == (1, 2)
    assert said == ["compiling the network for the usual shape of a batch: a minute or more"]
    restored, _ = form_of(nn.Linear(3, 2))
    restored.load_state_dict(form.state_dict())
    assert learn(restored, 2, 7, 7) == [False, True, False]


def test_batches_without_a_usual_shape_are_never_compiled_and_this_is_said_once(compiler: Compiler) -> None:
    form, said = form_of(nn.Linear(3, 2))
    learn(form, *range(1, 21), *[5] * 30)
    assert compiler.asked == 0
    assert said == ["nothing is compiled: the first 20 batches had no shape in common"]


def test_processes_settle_on_a_shape_that_all_of_them_have(
    compiler: Compiler, monkeypatch: pytest.MonkeyPatch
) -> None:
    others = iter([5, 5, 7, 7, 7, 7, 7])
    shape_by_size = {size: shape_of({"x": torch.ones(size, 3)}) for size in (5, 7)}
    monkeypatch.setattr(compilation, "gather_shapes", lambda shape: [shape, shape_by_size[next(others)]])
    accelerator: Any = SimpleNamespace(num_processes=2, distributed_type="MULTI_CPU")
    assert learn(UsualForm(nn.Linear(3, 2), accelerator), *[7] * 6) == [False] * 4 + [True, False]


def test_a_process_has_waited_where_another_one_has_compiled() -> None:
    form = SimpleNamespace(has_waited=False)
    # The other process: loss 3, nobody wants to end, it has compiled.
    other = torch.tensor([3.0, 0.0, 1.0])
    accelerator = SimpleNamespace(num_processes=2, reduce=lambda said, how: (said + other) / 2)
    interruption = SimpleNamespace(number=None, is_agreed=False)
    one: Any = SimpleNamespace(form=form, accelerator=accelerator, interruption=interruption)
    assert loop.Loop._mean(one, torch.tensor(1.0)) == 2.0
    assert (form.has_waited, interruption.is_agreed) == (True, False)


def test_a_shape_is_that_of_all_tensors_by_name_and_the_numbers_beside_them() -> None:
    batch = {
        "inputs": {"text": torch.ones(2, 3, dtype=torch.int64)},
        "views": 1,
        "pair": [torch.ones(5), None],
    }
    assert shape_of(batch) == "{inputs: {text: int64[2, 3]}, views: 1, pair: (float32[5], None)}"


def test_whole_weights_are_needed() -> None:
    accelerator: Any = SimpleNamespace(distributed_type="DistributedType.FSDP")
    with pytest.raises(ConfigurationError, match=r"`compile` needs whole weights .* together with FSDP"):
        UsualForm(nn.Linear(3, 2), accelerator)


def test_a_machine_without_a_compiler_is_told_what_to_install_before_any_data_are_read(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def absent(graph: Any, inputs: Any) -> Any:
        raise RuntimeError("No working C++ compiler found")

    class Unread(LineTask):
        def load_data(self, *given: Any) -> Any:
            raise AssertionError("data were read")

    monkeypatch.setattr(compilation, "BACKEND", absent)
    torch._dynamo.reset()
    with pytest.raises(ConfigurationError) as error:
        run(tmp_path / "run", Unread(), compile=True)
    torch._dynamo.reset()
    assert "`compile` needs a compiler that torch can use, received" in str(error.value)
    assert "No working C++ compiler found" in str(error.value)
    assert "apt install g++ python3-dev" in str(error.value)
    assert "train without --compile" in str(error.value)
    assert not (tmp_path / "run").exists()


def test_a_network_that_torch_cannot_compile_is_named(compiler: Compiler) -> None:
    def fail() -> None:
        raise ValueError("no such kernel")

    compiler.on_asked = fail
    form, _ = form_of(nn.Linear(3, 2))
    with pytest.raises(
        PerceiversError, match=r"`compile` cannot be used for this network: .*no such kernel.*without"
    ):
        learn(form, *[7] * 4)


def test_a_pace_is_not_known_while_a_step_has_waited_for_the_compiler() -> None:
    watch = Stopwatch()
    watch.mark(1, 2.0)
    watch.mark(2, 4.0)
    watch.waited(60.0)
    watch.mark(4, 68.0)
    assert watch.step_seconds is None
    watch.mark(8, 76.0)
    assert watch.step_seconds == 2.0
    assert Stopwatch(seconds=60.5, waits=60.0).is_worth_telling is False


def test_compiling_takes_time_from_a_limit_and_does_not_spoil_the_pace(
    compiler: Compiler, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    clock = SimpleNamespace(now=1000.0, monotonic=lambda: clock.now)

    class Timed(LineTask):
        def step(self, model: Any, batch: Any) -> Any:
            clock.now += 2.0 if model.training else 1.0
            return super().step(model, batch)

    def take() -> None:
        clock.now += 100.0

    monkeypatch.setattr(loop, "time", clock)
    compiler.on_asked = take
    results, _ = run(
        tmp_path / "run", Timed(), epochs=100, time_limit=4.0, checkpoint_every=1_000, compile=True
    )
    # 240 seconds without the 100; three steps and a look are 7.
    assert results["steps"] == pytest.approx(140 / (7 / 3), abs=3)
    assert 230.0 <= results["seconds"]["training"] <= 240.0


@pytest.mark.slow
# Torch's own modules, as they are loaded.
@pytest.mark.filterwarnings("ignore:.*torch.jit:DeprecationWarning")
def test_a_real_compiler_gives_the_losses_of_a_run_without_and_the_same_weights_each_time(
    tmp_path: Path,
) -> None:
    require_compiler(torch.device("cpu"))
    _, plain = run(tmp_path / "plain", noisy(), **TRAINING)
    _, compiled = run(tmp_path / "compiled", noisy(), compile=True, **TRAINING)
    torch.testing.assert_close(compiled, plain)
    torch._dynamo.reset()
    _, again = run(tmp_path / "again", noisy(), compile=True, **TRAINING)
    assert torch.equal(again, compiled)
