"""What a graph is captured from: the fast form without decisions by the data, equal to it, at once and in tiles."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import pytest
import torch
from torch import Tensor

from perceivers.inference import prepare, tracing
from perceivers.inference.packed_map import PackedMap, unpacked
from perceivers.inference.tracing import padded_tiles, tile_rows
from perceivers.nn.token_structure import AffineMap

# Every file that asks whether a graph is being captured.
ASKING = (
    "absorbed_attention",
    "cross_attention",
    "folded_answering",
    "latent_layer",
    "lookup_attention",
    "packed_map",
    "prepared_decoder",
    "structured_tokens",
)


def one_after_the_other(
    step: Any, start: Sequence[Tensor], tiles: Sequence[Tensor]
) -> tuple[tuple[Tensor, ...], tuple[Tensor, ...]]:
    """What a scan computes."""
    carried, given = tuple(start), []
    for index in range(len(tiles[0])):
        carried, some = step(carried, tuple(each[index] for each in tiles))
        given.append(some)
    return carried, tuple(torch.stack(each) for each in zip(*given, strict=True))


@pytest.fixture
def traced(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Any]:
    """Run something as it is run while a graph is captured; `tile_values` small enough cuts it into tiles."""

    @contextmanager
    def pretending(tile_values: int) -> Iterator[None]:
        with monkeypatch.context() as patch, unpacked():
            for name in ASKING:
                patch.setattr(f"perceivers.inference.{name}.is_traced", lambda: True)
            patch.setattr(tracing, "TILE_VALUES", tile_values)
            for name in ("traced_attention", "traced_decoder", "traced_latents"):
                patch.setattr(f"perceivers.inference.{name}.scan_tiles", one_after_the_other)
            yield

    return pretending


@pytest.mark.parametrize("tile_values", [2**21, 40], ids=["at once", "in tiles"])
def test_every_model_answers_as_its_fast_form(
    task: str,
    tile_values: int,
    small: Callable[..., Any],
    inputs_of: Callable[..., Any],
    traced: Callable[..., Any],
    assert_equal: Callable[..., None],
) -> None:
    model = small(task)
    inputs = inputs_of(task, 3)
    with unpacked():
        prepared = prepare(model)
    expected = prepare(model)(inputs)
    with traced(tile_values), torch.no_grad():
        received = prepared.traceable.forward(inputs)
    assert_equal(received.logits, expected.logits)


@pytest.mark.parametrize("zero", [False, True], ids=["mean of all", "zeros"])
@pytest.mark.parametrize("task", ["sequence_classification", "image_fourier"])
@pytest.mark.parametrize("tile_values", [2**21, 40], ids=["at once", "in tiles"])
def test_hidden_inputs_are_hidden_and_a_sample_without_any_is_answered(
    task: str,
    zero: bool,
    tile_values: int,
    small: Callable[..., Any],
    inputs_of: Callable[..., Any],
    traced: Callable[..., Any],
    assert_equal: Callable[..., None],
) -> None:
    model = small(task, zero_fully_masked_rows=zero)
    inputs = inputs_of(task, 3)
    count = 11 if task == "sequence_classification" else 35
    mask = torch.ones(3, count, dtype=torch.bool)
    mask[0, 2:7] = False
    mask[1] = False
    mask[2, :9] = False
    expected = prepare(model)(inputs, mask)
    with unpacked():
        prepared = prepare(model)
    with traced(tile_values), torch.no_grad():
        received = prepared.traceable.forward(inputs, mask)
    assert_equal(received.logits, expected.logits)


def test_some_points_are_answered_as_the_fast_form_answers_them(
    small: Callable[..., Any],
    inputs_of: Callable[..., Any],
    traced: Callable[..., Any],
    assert_equal: Callable[..., None],
) -> None:
    points = torch.tensor([3, 0, 8, 8])
    for task in ("masked_lm", "optical_flow"):
        model, inputs = small(task), inputs_of(task, 2)
        fast = prepare(model)
        expected = fast.decode(fast.encode(inputs), positions=points)
        with unpacked():
            form = prepare(model).traceable
        with traced(2**21), torch.no_grad():
            received = form.decode(form.encode(inputs), positions=points)
        assert_equal(received, expected)


def test_what_fits_is_one_tile_and_other_tiles_are_alike() -> None:
    assert tile_rows(7, 11) is None
    # 2^21 values fit: 2,097 rows of 1,000; 5,000 rows are three tiles of 1,667.
    assert tile_rows(5_000, 1_000) == 1_667
    assert tile_rows(3, 2**22) == 1


def test_tiles_are_filled_up_with_zeros() -> None:
    tiles = padded_tiles(torch.arange(1.0, 11.0).reshape(2, 5), axis=1, size=3)
    assert tiles.tolist() == [[[1, 2, 3], [6, 7, 8]], [[4, 5, 0], [9, 10, 0]]]


def test_maps_for_elsewhere_keep_their_weights_as_they_are() -> None:
    weight = torch.arange(32 * 7, dtype=torch.float32).reshape(32, 7) / 100
    with unpacked():
        mapped = PackedMap(AffineMap(weight, torch.ones(32)))
    assert torch.equal(mapped._weight, weight)
    inputs = torch.eye(7)
    assert torch.allclose(mapped(inputs), PackedMap(AffineMap(weight, torch.ones(32)))(inputs), atol=1e-5)
    copied = mapped.in_graph()
    assert torch.equal(copied(inputs), mapped(inputs))
    assert copied._weight.data_ptr() != mapped._weight.data_ptr()
