"""Windows, network and loop of fill-mask, from the bytes of the texts."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from perceivers.arguments import DataArguments, RunArguments, StartArguments
from perceivers.tasks.fill_mask.options import FillMaskArguments
from perceivers.tasks.fill_mask.sizing import network_and_loop, window_sizes
from perceivers.tasks.fill_mask.task import FillMask


@pytest.mark.parametrize(
    ("lengths", "length"),
    [([0], 32), ([29, 30, 30], 32), ([31] * 9, 64), ([7] * 89 + [500] * 11, 64), ([10**6], 64)],
)
def test_windows_are_as_long_as_nearly_all_texts(lengths: list[int], length: int) -> None:
    assert window_sizes(lengths)["max_length"] == length


def test_large_texts_have_more_rows_of_runs_of_bytes() -> None:
    assert [window_sizes([size])["ngram_rows"] for size in (10**4, 10**7)] == [8_192, 32_768]


def test_a_latent_a_byte_and_passes_by_the_number_of_windows() -> None:
    few, more, many = (network_and_loop(62 * count, count, 64) for count in (640, 6_400, 640_000))
    assert {each.num_latents for each in (few, more, many)} == {64}
    # 10 and 100 steps a pass: 35 passes are 350 and 3,500, at least 600, at most 4,000.
    assert (few.epochs, more.epochs, many.epochs) == (60, 35, 1)
    assert (few.warmup_steps, more.warmup_steps) == (30, 175)
    assert (few.latent_channels, few.dropout) == (96, 0.1)
    assert (many.latent_channels, many.dropout) == (128, 0.0)


def chosen(folder: Path, start: str | None = None, **options: Any) -> FillMaskArguments:
    path = folder / "text.txt"
    path.write_text("the quick brown fox jumps over the lazy dog\n" * 60)
    run = RunArguments(
        output="anywhere", data=DataArguments(data=str(path)), start=StartArguments(start=start)
    )
    task = FillMask(FillMaskArguments(**options))
    task.prepare(run)
    task.advise(task.load_data(run.data), run)
    return task.arguments


def test_what_is_given_goes_first_and_the_rest_fits_it(tmp_path: Path) -> None:
    auto = chosen(tmp_path)
    assert (auto.max_length, auto.num_latents, auto.position_start) == (64, 64, "aligned")
    assert (auto.embedding_channels, auto.latent_channels, auto.ngram_sizes) == (96, 96, (2, 3, 4, 5))
    longer = chosen(tmp_path, max_length=101, latent_channels=40, num_layers=1)
    assert (longer.num_latents, longer.embedding_channels, longer.num_layers) == (101, 40, 1)
    other = chosen(tmp_path, embedding_channels=24, latent_channels=40)
    assert (other.embedding_channels, other.latent_channels, other.position_start) == (24, 40, "waves")
    small = chosen(tmp_path, size="small")
    assert (small.num_latents, small.latent_channels, small.embedding_channels) == (32, 128, 128)


def test_usual_values_and_those_beside_a_checkpoint_are_not_chosen_from_the_texts(tmp_path: Path) -> None:
    usual = chosen(tmp_path, size="usual")
    assert (usual.max_length, usual.num_latents, usual.ngram_sizes) == (256, 32, ())
    assert replace(chosen(tmp_path, start="a-checkpoint"), size="usual") == usual


def test_the_papers_model_reads_texts_as_in_the_paper(tmp_path: Path) -> None:
    paper = chosen(tmp_path, size="paper")
    assert (paper.max_length, paper.position_start, paper.ngram_sizes) == (2048, "random", ())
    assert (paper.embedding_channels, paper.latent_channels, paper.num_latents) == (768, 1280, 256)
    assert (paper.num_decoder_heads, paper.decoder_qk_channels, paper.num_layers) == (8, 256, 26)


def test_wider_networks_learn_with_smaller_steps(tmp_path: Path) -> None:
    (tmp_path / "text.txt").write_text("the quick brown fox jumps over the lazy dog\n" * 60)
    run = RunArguments(output="anywhere", data=DataArguments(data=str(tmp_path / "text.txt")))
    task = FillMask(FillMaskArguments(latent_channels=512))
    # Up to 128 channels the rate is 0.0015; of four times as many, a quarter.
    assert task.advise(task.load_data(run.data), run).learning_rate == pytest.approx(1.5e-3 / 4)
