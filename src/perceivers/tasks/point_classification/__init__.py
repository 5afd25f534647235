"""Sets of points in, one class out."""
