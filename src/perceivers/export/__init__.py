"""Models as files for other programs: ONNX and torch's own, each proved on real samples before it counts."""

from perceivers.export.runs import Exported, export
from perceivers.export.writing import write_model

__all__ = ["Exported", "export", "write_model"]
