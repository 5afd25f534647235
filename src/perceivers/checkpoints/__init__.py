"""Checkpoints on disk and on the hub: found, read, matched with a model, written whole or not at all."""
