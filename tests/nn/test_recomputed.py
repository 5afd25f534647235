"""What is computed again is the same to the last bit, is not kept meanwhile, and gives way to others who say what is kept."""

from __future__ import annotations

import pytest
import torch
from torch import nn
from torch.multiprocessing.reductions import StorageWeakRef
from torch.utils.checkpoint import checkpoint

from perceivers.nn.recomputed import recomputed

ROWS, CHANNELS = 5, 7


@pytest.fixture(autouse=True)
def nothing_is_small(monkeypatch):
    monkeypatch.setattr("perceivers.nn.recomputed._SMALL", 0)


class Counting(nn.LayerNorm):
    """A norm that counts its calls, and says whether the memory of its last result is still held."""

    def __init__(self) -> None:
        super().__init__(CHANNELS)
        self.calls = 0
        nn.init.normal_(self.weight)
        nn.init.normal_(self.bias)

    def forward(self, values):
        self.calls += 1
        result = super().forward(values)
        self.memory = StorageWeakRef(result.untyped_storage())
        return result


class Block(nn.Module):
    """Two maps behind a norm."""

    def __init__(self, lean: bool = True) -> None:
        super().__init__()
        self.norm, self.one, self.other = Counting(), nn.Linear(CHANNELS, 3), nn.Linear(CHANNELS, 3)
        self.lean = lean

    def forward(self, values):
        if not self.lean:
            normed = self.norm(values)
            return self.one(normed).sin() * self.other(normed)
        with recomputed(self.norm, values) as normed:
            return self.one(normed).sin() * self.other(normed)


def twins(counting=True):
    lean, plain = Block(), Block(lean=False)
    if not counting:
        lean.norm = plain.norm = nn.LayerNorm(CHANNELS)
    plain.load_state_dict(lean.state_dict())
    return lean, plain


def values(dtype=torch.float32):
    return torch.randn(2, ROWS, CHANNELS, dtype=dtype, requires_grad=True)


def gradients(block, given):
    output = block(given)
    return output, torch.autograd.grad(output.square().sum(), [given, *block.parameters()])


def assert_same(lean, plain, given):
    ours, theirs = gradients(lean, given), gradients(plain, given)
    assert torch.equal(ours[0], theirs[0])
    for one, other in zip(ours[1], theirs[1], strict=True):
        assert other.abs().sum() > 0
        assert torch.equal(one, other)


def test_results_and_gradients_are_the_same_to_the_last_bit():
    assert_same(*twins(), values())


def test_the_result_is_not_kept_and_made_again_for_each_map():
    lean, plain = twins()
    given = values()
    output = lean(given)
    assert lean.norm.memory.expired()
    assert lean.norm.calls == 1
    output.sum().backward()
    assert lean.norm.calls == 3
    held = plain(given)
    assert not plain.norm.memory.expired()
    del held


def test_the_gradient_can_be_taken_twice():
    lean = Block().double()
    given = values(torch.float64)
    assert torch.autograd.gradcheck(lean, given)
    assert torch.autograd.gradgradcheck(lean, given)


def test_parts_of_the_result_are_parts_of_what_is_made_again():
    norm, linear = Counting(), nn.Linear(CHANNELS - 2, 3)

    def parts(normed):
        return linear(normed[:, 1:4, 2:]) * linear(normed.flip(1).transpose(0, 1)[1:4, :, 2:].transpose(0, 1))

    given = values()
    with recomputed(norm, given) as normed:
        ours = parts(normed)
    sources = [given, *norm.parameters(), *linear.parameters()]
    for one, other in zip(
        torch.autograd.grad(ours.sum(), sources),
        torch.autograd.grad(parts(norm(given)).sum(), sources),
        strict=True,
    ):
        assert torch.equal(one, other)


def test_a_block_in_a_block_leaves_out_both_results():
    norm, linear = Counting(), nn.Linear(CHANNELS, CHANNELS)
    made = []

    def bent(hidden):
        result = torch.nn.functional.gelu(hidden)
        made.append(StorageWeakRef(result.untyped_storage()))
        return result

    given = values()
    with recomputed(norm, given) as normed:
        hidden = linear(normed)
        with recomputed(bent, hidden) as activated:
            output = linear(activated)
    del normed, activated, hidden
    assert norm.memory.expired()
    assert made[0].expired()
    sources = [given, *norm.parameters(), *linear.parameters()]
    expected = torch.autograd.grad(linear(bent(linear(norm(given)))).sum(), sources)
    for one, other in zip(torch.autograd.grad(output.sum(), sources), expected, strict=True):
        assert torch.equal(one, other)


@pytest.mark.parametrize("name", ["norm.bias", "norm.weight", "one.weight", None])
def test_what_was_written_to_in_the_meantime_is_an_error(name):
    block = Block()
    given = values()
    written = given * 1 if name is None else block.get_parameter(name)
    output = block(written if name is None else given)
    with torch.no_grad():
        written.add_(1.0)
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        output.sum().backward()


def test_a_frozen_norm_of_something_that_was_written_to_is_an_error_too():
    block = Block()
    block.norm.requires_grad_(False)
    given = values().detach()
    output = block(given)
    given.zero_()
    with pytest.raises(
        RuntimeError, match=r"modified by an inplace .* forward and the backward pass: \[2, 5, 7\]"
    ):
        output.sum().backward()


def test_reduced_precision_is_reduced_in_the_same_way():
    lean, plain = twins()
    given = values()
    with torch.autocast("cpu", dtype=torch.bfloat16):
        outputs = [block(given) for block in (lean, plain)]
    assert {output.dtype for output in outputs} == {torch.bfloat16}
    # The gradient is asked for outside, as it should be.
    ours, theirs = (
        torch.autograd.grad(output.float().sum(), [given, *block.parameters()])
        for output, block in zip(outputs, (lean, plain), strict=True)
    )
    for one, other in zip(ours, theirs, strict=True):
        assert torch.equal(one, other)


def test_a_device_without_memory_works():
    lean, _ = twins(counting=False)
    given = torch.empty(2, ROWS, CHANNELS, device="meta", requires_grad=True)
    lean.to("meta")(given).sum().backward()
    assert given.grad.shape == given.shape


def test_checkpointing_keeps_nothing_more():
    lean, plain = twins()
    given = values()
    kept = []
    for block in (lean, plain):
        inside = []
        output = checkpoint(
            lambda each, block=block, inside=inside: (inside.append(each * 1), block(inside[-1]))[1],
            given,
            use_reentrant=False,
        )
        memory = StorageWeakRef(inside.pop().untyped_storage())
        kept.append(not memory.expired())
        ours = torch.autograd.grad(output.sum(), [given, *block.parameters()])
        expected = torch.autograd.grad(plain(given).sum(), [given, *plain.parameters()])
        for one, other in zip(ours, expected, strict=True):
            assert torch.equal(one, other)
    assert kept == [False, False]


def test_whoever_says_how_arrays_are_kept_has_the_last_word():
    lean, plain = twins()
    given = values()
    with torch.autograd.graph.save_on_cpu():
        output = lean(given)
    ours = torch.autograd.grad(output.square().sum(), [given, *lean.parameters()])
    assert lean.norm.calls == 1
    for one, other in zip(ours, gradients(plain, given)[1], strict=True):
        assert torch.equal(one, other)


def test_a_torch_that_does_not_tell_is_left_alone(monkeypatch):
    monkeypatch.delattr(torch._C._autograd, "_top_saved_tensors_default_hooks")
    lean, plain = twins()
    assert_same(lean, plain, values())
    assert lean.norm.calls == 1


# What torch imports for `jvp`.
@pytest.mark.filterwarnings("ignore:.*torch.jit.script:DeprecationWarning")
def test_transforms_of_functions_work_as_before():
    lean, plain = twins(counting=False)
    given = values().detach()
    torch.testing.assert_close(
        torch.func.grad(lambda each: lean(each).sum())(given),
        torch.func.grad(lambda each: plain(each).sum())(given),
    )
    torch.testing.assert_close(torch.func.vmap(lean)(given), plain(given))
    for one, other in zip(
        *(torch.func.jvp(block, (given,), (given,)) for block in (lean, plain)), strict=True
    ):
        torch.testing.assert_close(one, other)


def test_what_is_small_is_kept(monkeypatch):
    lean, plain = twins()
    for size, calls in ((2 * ROWS * CHANNELS - 1, 3), (2 * ROWS * CHANNELS, 1)):
        monkeypatch.setattr("perceivers.nn.recomputed._SMALL", size)
        lean.norm.calls = 0
        assert_same(lean, plain, values())
        assert lean.norm.calls == calls


def test_without_a_gradient_nothing_is_computed_again():
    lean = Block()
    with torch.no_grad():
        lean(values())
    assert lean.norm.calls == 1
    assert lean.norm.memory.expired()


def test_compiled_it_is_one_graph():
    lean, plain = twins(counting=False)
    given = values()
    torch.testing.assert_close(torch.compile(lean, backend="eager", fullgraph=True)(given), plain(given))
