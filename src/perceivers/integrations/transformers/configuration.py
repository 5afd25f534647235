"""PerceiverConfig as a PreTrainedConfig: the same keys, checked by the same rules."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self

from perceivers.configuration import FIDELITIES
from perceivers.configuration import PerceiverConfig as PlainConfig
from perceivers.integrations.transformers.package import PreTrainedConfig

# Keys that say how a model is computed here and there alike, but are kept in other places.
_ATTENTION = "attn_implementation"
_ALIASES = frozenset({"num_labels", "torch_dtype", "use_return_dict", "model_type"})
_KEYS = tuple(key for key in vars(PlainConfig()) if key != _ATTENTION)


class PerceiverConfig(PreTrainedConfig):  # type: ignore[misc]
    """A configuration that Transformers knows what to do with, around `perceivers.PerceiverConfig`.

    Args:
        values: keys of `perceivers.PerceiverConfig`, and what every PreTrainedConfig takes.

    Raises:
        ConfigurationError: as `perceivers.PerceiverConfig` does; a ValueError.
    """

    model_type = "perceiver"

    def __init__(self, **values: Any) -> None:
        ours = {key: value for key, value in values.items() if key in _KEYS or key in _ALIASES}
        plain = PlainConfig(**ours)
        others = {key: value for key, value in values.items() if key not in ours}
        super().__init__(**{key: getattr(plain, key) for key in _KEYS}, **others)

    def plain(self) -> PlainConfig:
        """The same, as the library's own models are built from it."""
        values = {key: getattr(self, key) for key in _KEYS}
        return PlainConfig(**values, attn_implementation=self._attn_implementation or "sdpa")

    @classmethod
    def of(cls, plain: PlainConfig) -> Self:
        """The configuration of one of the library's own models, keys of the user's own included."""
        return cls(**vars(plain))

    @classmethod
    def from_dict(cls, config_dict: Mapping[str, Any], **kwargs: Any) -> Any:
        """See PreTrainedConfig; a file that does not say how it holds the stem's kernel was written by Transformers."""
        values = {"conv_kernel_order": "width_height", **config_dict}
        if kwargs.get("fidelity") in FIDELITIES:
            values.update(FIDELITIES[kwargs["fidelity"]])
        wanted = kwargs.get("num_labels")
        if wanted is not None and len(values.get("id2label") or {}) != wanted:
            # Names of other classes.
            values.pop("id2label", None)
            values.pop("label2id", None)
        return super().from_dict(values, **kwargs)
