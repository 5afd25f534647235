"""Series in, one class out."""
