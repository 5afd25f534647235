"""Recorded layers give what the layers give, in every shape, and are recorded only where that pays."""

from __future__ import annotations

import copy
from concurrent.futures import ThreadPoolExecutor

import pytest
import torch

from perceivers.inference import recorded
from perceivers.inference.recorded import Recorder, recorder


def test_on_a_processor_layers_run_as_they_are():
    run = recorder(torch.device("cpu"))
    assert not isinstance(run, Recorder)
    assert run(lambda latents: latents + 3, torch.ones(2)).tolist() == [4, 4]


def test_a_copy_records_anew():
    assert isinstance(copy.deepcopy(Recorder()), Recorder)


@pytest.fixture
def cuda(gpu):
    if gpu.type != "cuda":
        pytest.skip("only CUDA records")
    return gpu


@torch.inference_mode()
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_every_shape_gives_what_the_layers_give(dtype, task, cuda, small, inputs_of):
    model = small(task, dtype=dtype).to(cuda).prepare()
    perceiver = getattr(model._model, "perceiver", model._model)
    run = perceiver._run
    shape = perceiver._latents.shape
    for _ in range(4):
        for batch in (1, 2, 7):
            latents = torch.randn(batch, *shape, device=cuda, dtype=dtype)
            assert torch.equal(run(perceiver._self_attend, latents), perceiver._self_attend(latents))
    assert run.num_graphs == 3


@torch.inference_mode()
def test_a_shape_is_recorded_when_it_comes_again_and_large_ones_never(cuda, monkeypatch):
    calls = []

    def layers(latents):
        calls.append(latents.shape[0])
        return latents * 2

    run = Recorder()
    for count in range(5):
        latents = torch.full((3, 5), float(count), device=cuda)
        assert torch.equal(run(layers, latents), latents * 2)
    # Once as it is, once to warm up, once to be recorded.
    assert calls == [3, 3, 3]
    assert run.num_graphs == 1
    monkeypatch.setattr(recorded, "LARGEST", 14)
    run(layers, torch.ones(3, 5, device=cuda))
    assert calls == [3] * 4
    monkeypatch.setattr(recorded, "MOST_GRAPHS", 1)
    monkeypatch.setattr(recorded, "LARGEST", 100)
    for _ in range(3):
        run(layers, torch.ones(2, 5, device=cuda))
    assert run.num_graphs == 1


@torch.inference_mode()
def test_results_stay_when_the_graph_runs_again(cuda):
    run = Recorder()
    results = [run(lambda latents: latents + 1, torch.full((2, 3), float(n), device=cuda)) for n in range(5)]
    assert [result[0, 0].item() for result in results] == [1, 2, 3, 4, 5]


def test_threads_take_turns(cuda, small, inputs_of):
    prepared = small("image_fourier").to(cuda).prepare()
    pictures = [torch.randn(2, 3, 5, 7, device=cuda) for _ in range(24)]
    expected = [prepared(each).logits for each in pictures]
    with ThreadPoolExecutor(4) as pool:
        received = list(pool.map(lambda each: prepared(each).logits, pictures))
    for ours, theirs in zip(received, expected, strict=True):
        torch.testing.assert_close(ours, theirs)
