"""Dates of a table, told as numbers."""
