"""Checkpoints of the original JAX code into this library's folders."""

from __future__ import annotations

from perceivers.conversion.haiku import ARCHITECTURES, convert_haiku

__all__ = ["ARCHITECTURES", "convert_haiku"]
