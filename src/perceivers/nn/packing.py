"""Arrays of several modalities laid side by side, split again, and freed of padding, as pure functions."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

import torch
from torch import Tensor, nn

from perceivers.errors import ConfigurationError, ShapeError


def require_names(argument: str, names: Iterable[str]) -> None:
    """ConfigurationError for names of modalities that cannot be those of modules and parameters."""
    taken = set(dir(nn.ModuleDict())) | set(dir(nn.ParameterDict()))
    unfit = sorted(name for name in names if not name or "." in name or name in taken)
    if unfit:
        raise ConfigurationError(
            f"`{argument}` must have names without a dot, and that no container of torch's uses for itself, "
            f"received {unfit}"
        )


def restructure(modality_sizes: Mapping[str, int], inputs: Tensor) -> dict[str, Tensor]:
    """Split a concatenation along its second axis, modalities in sorted order of their names.

    Args:
        modality_sizes: number of rows of each modality.
        inputs: [batch, sum of sizes, channels].

    Returns:
        name -> [batch, size, channels].
    """
    if inputs.shape[1] != sum(modality_sizes.values()):
        raise ShapeError(
            f"`modality_sizes` {dict(modality_sizes)} must add up to the second axis of `inputs`, "
            f"received {list(inputs.shape)}"
        )
    names = sorted(modality_sizes)
    return dict(zip(names, inputs.split([modality_sizes[name] for name in names], dim=1), strict=True))


def row_ranges(num_rows: int, chunk_size: int | None) -> Iterator[slice]:
    """Consecutive slices of at most `chunk_size` rows; one slice of all rows where that is None."""
    if chunk_size is not None and chunk_size < 1:
        raise ShapeError(f"`chunk_size` must be at least 1, received {chunk_size}")
    step = chunk_size or max(num_rows, 1)
    for start in range(0, max(num_rows, 1), step):
        yield slice(start, min(start + step, num_rows))


def drop_padding(tokens: Tensor, mask: Tensor) -> tuple[Tensor, Tensor | None]:
    """Leave out what no sample attends to at the end of a batch; exact, because masked keys have weight zero.

    Args:
        tokens: [batch, num_tokens, channels].
        mask: bool [batch, num_tokens], True where a token counts.

    Returns:
        Shorter tokens and mask; the mask is None when nothing is left to hide. A batch with a sample whose tokens are
        all masked comes back as it was: such a row looks at all tokens alike, padding included.
    """
    counts = mask.any(dim=1)
    if not bool(counts.all()):
        return tokens, mask
    num_tokens = int(mask.any(dim=0).nonzero()[-1]) + 1
    tokens, mask = tokens[:, :num_tokens], mask[:, :num_tokens]
    return tokens, None if bool(mask.all()) else mask


def pad_channels(tokens: Tensor, padding: Tensor) -> Tensor:
    """Append the vector `padding` [1, extra_channels] to every token of [batch, num_tokens, channels]."""
    filler = padding.expand(tokens.shape[0], tokens.shape[1], -1).to(tokens.dtype)
    return torch.cat([tokens, filler], dim=2)
