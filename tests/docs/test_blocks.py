"""docs/blocks.md: every example is short and runs; its weights keep their names and run in every way alike."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import matplotlib as mpl
import pytest
import torch

from documented import ROOT, blocks_of
from perceivers import PerceiverModel
from perceivers.nn.attention_layer import Attention

PAGE = ROOT / "docs" / "blocks.md"
# Text of the page -> what the tests run in its place.
SMALLER = {
    "num_tokens=64, channels=256": "num_tokens=5, channels=16",
    "range(300)": "range(2)",
    "(128, 128, 128)": "(17, 19, 23)",
    "total_steps=3000": "total_steps=2",
    "range(3000)": "range(2)",
    "-METRES, METRES, 100)": "-METRES, METRES, 7)",
    "view(100, 100)": "view(7, 7)",
    "(50, ": "(2, ",
    ".expand(50, -1, -1)": ".expand(2, -1, -1)",
    "(5, 400, (24,)": "(5, 97, (11,)",
}
LINEAR = ("weight", "bias")
LAYER = [
    f"{part}.{name}"
    for part in (
        "attention.self.layernorm1",
        "attention.self.layernorm2",
        "attention.self.query",
        "attention.self.key",
        "attention.self.value",
        "attention.output.dense",
        "layernorm",
        "mlp.dense1",
        "mlp.dense2",
    )
    for name in LINEAR
]


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Any]]:
    """What each example of the page leaves behind, by its name."""
    mpl.use("agg")
    resampler, shapes, field, drawing, streams = blocks_of(PAGE, "python")
    named = {"resampler": resampler, "shapes": shapes, "field": field + drawing, "streams": streams}
    left: dict[str, dict[str, Any]] = {}
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(tmp_path_factory.mktemp("blocks"))
        for name, code in named.items():
            for shown, small in SMALLER.items():
                code = code.replace(shown, small)
            left[name] = {}
            exec(compile(code, f"docs/blocks.md, {name}", "exec"), left[name])
        assert Path("blocks_field.png").stat().st_size > 0
    return left


def model_of(left: dict[str, Any]) -> PerceiverModel:
    model: PerceiverModel = left["resampler"].perceiver if "resampler" in left else left["model"]
    return model.eval()


def inputs_of(name: str) -> tuple[torch.Tensor, dict[str, Any]]:
    """Two samples for the model of an example, and what else it is called with."""
    channels = {"resampler": 16, "shapes": 3, "field": 3, "streams": 3}[name]
    options: dict[str, Any] = {"attention_mask": torch.arange(13) < torch.tensor([[13], [7]])}
    if name == "shapes":
        options["output_dims"] = (2, 3, 5)
    return torch.rand(2, 13, channels), options


def values_of(run: Any, name: str) -> torch.Tensor:
    """Answers of a model, or its latents where nothing is asked or queries come from elsewhere."""
    inputs, options = inputs_of(name)
    torch.manual_seed(0)
    inputs = torch.rand_like(inputs)
    if name == "field":
        encoded: torch.Tensor = run.encode(inputs, options["attention_mask"]).latents
        return encoded
    output = run(inputs, **options)
    values: torch.Tensor = output.last_hidden_state if output.logits is None else output.logits
    return values


def test_every_example_is_short_and_what_the_tests_shrink_is_there() -> None:
    page = PAGE.read_text(encoding="utf-8")
    assert all(len(block.splitlines()) <= 40 for block in blocks_of(PAGE, "python"))
    assert all(shown in page for shown in SMALLER)
    assert (ROOT / "docs" / "blocks_field.png").stat().st_size < 80_000


@pytest.mark.parametrize("name", ["resampler", "shapes", "field", "streams"])
def test_names_of_weights_are_frozen(ran: dict[str, dict[str, Any]], name: str) -> None:
    cross = [f"encoder.cross_attention.{each}" for each in LAYER]
    alone = [each for each in LAYER if "layernorm2" not in each]
    layers = {"resampler": 0, "shapes": 2, "field": 3, "streams": 2}[name]
    latent = [f"encoder.self_attends.{index}.{each}" for index in range(layers) for each in alone]
    decoder = [f"decoder.decoding_cross_attention.{each}" for each in LAYER]
    decoder += [f"decoder.final_layer.{each}" for each in LINEAR]
    expected = {
        "resampler": [*cross, *(f"encoder.repeated_cross_attentions.0.{each}" for each in LAYER)],
        "shapes": [*cross, *latent, *decoder],
        "field": [*cross, *latent, *decoder],
        "streams": [
            *cross,
            *latent,
            "decoder.decoder.output_position_encodings.position_embeddings",
            *(each.replace("decoder.", "decoder.decoder.", 1) for each in decoder),
        ],
    }[name]
    assert list(model_of(ran[name]).state_dict()) == ["embeddings.latents", *expected]


@pytest.mark.parametrize("name", ["resampler", "shapes", "field", "streams"])
def test_the_same_weights_run_fused_eager_and_prepared(ran: dict[str, dict[str, Any]], name: str) -> None:
    model = model_of(ran[name])
    with torch.no_grad():
        fused = values_of(model, name)
        assert torch.allclose(values_of(model.prepare(), name), fused, atol=1e-4)
        attentions = [each for each in model.modules() if isinstance(each, Attention)]
        for each in attentions:
            each.implementation = "eager"
        assert torch.allclose(values_of(model, name), fused, atol=1e-4)
        for each in attentions:
            each.implementation = "sdpa"


def test_the_same_weights_run_compiled(ran: dict[str, dict[str, Any]]) -> None:
    model, name = model_of(ran["resampler"]), "resampler"
    with torch.no_grad():
        compiled = values_of(torch.compile(model, backend="eager"), name)
        assert torch.allclose(compiled, values_of(model, name), atol=1e-4)


def test_hidden_padding_changes_no_tokens_and_no_answers(ran: dict[str, dict[str, Any]]) -> None:
    images = ran["resampler"]
    assert torch.allclose(images["tokens"][1:], images["alone"], atol=1e-5)
    streams, model = ran["streams"], model_of(ran["streams"])
    with torch.no_grad():
        alone = torch.cat([model(each[None]).logits for each in streams["streams"]])
    assert torch.allclose(streams["answers"], alone, atol=1e-5)


def test_distances_of_a_grid_are_those_of_its_points_in_metres(ran: dict[str, dict[str, Any]]) -> None:
    left = ran["shapes"]
    assert left["volume"].shape == (1, 17 * 19 * 23, 1)
    axes = [left["METRES"] * torch.linspace(-1, 1, size) for size in (17, 19, 23)]
    places = torch.stack(torch.meshgrid(*axes, indexing="ij"), dim=-1).view(1, -1, 3)
    with torch.no_grad():
        latents = left["model"].encode(left["directions"][:1]).latents
        asked = left["distances"](latents, places)
        chunked = left["model"].decode(
            left["model"].encode(left["directions"][:1]), output_dims=(17, 19, 23), chunk_size=997
        )
    assert torch.allclose(left["volume"][..., 0], asked, atol=1e-4)
    assert torch.allclose(chunked, left["volume"], atol=1e-4)
