"""How good answers are, fed batch after batch: one file a family."""
