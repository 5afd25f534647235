"""Pairs of consecutive frames from pictures, folders, films and tables, in order and with names of their own."""

import numpy as np
import pytest
from PIL import Image

from perceivers.errors import DataError
from perceivers.tasks.optical_flow.frames import film_frames, flows_of_inputs, pairs_of_inputs
from perceivers.tasks.optical_flow.options import OpticalFlowArguments
from perceivers.tasks.optical_flow.pixels import decode_pixels

CHOSEN = OpticalFlowArguments(size="usual")


def grey(path, value, height=7, width=11):
    """A frame of one shade, which tells which one it is."""
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (width, height), (value, value, value)).save(path)
    return str(path)


def shades(inputs, chosen=CHOSEN):
    """Name and the shades of each pair."""
    return [
        (pair.name, int(pair.first[0, 0, 0]), int(pair.second[0, 0, 0]))
        for pair in pairs_of_inputs(inputs, chosen)
    ]


def test_pictures_are_a_sequence_in_the_order_given(tmp_path):
    given = [grey(tmp_path / f"{name}.png", value) for name, value in (("b", 1), ("a", 2), ("c", 3))]
    assert shades(given) == [("b", 1, 2), ("a", 2, 3)]


def test_each_folder_is_a_sequence_by_number(tmp_path):
    for number in (9, 10, 11):
        grey(tmp_path / "one" / f"frame_{number}.png", number)
    for number in (1, 2):
        grey(tmp_path / "one" / "deeper" / f"{number}.png", 100 + number)
    grey(tmp_path / "one" / ".hidden.png", 200)
    (tmp_path / "one" / "notes.txt").write_text("no picture")
    # No pair spans two folders.
    assert sorted(shades([str(tmp_path / "one")])) == [
        ("deeper/1", 101, 102),
        ("one/frame_10", 10, 11),
        ("one/frame_9", 9, 10),
    ]


def test_a_table_has_a_pair_in_each_row_by_its_columns(tmp_path):
    for value in (1, 2, 3):
        grey(tmp_path / f"{value}.png", value)
    table = tmp_path / "pairs.csv"
    table.write_text("a,b\n1.png,2.png\n3.png,1.png\n")
    chosen = OpticalFlowArguments(first_column="a", second_column="b")
    assert shades([str(table)], chosen) == [("pairs/000000", 1, 2), ("pairs/000001", 3, 1)]
    with pytest.raises(DataError, match=r"must have .*'first'.*received a, b"):
        shades([str(table)])


def test_an_empty_text_is_not_the_folder_that_the_user_is_in(tmp_path, monkeypatch):
    for name in "ab":
        grey(tmp_path / f"{name}.png", 3)
    monkeypatch.chdir(tmp_path)
    assert len(shades(["."])) == 1
    with pytest.raises(
        DataError, match="`inputs` must name a file, a table or a folder each, received an empty"
    ):
        shades([""])


def test_a_frame_that_is_a_link_to_nothing_is_told(tmp_path):
    for name in "abc":
        grey(tmp_path / f"{name}.png", 3)
    (tmp_path / "bb.png").symlink_to("gone")
    left_out = []
    assert len(list(pairs_of_inputs([str(tmp_path)], CHOSEN, left_out))) == 1
    assert "a link to nothing" in left_out[0].reason


def test_rows_that_give_no_pair_are_named(tmp_path):
    grey(tmp_path / "1.png", 1)
    grey(tmp_path / "wide.png", 1, width=13)
    table = tmp_path / "pairs.csv"
    table.write_text("first,second\n1.png,1.png\n1.png,wide.png\n")
    with pytest.raises(
        DataError, match=r"pairs.csv, row 2`: both frames must be of one size, received 11 x 7"
    ):
        shades([str(table)])
    table.write_text("first,second\n1.png,absent.png\n")
    with pytest.raises(DataError, match=r"pairs.csv, row 1`: .*absent.png` cannot be read"):
        shades([str(table)])


def test_flow_is_kept_on_disk_until_it_is_shown(tmp_path):
    given = [grey(tmp_path / f"{name}.png", 1) for name in "aba"]
    flow = np.zeros((7, 11, 2), np.float32)
    flow[0, 0] = [3.0, -4.0]
    predictions = flows_of_inputs(given, CHOSEN, lambda first, second: flow)
    assert [prediction.values for prediction in predictions] == [
        # One pixel of 77 moves, by 5.
        {"flow_file": "a.flo", "mean_motion": round(5 / 77, 4), "longest_motion": 5.0},
        {"flow_file": "b.flo", "mean_motion": round(5 / 77, 4), "longest_motion": 5.0},
    ]
    kept = predictions[1].shown["flow"]
    assert np.array_equal(kept.read(), flow)
    place = kept.path.parent
    assert place.is_dir()
    del kept, predictions
    assert not place.exists()


def test_pairs_of_equal_frames_are_told_with_the_motion_that_is_wrong_there(tmp_path):
    given = [
        grey(tmp_path / f"{name}.png", value) for name, value in (("a", 1), ("b", 2), ("c", 2), ("d", 2))
    ]
    flow = np.zeros((7, 11, 2), np.float32)
    flow[..., 0] = 3.0
    predictions = flows_of_inputs(given, CHOSEN, lambda first, second: flow)
    assert [len(prediction.notes) for prediction in predictions] == [1, 0, 0]
    (note,) = predictions[0].notes
    assert note == (
        f"2 of 3 pairs have two equal frames, such as `{tmp_path / 'b.png'} to c.png`: nothing moves there, so the mean "
        "motion of 3.00 pixels that the model finds there is its error"
    )
    assert not flows_of_inputs(given[:2], CHOSEN, lambda first, second: flow)[0].notes


def test_names_that_come_twice_are_numbered(tmp_path):
    given = [grey(tmp_path / folder / "x.png", 1) for folder in "abc"]
    flow = np.zeros((7, 11, 2), np.float32)
    predictions = flows_of_inputs(given, CHOSEN, lambda first, second: flow)
    assert [prediction.values["flow_file"] for prediction in predictions] == ["x.flo", "x_2.flo"]


def test_a_film_is_a_sequence_at_its_own_rate(tmp_path):
    pytest.importorskip("av")
    from perceivers.processors.video.writing import video_writer

    film = tmp_path / "film.mp4"
    with video_writer(film, 8.0, 16, 32) as writer:
        for value in (40, 120, 200):
            writer.add(np.full((1, 16, 32, 3), value, dtype=np.uint8))
    assert [round(float(frame.mean()) / 40) for frame in film_frames(film)] == [1, 3, 5]
    flow = np.zeros((16, 32, 2), np.float32)
    predictions = flows_of_inputs([str(film)], CHOSEN, lambda first, second: flow)
    assert [prediction.source for prediction in predictions] == [f"{film}, frame 0", f"{film}, frame 1"]
    kept = predictions[0].shown["flow"]
    assert kept.frame_rate == pytest.approx(8.0)
    # The film itself has its frames: they are not held twice.
    assert kept.first is None
    assert kept.film == film


def test_a_gif_that_moves_is_a_film_and_one_that_does_not_a_picture(tmp_path):
    pytest.importorskip("av")
    frames = [Image.new("RGB", (16, 32), (value,) * 3) for value in (40, 120, 200)]
    moving, still = tmp_path / "moving.gif", tmp_path / "still.GIF"
    frames[0].save(moving, save_all=True, append_images=frames[1:], duration=200)
    frames[0].save(still)
    assert shades([str(moving)]) == [("moving/000000", 40, 120), ("moving/000001", 120, 200)]
    flow = np.zeros((32, 16, 2), np.float32)
    kept = flows_of_inputs([str(moving)], CHOSEN, lambda first, second: flow)[0].shown["flow"]
    assert (kept.film, kept.frame_rate) == (moving, pytest.approx(5.0))
    assert shades([str(still), grey(tmp_path / "next.png", 90, 32, 16)]) == [("still", 40, 90)]
    with pytest.raises(DataError, match=r"still.GIF` is a single frame; flow needs a second one after it"):
        shades([str(still)])
    (tmp_path / "torn.gif").write_bytes(b"GIF89a")
    with pytest.raises(DataError, match=r"torn.gif` cannot be read"):
        shades([str(tmp_path / "torn.gif"), str(still)])


@pytest.mark.parametrize("suffix", [".flv", ".wmv"])
def test_films_of_all_endings_that_other_tasks_read_are_films(tmp_path, suffix):
    (tmp_path / f"film{suffix}").write_bytes(b"no film")
    with pytest.raises(DataError, match="cannot be read as a film, it is damaged"):
        shades([str(tmp_path / f"film{suffix}")])


def test_a_film_of_one_frame_is_named(tmp_path):
    pytest.importorskip("av")
    from perceivers.processors.video.writing import video_writer

    film = tmp_path / "still.mp4"
    with video_writer(film, 8.0, 16, 32) as writer:
        writer.add(np.full((1, 16, 32, 3), 90, dtype=np.uint8))
    with pytest.raises(DataError, match=r"still.mp4` has a single frame; flow needs a second one after it"):
        list(pairs_of_inputs([str(film)], CHOSEN))


def test_shades_are_read_as_they_are(tmp_path):
    (pair,) = pairs_of_inputs([grey(tmp_path / "a.png", 5), grey(tmp_path / "b.png", 6)], CHOSEN)
    assert pair.first.dtype == np.uint8
    assert pair.first.shape == (7, 11, 3)


def test_frames_of_16_bits_with_alpha_or_turned_are_read_as_all_pictures(tmp_path):
    deep = np.array([[0, 257 * 7], [257 * 200, 65535]], dtype=np.uint16)
    Image.fromarray(deep).save(tmp_path / "deep.png")
    assert decode_pixels(str(tmp_path / "deep.png"), None)[..., 0].tolist() == [[0, 7], [200, 255]]
    assert decode_pixels(str(tmp_path / "deep.png"), None, 257 * 200)[..., 1].tolist() == [[0, 9], [255, 255]]
    Image.new("RGBA", (2, 1), (9, 9, 9, 0)).save(tmp_path / "hidden.png")
    assert (decode_pixels(str(tmp_path / "hidden.png"), None) == 255).all()
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.new("RGB", (8, 4)).save(tmp_path / "turned.jpg", exif=exif)
    assert decode_pixels(str(tmp_path / "turned.jpg"), None).shape == (8, 4, 3)
