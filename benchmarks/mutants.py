"""Mutation testing of the lines that matter most: how many small faults the tests notice, and which they do not.

Run: OMP_NUM_THREADS=1 python benchmarks/mutants.py [--targets resume saving] [--every 5] [--output mutants.md]

Each fault is tried in a copy of a process that has all imports and all tests at hand: the code of one function is replaced,
and those tests run that reach the changed statement, the quickest first, until one fails.
"""

from __future__ import annotations

import argparse
import ast
import gc
import json
import os
import resource
import signal
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import CodeType, FrameType, FunctionType
from typing import Any

import pytest
from measuring import circumstances, markdown_table, report
from mutation import Mutant, mutants_of

ROOT = Path(__file__).parents[1]
SOURCE = ROOT / "src" / "perceivers"


@dataclass(frozen=True)
class Target:
    """A file, and the tests that should notice its faults, below `src/perceivers` and `tests`."""

    file: str
    tests: tuple[str, ...]


TARGETS: Mapping[str, tuple[Target, ...]] = {
    "resume": (Target("training/checkpoints.py", ("training/test_checkpoints.py",)),),
    "saving": (
        Target("records.py", ("test_records.py",)),
        Target("checkpoints/writing.py", ("checkpoints/test_writing.py",)),
    ),
    "matching": (Target("checkpoints/matching.py", ("checkpoints",)),),
    "masks": (
        Target(
            "nn/attention.py",
            (
                "nn/test_attention.py",
                "nn/test_attention_layer.py",
                "compatibility/test_deployment.py::test_the_plain_implementation_does_not_call_the_fused_kernel",
            ),
        ),
    ),
    "division": (
        Target("data/splits.py", ("data/test_splits.py", "data/test_rows.py", "data/test_division.py")),
        Target("data/groups.py", ("data/test_groups.py", "data/test_division.py")),
    ),
    "resampling": (Target("processors/audio/resampling.py", ("processors/audio/test_resampling.py",)),),
    "tokenizer": (
        Target("processors/tokenizer/row_builder.py", ("processors/tokenizer",)),
        Target("processors/tokenizer/truncation.py", ("processors/tokenizer",)),
    ),
}
# No report of pytest's own, and the options of the project that go without.
OPTIONS = (
    "-p", "no:cacheprovider", "-p", "no:terminal", "-s", "--rootdir", str(ROOT), "-o",
    "addopts=--import-mode=importlib -m 'not network and not slow and not hostile'",
)  # fmt: skip
# A fault may have a test run on for ever. Seconds of the processor beyond what the tests took without it, and how many times
# that; and as much again by the clock, for one that waits, on a busy machine.
PATIENCE, TIMES, BUSY = 5.0, 3.0, 8.0
NOTICED, UNNOTICED, ENDLESS = "noticed", "unnoticed", "endless"


class Trial:
    """A pytest plugin that tries the tests it has collected against each mutant of a file, in copies of its process.

    Args:
        file: of the mutants.
        every: of so many mutants one is tried.
    """

    def __init__(self, file: Path, every: int) -> None:
        self.file, self.every = file, every
        self.outcomes: list[tuple[Mutant, str]] = []
        self._report: Callable[[Any], None] = lambda report: None

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        """Run the tests as they are, to see which reach which line, and then once for each mutant."""
        gc.unfreeze()
        functions = _functions_of(self.file)
        gc.freeze()
        reached = self._reached(session.items)
        everything = sorted((seconds, index) for index, (seconds, _) in enumerate(reached))
        if self._outcome(None, functions, everything, session.items) != UNNOTICED:
            raise SystemExit(f"a test of {self.file} fails when it is run alone")
        for mutant in list(mutants_of(self.file.read_text(encoding="utf-8")))[:: self.every]:
            first, last = mutant.lines
            tests = [
                (seconds, index)
                for index, (seconds, lines) in enumerate(reached)
                if not mutant.function or any(first <= line <= last for line in lines)
            ]
            self.outcomes.append((mutant, self._outcome(mutant, functions, sorted(tests), session.items)))
            print(self.outcomes[-1][1], mutant.lines[0], mutant.said.replace("\n", " ")[:200], flush=True)
        return True

    def pytest_runtest_logreport(self, report: Any) -> None:
        """Hand a test's outcome on."""
        self._report(report)

    def _reached(self, items: Sequence[pytest.Item]) -> list[tuple[float, list[int]]]:
        """Seconds of each test, and the lines of the file that it runs. All must pass."""
        with tempfile.NamedTemporaryFile() as answers:

            def run() -> int:
                failed: list[Any] = []
                self._report = lambda report: failed.append(report) if report.failed else None
                found = []
                for place, item in enumerate(items):
                    begun, lines = time.process_time(), set()
                    with _tracing(str(self.file), lines):
                        _run(item, items[place + 1] if place + 1 < len(items) else None)
                    found.append((time.process_time() - begun, sorted(lines)))
                said = "\n".join(str(each.longrepr) for each in failed)
                Path(answers.name).write_text(said if failed else json.dumps(found))
                return 1 if failed else 0

            if _in_a_copy(run, 600.0) != 0:
                raise SystemExit(
                    f"the tests of {self.file} fail as they are:\n{Path(answers.name).read_text()}"
                )
            return [(seconds, lines) for seconds, lines in json.loads(Path(answers.name).read_text())]

    def _outcome(
        self,
        mutant: Mutant | None,
        functions: Mapping[tuple[str, int], list[FunctionType]],
        tests: Sequence[tuple[float, int]],
        items: Sequence[pytest.Item],
    ) -> str:
        if not tests:
            return UNNOTICED

        def notice(report: Any) -> None:
            if report.failed:
                os._exit(1)

        def run() -> int:
            self._report = notice
            if mutant is not None:
                _change(mutant, self.file, functions)
            for _, index in tests:
                # Without a next test, what several share is made anew: each is tried alone.
                _run(items[index], None)
            return 0

        code = _in_a_copy(run, PATIENCE + TIMES * sum(seconds for seconds, _ in tests))
        return ENDLESS if code is None else UNNOTICED if code == 0 else NOTICED


def _run(item: pytest.Item, following: pytest.Item | None) -> None:
    item.config.hook.pytest_runtest_protocol(item=item, nextitem=following)


class _tracing:  # noqa: N801
    """Notes which lines of a file run."""

    def __init__(self, file: str, lines: set[int]) -> None:
        self.file, self.lines = file, lines

    def __enter__(self) -> None:
        sys.settrace(self._enter)
        threading.settrace(self._enter)

    def __exit__(self, *error: object) -> None:
        sys.settrace(None)
        threading.settrace(None)  # type: ignore[arg-type]

    def _enter(self, frame: FrameType, event: str, argument: object) -> Any:
        if frame.f_code.co_filename != self.file:
            return None
        self.lines.add(frame.f_lineno)
        return self._line

    def _line(self, frame: FrameType, event: str, argument: object) -> Any:
        self.lines.add(frame.f_lineno)
        return self._line


def _functions_of(file: Path) -> dict[tuple[str, int], list[FunctionType]]:
    """Functions of a file that are alive, by qualified name and first line."""
    found: dict[tuple[str, int], list[FunctionType]] = {}
    for each in gc.get_objects():
        if type(each) is FunctionType and each.__code__.co_filename == str(file):
            key = (each.__code__.co_qualname, each.__code__.co_firstlineno)
            found.setdefault(key, []).append(each)
    return found


def _change(mutant: Mutant, file: Path, functions: Mapping[tuple[str, int], list[FunctionType]]) -> None:
    code = compile(mutant.tree, str(file), "exec", dont_inherit=True)
    if mutant.name:
        module = sys.modules[".".join(["perceivers", *file.relative_to(SOURCE).with_suffix("").parts])]
        values: dict[str, Any] = {}
        named = [each for each in mutant.tree.body if _name_of(each) == mutant.name]
        exec(compile(ast.Module(named, []), str(file), "exec"), values)
        setattr(module, mutant.name, values[mutant.name])
        return
    key = (mutant.function, mutant.first_line)
    for function in functions[key]:
        function.__code__ = _code_at(code, *key)


def _name_of(statement: ast.stmt) -> str | None:
    return getattr(statement.targets[0], "id", None) if isinstance(statement, ast.Assign) else None


def _code_at(code: CodeType, name: str, first_line: int) -> CodeType:
    waiting = [code]
    while waiting:
        each = waiting.pop()
        if (each.co_qualname, each.co_firstlineno) == (name, first_line):
            return each
        waiting += [inner for inner in each.co_consts if isinstance(inner, CodeType)]
    raise LookupError(f"{name} at line {first_line}")


def _in_a_copy(run: Callable[[], int], seconds: float) -> int | None:
    """Run in a copy of this process that is a group of its own; its exit code, or None where the time was up."""
    child = os.fork()
    if not child:
        code = 1
        try:
            os.setsid()
            # The copy's time of the processor begins at zero.
            resource.setrlimit(resource.RLIMIT_CPU, (int(seconds) + 1, resource.RLIM_INFINITY))
            nothing = os.open(os.devnull, os.O_RDWR)
            for stream in (1, 2):
                os.dup2(nothing, stream)
            code = run()
        finally:
            os._exit(code)
    ended = time.monotonic() + BUSY * seconds
    while time.monotonic() < ended:
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            _end_group(child)
            code = os.waitstatus_to_exitcode(status)
            return None if code == -signal.SIGXCPU else code
        time.sleep(0.005)
    _end_group(child)
    os.waitpid(child, 0)
    return None


def _end_group(child: int) -> None:
    with suppress(ProcessLookupError):
        os.killpg(child, signal.SIGKILL)


def try_target(target: Target, every: int) -> list[tuple[Mutant, str]]:
    """Outcomes of a file's mutants."""
    trial = Trial(SOURCE / target.file, every)
    tests = [str(ROOT / "tests" / each) for each in target.tests]
    code = pytest.main([*OPTIONS, *tests], plugins=[trial])
    if not trial.outcomes:
        raise SystemExit(f"no mutant of {target.file} was tried: pytest ended with {code}")
    return trial.outcomes


def main(words: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--targets", nargs="+", choices=list(TARGETS), default=list(TARGETS))
    parser.add_argument("--every", type=int, default=1, help="try one of so many mutants")
    parser.add_argument("--output", type=Path, help="file that receives the report, too")
    options = parser.parse_args(words)
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    os.environ.setdefault("HF_HUB_OFFLINE", "1")
    rows, survivors = [], []
    for name in options.targets:
        for target in TARGETS[name]:
            outcomes = try_target(target, options.every)
            noticed = sum(outcome != UNNOTICED for _, outcome in outcomes)
            rows.append(
                (name, f"`{target.file}`", str(len(outcomes)), str(noticed), f"{noticed / len(outcomes):.0%}")
            )
            survivors += [
                f"- `{target.file}`, line {mutant.lines[0]}: `{' '.join(mutant.said.split())}`"
                for mutant, outcome in outcomes
                if outcome == UNNOTICED
            ]
    table = markdown_table(("what", "file", "faults", "noticed", "share"), rows)
    text = "\n\n".join([circumstances(("torch", "perceivers")), table, "\n".join(survivors)])
    report(text + "\n", options.output)


if __name__ == "__main__":
    main()
