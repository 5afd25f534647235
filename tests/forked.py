"""Processes that begin as copies of this one: all imports are done, which are most of a short run in a fresh process."""

from __future__ import annotations

import os
import socket
import sys
import tempfile
import traceback
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Finished:
    """A process that has ended.

    Args:
        returncode: as `subprocess` says it: the sign of the signal that ended it, negative, or the exit code.
        stdout: what it has written.
        stderr: the same, of errors.
    """

    returncode: int
    stdout: str
    stderr: str


def finished(
    function: Callable[..., Any],
    *arguments: Any,
    environment: Mapping[str, str] | None = None,
    own_session: bool = False,
) -> Finished:
    """Call a function in a copy of this process, and wait for its end.

    Args:
        function: what is called there; nothing of what it changes is seen here but files.
        arguments: with what.
        environment: further environment variables.
        own_session: whether signals to its group of processes leave this one alone.
    """
    (found,) = at_once(function, arguments, [environment or {}], own_session=own_session)
    return found


def start(function: Callable[..., Any]) -> int:
    """Call a function in a copy of this process, whose number is given; what it writes is lost."""
    return _started(None, function, (), {}, False)


def at_once(
    function: Callable[..., Any],
    arguments: Sequence[Any],
    environments: Sequence[Mapping[str, str]],
    *,
    own_session: bool = False,
) -> list[Finished]:
    """Call a function in several copies of this process that run at once, one an environment; see `finished`."""
    with tempfile.TemporaryDirectory() as name:
        places = [Path(name) / str(number) for number in range(len(environments))]
        children = []
        for place, environment in zip(places, environments, strict=True):
            place.mkdir()
            children.append(_started(place, function, arguments, environment, own_session))
        codes = [os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children]
        return [
            Finished(code, *((place / stream).read_text(encoding="utf-8") for stream in ("stdout", "stderr")))
            for place, code in zip(places, codes, strict=True)
        ]


def exit_codes(
    function: Callable[..., Any], arguments: Sequence[Any], environments: Sequence[Mapping[str, str]] = ({},)
) -> list[int]:
    """How each of several copies of this process ends that call a function at once."""
    return [each.returncode for each in at_once(function, arguments, environments)]


def run_fresh(program: str) -> None:
    """Run a program as if nothing of this library had been imported; only inside of a copy of this process."""
    for name in [name for name in sys.modules if name.partition(".")[0] == "perceivers"]:
        del sys.modules[name]
    exec(compile(program, "<program>", "exec"), {"__name__": "__main__"})


def ranks(number: int) -> list[dict[str, str]]:
    """What a launcher tells so many processes of one run."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    shared = {
        "MASTER_ADDR": "127.0.0.1",
        "MASTER_PORT": port,
        "WORLD_SIZE": str(number),
        "OMP_NUM_THREADS": "1",
    }
    shared["LOCAL_WORLD_SIZE"] = shared["WORLD_SIZE"]
    return [{**shared, "RANK": str(rank), "LOCAL_RANK": str(rank)} for rank in range(number)]


def _started(
    place: Path | None,
    function: Callable[..., Any],
    arguments: Sequence[Any],
    environment: Mapping[str, str],
    own_session: bool,
) -> int:
    with warnings.catch_warnings():
        # Of threads that the copy does not have: none of them holds what the function needs.
        warnings.simplefilter("ignore", DeprecationWarning)
        child = os.fork()
    if child:
        return child
    code = 1
    try:
        if own_session:
            os.setsid()
        _write_into(place)
        os.environ.update(environment)
        _forget_the_parents_run()
        code = _called(function, arguments)
    finally:
        # Nothing of the tests' own ends here: no report, no handler at exit.
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def _write_into(place: Path | None) -> None:
    for stream, name in ((1, "stdout"), (2, "stderr")):
        target = os.devnull if place is None else place / name
        file = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        os.dup2(file, stream)
        os.close(file)
        setattr(sys, name, open(stream, "w", encoding="utf-8", buffering=1, closefd=False))  # noqa: SIM115


def _forget_the_parents_run() -> None:
    """Accelerate knows one run a process, and may have had one here."""
    state = sys.modules.get("accelerate.state")
    if state is not None:
        state.AcceleratorState._reset_state(reset_partial_state=True)
        state.GradientState._reset_state()


def _called(function: Callable[..., Any], arguments: Sequence[Any]) -> int:
    """The exit code that Python would give."""
    try:
        function(*arguments)
    except SystemExit as ended:
        if ended.code is None or isinstance(ended.code, int):
            return ended.code or 0
        sys.stderr.write(f"{ended.code}\n")
        return 1
    except BaseException:
        traceback.print_exc(file=sys.stderr)
        return 1
    return 0
