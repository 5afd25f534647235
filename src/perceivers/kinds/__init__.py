"""Kinds of data: one folder each, with all that is known about that kind."""
