"""Answers of a model: the heads that give them, and what is lost by each."""
