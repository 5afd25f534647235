"""Tiles in shares: in their order, each thread alone, the same answers, nothing left behind."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest
import torch

import perceivers
from perceivers.inference.budget import Budget
from perceivers.inference.shares import in_shares, threads_for

CPU = torch.device("cpu")


@pytest.fixture
def three_threads() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(3)
    yield
    torch.set_num_threads(before)


def test_shares_are_consecutive_and_results_keep_their_order(three_threads: None) -> None:
    def work(share: list[int]) -> tuple[list[int], int, bool, bool, str]:
        own = threading.current_thread().name
        return share, torch.get_num_threads(), torch.is_inference_mode_enabled(), torch.is_grad_enabled(), own

    with torch.inference_mode():
        done = in_shares(work, list(range(13)), 3)
    assert [share for share, *_ in done] == [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9, 10, 11, 12]]
    assert {(number, frozen, graded) for _, number, frozen, graded, _ in done} == {(1, True, False)}
    assert threading.current_thread().name not in {name for *_, name in done}
    assert torch.get_num_threads() == 3
    assert not in_shares(lambda share: torch.is_inference_mode_enabled(), list(range(13)), 3)[0]
    # Threads that are made later are not alone either.
    seen: list[int] = []
    later = threading.Thread(target=lambda: seen.append(torch.get_num_threads()))
    later.start()
    later.join()
    assert seen == [3]


def test_few_tiles_stay_together(three_threads: None) -> None:
    assert in_shares(lambda share: (share, torch.get_num_threads()), [5, 7], 3) == [([5, 7], 3)]
    assert in_shares(list, list(range(99)), 1) == [list(range(99))]


def test_errors_come_out(three_threads: None) -> None:
    def work(share: list[int]) -> None:
        raise KeyError(share[0])

    with pytest.raises(KeyError, match="0"):
        in_shares(work, list(range(99)), 3)
    assert torch.get_num_threads() == 3


def test_memory_and_device_bound_the_number_of_shares(three_threads: None) -> None:
    assert threads_for(CPU, Budget()) == 3
    assert threads_for(CPU, Budget(max_memory=2 * 2**20)) == 2
    assert threads_for(torch.device("meta"), Budget()) == 1
    assert Budget(max_memory=6 * 2**20).shared_by(3).max_memory == 2 * 2**20


@pytest.mark.parametrize("task", ["image_fourier", "optical_flow", "multimodal", "masked_lm"])
def test_models_answer_alike_on_several_threads(task, small, inputs_of, three_threads: None) -> None:  # type: ignore[no-untyped-def]
    model, inputs = small(task), inputs_of(task)
    torch.set_num_threads(1)
    alone = model.prepare(chunk_size=2)(inputs).logits
    torch.set_num_threads(3)
    prepared = model.prepare(chunk_size=2)
    together, again = prepared(inputs).logits, prepared(inputs).logits
    watched = []
    told = model.prepare(
        chunk_size=2, progress=lambda done, total: watched.append(threading.current_thread())
    )
    told(inputs)
    assert set(watched) <= {threading.main_thread()}
    for name in alone if isinstance(alone, dict) else [...]:
        torch.testing.assert_close(together[name], alone[name], rtol=1e-5, atol=1e-5)
        assert torch.equal(together[name], again[name]), "shares are of fixed sizes"


def test_latents_of_many_tiles_are_those_of_one_thread(three_threads: None) -> None:
    torch.manual_seed(0)
    config = perceivers.PerceiverConfig(
        num_latents=5, d_latents=16, d_model=7, num_self_attends_per_block=1, num_self_attention_heads=1,
        num_cross_attention_heads=1,
    )  # fmt: skip
    model = perceivers.PerceiverModel(config).eval()
    # The last tokens decide: the largest logits of the shares are far apart.
    inputs = torch.randn(2, 97, 7) * torch.linspace(0.1, 40, 97)[None, :, None]
    mask = torch.rand(2, 97) > 0.3
    mask[0, :50] = False
    prepared = model.prepare(chunk_size=3)
    together = prepared(inputs, mask).last_hidden_state
    torch.set_num_threads(1)
    torch.testing.assert_close(together, prepared(inputs, mask).last_hidden_state, rtol=1e-5, atol=1e-5)
    torch.testing.assert_close(together, model(inputs, mask).last_hidden_state, rtol=1e-4, atol=1e-5)
