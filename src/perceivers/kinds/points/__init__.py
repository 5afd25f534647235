"""Sets of points and surfaces."""
