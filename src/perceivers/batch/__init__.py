"""Answers for many rows: a predictor that every engine can carry, part files, processes and Ray."""

from perceivers.batch.predictor import BatchPredictor as BatchPredictor
