"""`perceivers app` under load: requests from many clients at once, each answer checked against its own question.

Run: python benchmarks/serving.py [--requests 2000] [--clients 32] [--output benchmarks/results/serving.md]

A small run on a made table (two numbers and a category tell a class and a number) is served by a process of its own on
127.0.0.1. Every question is different, so that an answer to somebody else's is seen: the row comes back with its own number,
and the answers must be those that the same model gives in this process. Half of the requests are JSON, half are forms. A few
cannot be answered, and must be told so. The server's memory is read from the system before, while and after.
"""

from __future__ import annotations

import argparse
import itertools
import re
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import numpy as np
from measuring import circumstances, in_bytes, in_seconds, markdown_table, report

import perceivers

# Every so many-th question is one that cannot be read.
BAD = 50
# Requests before memory counts: what is made once is made by then.
WARM_UP = 1_000
# How near an answer must be to that of this process, relative: batches are summed in another order.
NEAR = 1e-4
SMALL: Mapping[str, Any] = {
    "num_latents": 8, "latent_channels": 32, "num_layers": 2, "token_channels": 16, "epochs": 3, "batch_size": 32,
    "device": "cpu",
}  # fmt: skip


def made_table(count: int, seed: int) -> dict[str, list[Any]]:
    generator = np.random.default_rng(seed)
    size = generator.uniform(0.0, 10.0, count).round(6)
    weight = generator.normal(size=count).round(6)
    colour = generator.choice(["red", "green", "blue"], count)
    return {
        "size": size.tolist(),
        "weight": weight.tolist(),
        "colour": colour.tolist(),
        "price": (3.0 * size + weight + 10.0 * (colour == "red")).tolist(),
        "kind": np.where(size > 5.0, "big", "small").tolist(),
    }


def questions(count: int) -> list[dict[str, Any]]:
    table = made_table(count, seed=1)
    rows = [{name: table[name][index] for name in ("size", "weight", "colour")} for index in range(count)]
    for index in range(BAD - 1, count, BAD):
        rows[index]["size"] = f"long {index}"
    return rows


def memory_of(pid: int) -> int:
    found = re.search(r"VmRSS:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text(encoding="ascii"))
    assert found is not None
    return int(found[1]) << 10


def ask(client: httpx.Client, row: Mapping[str, Any], as_form: bool) -> tuple[float, httpx.Response]:
    begin = time.perf_counter()
    if as_form:
        response = client.post("/api/predict", files={name: (None, str(cell)) for name, cell in row.items()})
    else:
        response = client.post("/api/predict", json={"inputs": row})
    return time.perf_counter() - begin, response


def is_own(row: Mapping[str, Any], expected: Any, response: httpx.Response) -> bool:
    if not isinstance(expected, dict):
        return response.status_code == 422 and repr(row["size"]) in response.json()["error"]
    if response.status_code != 200:
        return False
    (answer,) = response.json()["answers"]
    return (
        float(answer["size"]) == row["size"]
        and answer["kind"] == expected["kind"]
        and abs(answer["price"] - expected["price"]) <= NEAR * max(abs(expected["price"]), 1.0)
    )


def load_of(address: str, rows: Sequence[Mapping[str, Any]], clients: int, pid: int) -> dict[str, Any]:
    """All rows from so many clients at once: seconds and response of each, and the memory while they wait."""
    own = threading.local()
    memory: list[tuple[int, int]] = []
    done = itertools.count(1)
    ended = threading.Event()
    num_done = 0

    def watch() -> None:
        while not ended.wait(0.2):
            memory.append((num_done, memory_of(pid)))

    def one(index: int) -> tuple[float, httpx.Response]:
        nonlocal num_done
        if not hasattr(own, "client"):
            own.client = httpx.Client(base_url=address, timeout=120.0)
        found = ask(own.client, rows[index], as_form=index % 2 == 1)
        num_done = next(done)
        return found

    watcher = threading.Thread(target=watch)
    watcher.start()
    begin = time.perf_counter()
    with ThreadPoolExecutor(clients) as pool:
        answered = list(pool.map(one, range(len(rows))))
    seconds = time.perf_counter() - begin
    ended.set()
    watcher.join()
    return {"answered": answered, "seconds": seconds, "memory": memory}


def measure(requests: int, clients: int) -> str:
    about = circumstances(("torch", "perceivers", "starlette", "uvicorn"))
    rows = questions(requests + WARM_UP)
    with tempfile.TemporaryDirectory() as name:
        run = Path(name) / "made"
        predictor = perceivers.fit(
            made_table(400, seed=0), ["kind", "price"], output=run, quiet=True, **SMALL
        )
        expected = predictor(rows)
        server = subprocess.Popen(
            [sys.executable, "-m", "perceivers", "app", str(run), "--port", "0", "--device", "cpu"],
            stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        try:
            assert server.stdout is not None
            told = server.stdout.readline()
            found = re.search(r"http://[\d.:]+", told)
            assert found is not None, told
            address = found[0]
            load_of(address, rows[:WARM_UP], clients, server.pid)
            before, counted = memory_of(server.pid), httpx.get(f"{address}/health").json()
            loaded = load_of(address, rows[WARM_UP:], clients, server.pid)
            after, health = memory_of(server.pid), httpx.get(f"{address}/health").json()
        finally:
            if server.poll() is not None:
                print(f"the server has ended by itself, with {server.returncode}", file=sys.stderr)
            server.terminate()
            server.wait(30)
    answered = loaded["answered"]
    own = [
        is_own(row, each, response)
        for row, each, (_, response) in zip(rows[WARM_UP:], expected[WARM_UP:], answered, strict=True)
    ]
    times = sorted(seconds for seconds, _ in answered)
    statuses = [response.status_code for _, response in answered]
    batches = health["batches"] - counted["batches"]
    quarters = [
        max([taken for number, taken in loaded["memory"] if number * 4 <= part * requests] or [before])
        for part in (1, 2, 3, 4)
    ]
    figures = {
        "requests, half JSON, half forms": f"{len(answered):,}",
        "clients at once": f"{clients}",
        "answered": f"{statuses.count(200):,}",
        "told what is wrong with them, as they should be": f"{statuses.count(422):,}",
        "lost": f"{requests - statuses.count(200) - statuses.count(422):,}",
        "mixed up or wrong": f"{own.count(False):,}",
        "requests a second": f"{len(answered) / loaded['seconds']:.0f}",
        "time of a request, median": in_seconds(statistics.median(times)),
        "time of a request, 95 %": in_seconds(times[round(0.95 * (len(times) - 1))]),
        "rows a batch, mean": f"{(health['answered'] - counted['answered']) / batches:.1f}",
        "memory of the server before": in_bytes(before),
        "the most until each quarter of the load": ", ".join(map(in_bytes, quarters)),
        "memory of the server after": in_bytes(after),
    }
    table = markdown_table(("what", "figure"), [[name, value] for name, value in figures.items()])
    return (
        f"# `perceivers app` under load\n\n{about}\n\n{table}\n\n"
        f"Command: `python benchmarks/serving.py --requests {requests}`.\n"
    )


def main(words: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--requests", type=int, default=2_000)
    parser.add_argument("--clients", type=int, default=32)
    parser.add_argument("--output", type=Path, default=Path(__file__).parent / "results" / "serving.md")
    chosen = parser.parse_args(words)
    report(measure(chosen.requests, chosen.clients), chosen.output)


if __name__ == "__main__":
    main()
