"""Sizes, inputs and targets for models of any modalities and answers, and how their outputs are compared."""

from __future__ import annotations

import math

import torch

NAN = math.nan
SIZES = {
    "num_latents": 5,
    "d_latents": 12,
    "d_model": 14,
    "num_blocks": 2,
    "num_self_attends_per_block": 1,
    "num_self_attention_heads": 3,
    "num_cross_attention_heads": 1,
    "vocab_size": 31,
    "max_position_embeddings": 11,
    "attention_probs_dropout_prob": 0.0,
}
MODALITIES = {
    "columns": {
        "type": "number",
        "num_columns": 3,
        "encoding": "piecewise",
        "bin_edges": [[-2.0, 0.0, 1.0], [-1.0, 2.0], [0.0, 1.0, 2.0, 3.0]],
    },
    "kinds": {"type": "category", "cardinalities": [2, 0, 5, 1], "out_channels": 7},
    "notes": {"type": "text", "num_channels": 10, "ngram_sizes": [2], "ngram_rows": 17},
    "series": {"type": "series", "in_channels": 2, "num_bands": 3, "max_resolution": 7},
}
WAVES = {"type": "number", "num_columns": 3, "num_frequencies": 4, "sigma": 0.5}
ANSWERS = {
    "tags": {"type": "labels", "num_labels": 4, "num_queries": 2, "mlp_layers": 1},
    "age": {"type": "number"},
    "kind": {"type": "class", "id2label": {"0": "art", "1": "law", "2": "war"}, "num_queries": 3},
    "price": {"type": "number", "quantiles": [0.05, 0.5, 0.95], "weight": 0.25},
}
NAMES = ("age", "kind", "price", "tags")
#: Inputs of every modality that the table has alone.
ALONE = {
    "columns": (MODALITIES["columns"], lambda batch: torch.randn(batch, 3)),
    "waves": (WAVES, lambda batch: torch.randn(batch, 3)),
    "kinds": (MODALITIES["kinds"], lambda batch: torch.stack([torch.tensor([0, 1, 6, 2])] * batch)),
    "notes": (MODALITIES["notes"], lambda batch: torch.randint(0, 31, (batch, 9))),
    "plain notes": ({"type": "text"}, lambda batch: torch.randint(0, 31, (batch, 9))),
    "series": (MODALITIES["series"], lambda batch: torch.randn(batch, 7, 2)),
    "bags": (
        {"type": "bag_of_ngrams", "num_bags": 2, "num_rows": 5},
        lambda batch: torch.tensor([[[[3, 9], [6, 7000]], [[0, 0], [0, 0]]]] * batch),
    ),
}
LABELS = {
    "age": torch.tensor([0.5, NAN, -1.0, NAN, 2.0]),
    "kind": torch.tensor([2, -100, 0, 1, -100]),
    "price": torch.tensor([NAN, 0.25, NAN, NAN, -0.5]),
    "tags": torch.tensor([[1.0, 0, 0, 1], [NAN] * 4, [0, 0, NAN, 1], [NAN] * 4, [1, 1, 1, 1]]),
}


def draw(batch=5):
    """Inputs of MODALITIES; the second sample lacks its first number."""
    generator = torch.Generator().manual_seed(4)
    columns = torch.randn(batch, 3, generator=generator)
    columns[1, 0] = NAN
    kinds = [torch.randint(0, high, (batch,), generator=generator) for high in (4, 2, 7, 3)]
    return {
        "columns": columns,
        "kinds": torch.stack(kinds, dim=1),
        "notes": torch.randint(0, 31, (batch, 9), generator=generator),
        "series": torch.randn(batch, 7, 2, generator=generator),
    }


def close(received, expected, tolerance=2e-5):
    """The same names, and about the same values."""
    torch.testing.assert_close(dict(received), dict(expected), atol=tolerance, rtol=1e-4)


def rows(logits, *places):
    """Some samples of each answer."""
    return {name: some[list(places)] for name, some in logits.items()}
