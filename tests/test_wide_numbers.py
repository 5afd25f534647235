"""Apple's GPU has no float64: what may lie on a model's device is made wide only when it is on the processor."""

from __future__ import annotations

import ast
from functools import cache
from pathlib import Path

SOURCE = Path(__file__).parents[1] / "src" / "perceivers"

# Files whose float64 never meets a model's device: file -> why.
ON_THE_PROCESSOR: dict[str, str] = {
    "answers/number.py": "on the processor, where it stays if the device has no float64",
    "checkpoints/reading.py": "a table of what files may hold",
    "inference/folding.py": "float32 where the device has no float64",
    "inference/latent_layer.py": "asks whether weights are float64",
    "metrics/answers/classes.py": "`measure` gives metrics what it has brought to the processor",
    "metrics/answers/curves.py": "as above",
    "metrics/answers/labels.py": "as above",
    "metrics/answers/measuring.py": "as above",
    "metrics/answers/members.py": "as above",
    "metrics/answers/numbers.py": "as above",
    "metrics/calibration.py": "scores that were collected on the processor",
    "metrics/named.py": "`measure` gives metrics what it has brought to the processor",
    "metrics/optical_flow.py": "as above",
    "metrics/ratios.py": "as above",
    "metrics/running.py": "as above",
    "metrics/signal_to_noise.py": "as above; the rest is as wide as its device allows",
    "modalities/bag_of_ngrams.py": "starting values, before the model is moved",
    "modalities/category.py": "as above",
    "modalities/feature_groups.py": "as above",
    "modalities/number.py": "as above",
    "models/answers/heads.py": "starting values, on the processor by name",
    "models/text_building.py": "starting values, before the model is moved",
    "nn/folded_attention.py": "asks for a type, on processors alone",
    "nn/number_encodings.py": "bins are chosen on the processor, by name",
    "nn/precision.py": "the rule itself",
    "nn/waves.py": "starting values, before the model is moved",
    "tasks/text_classification/linear_start.py": "starting values, before the model is moved",
    "processors/image/values.py": "a table of the 256 bytes, cast before it is moved",
    "processors/optical_flow/kitti.py": "flow that is on the processor",
}


def wide(tree: ast.AST) -> list[int]:
    """Lines that ask torch for float64 of what is not said to be on the processor by `.cpu()` in front."""
    lines = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and getattr(node.func, "attr", None) == "double":
            made = node.func.value  # type: ignore[attr-defined]
            is_moved = isinstance(made, ast.Call) and getattr(made.func, "attr", None) == "cpu"
            if not is_moved:
                lines.append(node.lineno)
        is_type = isinstance(node, ast.Attribute) and node.attr in ("float64", "double")
        if is_type and getattr(node.value, "id", None) == "torch":
            lines.append(node.lineno)
    return lines


@cache
def found() -> dict[str, list[int]]:
    texts = {path: path.read_text(encoding="utf-8") for path in sorted(SOURCE.rglob("*.py"))}
    return {
        str(path.relative_to(SOURCE)): lines
        for path, text in texts.items()
        if ("float64" in text or "double" in text) and (lines := wide(ast.parse(text)))
    }


def test_what_is_looked_for_is_found() -> None:
    lines = "a = torch.float64\nb = x.double()\nc = x.cpu().double()\nd = np.float64\ne = torch.double\n"
    assert sorted(wide(ast.parse(lines))) == [1, 2, 5]


def test_no_file_makes_float64_of_what_may_lie_on_a_models_device() -> None:
    against = {file: lines for file, lines in found().items() if file not in ON_THE_PROCESSOR}
    assert not against, "bring it to the processor first: values.cpu().double()"


def test_every_exception_is_needed() -> None:
    assert ON_THE_PROCESSOR.keys() <= found().keys()
