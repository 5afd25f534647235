"""How the latents' layers are computed: exactly, or rounded to what a processor multiplies faster."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import nn

from perceivers.errors import ConfigurationError
from perceivers.inference.half_precision import HALF, HalfLinear, require_products
from perceivers.inference.latent_layer import MakeMap
from perceivers.inference.packed_map import PackedMap
from perceivers.inference.quantization import Int8Linear, replace_linears


@dataclass(frozen=True)
class Rounding:
    """How maps are made.

    Attributes:
        make_map: of a folded layer.
        make_linear: of a layer that is not folded; None leaves it as it is.
        inner: see FoldedSelfAttend.
    """

    make_map: MakeMap
    make_linear: Callable[[nn.Linear], nn.Module] | None = None
    inner: torch.dtype | None = None

    def round_linears(self, module: nn.Module) -> None:
        """Replace the linear layers inside a module that is not folded, in place."""
        if self.make_linear is not None:
            replace_linears(module, self.make_linear)


EXACT = Rounding(PackedMap)


def chosen_rounding(quantize: str | None, dtype: str | None) -> Rounding:
    """What the two arguments of `prepare` say.

    Raises:
        ConfigurationError: an unknown name, both at once, or a processor that cannot.
    """
    if quantize not in (None, "int8"):
        raise ConfigurationError(f"`quantize` must be None or 'int8', received {quantize!r}")
    if dtype not in (None, "bfloat16"):
        raise ConfigurationError(f"`dtype` must be None or 'bfloat16', received {dtype!r}")
    if quantize is not None and dtype is not None:
        raise ConfigurationError(
            "give `quantize` or `dtype`, not both: each rounds the self-attends its own way"
        )
    if quantize is not None:
        return Rounding(Int8Linear, Int8Linear)
    if dtype is not None:
        require_products()
        return Rounding(HalfLinear, HalfLinear, HALF)
    return EXACT
