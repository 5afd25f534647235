"""Optical flow end to end at tiny size: made pairs, true pairs, mistakes, what people look at."""

import base64
import csv
import json
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from perceivers.arguments import DataArguments, RunArguments, TrainingArguments
from perceivers.data.draws import generator_of
from perceivers.data.splits import Splits
from perceivers.errors import DataError
from perceivers.kinds.asked import Sent
from perceivers.predictor import load
from perceivers.processors.optical_flow.files import read_flow, write_flow
from perceivers.processors.optical_flow.kitti import write_kitti_flow
from perceivers.tasks.optical_flow.augmentation import FlowSample
from perceivers.tasks.optical_flow.options import OpticalFlowArguments
from perceivers.tasks.optical_flow.pictures import PicturePool
from perceivers.tasks.optical_flow.task import OpticalFlow
from perceivers.tasks.registry import load_task
from perceivers.training.evaluation import evaluate
from perceivers.training.prediction import predict
from perceivers.training.run import train

TINY = {
    "size": "usual",
    "num_latents": 5,
    "latent_channels": 8,
    "num_layers": 1,
    "num_heads": 2,
    "num_cross_heads": 2,
    "qk_channels": 8,
    "train_height": 11,
    "train_width": 13,
    "tile_overlap": 4,
    "patch_size": 3,
    "patch_channels": 7,
    "num_fourier_bands": 2,
    "contrast_window": 5,
    "max_motion": 2.0,
    "pairs_per_epoch": 4,
    "held_out_pairs": 3,
}
EMPTY = Splits([], [], [])


def picture(seed, height=29, width=37):
    pixels = np.random.default_rng(seed).integers(
        0, 256, (height // 4 + 1, width // 4 + 1, 3), dtype=np.uint8
    )
    return Image.fromarray(pixels).resize((width, height), Image.Resampling.BILINEAR)


def run(folder, data, task_arguments=None, **training):
    settings = {"epochs": 1, "batch_size": 2, "device": "cpu", **training}
    arguments = RunArguments(
        output=str(folder),
        data=DataArguments(data=str(data)),
        training=TrainingArguments(**settings),
        pictures=False,
    )
    return train(OpticalFlow(OpticalFlowArguments(**{**TINY, **(task_arguments or {})})), arguments)


def write_pair(folder, name, seed, shift=1):
    """Frames that move `shift` pixels to the right, and their flow, as FlyingChairs has them."""
    pixels = np.asarray(picture(seed))
    Image.fromarray(pixels).save(folder / f"{name}_img1.ppm")
    Image.fromarray(np.roll(pixels, shift, axis=1)).save(folder / f"{name}_img2.ppm")
    write_flow(folder / f"{name}_flow.flo", torch.tensor([float(shift), 0.0]).expand(29, 37, 2))


@pytest.fixture(scope="module")
def pictures(tmp_path_factory):
    folder = tmp_path_factory.mktemp("pictures")
    for seed in range(5):
        picture(seed).save(folder / f"{seed}.png")
    return folder


@pytest.fixture(scope="module")
def trained(tmp_path_factory, pictures):
    folder = tmp_path_factory.mktemp("runs") / "run"
    results = run(folder, pictures, {"plain_share": 0.4, "growing_share": 0.4, "pyramid_levels": 2}, epochs=2)
    return folder, results


def test_pictures_alone_are_enough(trained):
    folder, results = trained
    assert results["samples"] == {"train": 4, "validation": 3, "test": 3}
    errors = {"epe", "error_1px", "error_3px", "error_5px", "fl_all", "relative_epe"}
    assert set(results["test"]) == errors
    assert 0 < results["test"]["epe"] < 5
    assert evaluate(folder, device="cpu")["metrics"]["epe"] == pytest.approx(results["test"]["epe"], rel=1e-4)


def test_a_trained_model_is_measured_on_made_pairs_of_every_part(trained):
    folder, _ = trained
    assert evaluate(folder, split="all", device="cpu", output=folder.parent / "all")["samples"] == 9


def test_true_pairs_in_a_benchmarks_folder(tmp_path):
    (tmp_path / "data").mkdir()
    for index in range(5):
        write_pair(tmp_path / "data", f"{index:05d}", index)
    results = run(tmp_path / "run", tmp_path / "data", {"zoom": 0.3})
    assert results["samples"] == {"train": 3, "validation": 1, "test": 1}
    # An untrained head answers no motion at all, and one step changes it a little.
    assert results["test"]["epe"] == pytest.approx(1.0, abs=0.2)


def test_a_table_of_pairs_with_sparse_truth(tmp_path):
    rows = []
    for index in range(4):
        write_pair(tmp_path, str(index), index, shift=3)
        valid = torch.zeros(29, 37, dtype=torch.bool)
        valid[4:20, 5:30] = True
        write_kitti_flow(tmp_path / f"{index}.png", torch.tensor([3.0, 0.0]).expand(29, 37, 2), valid)
        rows.append({"a": f"{index}_img1.ppm", "b": f"{index}_img2.ppm", "truth": f"{index}.png"})
    with (tmp_path / "pairs.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        writer.writerows(rows)
    columns = {"first_column": "a", "second_column": "b", "flow_column": "truth"}
    results = run(tmp_path / "run", tmp_path / "pairs.csv", columns)
    assert results["test"]["epe"] == pytest.approx(3.0, abs=0.3)
    predictions = predict(tmp_path / "run", [tmp_path / "pairs.csv"], tmp_path / "out", device="cpu")
    assert [prediction.values["flow_file"] for prediction in predictions][:2] == [
        "pairs/000000.flo",
        "pairs/000001.flo",
    ]


def test_mistakes_name_the_row(tmp_path):
    write_pair(tmp_path, "0", 0)
    picture(1, 29, 39).save(tmp_path / "wide.png")
    write_flow(tmp_path / "small.flo", torch.zeros(5, 7, 2))
    (tmp_path / "broken.flo").write_bytes(b"no flow")

    def load(first="0_img1.ppm", second="0_img2.ppm", flow="0_flow.flo", header="first,second,flow"):
        (tmp_path / "pairs.csv").write_text(f"{header}\n{first},{second},{flow}\n")
        OpticalFlow(OpticalFlowArguments(**TINY)).load_data(DataArguments(data=str(tmp_path / "pairs.csv")))

    with pytest.raises(
        DataError, match=r"pairs.csv, row 1`: both frames must be of one size, received 37 x 29 in the"
    ):
        load(second="wide.png")
    with pytest.raises(
        DataError, match=r"row 1`: the flow must be of the frames' size 37 x 29, received 7 x 5"
    ):
        load(flow="small.flo")
    with pytest.raises(DataError, match=r"pairs.csv, row 1`: .*broken.flo` is not a flow file"):
        load(flow="broken.flo")
    with pytest.raises(
        DataError, match=r"pairs.csv, row 1`: .*absent.flo` is not a flow file: there is no such file"
    ):
        load(flow="absent.flo")
    with pytest.raises(DataError, match=r"row 1`: .*absent.png` cannot be read as a picture"):
        load(first="absent.png")
    with pytest.raises(DataError, match=r"must have a column 'flow', received first, second, motion"):
        load(header="first,second,motion")
    with pytest.raises(
        DataError, match=r"must have the columns 'first', 'second', 'flow' .*, or a column 'image'"
    ):
        load(header="x,y,z")


def test_a_first_phase_shows_pairs_forward_and_reversed_as_they_are():
    task = OpticalFlow(OpticalFlowArguments(**{**TINY, "plain_share": 0.5, "noise": 0.1}))
    task.build(EMPTY)
    pool = PicturePool([np.asarray(picture(0))])
    task.begin_pass(0, 4)
    forward, back = task.vary(pool, generator_of(0, 1, 0, 3))
    np.testing.assert_array_equal(forward.first, back.second)
    np.testing.assert_array_equal(forward.second, back.first)
    assert forward.first.shape == (11 + 2, 13 + 2, 3)
    assert forward.flow.shape == (11, 13, 2)
    task.begin_pass(2, 4)
    forward, back = task.vary(pool, generator_of(0, 1, 2, 3))
    assert np.abs(forward.first - back.second).max() > 0.001


def test_motion_grows_over_the_run():
    task = OpticalFlow(OpticalFlowArguments(**{**TINY, "growing_share": 0.5, "first_motion": 0.1}))
    task.build(EMPTY)
    pool = PicturePool([np.asarray(picture(0))])

    def motion(epoch):
        task.begin_pass(epoch, 8)
        made = [task.vary(pool, generator_of(0, 1, epoch, index))[0].flow for index in range(30)]
        return np.linalg.norm(made, axis=-1).mean()

    first, middle, last = motion(0), motion(2), motion(7)
    assert first < 0.3
    assert first < 0.6 * middle < 0.6 * last


def test_margins_are_what_neighbourhoods_reach_into():
    """A crop with a margin trains on the very tokens that the whole frame has there."""
    task = OpticalFlow(
        OpticalFlowArguments(**{**TINY, "contrast_window": 0, "zoom": 0.0, "plain_share": 0.9})
    )
    parts = task.build(EMPTY)
    task.begin_pass(0, 1)
    frame = np.random.default_rng(0).random((29, 37, 3)).astype(np.float32)
    place = np.stack(np.meshgrid(np.arange(37.0), np.arange(29.0)), axis=-1).astype(np.float32)
    whole = FlowSample(frame, frame, place, np.ones((29, 37), dtype=bool))
    sample = task.vary(whole, generator_of(0, 1, 0, 0))
    batch = task.collate(parts.processor, [sample])
    inputs = parts.processor.process_frames(batch["frames"])[..., 1:-1, 1:-1]
    left, top = (int(value) for value in batch["flow"][0, 0, 0])
    expected = parts.processor(frame, frame, value_interval=(0.0, 1.0)).inputs
    torch.testing.assert_close(inputs, expected[..., top : top + 11, left : left + 13])


def test_frames_of_different_sizes_are_measured_as_if_alone():
    task = OpticalFlow(OpticalFlowArguments(**{**TINY, "pyramid_levels": 2}))
    parts = task.build(EMPTY)
    torch.nn.init.normal_(parts.model.perceiver.decoder.decoder.final_layer.weight)
    model = parts.model.eval()
    generator = np.random.default_rng(0)

    def sample(height, width):
        frames = generator.random((2, height, width, 3)).astype(np.float32)
        flow = generator.standard_normal((height, width, 2)).astype(np.float32)
        return FlowSample(frames[0], frames[1], flow, generator.random((height, width)) > 0.3)

    samples = [sample(23, 31), sample(11, 13), sample(23, 31), sample(7, 17)]
    with torch.no_grad():
        together = task.step(model, task.collate(parts.processor, samples)).measured["sums"]
        alone = [task.step(model, task.collate(parts.processor, [each])).measured["sums"] for each in samples]
    torch.testing.assert_close(together, torch.cat(alone), rtol=1e-4, atol=1e-3)
    assert together[:, 0].tolist() == [each.valid.sum() for each in samples]


def test_every_weight_learns():
    task = OpticalFlow(OpticalFlowArguments(**TINY))
    parts = task.build(EMPTY)
    torch.nn.init.normal_(parts.model.perceiver.decoder.decoder.final_layer.weight)
    samples = task.vary(PicturePool([np.asarray(picture(0))]), generator_of(0, 1, 0, 0))
    task.step(parts.model.train(), task.collate(parts.processor, [samples])).loss.backward()
    assert all(parameter.grad is not None for parameter in parts.model.parameters())


def test_a_checkpoint_brings_its_sizes_and_its_preparation(trained):
    folder, _ = trained
    config = OpticalFlow(OpticalFlowArguments(**TINY)).restore(folder).model.config
    other = OpticalFlow(OpticalFlowArguments(size="usual", contrast_window=0, patch_size=7))
    parts = other.build(EMPTY, config)
    assert (parts.processor.contrast_window, parts.processor.patch_size) == (5, 3)
    assert other.vary(PicturePool([np.asarray(picture(0))]), generator_of(0, 1, 0, 0))[0].flow.shape == (
        11,
        13,
        2,
    )


def test_pictures_give_flow_files_and_colours(trained, tmp_path):
    folder, _ = trained
    for seed, name in enumerate(("frame_9.png", "frame_10.png", "frame_11.png")):
        (tmp_path / "clip").mkdir(exist_ok=True)
        picture(seed).save(tmp_path / "clip" / name)
    predictions = predict(folder, [tmp_path / "clip"], tmp_path / "out", device="cpu")
    names = [prediction.values["flow_file"] for prediction in predictions]
    # The tenth frame follows the ninth.
    assert names == ["clip/frame_9.flo", "clip/frame_10.flo"]
    for name, prediction in zip(names, predictions, strict=True):
        flow = read_flow(tmp_path / "out" / name)
        assert flow.shape == (29, 37, 2)
        assert float(flow.norm(dim=-1).mean()) == pytest.approx(prediction.values["mean_motion"], abs=1e-4)
        drawn = Image.open((tmp_path / "out" / name).with_suffix(".png"))
        assert drawn.width > 2 * 37
        np.testing.assert_array_equal(
            np.asarray(drawn)[12 : 12 + 29, 12 : 12 + 37],
            np.asarray(Image.open(tmp_path / "clip" / Path(name).with_suffix(".png").name)),
        )
    table = json.loads((tmp_path / "out" / "predictions.json").read_text())
    assert [row["flow_file"] for row in table] == names


def test_pictures_one_by_one_are_one_sequence(trained, tmp_path, pictures):
    folder, _ = trained
    given = [pictures / "3.png", pictures / "1.png", pictures / "3.png", pictures / "0.png"]
    predictions = predict(folder, given, tmp_path, device="cpu")
    names = [prediction.values["flow_file"] for prediction in predictions]
    assert names == ["3.flo", "1.flo", "3_2.flo"]


def test_a_film_gives_a_film(trained, tmp_path):
    av = pytest.importorskip("av")
    from perceivers.processors.video.decoding import read_header
    from perceivers.processors.video.writing import video_writer

    folder, _ = trained
    with video_writer(tmp_path / "film.mp4", 12.5, 30, 38) as writer:
        for seed in range(4):
            writer.add(np.array(picture(seed, 30, 38))[None])
    predictions = predict(folder, [tmp_path / "film.mp4"], tmp_path / "out", device="cpu")
    assert [prediction.values["flow_file"] for prediction in predictions] == [
        f"film/{index:06d}.flo" for index in range(3)
    ]
    shown = tmp_path / "out" / "film_flow.mp4"
    with av.open(str(shown)) as container:
        frames = [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]
    assert len(frames) == 3
    assert read_header(shown, "film").picture_seconds == pytest.approx(0.08)
    # Colours lose detail twice over in films; the frame is still the right one.
    differences = [
        np.abs(frames[1][14:40, 14:48].astype(int) - np.asarray(picture(seed, 30, 38))[2:28, 2:36]).mean()
        for seed in range(3)
    ]
    assert differences[1] < 25
    assert differences[1] < 0.5 * min(differences[0], differences[2])


def test_inputs_that_give_no_pair_are_named(trained, tmp_path, pictures):
    folder, _ = trained
    with pytest.raises(DataError, match=r"0.png` is a single frame; flow needs a second one after it"):
        predict(folder, [pictures / "0.png"], tmp_path, device="cpu")
    with pytest.raises(DataError, match=r"absent.png` does not exist"):
        predict(folder, [tmp_path / "absent.png"], tmp_path, device="cpu")
    with pytest.raises(DataError, match="holds no picture"):
        predict(folder, [tmp_path], tmp_path / "out", device="cpu")
    picture(0, 29, 39).save(tmp_path / "wide.png")
    with pytest.raises(
        DataError, match=r"0.png to wide.png`: both frames must be of one size, received 37 x 29 and 39"
    ):
        predict(folder, [pictures / "0.png", tmp_path / "wide.png"], tmp_path / "out", device="cpu")


def test_pairs_that_python_has_are_answered_as_their_files(trained, tmp_path, pictures):
    folder, _ = trained
    given = [pictures / "0.png", pictures / "1.png"]
    (expected,) = predict(folder, given, device="cpu")
    frames = tuple(Image.open(path) for path in given)
    predictor = load(folder, device="cpu")
    answers = predictor(
        [frames, (given[0], "absent.png"), {"first": given[0], "second": np.asarray(frames[1])}]
    )
    assert isinstance(answers[1], DataError)
    for answer in (answers[0], answers[2], *predictor(list(frames)), *predictor(given)):
        assert answer["mean_motion"] == expected.values["mean_motion"]
    with pytest.raises(DataError, match="name"):
        predictor.predictions(["x" * 5000])


def test_some_made_pairs_stand_still():
    task = OpticalFlow(OpticalFlowArguments(**{**TINY, "plain_share": 0.9, "still_share": 0.5}))
    task.build(EMPTY)
    task.begin_pass(0, 4)
    pool = PicturePool([np.asarray(picture(0))])
    pairs = [pair for index in range(20) for pair in task.vary(pool, generator_of(0, 1, 0, index))]
    still = [pair for pair in pairs if not pair.flow.any()]
    assert 8 <= len(still) <= 32
    assert all(np.array_equal(pair.first, pair.second) for pair in still)
    assert not any(np.array_equal(pair.first, pair.second) for pair in pairs if pair.flow.any())


def test_true_flow_that_is_not_recognised_is_not_trained_around(tmp_path):
    picture(0).save(tmp_path / "a.png")
    picture(1).save(tmp_path / "b.png")
    (tmp_path / "truth").mkdir()
    write_flow(tmp_path / "truth" / "a.flo", torch.zeros(29, 37, 2))
    with pytest.raises(
        DataError, match=r"holds truth.a\.flo, which looks like true flow, but not in the layout of"
    ):
        OpticalFlow(OpticalFlowArguments(**TINY)).load_data(DataArguments(data=str(tmp_path)))


def test_people_ask_with_two_frames_and_get_the_flow_as_a_picture_and_as_a_file(trained, pictures, tmp_path):
    predictor = load(trained[0], device="cpu")
    asking = predictor.asking()
    assert [(each.column, each.form, each.player) for each in asking.fields] == [
        ("first", "file", "picture"), ("second", "file", "picture")
    ]  # fmt: skip
    paths = [pictures / "0.png", pictures / "1.png"]
    frames = {
        name: Sent("x", path.read_bytes()) for name, path in zip(("first", "second"), paths, strict=True)
    }
    Image.new("RGB", (3, 5)).save(tmp_path / "small.png")
    small = Sent("small", (tmp_path / "small.png").read_bytes())
    answer, named, sizes, torn = asking.answers(
        [
            frames,
            {**frames, "second": str(paths[1])},
            {**frames, "second": small},
            {**frames, "first": Sent("a", b"?")},
        ]
    )
    (expected,) = predict(trained[0], [str(path) for path in paths], tmp_path / "answers", device="cpu")
    assert answer.values["mean_motion"] == pytest.approx(expected.values["mean_motion"], rel=1e-3)
    (tmp_path / "own.flo").write_bytes(base64.b64decode(answer.values["flow"].partition(",")[2]))
    torch.testing.assert_close(
        read_flow(tmp_path / "own.flo"), torch.from_numpy(expected.shown["flow"].read()), atol=1e-4, rtol=1e-4
    )
    assert asking.html(answer).startswith('<p><img src="data:image/png;base64,')
    assert [each.title for each in asking.said(answer)] == ["mean motion", "longest motion"]
    assert str(named).startswith("'second' must be the content of a picture, received the text '")
    assert str(sizes) == "both frames must be of one size, received 37 x 29 and 3 x 5"
    assert str(torn).startswith("'first': the picture in the row cannot be read as a picture")
    assert asking.extent("first", small.content, 1.0).pixels == 15


def test_examples_of_flow_are_pairs_with_their_true_flow(trained):
    predictor = load(trained[0], device="cpu")
    asking = predictor.asking()
    task, run = load_task(trained[0])
    example = asking.example(task.load_data(run.data, predictor.parts).validation, 0)
    assert asking.media("first", example.cells["first"]).content[:4] == b"\x89PNG"
    assert example.html.startswith('<p><img src="data:image/png;base64,')
    (answer,) = asking.answers([example.cells])
    assert set(example.truth) <= {each.title for each in asking.said(answer)}
    assert asking.python({"first": "a.png"}) == "['a.png', 'second.png']"
