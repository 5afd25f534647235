"""Folders of the benchmarks become rows of pairs; what is absent is named."""

import numpy as np
import pytest
from PIL import Image

from perceivers.errors import DataError
from perceivers.tasks.optical_flow.folders import flow_table, parts_inside, require_no_unknown_truth


def touch(root, *names):
    for name in names:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()


def rows(root):
    table = flow_table(root)
    return [
        (row["first"], row["second"], row["flow"], row["scene"])
        for row in (table[i] for i in range(len(table)))
    ]


@pytest.mark.parametrize("inner", ["", "training/"])
def test_sintel(tmp_path, inner):
    frames = [f"clean/alley_1/frame_{n:04d}.png" for n in (9, 10, 11)]
    names = [*frames, *(name.replace("clean", "final") for name in frames)]
    names += ["flow/alley_1/frame_0009.flo", "flow/alley_1/frame_0010.flo"]
    touch(tmp_path, *(inner + name for name in names))
    found = rows(tmp_path)
    assert len(found) == 4
    assert found[0] == (
        f"{inner}clean/alley_1/frame_0009.png",
        f"{inner}clean/alley_1/frame_0010.png",
        f"{inner}flow/alley_1/frame_0009.flo",
        "alley_1",
    )
    assert found[3][:2] == (f"{inner}final/alley_1/frame_0010.png", f"{inner}final/alley_1/frame_0011.png")


@pytest.mark.parametrize(("frames", "flows"), [("image_2", "flow_occ"), ("colored_0", "flow_noc")])
def test_kitti(tmp_path, frames, flows):
    touch(tmp_path, f"{frames}/000007_10.png", f"{frames}/000007_11.png", f"{flows}/000007_10.png")
    touch(tmp_path, f"{frames}/000008_10.png", f"{frames}/000008_11.png")
    assert rows(tmp_path) == [
        (f"{frames}/000007_10.png", f"{frames}/000007_11.png", f"{flows}/000007_10.png", "000007")
    ]


def test_flying_chairs(tmp_path):
    touch(tmp_path, *(f"data/00003_{end}" for end in ("img1.ppm", "img2.ppm", "flow.flo")))
    assert rows(tmp_path) == [("data/00003_img1.ppm", "data/00003_img2.ppm", "data/00003_flow.flo", "00003")]


def test_frames_without_flow_are_counted_and_named(tmp_path):
    touch(
        tmp_path,
        *(f"{number}_{end}" for number in (1, 3) for end in ("img1.ppm", "img2.ppm")),
        "1_flow.flo",
        "x.txt",
    )
    table = flow_table(tmp_path)
    assert len(table) == 1
    assert table.notes == [f"frames without true flow are left out: 2, such as `{tmp_path / '3_img1.ppm'}`"]
    touch(tmp_path, "3_flow.flo")
    assert flow_table(tmp_path).notes == []


def test_middlebury(tmp_path):
    for scene in ("Grove2", "Beanbags"):
        touch(tmp_path, f"other-data-gray/{scene}/frame10.png", f"other-data-gray/{scene}/frame11.png")
    touch(tmp_path, "other-gt-flow/Grove2/flow10.flo")
    frames = "other-data-gray/Grove2/frame"
    assert rows(tmp_path) == [
        (f"{frames}10.png", f"{frames}11.png", "other-gt-flow/Grove2/flow10.flo", "Grove2")
    ]


def test_paths_belong_to_the_folder_and_rows_are_called_by_their_frame(tmp_path):
    touch(tmp_path, *(f"00003_{end}" for end in ("img1.ppm", "img2.ppm", "flow.flo")))
    table = flow_table(tmp_path)
    assert table.path(table[0]["flow"]) == tmp_path / "00003_flow.flo"
    assert table.name(0) == str(tmp_path / "00003_img1.ppm")


def test_a_frame_that_is_absent_is_named(tmp_path):
    touch(tmp_path, "00003_img1.ppm", "00003_flow.flo")
    with pytest.raises(
        DataError, match=r"00003_flow.flo` is the flow of the frame `.*00003_img2.ppm`, which does not"
    ):
        flow_table(tmp_path)


def test_other_folders_have_no_layout(tmp_path):
    touch(tmp_path, "a.png", "scene/b.png", "flow/readme.txt")
    assert flow_table(tmp_path) is None


def test_flying_chairs_2(tmp_path):
    names = ("img_0.png", "img_1.png", "flow_01.flo", "flow_10.flo", "mb_01.png", "occ_01.png")
    touch(tmp_path, *(f"0000003-{name}" for name in names))
    frames = ("0000003-img_0.png", "0000003-img_1.png")
    assert rows(tmp_path) == [
        (*frames, "0000003-flow_01.flo", "0000003"),
        (*frames[::-1], "0000003-flow_10.flo", "0000003"),
    ]


def test_chairs_with_small_motions(tmp_path):
    touch(tmp_path, "t0/00001.png", "t1/00001.png", "flow/00001.pfm")
    assert rows(tmp_path) == [("t0/00001.png", "t1/00001.png", "flow/00001.pfm", "00001")]


def test_flying_things_with_its_parts_inside(tmp_path):
    for part in ("TRAIN", "TEST"):
        touch(tmp_path, *(f"frames_cleanpass/{part}/A/0000/left/000{n}.png" for n in (6, 7)))
        flow = f"optical_flow/{part}/A/0000"
        touch(tmp_path, f"{flow}/into_future/left/OpticalFlowIntoFuture_0006_L.pfm")
        touch(tmp_path, f"{flow}/into_past/left/OpticalFlowIntoPast_0007_L.pfm")
    parts = parts_inside(flow_table(tmp_path))
    assert {part: len(table) for part, table in parts.items()} == {"train": 2, "test": 2}
    ways = {(row["first"][-8:], row["second"][-8:]) for row in (parts["test"][0], parts["test"][1])}
    assert ways == {("0006.png", "0007.png"), ("0007.png", "0006.png")}
    assert parts["train"][0]["scene"] == "TRAIN/A/0000"


def test_scenes_without_parts_are_for_training(tmp_path):
    touch(tmp_path, "t0/00001.png", "t1/00001.png", "flow/00001.pfm")
    assert list(parts_inside(flow_table(tmp_path))) == ["train"]


@pytest.mark.parametrize(
    "name",
    [
        "scene/a.flo",
        "truth/0001.pfm",
        "a.flo5",
        "optical_flow/0001.png",
        "scene-1/flow/0001.png",
        "GT_Flow/1.png",
    ],
)
def test_true_flow_in_no_known_layout_stops(tmp_path, name):
    touch(tmp_path, "0001.png", "0002.png", name)
    with pytest.raises(DataError, match="looks like true flow, but not in the layout of Sintel"):
        require_no_unknown_truth(tmp_path)


def test_pictures_alone_do_not_look_like_true_flow(tmp_path):
    touch(tmp_path, "flowers/0001.png", "overflow/0002.png", "river_flowing/a.jpg")
    require_no_unknown_truth(tmp_path)


@pytest.mark.parametrize(("shape", "is_truth"), [
    ((5, 7, 2), True), ((2, 5, 7), True), ((7, 5, 2), False), ((5, 7, 3), False), ((5, 7), False), ((1, 5, 2), False),
])  # fmt: skip
def test_an_array_of_two_numbers_a_pixel_is_true_flow(tmp_path, shape, is_truth):
    Image.new("L", (7, 5)).save(tmp_path / "1.png")
    np.save(tmp_path / "1.npy", np.zeros(shape, dtype=np.float32))
    (tmp_path / "2.npy").write_bytes(b"no array")
    if is_truth:
        with pytest.raises(DataError, match=r"holds 1\.npy, which looks like true flow"):
            require_no_unknown_truth(tmp_path)
    else:
        require_no_unknown_truth(tmp_path)
