"""Pairs with true flow or pictures, whatever holds them; held-out pairs that never change; mistakes named."""

import numpy as np
import pytest
import torch
from PIL import Image

from perceivers.arguments import DataArguments
from perceivers.data.tables import ListTable
from perceivers.errors import DataError
from perceivers.processors.optical_flow.files import write_flow
from perceivers.tasks.optical_flow.options import OpticalFlowArguments
from perceivers.tasks.optical_flow.pictures import MadePairs, UnmadePairs
from perceivers.tasks.optical_flow.samples import (
    FlowDecoder,
    decode_flow,
    layout_tables,
    load_flow_splits,
)

CHOSEN = OpticalFlowArguments(
    size="usual",
    train_height=11,
    train_width=13,
    tile_overlap=3,
    pairs_per_epoch=5,
    held_out_pairs=3,
    held_out_height=17,
    held_out_width=19,
)
DECODER = FlowDecoder.of(CHOSEN)


def noise(seed, height=29, width=37):
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)


def write_pictures(folder, count):
    folder.mkdir(parents=True)
    for seed in range(count):
        Image.fromarray(noise(seed)).save(folder / f"{seed}.png")


def write_chairs(folder, seeds):
    """Pairs with flow of (seed, 0) pixels everywhere, as FlyingChairs has them."""
    folder.mkdir(parents=True)
    for seed in seeds:
        Image.fromarray(noise(seed)).save(folder / f"{seed:05d}_img1.ppm")
        Image.fromarray(noise(seed)).save(folder / f"{seed:05d}_img2.ppm")
        write_flow(folder / f"{seed:05d}_flow.flo", torch.tensor([float(seed), 0.0]).expand(29, 37, 2))


def motions(samples):
    return sorted(float(samples[index].flow[0, 0, 0]) for index in range(len(samples)))


def test_a_row_of_arrays_is_a_pair_whose_unknown_flow_is_not_valid():
    flow = np.full((5, 7, 2), 3.0, dtype=np.float64)
    flow[1, 2] = np.nan
    table = ListTable([{"first": noise(0, 5, 7), "second": noise(1, 5, 7), "flow": flow}], "rows", ["a"])
    sample = DECODER(table[0], table)
    np.testing.assert_allclose(sample.first * 255, noise(0, 5, 7), atol=1e-4)
    np.testing.assert_allclose(sample.second * 255, noise(1, 5, 7), atol=1e-4)
    assert not sample.valid[1, 2]
    assert sample.valid.sum() == 34
    assert (sample.flow[sample.valid] == 3.0).all()
    assert sample.flow.dtype == np.float32


def test_grey_pictures_have_three_equal_channels():
    table = ListTable([{"image": noise(0)[..., 0]}], "rows", ["a"])
    pixels = DECODER(table[0], table)
    assert pixels.shape == (29, 37, 3)
    assert (pixels == noise(0)[..., :1]).all()


def test_flow_that_is_none_is_named():
    with pytest.raises(
        DataError, match=r"must be the path of a .flo, .pfm, .npy or .png file or an array, received None"
    ):
        decode_flow(None, None)
    with pytest.raises(DataError, match=r"flow must have shape \[height, width, 2\], received \[5, 7, 3\]"):
        decode_flow(np.zeros((5, 7, 3)), None)


def test_pictures_become_pairs_made_anew_and_held_out_ones_that_stay(tmp_path):
    write_pictures(tmp_path / "data", 5)
    arguments = DataArguments(data=str(tmp_path / "data"))
    splits = load_flow_splits(arguments, CHOSEN, trains=True)
    assert isinstance(splits.train, UnmadePairs)
    assert len(splits.train) == 5
    assert isinstance(splits.test, MadePairs)
    assert (len(splits.validation), len(splits.test)) == (3, 3)
    assert splits.test[0].flow.shape == (17, 19, 2)
    again = load_flow_splits(arguments, CHOSEN, trains=False)
    for index in range(3):
        np.testing.assert_array_equal(splits.test[index].first, again.test[index].first)
        np.testing.assert_array_equal(splits.test[index].flow, again.test[index].flow)
    # Validation and test pairs are drawn apart, and a trained model meets held-out pairs in the training part too.
    assert not np.array_equal(splits.validation[0].flow, splits.test[0].flow)
    assert isinstance(again.train, MadePairs)


def test_another_seed_of_the_split_gives_other_pairs(tmp_path):
    write_pictures(tmp_path / "data", 5)
    first, second = (
        load_flow_splits(DataArguments(data=str(tmp_path / "data"), split_seed=seed), CHOSEN, trains=False)
        for seed in (0, 1)
    )
    assert not np.array_equal(first.test[0].flow, second.test[0].flow)


def test_made_pairs_may_be_tested_on_true_ones(tmp_path):
    write_pictures(tmp_path / "pictures", 5)
    write_chairs(tmp_path / "true", [3, 4])
    arguments = DataArguments(data=str(tmp_path / "pictures"), test_data=str(tmp_path / "true"))
    splits = load_flow_splits(arguments, CHOSEN, trains=True)
    assert isinstance(splits.train, UnmadePairs)
    assert motions(splits.test) == [3.0, 4.0]


def test_true_pairs_may_be_watched_on_made_ones(tmp_path):
    write_chairs(tmp_path / "true", [1, 2, 3, 4])
    write_pictures(tmp_path / "pictures", 3)
    arguments = DataArguments(data=str(tmp_path / "true"), validation_data=str(tmp_path / "pictures"))
    splits = load_flow_splits(arguments, CHOSEN, trains=True)
    assert sorted(motions(splits.train) + motions(splits.test)) == [1.0, 2.0, 3.0, 4.0]
    assert isinstance(splits.validation, MadePairs)


def test_parts_of_a_benchmark_are_folders(tmp_path):
    write_chairs(tmp_path / "train", [1, 2])
    write_chairs(tmp_path / "val", [3])
    write_chairs(tmp_path / "test", [4, 5])
    splits = load_flow_splits(DataArguments(data=str(tmp_path)), CHOSEN, trains=True)
    found = [motions(part) for part in (splits.train, splits.validation, splits.test)]
    assert found == [[1.0, 2.0], [3.0], [4.0, 5.0]]


def test_a_benchmark_without_a_training_part_or_streamed_is_named(tmp_path):
    write_chairs(tmp_path / "test", [1])
    with pytest.raises(DataError, match=r"must have a part `train`, received only test"):
        layout_tables(str(tmp_path))
    write_chairs(tmp_path / "train", [2])
    streamed = DataArguments(data=str(tmp_path), test_data=str(tmp_path), streaming=True)
    with pytest.raises(
        DataError, match=r"`streaming` needs a table or a data set on the hub, received `data`"
    ):
        load_flow_splits(streamed, CHOSEN, trains=True)


def test_what_is_no_benchmarks_folder_is_left_to_others(tmp_path):
    assert layout_tables("natural-images") is None
    assert layout_tables(str(tmp_path)) is None


def write_listed(folder):
    """Pairs with flow of (seed, 0) pixels everywhere in no benchmark's layout, and a table of them."""
    folder.mkdir()
    rows = ["first,second,flow"]
    for seed in range(7):
        for frame in "ab":
            Image.fromarray(noise(seed)).save(folder / f"{seed}{frame}.png")
        flow = np.zeros((29, 37, 2), dtype=np.float32)
        flow[..., 0] = seed
        np.save(folder / f"{seed}.npy", flow if seed % 2 else np.moveaxis(flow, -1, 0))
        rows.append(f"{seed}a.png,{seed}b.png,{seed}.npy")
    return rows


def test_a_table_in_a_folder_says_which_frames_true_flow_belongs_to(tmp_path):
    rows = write_listed(tmp_path / "pairs")
    whole = DataArguments(data=str(tmp_path / "pairs"), validation_fraction=0.0, test_fraction=0.0)
    with pytest.raises(DataError, match=r"holds 0\.npy, which looks like true flow"):
        load_flow_splits(whole, CHOSEN, trains=True)
    (tmp_path / "pairs" / "train.csv").write_text("\n".join(rows))
    assert motions(load_flow_splits(whole, CHOSEN, trains=True).train) == [0, 1, 2, 3, 4, 5, 6]


def test_true_flow_that_no_table_names_stops_in_every_part(tmp_path):
    write_listed(tmp_path / "pairs")
    write_pictures(tmp_path / "pictures", 7)
    with pytest.raises(DataError, match=r"pairs` holds .* which looks like true flow"):
        load_flow_splits(
            DataArguments(data=str(tmp_path / "pictures"), test_data=str(tmp_path / "pairs")),
            CHOSEN,
            trains=True,
        )
