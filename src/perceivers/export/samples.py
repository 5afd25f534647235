"""A sample beside the files: its inputs, what the model gives of it, and ten lines each for Python and for JavaScript."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from perceivers.export.proof import as_arrays

SAMPLE_FILE, PYTHON_FILE, JAVASCRIPT_FILE = "sample.json", "example.py", "example.mjs"
# Values of an array that are written beside the files; a sample of more is cut to fewer of its batch.
MOST_VALUES = 200_000

PYTHON = '''"""Run model.onnx on the sample beside it; needs numpy and onnxruntime."""
import json
import pathlib

import numpy as np
import onnxruntime

folder = pathlib.Path(__file__).parent
sample = json.loads((folder / "sample.json").read_text())
session = onnxruntime.InferenceSession(folder / "model.onnx")
inputs = {name: np.array(each["data"], each["type"]).reshape(each["dims"]) for name, each in sample["inputs"].items()}
outputs = session.run(list(sample["outputs"]), inputs)
for (name, each), values in zip(sample["outputs"].items(), outputs):
    print(name, values.shape, "largest difference", np.abs(values.ravel() - each["data"]).max())
'''
JAVASCRIPT = """// Run model.onnx on the sample beside it, in a browser: needs onnxruntime-web as the global `ort`.
export async function run(folder = ".") {
  const sample = await (await fetch(`${folder}/sample.json`)).json();
  const session = await ort.InferenceSession.create(`${folder}/model.onnx`);
  const arrays = { float32: Float32Array, float16: Uint16Array, bool: Uint8Array, int64: BigInt64Array };
  const array = ({ type, data }) => arrays[type].from(data.map(type === "int64" ? BigInt : Number));
  const tensor = ([name, each]) => [name, new ort.Tensor(each.type, array(each), each.dims)];
  const outputs = await session.run(Object.fromEntries(Object.entries(sample.inputs).map(tensor)));
  const off = ([name, { data }]) => [name, Math.max(...data.map((value, i) => Math.abs(value - outputs[name].data[i])))];
  return Object.fromEntries(Object.entries(sample.outputs).map(off)); // largest difference of each output
}
"""


def write_sample(
    folder: Path, inputs: Mapping[str, Any], outputs: Mapping[str, Any], *, with_examples: bool
) -> None:
    """Write `sample.json`, and the examples of how it is run.

    Args:
        folder: of the files.
        inputs: by name, the batch on the first axis.
        outputs: likewise.
        with_examples: whether there is a `model.onnx`.
    """
    given, said = as_arrays(inputs), as_arrays(outputs)
    largest = max(array.size // array.shape[0] for array in [*given.values(), *said.values()])
    count = max(1, min(len(next(iter(given.values()))), MOST_VALUES // max(largest, 1)))
    described = {
        side: {name: _described(array[:count]) for name, array in arrays.items()}
        for side, arrays in (("inputs", given), ("outputs", said))
    }
    write_json_in_lines(folder / SAMPLE_FILE, described)
    if with_examples:
        (folder / PYTHON_FILE).write_text(PYTHON, encoding="utf-8")
        (folder / JAVASCRIPT_FILE).write_text(JAVASCRIPT, encoding="utf-8")


def write_json_in_lines(path: Path, record: Mapping[str, Any]) -> None:
    """Write numbers in one line each array: `write_json` would give every number a line."""
    import json

    path.write_text(json.dumps(record, separators=(",", ":")) + "\n", encoding="utf-8")


def _described(array: np.ndarray) -> dict[str, Any]:
    values = array.ravel()
    data = values.astype(int).tolist() if array.dtype == np.bool_ else values.tolist()
    return {"type": str(array.dtype), "dims": list(array.shape), "data": data}
