"""Checkpoints on disk and on the hub: found, read, matched with a model, written whole or not at all."""

from __future__ import annotations

from perceivers.checkpoints.locating import HubOptions, find_weights, resolve_file
from perceivers.checkpoints.reading import StoredTensor, open_weights

__all__ = ["HubOptions", "StoredTensor", "find_weights", "open_weights", "resolve_file"]
