"""Code run in a fresh process that cannot import torch, nor anything else that an environment of the runtime lacks."""

from __future__ import annotations

import subprocess
import sys

ABSENT = (
    "torch",
    "safetensors",
    "huggingface_hub",
    "yaml",
    "rich",
    "cyclopts",
    "datasets",
    "pyarrow",
    "torchmetrics",
    "matplotlib",
)
HIDING = f"""
import sys

class Without:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {ABSENT}:
            raise ImportError(name)

sys.meta_path.insert(0, Without())
"""


def printed_without_torch(code: str) -> str:
    """What `code` prints; a process that fails is an error, with what it said."""
    command = [sys.executable, "-c", HIDING + code]
    finished = subprocess.run(command, capture_output=True, text=True, check=False)
    assert finished.returncode == 0, finished.stderr
    return finished.stdout
