"""Masked autoencoding: one task."""
