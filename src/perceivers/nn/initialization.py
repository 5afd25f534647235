"""The values that training from scratch starts from, drawn by what kind of module owns a parameter."""

from __future__ import annotations

import math
from collections.abc import Collection

import torch
from torch import Tensor, nn

from perceivers.nn.waves import wave_table

# Standard deviation of a unit normal distribution cut at two standard deviations.
_STD_OF_CUT_NORMAL = 0.87962566103423978

_ZERO_MARK = "zero_initialized"
_STD_MARK = "initial_std"
_WAVES_MARK = "starts_as_waves"

_Transposed = (nn.ConvTranspose1d, nn.ConvTranspose2d, nn.ConvTranspose3d)
_Projection = (nn.Linear, nn.Conv1d, nn.Conv2d, nn.Conv3d, *_Transposed)
_Norm = (nn.LayerNorm, nn.GroupNorm, nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d)


def start_at_zero(module: nn.Module) -> None:
    """Mark a linear layer or a table of vectors whose weights start at zero."""
    # setattr, because nn.Module's own annotations admit parameters and modules only.
    setattr(module, _ZERO_MARK, True)


def start_with_std(module: nn.Module, std: float) -> None:
    """Mark a module whose own parameters, biases excepted, start normal with standard deviation `std` after the cut."""
    setattr(module, _STD_MARK, std)


def start_as_waves(module: nn.Module) -> None:
    """Mark a table of positions [length, channels] whose rows start as sines and cosines, see `perceivers.nn.waves`."""
    setattr(module, _WAVES_MARK, True)


@torch.no_grad()
def initialize_tensors(
    root: nn.Module, names: Collection[str] | None, vector_std: float, matrix_std: float | None = None
) -> None:
    """Draw the starting values of the named parameters and running statistics of `root`, in the order of its modules.

    - Latents, position encodings, embedding tables, padding and mask vectors, and every other free-standing parameter:
      normal with standard deviation `vector_std`, cut at two of them (the cut leaves 0.88 x `vector_std`), as the
      original code drew them.
    - Weights of linear layers and convolutions: normal, cut at two standard deviations and widened so that the values
      have standard deviation 1 / sqrt(fan_in), or `matrix_std` where it is given, after the cut. A module marked by
      `start_at_zero` gets zeros, one marked by `start_with_std` the standard deviation that it says, one marked by
      `start_as_waves` waves of size `vector_std`.
    - Biases: zero. Norms: weight one, bias zero, running mean zero, running variance one.

    Tensors on the meta device are left alone. A parameter that several modules share is drawn once, under its first name.

    Args:
        root: the module whose tensors are drawn.
        names: state dict keys; None for all.
        vector_std: standard deviation of the free-standing parameters.
        matrix_std: standard deviation of the weights of linear layers and convolutions; None: by their fan-in.
    """
    drawn: set[int] = set()
    for path, module in root.named_modules(remove_duplicate=False):
        own = [*module.named_parameters(recurse=False), *module.named_buffers(recurse=False)]
        for name, tensor in own:
            key = f"{path}.{name}" if path else name
            if tensor.is_meta or id(tensor) in drawn or (names is not None and key not in names):
                continue
            drawn.add(id(tensor))
            _initialize(module, name, tensor, vector_std, matrix_std)


def _initialize(
    module: nn.Module, name: str, tensor: Tensor, vector_std: float, matrix_std: float | None
) -> None:
    if isinstance(module, _Norm):
        tensor.fill_(1 if name in ("weight", "running_var") else 0)
    elif not isinstance(tensor, nn.Parameter):
        return
    elif name == "bias" or getattr(module, _ZERO_MARK, False):
        tensor.zero_()
    elif getattr(module, _WAVES_MARK, False):
        tensor.copy_(wave_table(tensor.shape[0], tensor.shape[1], vector_std))
    elif hasattr(module, _STD_MARK):
        _fill_cut_normal(tensor, getattr(module, _STD_MARK) / _STD_OF_CUT_NORMAL)
    elif isinstance(module, _Projection):
        # Transposed convolutions keep [in, out, ...], the others [out, in, ...].
        fan_in = tensor[:, 0].numel() if isinstance(module, _Transposed) else tensor[0].numel()
        std = 1 / math.sqrt(fan_in) if matrix_std is None else matrix_std
        _fill_cut_normal(tensor, std / _STD_OF_CUT_NORMAL)
    else:
        _fill_cut_normal(tensor, vector_std)


def _fill_cut_normal(tensor: Tensor, std: float) -> None:
    # By the inverse of the distribution function: several times faster than torch.nn.init.trunc_normal_, which matters
    # for hundreds of millions of parameters. In float32: the inverse is too coarse in half precision.
    inside = math.erf(math.sqrt(2))
    values = torch.empty(tensor.shape, dtype=torch.float32, device=tensor.device)
    values.uniform_(-inside, inside).erfinv_().mul_(math.sqrt(2) * std).clamp_(-2 * std, 2 * std)
    tensor.copy_(values)
