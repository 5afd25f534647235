"""Texts in; classes, labels or numbers out."""
