"""Datasets and collators."""
