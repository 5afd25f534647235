"""Every public name imports from `perceivers`, when it is asked for and not before."""

from __future__ import annotations

import ast
import importlib
import pickle
import subprocess
import sys
from pathlib import Path

import pytest

import perceivers


@pytest.mark.parametrize("name", perceivers.__all__)
def test_every_public_name_imports(name):
    value = getattr(perceivers, name)
    assert value.__name__ == name or name in vars(sys.modules[value.__module__])


@pytest.mark.parametrize("name", perceivers.__all__)
def test_every_public_name_is_documented(name):
    assert getattr(perceivers, name).__doc__


def test_public_names_are_sorted_and_said_once():
    assert perceivers.__all__ == sorted(set(perceivers.__all__))


def test_a_name_is_the_one_of_the_module_that_defines_it():
    from perceivers.configuration import PerceiverConfig
    from perceivers.outputs import PerceiverModelOutput

    assert perceivers.PerceiverConfig is PerceiverConfig
    assert perceivers.PerceiverModelOutput is PerceiverModelOutput


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="module 'perceivers' has no attribute 'PerceiverForChess'"):
        _ = perceivers.PerceiverForChess
    with pytest.raises(ImportError, match="PerceiverForChess"):
        from perceivers import PerceiverForChess  # noqa: F401


def test_dir_lists_every_public_name_once():
    _ = perceivers.PerceiverConfig
    names = perceivers.__dir__()
    assert len(names) == len(set(names))
    assert set(perceivers.__all__) <= set(names)
    assert {"__version__", "__doc__"} <= set(names)


def test_a_star_import_brings_exactly_the_public_names():
    namespace: dict[str, object] = {}
    exec("from perceivers import *", namespace)
    assert set(namespace) - {"__builtins__"} == set(perceivers.__all__)


def test_every_public_class_of_the_transformers_page_has_its_name_here():
    for module in ("configuration_perceiver", "modeling_perceiver", "tokenization_perceiver"):
        reference = importlib.import_module(f"transformers.models.perceiver.{module}")
        assert set(reference.__all__) <= set(perceivers.__all__)
    documented = {
        *(
            "PerceiverModelOutput",
            "PerceiverDecoderOutput",
            "PerceiverMaskedLMOutput",
            "PerceiverClassifierOutput",
        ),
        *("PerceiverImageProcessor", "PerceiverImageProcessorFast", "PerceiverTextPreprocessor"),
        *("PerceiverImagePreprocessor", "PerceiverOneHotPreprocessor", "PerceiverAudioPreprocessor"),
        *("PerceiverMultimodalPreprocessor", "PerceiverProjectionDecoder", "PerceiverBasicDecoder"),
        *("PerceiverClassificationDecoder", "PerceiverOpticalFlowDecoder", "PerceiverMultimodalDecoder"),
        *("PerceiverBasicVideoAutoencodingDecoder", "PerceiverProjectionPostprocessor"),
        *("PerceiverAudioPostprocessor", "PerceiverClassificationPostprocessor"),
        "PerceiverMultimodalPostprocessor",
    }
    assert documented <= set(perceivers.__all__)


def test_importing_the_package_imports_no_torch():
    program = (
        "import perceivers, sys; print([n for n in ('torch', 'numpy', 'transformers') if n in sys.modules])"
    )
    received = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert received.stdout.strip() == "[]"


def test_the_version_is_the_one_of_the_distribution():
    from importlib.metadata import version

    assert perceivers.__version__ == version("perceivers")


def test_public_classes_can_be_pickled_by_reference():
    for name in perceivers.__all__:
        value = getattr(perceivers, name)
        assert pickle.loads(pickle.dumps(value)) is value


def test_the_table_of_homes_is_sorted_too():
    tree = ast.parse(Path(perceivers.__file__).read_text(encoding="utf-8"))
    (table,) = [
        node for node in tree.body if isinstance(node, ast.Assign) and isinstance(node.value, ast.Dict)
    ]
    names = [key.value for key in table.value.keys]
    assert names == sorted(names)


def test_the_stub_for_type_checkers_names_the_same_homes():
    stub = Path(perceivers.__file__).with_suffix(".pyi")
    imports = [node for node in ast.parse(stub.read_text()).body if isinstance(node, ast.ImportFrom)]
    said = {alias.asname: node.module for node in imports for alias in node.names}

    assert said == {name: f"perceivers.{home}" for name, home in perceivers._HOMES.items()}
