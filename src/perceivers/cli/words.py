"""Words on the command line that stand for no value."""

from __future__ import annotations

BACK = ("none", "null", "auto")
"""Set an option back to its default, over a recipe: see `perceivers.cli.options.set_back`."""
