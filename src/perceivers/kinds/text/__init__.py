"""Texts, read as bytes."""
