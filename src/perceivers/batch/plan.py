"""What a job of many rows is to do: its parts, each rows of one input; and the record that a later session compares."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from perceivers.data.notation import Asked
from perceivers.errors import ConfigurationError
from perceivers.records import read_json, write_json

PLAN_FILE, SUCCESS_FILE = "_plan.json", "_SUCCESS"


@dataclass(frozen=True)
class Part:
    """Rows that are answered together and written to one file.

    Args:
        index: from 0, in the order of the rows.
        source: number of the input, from 0.
        table: number of the table in what the input names, from 0.
        start: first row of that table, from 0.
        stop: the row after the last one.
    """

    index: int
    source: int
    table: int
    start: int
    stop: int

    @property
    def file(self) -> str:
        """Name of its file; names sort as the rows do."""
        return f"part-{self.index:06d}.parquet"


@dataclass(frozen=True)
class Plan:
    """A job.

    Args:
        run: folder of the training run.
        weights: size and time of its weights, so that answers of two models are not mixed.
        inputs: what is answered.
        sizes: for each input, the rows of each of its tables.
        changed: for each input, size and time of the file; empty where it is a folder.
        rows_per_part: rows of a part at most.
        decimal: how numbers are written in texts, see `perceivers.load`.
    """

    run: str
    weights: tuple[int, int]
    inputs: tuple[str, ...]
    sizes: tuple[tuple[int, ...], ...]
    changed: tuple[tuple[int, ...], ...]
    rows_per_part: int
    decimal: Asked = "auto"

    @property
    def num_rows(self) -> int:
        """Rows of all inputs."""
        return sum(sum(sizes) for sizes in self.sizes)

    def parts(self) -> list[Part]:
        """All parts, in the order of the rows."""
        found: list[Part] = []
        for source, sizes in enumerate(self.sizes):
            for table, rows in enumerate(sizes):
                for start in range(0, rows, self.rows_per_part):
                    stop = min(start + self.rows_per_part, rows)
                    found.append(Part(len(found), source, table, start, stop))
        return found


def make_plan(
    run: Path,
    inputs: Sequence[str],
    sizes: Sequence[Sequence[int]],
    rows_per_part: int,
    decimal: Asked = "auto",
) -> Plan:
    """A plan of what is there now."""
    if rows_per_part < 1:
        raise ConfigurationError(f"`rows_per_part` must be at least 1, received {rows_per_part}")
    return Plan(
        run=str(run.absolute()),
        weights=_stamp(next(iter(sorted(run.glob("*.safetensors"))), run)),
        inputs=tuple(str(Path(each).absolute()) for each in inputs),
        sizes=tuple(map(tuple, sizes)),
        changed=tuple(_stamp(Path(each)) if Path(each).is_file() else () for each in inputs),
        rows_per_part=rows_per_part,
        decimal=decimal,
    )


def claim(output: Path, plan: Plan) -> None:
    """Write the plan into the folder, or find that it is the one that is written there.

    Raises:
        ConfigurationError: the folder holds answers to something else.
    """
    path = output / PLAN_FILE
    if not path.is_file():
        if any(output.glob("part-*.parquet")):
            raise ConfigurationError(
                f"`output` {str(output)!r} holds part files of another job: give another folder"
            )
        output.mkdir(parents=True, exist_ok=True)
        write_json(path, asdict(plan))
        return
    former, present = read_json(path), _as_json(asdict(plan))
    changed = [name for name, value in present.items() if former.get(name) != value]
    if changed:
        words = {"weights": "another model", "changed": "inputs that have changed", "sizes": "other rows"}
        raise ConfigurationError(
            f"`output` {str(output)!r} holds answers of another job ({', '.join(words.get(n, n) for n in changed)}): give "
            "another folder"
        )


def _stamp(path: Path) -> tuple[int, int]:
    found = path.stat()
    return found.st_size, found.st_mtime_ns


def _as_json(record: dict[str, Any]) -> dict[str, Any]:
    """What a JSON file makes of it: tuples are lists."""

    def plain(value: Any) -> Any:
        return [plain(each) for each in value] if isinstance(value, tuple | list) else value

    return {name: plain(value) for name, value in record.items()}
