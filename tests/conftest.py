"""What every test shares: one thread a process, no network, the same seed, no deadline on a busy machine."""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, settings

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")

settings.register_profile(
    "perceivers",
    deadline=None,
    max_examples=40,
    suppress_health_check=[HealthCheck.too_slow],
    # The explaining phase traces every line of torch: minutes for one failure.
    phases=[Phase.explicit, Phase.reuse, Phase.generate, Phase.shrink],
)
settings.load_profile("perceivers")


def pytest_configure(config: pytest.Config) -> None:
    # Thousands of tests are objects, and so are the functions of torch: to look through them for garbage again and again
    # takes a good part of the time.
    gc.disable()
    chosen = str(config.getoption("markexpr"))
    if "not network" in chosen or "network" not in chosen:
        os.environ.setdefault("HF_HUB_OFFLINE", "1")


def pytest_collection_finish() -> None:
    gc.freeze()
    gc.set_threshold(20_000, 20, 20)
    gc.enable()


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Random weights and inputs are the same in every run, whatever ran before."""
    torch = sys.modules.get("torch")
    if torch is not None:
        # What torch.manual_seed does; without a GPU it writes down who has called it, which takes longer than many a test.
        torch.default_generator.manual_seed(0)
        if torch.cuda.is_available():
            torch.cuda.manual_seed_all(0)


@pytest.fixture(scope="session")
def gpu() -> Iterator[Any]:
    """The GPU, with float32 convolutions at full precision; PERCEIVERS_GPU=cpu puts the processor in its place."""
    import torch

    name = os.environ.get("PERCEIVERS_GPU", "cuda")
    if name == "cuda" and not torch.cuda.is_available():
        pytest.skip("needs a GPU: torch sees no CUDA device")
    # Convolutions round their inputs to ten bits there by default: no comparison to 1e-5 survives that.
    allowed = torch.backends.cudnn.allow_tf32
    torch.backends.cudnn.allow_tf32 = False
    yield torch.device(name)
    torch.backends.cudnn.allow_tf32 = allowed
