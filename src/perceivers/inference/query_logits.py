"""How much each query of a tile looks at each latent, before the softmax: read from the queries' structure, never laid out.

See `prepared_decoder` for the algebra. As in `running_sums`, whatever belongs to a query is multiplied by rs beforehand, and
one product gives all but what the columns of the grid add.
"""

from __future__ import annotations

import torch
from torch import Tensor

from perceivers.inference.running_sums import FEW_ROWS, on_rows_of_grid
from perceivers.inference.structured_tokens import Products, StructuredTokens, Tile


class LatentKeys:
    """One sample's latents as constant vectors.

    Args:
        products: of k_n with what queries are made of.
        biases: c_n, [num_latents].
    """

    def __init__(self, products: Products, biases: Tensor) -> None:
        self.products = products
        self.biases = biases
        # Latents on the last axis, as in the logits: sums of views would have another layout in memory.
        self.columns = products.axes[-1].T.contiguous() if products.axes else None
        self._values = [] if products.values is None else [products.values.T.contiguous()]

    def vectors(self, *of_rows: Tensor) -> Tensor:
        """What `scaled` is multiplied with, [channels, num_latents]; the bias rides along as a channel whose value is 1."""
        return torch.cat([*self._values, *of_rows, self.biases[None]])

    @staticmethod
    def scaled(values: Tensor | None, scale: Tensor, *on_rows: Tensor) -> Tensor:
        """[queries, channels] of values [1, queries, channels] times rs, of what is times rs already, and of 1."""
        own = [] if values is None else [values[0] * scale]
        return torch.cat([*own, *on_rows, torch.ones_like(scale)], dim=1)


def query_logits(tokens: StructuredTokens, keys: LatentKeys, tile: Tile, sample: slice) -> Tensor:
    """rs_o (k_n . x_o) + c_n for the queries of a tile, [queries, latents]."""
    products = keys.products
    values, rows = tokens.values(tile, sample), tokens.table_rows(tile, sample)
    _, scale = tokens.statistics(tile, values, rows)
    scale = scale[0][:, None]
    if tokens.axes is not None and keys.columns is not None:
        of_rows = (tokens.axes.along_rows(products.axes, tile.rows) + products.constant[:, None]).T
        # Laid out beforehand: a sum may choose another order of axes, which costs a copy in the softmax.
        grid = of_rows.new_empty(*tile.shape, of_rows.shape[1])
        logits, of_columns = grid.flatten(0, 1), keys.columns[tile.columns].expand(grid.shape)
        if tile.shape[0] <= FEW_ROWS:
            torch.mul(of_columns, scale.unflatten(0, tile.shape), out=grid)
            on_rows = on_rows_of_grid(tile, scale.T).T
            return logits.addmm_(keys.scaled(values, scale, on_rows), keys.vectors(of_rows))
        torch.add(of_rows[:, None].expand(grid.shape), of_columns, out=grid)
    elif rows is not None and products.table is not None:
        logits = torch.addmm(products.constant, rows[0], products.table.T)
    else:
        logits = products.constant.repeat(tile.num_tokens, 1)
    if values is None:
        return torch.addcmul(keys.biases, logits, scale, out=logits)
    return logits.mul_(scale).addmm_(keys.scaled(values, scale), keys.vectors())
