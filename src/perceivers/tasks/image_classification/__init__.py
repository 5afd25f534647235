"""Pictures in, one class out."""
