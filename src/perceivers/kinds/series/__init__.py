"""Series of several channels."""
