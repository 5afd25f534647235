"""What the benchmarks measure with: turns, peaks, fresh processes, memory limits, tables."""

from __future__ import annotations

import os
from pathlib import Path

import measuring
import pytest
from measuring import OUT_OF_MEMORY, Outcome

MEBIBYTE = 2**20


def add(left: int, right: int) -> int:
    return left + right


def process_id() -> int:
    return os.getpid()


def hold(num_bytes: int) -> int:
    return len(bytearray(b"\1") * num_bytes)


def divide_by_zero() -> float:
    return 1 / 0


def die(signal_number: int) -> None:
    os.kill(os.getpid(), signal_number)


def test_sides_take_turns_after_their_warm_ups() -> None:
    calls: list[str] = []
    sides = {"left": lambda: calls.append("left"), "right": lambda: calls.append("right")}
    seconds = measuring.interleaved(sides, repetitions=3, warm_ups=2)
    assert calls == ["left", "right"] * 5
    assert {name: len(times) for name, times in seconds.items()} == {"left": 3, "right": 3}
    assert all(time >= 0 for times in seconds.values() for time in times)


def test_medians_are_not_moved_by_one_slow_run() -> None:
    assert measuring.medians({"ours": [2.0, 99.0, 1.0]}) == {"ours": 2.0}


def test_garbage_collection_is_on_again_after_a_measured_run_that_fails() -> None:
    import gc

    with pytest.raises(ZeroDivisionError):
        measuring.seconds_of(divide_by_zero)
    assert gc.isenabled()


def test_a_block_is_charged_what_it_takes_above_what_was_held() -> None:
    kept = bytearray(b"\1") * (31 * MEBIBYTE)
    with measuring.WorkingMemory() as memory:
        hold(53 * MEBIBYTE)
    if memory.bytes is None:
        pytest.skip("this system does not let a process forget its peak")
    assert 52 * MEBIBYTE < memory.bytes < 60 * MEBIBYTE
    assert len(kept) == 31 * MEBIBYTE


def test_a_function_runs_in_another_process_and_its_result_comes_back() -> None:
    assert measuring.in_fresh_process(add, 3, right=5).value == 8
    assert measuring.in_fresh_process(process_id).value != os.getpid()


def test_the_peak_of_a_fresh_process_does_not_contain_its_parents() -> None:
    before = bytearray(b"\1") * (401 * MEBIBYTE)
    small = measuring.in_fresh_process(hold, 3 * MEBIBYTE)
    large = measuring.in_fresh_process(hold, 103 * MEBIBYTE)
    assert small.peak is not None
    assert large.peak is not None
    assert 90 * MEBIBYTE < large.peak - small.peak < 110 * MEBIBYTE
    assert small.peak < len(before)


def test_more_memory_than_the_limit_is_an_outcome() -> None:
    outcome = measuring.in_fresh_process(hold, 4096 * MEBIBYTE, memory_limit=2048 * MEBIBYTE)
    assert outcome.failure == OUT_OF_MEMORY
    assert outcome.value is None
    assert measuring.in_fresh_process(hold, 7, memory_limit=2048 * MEBIBYTE).value == 7


@pytest.mark.parametrize("signal_number", [6, 9])
def test_a_process_that_memory_killed_is_an_outcome(signal_number: int) -> None:
    assert measuring.in_fresh_process(die, signal_number) == Outcome(failure=OUT_OF_MEMORY)


def test_a_process_that_dies_otherwise_is_an_error() -> None:
    with pytest.raises(RuntimeError, match=r"die failed in its own process \(exit code -15\)"):
        measuring.in_fresh_process(die, 15)


def test_another_failure_is_raised_here_with_its_traceback() -> None:
    with pytest.raises(RuntimeError, match=r"(?s)divide_by_zero failed.*return 1 / 0.*ZeroDivisionError"):
        measuring.in_fresh_process(divide_by_zero)


@pytest.mark.parametrize(
    ("problem", "expected"),
    [
        (MemoryError(), True),
        (RuntimeError("[enforce fail at alloc_cpu.cpp:1] DefaultCPUAllocator: can't allocate memory"), True),
        (RuntimeError("CUDA out of memory."), True),
        (RuntimeError("shapes cannot be multiplied"), False),
    ],
)
def test_exceptions_of_allocators_are_known(problem: Exception, expected: bool) -> None:
    assert measuring.is_out_of_memory(problem) is expected


def test_torchs_own_failed_allocation_is_known() -> None:
    import torch

    with pytest.raises(RuntimeError) as raised:
        torch.empty(2**60, dtype=torch.uint8)
    assert measuring.is_out_of_memory(raised.value)


def test_figures_are_written_with_their_units() -> None:
    assert [measuring.in_bytes(count) for count in (7, 3 * 1024, 5 * MEBIBYTE, 1288490189, None)] == [
        "7 B",
        "3 KiB",
        "5 MiB",
        "1.20 GiB",
        "-",
    ]
    assert [measuring.in_seconds(time) for time in (0.001234, 0.5, 7.891, 123.4, None)] == [
        "1.23 ms",
        "500 ms",
        "7.89 s",
        "123 s",
        "-",
    ]
    assert [measuring.in_ratio(*pair) for pair in ((7.0, 2.0), (None, 2.0), (2.0, None))] == [
        "3.50x",
        "-",
        "-",
    ]


def test_a_table_is_markdown_with_aligned_columns() -> None:
    table = measuring.markdown_table(["job", "seconds"], [["flow", "3"], ["a video", "11"]])
    assert table.splitlines() == [
        "| job     | seconds |",
        "| ------- | ------- |",
        "| flow    | 3       |",
        "| a video | 11      |",
    ]
    with pytest.raises(ValueError, match=r"`rows` must have 2 cells, received \['flow'\]"):
        measuring.markdown_table(["job", "seconds"], [["flow"]])


def test_a_report_is_printed_and_written(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    output = tmp_path / "results" / "table.md"
    measuring.report("| a |", output)
    assert capsys.readouterr().out == output.read_text() == "| a |\n"


def test_the_machine_and_the_versions_are_named() -> None:
    from importlib.metadata import version

    text = measuring.circumstances(["numpy", "a-package-that-is-not-there"])
    assert f"numpy {version('numpy')}, a-package-that-is-not-there not installed" in text
    assert measuring.processor_name() in text
    assert f"{os.cpu_count()} cores" in text


def test_the_error_of_a_tensor_is_relative_to_the_largest_value() -> None:
    import torch

    assert measuring.largest_relative_error(torch.tensor([4.0, 1.0]), torch.tensor([4.0, 3.0])) == 0.5
    assert measuring.largest_relative_error(torch.zeros(2), torch.zeros(3)) == float("inf")


def test_the_rate_of_matrix_products_counts_two_operations_for_each_product() -> None:
    from unittest.mock import patch

    with patch.object(measuring, "seconds_of", return_value=0.5):
        assert measuring.matrix_product_rate(size=3) == 2 * 27 / 0.5
