"""The exact fast form of every model: derived from its weights, frozen, with the same call."""

from perceivers.inference.prepared import PreparedModel, prepare

__all__ = ["PreparedModel", "prepare"]
