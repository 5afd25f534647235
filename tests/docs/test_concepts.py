"""docs/concepts: the examples run and give what they say, and the table of the two arithmetics is the configuration's."""

from __future__ import annotations

from typing import Any

import torch

from documented import ROOT, blocks_of
from perceivers.configuration import FIDELITIES

PAGES = ROOT / "docs" / "concepts"


def run_page(name: str) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for block in blocks_of(PAGES / name, "python"):
        exec(compile(block, f"docs/concepts/{name}", "exec"), values)
    return values


def test_what_is_asked_for_alone_is_what_the_whole_has() -> None:
    values = run_page("latents_and_queries.md")
    assert values["encoded"].latents.shape == (1, 16, 64)
    assert values["three"].shape == (1, 3, 262)
    torch.testing.assert_close(values["three"], values["whole"][:, [3, 40, 499]])


def test_both_sides_of_the_algebra_are_equal() -> None:
    values = run_page("fast_form.md")
    assert (values["plain"] - values["fast"]).abs().max() < 1e-12
    assert values["error"] < 1e-5
    assert dict(values["prepared"].plain_parts) == {}


def test_the_table_of_the_arithmetics_is_the_configurations(capsys: Any) -> None:
    page = (PAGES / "two_arithmetics.md").read_text(encoding="utf-8")

    def cell(value: Any) -> str:
        return f"`{value}`" if isinstance(value, str) else str(value)

    ours, original = FIDELITIES["transformers"], FIDELITIES["deepmind"]
    assert set(FIDELITIES) == {"transformers", "deepmind"}
    for field in ours:
        assert f"| `{field}` | {cell(ours[field])} | {cell(original[field])} |" in page
    run_page("two_arithmetics.md")
    assert capsys.readouterr().out.split("\n")[:2] == ["gelu_pytorch_tanh same", "gelu same"]
