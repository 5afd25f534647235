"""Pipelines: Transformers' own run on these models, and three of ours for what it has none for."""
