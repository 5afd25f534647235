"""Whatever tokens consist of: products, statistics and weighted sums are those of the tokens laid out."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from perceivers.inference.absorbed_attention import attend
from perceivers.inference.budget import Budget
from perceivers.inference.folding import centred
from perceivers.inference.structured_tokens import StructuredTokens, table_sums
from perceivers.nn.position_encoding import PerceiverFourierPositionEncoding
from perceivers.nn.token_structure import (
    AffineMap,
    FourierPositions,
    TablePositions,
    TokenStructure,
)

DOUBLE = torch.float64
CPU = torch.device("cpu")


def drawn(*shape: int) -> Tensor:
    return torch.randn(*shape, dtype=DOUBLE)


def fourier(*sizes: int) -> FourierPositions:
    return FourierPositions(PerceiverFourierPositionEncoding(3, [13] * len(sizes)), sizes)


STRUCTURES: dict[str, Callable[[], TokenStructure]] = {
    "pixels on a grid": lambda: TokenStructure(35, drawn(2, 35, 3), positions=fourier(5, 7)),
    "a map to more channels, padded": lambda: TokenStructure(
        105, drawn(2, 105, 3), AffineMap(drawn(11, 3), drawn(11)), fourier(3, 5, 7), drawn(4)
    ),
    "a map to fewer channels, without bias": lambda: TokenStructure(
        35, drawn(2, 35, 13), AffineMap(drawn(5, 13)), fourier(5, 7)
    ),
    "a grid of many rows": lambda: TokenStructure(57, drawn(2, 57, 2), positions=fourier(19, 3)),
    "one axis": lambda: TokenStructure(13, drawn(2, 13, 2), positions=fourier(13), padding=drawn(3)),
    "a grid of one row": lambda: TokenStructure(13, drawn(2, 13, 2), positions=fourier(1, 13)),
    "a table": lambda: TokenStructure(11, drawn(2, 11, 3), positions=TablePositions(drawn(11, 5))),
    "a projected table": lambda: TokenStructure(
        11, drawn(2, 11, 3), positions=TablePositions(drawn(11, 5), AffineMap(drawn(7, 5), drawn(7)))
    ),
    "rows of a table, each sample its own": lambda: TokenStructure(
        5, drawn(2, 5, 3), positions=TablePositions(drawn(11, 5), None, torch.randint(0, 11, (2, 5)))
    ),
    "features alone, far from zero": lambda: TokenStructure(11, 1000 + drawn(2, 11, 7)),
    "features under a map alone": lambda: TokenStructure(
        11, drawn(2, 11, 3), AffineMap(drawn(7, 3), drawn(7))
    ),
    "nothing of the input": lambda: TokenStructure(35, positions=fourier(5, 7), padding=drawn(2)),
    "the same token throughout": lambda: TokenStructure(3, padding=drawn(7)),
}


@pytest.fixture(params=list(STRUCTURES))
def structure(request: pytest.FixtureRequest) -> TokenStructure:
    return STRUCTURES[str(request.param)]()


def laid_out(structure: TokenStructure) -> Tensor:
    """[2, num_tokens, num_channels], by the definition of TokenStructure."""
    groups = []
    if structure.features is not None:
        features, mapped = structure.features, structure.feature_map
        if mapped is not None:
            features = features @ mapped.weight.T
            features = features if mapped.bias is None else features + mapped.bias
        groups.append(features)
    positions = structure.positions
    if isinstance(positions, FourierPositions):
        groups.append(positions.encoding.grid(positions.index_dims).to(DOUBLE)[None])
    elif positions is not None:
        rows = positions.table if positions.indices is None else positions.table[positions.indices]
        if positions.projection is not None and positions.projection.bias is not None:
            rows = rows @ positions.projection.weight.T + positions.projection.bias
        groups.append(rows if rows.ndim == 3 else rows[None])
    if structure.padding is not None:
        groups.append(structure.padding.expand(1, structure.num_tokens, -1))
    return torch.cat([each.expand(2, -1, -1) for each in groups], dim=-1)


@pytest.mark.parametrize("size", [1, 3, 7, 10, 1000])
def test_tiles_cover_all_tokens_in_order(structure, size):
    tiles = list(StructuredTokens(structure, 1e-5, DOUBLE, CPU).tiles(size))
    covered = [token for tile in tiles for token in range(tile.tokens.start, tile.tokens.stop)]
    assert covered == list(range(structure.num_tokens))
    assert all(tile.num_tokens == tile.shape[0] * tile.shape[1] <= max(size, 1) for tile in tiles)


@pytest.mark.parametrize("size", [3, 10, 1000])
def test_tokens_and_their_statistics(structure, size):
    reader, expected = StructuredTokens(structure, 1e-5, DOUBLE, CPU), laid_out(structure)
    assert reader.num_channels == structure.num_channels == expected.shape[2]
    for tile in reader.tiles(size):
        tokens = expected[:, tile.tokens]
        both = slice(0, 2)
        torch.testing.assert_close(reader.tokens(tile, both).expand(2, -1, -1), tokens, rtol=0, atol=1e-5)
        mean, scale = reader.statistics(tile, reader.values(tile, both), reader.table_rows(tile, both))
        variance = tokens.var(dim=-1, correction=0)
        torch.testing.assert_close(mean.expand(2, tile.num_tokens), tokens.mean(-1), rtol=0, atol=1e-6)
        torch.testing.assert_close(
            scale.expand(2, tile.num_tokens), torch.rsqrt(variance + 1e-5), rtol=1e-6, atol=0
        )


@pytest.mark.parametrize("chunk_size", [None, 1, 3, 10])
@pytest.mark.parametrize("masked", [False, True])
def test_attention_is_that_of_normalised_tokens(structure, chunk_size, masked):
    normed = torch.nn.functional.layer_norm(laid_out(structure), (structure.num_channels,))
    queries = centred(2 * drawn(5, structure.num_channels))
    mask = torch.rand(2, structure.num_tokens) < 0.6 if masked else None
    if mask is not None:
        mask[:, 0] = True
    logits = queries @ normed.transpose(1, 2)
    if mask is not None:
        logits = logits.masked_fill(~mask[:, None], -torch.inf)
    expected = torch.softmax(logits, dim=-1) @ normed
    reader = StructuredTokens(structure, 1e-5, DOUBLE, CPU)
    received = attend([reader], queries, 2, mask, Budget(chunk_size=chunk_size))
    torch.testing.assert_close(received, expected, rtol=0, atol=1e-5)


@pytest.mark.parametrize("chunk_size", [None, 1, 3])
def test_samples_whose_first_tokens_do_not_count_are_attended_to_by_the_others(structure, chunk_size):
    normed = torch.nn.functional.layer_norm(laid_out(structure), (structure.num_channels,))
    queries = centred(2 * drawn(5, structure.num_channels))
    length = structure.num_tokens
    mask = torch.arange(length) >= torch.tensor([[length - 1], [length // 2]])
    logits = (queries @ normed.transpose(1, 2)).masked_fill(~mask[:, None], -torch.inf)
    expected = torch.softmax(logits, dim=-1) @ normed
    reader = StructuredTokens(structure, 1e-5, DOUBLE, CPU)
    received = attend([reader], queries, 2, mask, Budget(chunk_size=chunk_size))
    torch.testing.assert_close(received, expected, rtol=0, atol=1e-5)


def test_parts_share_one_softmax():
    parts = [STRUCTURES[name]() for name in ("a table", "features alone, far from zero")]
    parts[0] = parts[0].padded(drawn(1, 3))
    parts[1] = parts[1].padded(drawn(1, 4))
    normed = torch.cat([torch.nn.functional.layer_norm(laid_out(each), (11,)) for each in parts], dim=1)
    queries = centred(drawn(5, 11))
    expected = torch.softmax(queries @ normed.transpose(1, 2), dim=-1) @ normed
    for chunk_size in (None, 2, 5):
        readers = [StructuredTokens(each, 1e-5, DOUBLE, CPU) for each in parts]
        received = attend(readers, queries, 2, None, Budget(chunk_size=chunk_size))
        torch.testing.assert_close(received, expected, rtol=0, atol=1e-9)


def test_logits_that_grow_from_tile_to_tile_neither_overflow_nor_vanish():
    features = torch.randn(1, 64, 7)
    features[..., 0] += torch.arange(64)
    queries = centred(300 * torch.eye(7)[:3] * torch.tensor([[1.0], [-1.0], [0.5]]))
    normed = torch.nn.functional.layer_norm(features, (7,))
    expected = torch.softmax(queries @ normed.transpose(1, 2), dim=-1) @ normed
    reader = StructuredTokens(TokenStructure(64, features), 1e-5, torch.float32, CPU)
    for chunk_size in (None, 1, 5):
        received = attend([reader], queries, 1, None, Budget(chunk_size=chunk_size))
        torch.testing.assert_close(received, expected, rtol=0, atol=1e-4)


def test_logits_far_below_zero_do_not_vanish_behind_tokens_that_do_not_count():
    features = drawn(1, 13, 7)
    normed = torch.nn.functional.layer_norm(features, (7,))
    # Every token is looked at with a logit of about -1,000: weights that were measured from zero would all be zero.
    queries = centred(-1000 * normed.mean(dim=1) / normed.mean(dim=1).square().sum())
    mask = torch.arange(13)[None] >= 5
    logits = (queries @ normed.transpose(1, 2)).masked_fill(~mask[:, None], -torch.inf)
    expected = torch.softmax(logits, dim=-1) @ normed
    reader = StructuredTokens(TokenStructure(13, features), 1e-5, DOUBLE, CPU)
    for chunk_size in (None, 2, 5):
        received = attend([reader], queries, 1, mask, Budget(chunk_size=chunk_size))
        torch.testing.assert_close(received, expected, rtol=0, atol=1e-5)


def test_sums_of_a_projected_table_are_taken_once():
    structure = STRUCTURES["a projected table"]()
    assert isinstance(structure.positions, TablePositions)
    known = table_sums(structure.positions, DOUBLE, rows_at_a_time=3)
    tile = next(iter(StructuredTokens(structure, 1e-5, DOUBLE, CPU).tiles(100)))
    results = []
    for sums in (None, known):
        reader = StructuredTokens(structure, 1e-5, DOUBLE, CPU, sums)
        both = slice(0, 2)
        results.append(reader.statistics(tile, reader.values(tile, both), reader.table_rows(tile, both)))
    torch.testing.assert_close(results[0], results[1])


def test_chosen_tokens_keep_features_and_positions_together():
    structure = STRUCTURES["pixels on a grid"]()
    whole = laid_out(structure)
    for indices in (torch.tensor([3, 34, 0]), torch.tensor([[3, 34, 0], [1, 1, 2]])):
        reader = StructuredTokens(structure.at(indices), 1e-5, DOUBLE, CPU)
        tile = next(iter(reader.tiles(100)))
        expected = torch.stack([each[some] for each, some in zip(whole, indices.expand(2, 3), strict=True)])
        received = reader.tokens(tile, slice(0, 2))
        torch.testing.assert_close(received, expected, rtol=0, atol=1e-6)
