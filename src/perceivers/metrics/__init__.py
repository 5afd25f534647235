"""How good answers are, as torchmetrics metrics: one file a family."""
