"""`register`: Transformers' Auto classes and `pipeline` find the library's models, from then on and until it is undone."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import TracebackType
from typing import Any, Self

from perceivers.errors import ConfigurationError
from perceivers.integrations.transformers import models
from perceivers.integrations.transformers.configuration import PerceiverConfig
from perceivers.integrations.transformers.package import PIPELINE_REGISTRY, transformers
from perceivers.integrations.transformers.pipelines.opening import PIPELINES
from perceivers.integrations.transformers.processors.tokenizer import PerceiverTokenizer

_MODEL_TYPE = PerceiverConfig.model_type

# Auto class -> what it gives; where it is several classes, `architectures` of the configuration chooses.
_AUTO: Mapping[str, Any] = {
    "AutoModel": (models.PerceiverModel, models.HierarchicalPerceiver),
    "AutoModelForCausalLM": models.PerceiverForCausalLM,
    "AutoModelForMaskedLM": models.PerceiverForMaskedLM,
    "AutoModelForSequenceClassification": models.PerceiverForSequenceClassification,
    "AutoModelForImageClassification": (
        models.PerceiverForImageClassificationLearned,
        models.PerceiverForImageClassificationFourier,
        models.PerceiverForImageClassificationConvProcessing,
    ),
}


class Registration:
    """What `register` has done; `undo()`, or the end of a `with` block, takes it back.

    Args:
        undoing: calls that take it back, the first one last.
    """

    def __init__(self, undoing: list[Callable[[], None]]) -> None:
        self._undoing = undoing

    def undo(self) -> None:
        """Make everything as it was; a second time does nothing."""
        while self._undoing:
            self._undoing.pop()()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.undo()


def register(replace: bool = False) -> Registration:
    """Let Transformers' Auto classes and `pipeline` know the library's models.

    The Auto classes make these models of this package's PerceiverConfig (`AutoModelForMaskedLM.from_config(config)`), and
    `transformers.pipeline` knows "optical-flow", "video-autoencoding" and "table-prediction". With `replace=True` they also
    do so for everything whose config.json says `"model_type": "perceiver"`, in this process, in the place of Transformers'
    own classes: `AutoModelForMaskedLM.from_pretrained("deepmind/language-perceiver")` gives the library's model.

    Example:
        with register(replace=True):
            model = AutoModelForMaskedLM.from_pretrained("deepmind/language-perceiver")

    Args:
        replace: whether the model type "perceiver" changes its meaning.

    Raises:
        ConfigurationError: it is registered already.
    """
    contents = transformers.AutoModel._model_mapping._extra_content
    if PerceiverConfig in contents:
        raise ConfigurationError(
            "the models are registered already: undo the first registration before another one"
        )
    undoing: list[Callable[[], None]] = []
    try:
        for name, made in _AUTO.items():
            mapping = getattr(transformers, name)._model_mapping
            _put(mapping._extra_content, PerceiverConfig, made, undoing)
        tokenizers = transformers.models.auto.tokenization_auto.TOKENIZER_MAPPING
        _put(tokenizers._extra_content, PerceiverConfig, PerceiverTokenizer, undoing)
        for task, made in PIPELINES.items():
            entry = {"impl": made, "pt": (), "type": "multimodal"}
            _put(PIPELINE_REGISTRY.supported_tasks, task, entry, undoing)
        if replace:
            configurations = transformers.models.auto.configuration_auto.CONFIG_MAPPING
            _put(configurations._extra_content, _MODEL_TYPE, PerceiverConfig, undoing)
    except BaseException:
        Registration(undoing).undo()
        raise
    return Registration(undoing)


def _put(into: dict[Any, Any], key: Any, value: Any, undoing: list[Callable[[], None]]) -> None:
    """Set an entry, and note how it is made as it was."""
    if key in into:
        former = into[key]
        undoing.append(lambda: into.__setitem__(key, former))
    else:
        undoing.append(lambda: into.pop(key, None))
    into[key] = value
