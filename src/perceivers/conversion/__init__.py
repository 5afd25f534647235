"""Checkpoints of other implementations into ours."""
