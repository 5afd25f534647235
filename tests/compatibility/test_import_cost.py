"""Importing costs little, brings every documented name, and never pulls in Transformers."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

DOCUMENTED_NAMES = [
    "PerceiverConfig",
    "PerceiverTokenizer",
    "PerceiverImageProcessor",
    "PerceiverImageProcessorPil",
    "PerceiverImageProcessorFast",
    "AutoTokenizer",
    "AutoImageProcessor",
    "PerceiverTextPreprocessor",
    "PerceiverImagePreprocessor",
    "PerceiverOneHotPreprocessor",
    "PerceiverAudioPreprocessor",
    "PerceiverMultimodalPreprocessor",
    "PerceiverProjectionDecoder",
    "PerceiverBasicDecoder",
    "PerceiverClassificationDecoder",
    "PerceiverOpticalFlowDecoder",
    "PerceiverBasicVideoAutoencodingDecoder",
    "PerceiverMultimodalDecoder",
    "PerceiverProjectionPostprocessor",
    "PerceiverAudioPostprocessor",
    "PerceiverClassificationPostprocessor",
    "PerceiverMultimodalPostprocessor",
    "PerceiverModel",
    "PerceiverForMaskedLM",
    "PerceiverForSequenceClassification",
    "PerceiverForImageClassificationLearned",
    "PerceiverForImageClassificationFourier",
    "PerceiverForImageClassificationConvProcessing",
    "PerceiverForOpticalFlow",
    "PerceiverForMultimodalAutoencoding",
    "PerceiverModelOutput",
    "PerceiverDecoderOutput",
    "PerceiverMaskedLMOutput",
    "PerceiverClassifierOutput",
    "PerceiverPreTrainedModel",
    "PerceiverLayer",
    "PerceiverEncoder",
    "PerceiverAbstractDecoder",
    "PerceiverAbstractPositionEncoding",
    "PerceiverFourierPositionEncoding",
    "PerceiverTrainablePositionEncoding",
    "AbstractPreprocessor",
]


def run_python(code: str, **environment: str) -> str:
    """What a fresh interpreter prints."""
    finished = subprocess.run(
        [sys.executable, "-c", code],
        check=True,
        capture_output=True,
        text=True,
        env={**os.environ, **environment},
    )
    return finished.stdout


@pytest.mark.parametrize("name", DOCUMENTED_NAMES)
def test_every_documented_name_imports_from_the_package(name: str) -> None:
    import perceivers

    assert getattr(perceivers, name).__name__.startswith(name.removesuffix("Pil"))
    assert name in perceivers.__all__
    assert name in dir(perceivers)


def test_public_names_are_sorted_unique_and_all_there() -> None:
    import perceivers

    assert list(perceivers.__all__) == sorted(set(perceivers.__all__))
    missing = [name for name in perceivers.__all__ if not hasattr(perceivers, name)]
    assert missing == []


def test_a_name_that_does_not_exist_is_an_ordinary_attribute_error() -> None:
    import perceivers

    with pytest.raises(AttributeError, match="PerceiverForChess"):
        _ = perceivers.PerceiverForChess


def test_the_command_line_answers_without_torch() -> None:
    code = """
import contextlib, io, sys
from perceivers.cli import main
sys.argv = ["perceivers", "--help"]
with contextlib.redirect_stdout(io.StringIO()) as shown, contextlib.suppress(SystemExit):
    main()
print("train" in shown.getvalue() and "torch" not in sys.modules)
"""
    assert run_python(code).strip() == "True"


HEAVY = ("transformers", "accelerate", "torchmetrics", "datasets", "matplotlib", "sklearn", "scipy")
# Processor time behind the import of torch, which tells how fast the machine is just now. Then the core is used.
IMPORTED = f"""
import json, sys, time
begun = time.process_time()
import torch
of_torch = time.process_time() - begun
begun = time.process_time()
import perceivers
alone = time.process_time() - begun
for name in perceivers.__all__:
    getattr(perceivers, name)
whole = time.process_time() - begun
model = perceivers.PerceiverModel(perceivers.PerceiverConfig(
    num_latents=3, d_latents=8, d_model=5, num_self_attends_per_block=1, num_self_attention_heads=1,
    num_cross_attention_heads=1))
perceivers.PerceiverTokenizer()("text")
print(json.dumps([of_torch, alone, whole, [name for name in {HEAVY!r} if name in sys.modules]]))
"""


# On a machine that imports torch in 2.5 s, as one that other work uses may.
SHARE_ALONE, SHARE = 0.04, 0.2


def imported() -> tuple[float, float, float, list[str]]:
    """Seconds for torch, for the package and for all its names; heavy packages that came. The first compiles the sources."""
    of_torch, alone, whole, heavy = json.loads(run_python(IMPORTED, PYTHONDONTWRITEBYTECODE=""))
    return of_torch, alone, whole, heavy


def is_cheap(of_torch: float, alone: float, whole: float) -> bool:
    return alone <= max(0.1, SHARE_ALONE * of_torch) and whole <= max(0.5, SHARE * of_torch)


@pytest.fixture(scope="module")
def first_import() -> tuple[float, float, float, list[str]]:
    """A fresh interpreter takes seconds for torch alone: one answers both questions, where it does so at once."""
    return imported()


def test_importing_and_using_the_core_brings_none_of_the_heavy_packages(
    first_import: tuple[float, float, float, list[str]],
) -> None:
    assert first_import[3] == []


def test_importing_costs_at_most_half_a_second_more_than_torch(
    first_import: tuple[float, float, float, list[str]],
) -> None:
    # The sources are compiled by the first import alone, as on a user's machine.
    found = [first_import[:3]]
    while not is_cheap(*found[-1]) and len(found) < 6:
        found.append(imported()[:3])
    assert is_cheap(*found[-1]), found
