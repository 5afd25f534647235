"""Texts in, the bytes of hidden words out."""
