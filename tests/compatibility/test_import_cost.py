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


def test_importing_and_using_the_core_brings_none_of_the_heavy_packages() -> None:
    heavy = ["transformers", "accelerate", "torchmetrics", "datasets", "matplotlib", "sklearn", "scipy"]
    code = f"""
import json, sys
import perceivers
for name in perceivers.__all__:
    getattr(perceivers, name)
model = perceivers.PerceiverModel(perceivers.PerceiverConfig(
    num_latents=3, d_latents=8, d_model=5, num_self_attends_per_block=1, num_self_attention_heads=1,
    num_cross_attention_heads=1))
perceivers.PerceiverTokenizer()("text")
print(json.dumps([name for name in {heavy!r} if name in sys.modules]))
"""
    assert json.loads(run_python(code)) == []


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


def test_importing_costs_at_most_half_a_second_more_than_torch() -> None:
    # Processor time behind the import of torch: what other processes of the machine do does not count. The sources are
    # compiled by the first import alone, as on a user's machine.
    code = """
import time, torch
begun = time.process_time()
import perceivers
alone = time.process_time() - begun
for name in perceivers.__all__:
    getattr(perceivers, name)
print(alone, time.process_time() - begun)
"""
    alone, whole = 9.0, 9.0
    for _attempt in range(6):
        if max(alone, whole) <= 0.5:
            break
        alone, whole = map(
            min, (alone, whole), map(float, run_python(code, PYTHONDONTWRITEBYTECODE="").split())
        )
    assert alone <= 0.1
    assert whole <= 0.5
