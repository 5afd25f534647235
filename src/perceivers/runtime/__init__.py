"""Exported models without torch: `load("folder").predict([...])`, with numpy, pillow and onnxruntime alone."""

from perceivers.runtime.predictor import RuntimePredictor, load
from perceivers.runtime.session import Session

__all__ = ["RuntimePredictor", "Session", "load"]
