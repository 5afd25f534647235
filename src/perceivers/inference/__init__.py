"""The exact fast form of every model: derived from its weights, frozen, with the same call."""

from perceivers.inference.many_texts import logits_of_texts
from perceivers.inference.prepared import PreparedModel, prepare
from perceivers.models.fast_form import register

__all__ = ["PreparedModel", "logits_of_texts", "prepare"]

register(prepare)
