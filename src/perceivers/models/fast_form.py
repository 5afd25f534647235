"""Where models find the function behind `prepare()`, which the inference package registers."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import Any

# Named, not imported: the fast form is built on the models, so that no model may depend on it, and nobody should pay for
# loading it who does not ask for it. Loading this package is what registers the function.
PROVIDER = "perceivers.inference"


#: From a model, and the options of `PerceiverPreTrainedModel.prepare` by name, to the model's fast form.
Prepare = Callable[..., Any]

_registered: list[Prepare] = []


def register(prepare: Prepare) -> None:
    """Make `prepare` what `model.prepare()` calls; the last one registered counts."""
    _registered[:] = [prepare]


def find_prepare() -> Prepare:
    """The function registered; the package that brings it is loaded where that has not happened yet."""
    if not _registered:
        import_module(PROVIDER)
    (prepare,) = _registered
    return prepare
