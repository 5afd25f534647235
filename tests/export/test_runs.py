"""Runs to folders: mistakes that cost nothing here; whole exports, the command and the browser among the slow tests."""

from __future__ import annotations

import functools
import json
import os
import shutil
import subprocess
import tarfile
import threading
from collections.abc import Iterator
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

import perceivers
from perceivers.cli import main
from perceivers.errors import ConfigurationError, DataError
from perceivers.export.runs import export
from perceivers.runtime import load
from tiny_tables import fit_tiny, fruit, rows_of, without, write_table

ASKED = without(fruit(7, seed=2), "price", "kind", "tags")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"file_format": "tflite"}, "`format` must be one of onnx, torch, received 'tflite'"),
        ({"form": "quick"}, "`form` must be one of fast, plain, received 'quick'"),
        ({"dtype": "float8"}, "`dtype` must be one of float32, float16, received 'float8'"),
        ({"dtype": "float16", "int8": True}, "`dtype` float16 and `int8` exclude each other"),
        ({"file_format": "torch", "int8": True}, "need `format` onnx, received torch"),
    ],
)
def test_mistakes_are_named_before_anything_is_written(
    options: dict[str, Any], message: str, tmp_path: Path
) -> None:
    with pytest.raises(ConfigurationError, match=message):
        export(tmp_path / "run", tmp_path / "exported", **options)
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_is_no_run_is_named_and_nothing_stays(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"must be a training run with a file arguments.yaml"):
        export(tmp_path / "run", tmp_path / "exported")
    assert list(tmp_path.iterdir()) == []


def test_a_run_of_rows_in_memory_is_proved_with_the_data_that_are_given(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Reached(Exception):
        pass

    def write(model: Any, samples: Any, *_: Any, **__: Any) -> None:
        raise Reached

    monkeypatch.setattr("perceivers.export.runs.write_model", write)
    columns = without(fruit(), "kind", "tags")
    fit_tiny(columns, "price", output=tmp_path / "run", epochs=1)
    with pytest.raises(DataError, match=r"`data` must be given: the run .* was trained on rows in memory"):
        export(tmp_path / "run", tmp_path / "exported")
    with pytest.raises(Reached):
        export(tmp_path / "run", tmp_path / "exported", data=write_table(tmp_path / "fruit.csv", columns))
    # Given data are taken where the run's own are not there any more, too.
    fit_tiny(str(tmp_path / "fruit.csv"), "price", output=tmp_path / "moved", epochs=1)
    moved = (tmp_path / "fruit.csv").rename(tmp_path / "elsewhere.csv")
    with pytest.raises(Reached):
        export(tmp_path / "moved", tmp_path / "exported", data=str(moved))


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("run")
    data = write_table(folder / "fruit.csv", fruit())
    fit_tiny(str(data), ["kind", "price", "tags:labels"], output=folder / "run", overwrite=True)
    return folder / "run"


@pytest.fixture(scope="module")
def exported(run: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("exported") / "onnx"
    with pytest.raises(SystemExit) as stopped:
        main(["export", str(run), "--output", str(folder)])
    assert not stopped.value.code
    return folder


@pytest.mark.slow
def test_the_runtime_says_what_the_run_says(run: Path, exported: Path, tmp_path: Path) -> None:
    received = load(exported).predict(rows_of(ASKED), tmp_path / "runtime")
    expected = perceivers.predict(run, rows_of(ASKED), tmp_path / "torch", device="cpu")
    for mine, its in zip(received, expected, strict=True):
        assert list(mine) == list(its.values)
        for name, value in its.values.items():
            if isinstance(value, float | dict):
                assert mine[name] == pytest.approx(value, rel=1e-4, abs=1e-5)
            else:
                assert mine[name] == value
    tables = [
        (tmp_path / side / "predictions.csv").read_text(encoding="utf-8") for side in ("runtime", "torch")
    ]
    assert tables[0].splitlines()[0] == tables[1].splitlines()[0]


@pytest.mark.slow
def test_rows_that_lack_an_input_are_answered_as_the_run_answers_them(run: Path, exported: Path) -> None:
    rows = [{"size": None, "colour": "red"}, {"size": 3.5, "colour": None}]
    received = load(exported).predict(rows)
    expected = perceivers.predict(run, rows, device="cpu")
    assert [row["kind_probability"] for row in received] == pytest.approx(
        [each.values["kind_probability"] for each in expected], rel=1e-4
    )


@pytest.mark.slow
def test_the_record_says_how_well_the_files_were_proved(exported: Path) -> None:
    record = json.loads((exported / "export.json").read_text(encoding="utf-8"))
    assert record["task"] == "table"
    assert 0 < record["files"]["model.onnx"]["error"] <= 1e-4
    read = load(exported).session.inputs
    assert record["files"]["model.onnx"]["inputs"] == {name: list(sizes) for name, (_, sizes) in read.items()}
    assert record["milliseconds"].keys() == {"onnxruntime", "torch"}
    assert load(exported).session.metadata["names"]["kind"] == ["big", "small"]


@pytest.mark.slow
@pytest.mark.parametrize("option", [["--dtype", "float16"], ["--int8"]])
def test_what_rounding_costs_on_the_test_part_is_printed_and_stored(
    run: Path, tmp_path: Path, option: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as stopped:
        main(["export", str(run), "--output", str(tmp_path / "small"), *option])
    assert not stopped.value.code
    rounded = json.loads((tmp_path / "small" / "export.json").read_text(encoding="utf-8"))["rounded"]
    assert 0 < rounded["largest_difference"] < 0.5
    assert rounded["score_after"] == pytest.approx(rounded["score_before"], abs=0.2)
    assert "rounded: off by" in capsys.readouterr().out


# The package of npm, unpacked or not; fetched where it is not named.
PACKAGE = "ONNXRUNTIME_WEB"


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("npm")
    named = os.environ.get(PACKAGE)
    if named and Path(named).is_dir():
        return Path(named)
    archive = Path(named) if named else None
    if archive is None and shutil.which("npm"):
        subprocess.run(["npm", "pack", "onnxruntime-web"], cwd=folder, capture_output=True, check=False)
        archive = next(folder.glob("*.tgz"), None)
    if archive is None or not archive.is_file():
        pytest.skip(
            f"needs onnxruntime-web: npm pack onnxruntime-web, and {PACKAGE}=onnxruntime-web-VERSION.tgz"
        )
    with tarfile.open(archive) as packed:
        packed.extractall(folder, filter="data")
    return folder / "package"


class Quiet(SimpleHTTPRequestHandler):
    """Files of a folder, without a line a request."""

    def log_message(self, *args: Any) -> None:
        pass


@pytest.fixture
def served(exported: Path, package: Path, tmp_path: Path) -> Iterator[str]:
    shutil.copytree(exported, tmp_path / "exported")
    shutil.copytree(package / "dist", tmp_path / "ort")
    (tmp_path / "page.html").write_text(
        """<!doctype html><title>wait</title><script src="ort/ort.wasm.min.js"></script><script type="module">
ort.env.wasm.wasmPaths = new URL("ort/", location.href).href;
ort.env.wasm.numThreads = 1;
import { run } from "./exported/example.mjs";
run("exported").then((off) => { document.title = JSON.stringify(off); }, (error) => { document.title = `failed ${error}`; });
</script>""",
        encoding="utf-8",
    )
    server = ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=str(tmp_path)))
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}/page.html"
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.mark.slow
def test_the_javascript_example_runs_in_a_browser(served: str, tmp_path: Path) -> None:
    selenium = pytest.importorskip("selenium.webdriver")
    chromium, driver = shutil.which("chromium"), shutil.which("chromedriver")
    if chromium is None or driver is None:
        pytest.skip("needs chromium and chromedriver")
    options = selenium.ChromeOptions()
    options.binary_location = chromium
    for argument in (
        "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
        "--disable-background-networking", f"--user-data-dir={tmp_path / 'profile'}",
    ):  # fmt: skip
        options.add_argument(argument)
    browser = selenium.Chrome(options, selenium.ChromeService(driver))
    try:
        browser.get(served)
        from selenium.webdriver.support.ui import WebDriverWait

        WebDriverWait(browser, 300).until(lambda page: page.title not in ("", "wait"))
        title = browser.title
    finally:
        browser.quit()
    off = json.loads(title)
    assert off.keys() == {"logits_kind", "logits_price", "logits_tags"}
    assert all(0 <= each < 1e-4 for each in off.values())
