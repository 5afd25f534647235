"""The comparison with perceiver-pytorch: one message where it is missing, the same network as near as it gets, its table."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import Any

import peers
import pytest
import torch
from measuring import Outcome
from peers import HEADER, PREPARED, SMALL, Sizes

needs_peer = pytest.mark.skipif(
    any(find_spec(module) is None for module in peers.PACKAGES), reason="perceiver-pytorch is not installed"
)


def count(name: str, sizes: Sizes) -> int:
    return peers.SIDES[name].build(sizes)[1]


def test_the_released_network_is_the_papers() -> None:
    sizes = Sizes()
    assert sizes.describe() == (
        "50,176 inputs x 261 channels, 512 latents x 1024, one cross-attend, 8 blocks of the same 6 self-attends of "
        "8 heads, 1000 classes"
    )


def test_our_side_has_the_parameters_of_the_released_model() -> None:
    with torch.device("meta"):
        assert count("ours", Sizes()) == 48_440_627


def test_a_missing_package_is_named_with_the_command_to_type(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        peers, "find_spec", lambda module: None if module == "perceiver_pytorch" else object()
    )
    with pytest.raises(SystemExit, match=r"needs perceiver-pytorch, .*: pip install perceiver-pytorch$"):
        peers.main(["--small"])
    monkeypatch.setattr(peers, "find_spec", lambda module: None)
    with pytest.raises(SystemExit, match="pip install perceiver-pytorch einops"):
        peers.require_peer()


def test_the_prepared_form_is_a_side_as_soon_as_models_have_it(monkeypatch: pytest.MonkeyPatch) -> None:
    import perceivers

    model = perceivers.PerceiverForImageClassificationFourier
    monkeypatch.setattr(model, "prepare", lambda self: None, raising=False)
    assert peers.available_sides()[:2] == ["ours", PREPARED]


def test_a_prepared_form_with_other_scores_ends_the_run(monkeypatch: pytest.MonkeyPatch) -> None:
    if PREPARED not in peers.available_sides():
        pytest.skip("models have no prepared form")
    assert len(peers.forward_in_turns(["ours", PREPARED], SMALL, 2, 1)[PREPARED]) == 1

    def shifted(sizes: Sizes) -> tuple[Any, int]:
        forward, num_parameters = peers.build_ours(sizes)
        return lambda pictures: forward(pictures) + 0.1, num_parameters

    monkeypatch.setattr(peers, "SIDES", {**peers.SIDES, PREPARED: peers.Side(PREPARED, shifted)})
    with pytest.raises(SystemExit, match="the prepared form differs from the plain model by"):
        peers.forward_in_turns(["ours", PREPARED], SMALL, 2, 1)


@needs_peer
def test_the_composed_peer_shares_its_layers_between_the_blocks_and_looks_at_the_inputs_once() -> None:
    calls: list[tuple[str, int, int]] = []

    def record(module: Any, arguments: Any, output: Any) -> None:
        if type(module).__name__ in ("Attention", "FeedForward"):
            calls.append((type(module).__name__, id(module), arguments[0].shape[1]))

    forward, num_parameters = peers.build_composed(SMALL)
    hook = torch.nn.modules.module.register_module_forward_hook(record)
    try:
        scores = forward(torch.zeros(2, 3, SMALL.picture, SMALL.picture))
    finally:
        hook.remove()
    assert scores.shape == (2, SMALL.classes)
    attends = [(identity, rows) for kind, identity, rows in calls if kind == "Attention"]
    # One cross-attend of the latents, blocks x layers self-attends, one attend of the query.
    assert [rows for _, rows in attends] == [SMALL.latents] * (1 + SMALL.blocks * SMALL.layers) + [1]
    block = [identity for identity, _ in attends[1 : 1 + SMALL.layers]]
    assert len(set(block)) == SMALL.layers
    assert [identity for identity, _ in attends[1:-1]] == block * SMALL.blocks
    assert len([kind for kind, *_ in calls if kind == "FeedForward"]) == len(attends)
    # Of each layer's perceptron: two gated matrices in, one out, with their biases.
    channels = SMALL.channels
    perceptron = 2 * channels * channels + 2 * channels + channels * channels + channels
    attention = 4 * channels * channels + channels
    layer = perceptron + attention + 4 * channels
    # Latents and query, the two cross-attends (keys and values of inputs and latents), their perceptrons, the scores.
    inputs = SMALL.input_channels
    into_latents = (
        channels * inputs + 2 * inputs * inputs + inputs * channels + channels + 2 * channels + 2 * inputs
    )
    out_of_latents = channels * inputs + 2 * channels * inputs + inputs * channels + channels + 4 * channels
    both = into_latents + out_of_latents + 2 * (perceptron + 2 * channels)
    scores_weights = channels * SMALL.classes + SMALL.classes
    assert num_parameters == (SMALL.latents + 1) * channels + SMALL.layers * layer + both + scores_weights
    wider = peers.build_composed(Sizes(**{**vars(SMALL), "layers": SMALL.layers + 1}))[1]
    deeper = peers.build_composed(Sizes(**{**vars(SMALL), "blocks": SMALL.blocks + 1}))[1]
    assert (wider - num_parameters, deeper - num_parameters) == (layer, 0)


@needs_peer
def test_the_peer_by_its_constructor_has_two_sets_of_weights_however_many_blocks() -> None:
    two, three = (
        peers.build_repeated_cross_attend(Sizes(**{**vars(SMALL), "blocks": blocks}))[1] for blocks in (2, 3)
    )
    one = peers.build_repeated_cross_attend(Sizes(**{**vars(SMALL), "blocks": 1}))[1]
    assert one < two == three


@needs_peer
def test_the_script_prints_a_row_for_each_side_with_what_differs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def run(function: Any, *arguments: Any) -> Outcome:
        return Outcome(function(*arguments), peak=3 * 2**20)

    monkeypatch.setattr(peers, "in_fresh_process", run)
    output = tmp_path / "peers.md"
    peers.main(["--small", "--repetitions", "1", "--batch-size", "2", "--output", str(output)])
    text = output.read_text()
    assert capsys.readouterr().out == text
    header, _, *rows = [
        [cell.strip() for cell in line.strip("|").split("|")]
        for line in text.splitlines()
        if line.startswith("|")
    ]
    assert header == list(HEADER)
    assert [row[0] for row in rows] == peers.available_sides()
    assert rows[0][1].replace(",", "") == str(count("ours", SMALL))
    assert rows[0][3] == "1.00x"
    assert all(row[4] == "3 MiB" for row in rows)
    assert "- perceiver-pytorch, PerceiverIO: put together" in text
    assert "529 inputs x 25 channels" in text
