"""Films from rows to the model's inputs and back to what people look at."""

from __future__ import annotations

import pickle
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from perceivers.configuration import PerceiverConfig
from perceivers.data.tables import ListTable
from perceivers.errors import ConfigurationError
from perceivers.kinds.registry import guess_kind
from perceivers.kinds.video.kind import VideoKind
from perceivers.kinds.video.options import VideoOptions
from perceivers.kinds.video.sizing import video_learning
from perceivers.kinds.video.value import FilmClip
from perceivers.models.prediction import PerceiverForPrediction
from perceivers.processors.audio.log_mel import log_mel_spectrogram
from tiny_films import grey_frames, moving_square, tone, write_film

SMALL: dict[str, Any] = {
    "num_frames": 4,
    "frame_rate": 10.0,
    "height": 8,
    "width": 12,
    "audio_samples_per_frame": 400,
    "num_mel_bins": 5,
    "num_test_clips": 3,
    "video_bands": 2,
    "audio_bands": 3,
    "audio_dropped": 0.2,
}


def kind(**chosen: Any) -> VideoKind:
    return VideoKind(VideoOptions(**{**SMALL, **chosen}))


@pytest.fixture(scope="module")
def films(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A film with pictures and sound, one with sound alone, one with pictures alone."""
    folder = tmp_path_factory.mktemp("films")
    for name, frames, sound in (("both", True, True), ("blind", False, True), ("deaf", True, False)):
        write_film(
            folder / f"{name}.mkv",
            frames=moving_square(9) if frames else None,
            waveform=tone(7200, 150) if sound else None,
        )
    return folder


def read(made: VideoKind, cell: Any, folder: Path) -> FilmClip | None:
    row = {"video": cell}
    return made.read(row, ("video",), ListTable([row], "films.csv", root=folder))


def three(made: VideoKind, folder: Path) -> list[FilmClip]:
    found = [read(made, f"{name}.mkv", folder) for name in ("both", "blind", "deaf")]
    return [each for each in found if each is not None]


@pytest.mark.parametrize(
    "cells",
    [
        ["a.mp4", "b.WEBM"],
        [{"bytes": None, "path": "a.mov"}],
        [b"\x1aE\xdf\xa3 and more", b"\x00\x00\x00 ftypisom"],
    ],
)
def test_films_are_known_by_their_cells(cells):
    assert guess_kind("x", cells) is VideoKind


def test_other_columns_are_not_taken_for_films():
    assert VideoKind.guess("video", ["a.mp4", "a film about mp4"]) == 0.0
    assert VideoKind.guess("video", [b"\x89PNG\r\n\x1a\n"]) == 0.0


def test_a_batch_says_which_films_lack_what(films):
    made = kind()
    given = made.tensors([*three(made, films), None])
    image, audio = given["image"], given["audio"]
    assert image.values.shape == (4, 4, 3, 8, 12)
    assert audio.values.shape == (4, 41, 5)
    assert image.mask.tolist() == [True, False, True, False]
    assert audio.mask.tolist() == [True, True, False, False]
    both = made.tensors(three(made, films)[:1])
    assert both["image"].mask is both["audio"].mask is None


def test_what_no_film_has_is_one_patch_that_is_masked(films):
    made = kind()
    silent = made.tensors(three(made, films)[2:])
    assert silent["audio"].values.shape == (1, 1, 5)
    assert silent["audio"].mask.tolist() == [False]
    nobody = kind(sound_form="raw", samples_per_patch=100).tensors([None, None])
    assert nobody["audio"].values.shape == (2, 100, 1)
    assert nobody["image"].values.shape == (2, 2, 3, 4, 4)
    assert nobody["image"].mask.tolist() == [False, False]


def test_a_lesser_film_lacks_its_pictures_or_its_sound(films):
    made = kind()
    whole, silent, _ = three(made, films)
    blind, deaf = made.lesser(whole)
    assert (blind.film.has_video, blind.film.has_sound) == (False, True)
    assert (deaf.film.has_video, deaf.film.has_sound) == (True, False)
    assert made.lesser(silent) == []


STEMS: dict[str, Any] = {"video_form": "stem", "video_stem_widths": (3, 5), "sound_stem_widths": (3, 5)}


def test_behind_stems_each_picture_has_tokens_of_its_own_and_sound_those_of_times_and_bands():
    made = kind(sound_form="stem", num_frames=3, height=7, width=11, **STEMS)
    # 3 pictures of 4 x 6 halves; 1,200 samples at 4,000 Hz are 31 frames every 40 samples: 8 x 2 quarters of 31 x 5.
    assert made.options.video_grid == (3, 4, 6)
    assert made.options.sound_grid == (8, 2)
    assert made.num_tokens == 3 * 4 * 6 + 8 * 2
    assert made.modalities()["image"] == {
        "type": "image", "prep_type": "stem", "spatial_downsample": 2, "stem_widths": [3, 5], "num_bands": 2,
        "max_resolution": [3, 4, 6], "drop_probability": 0.3,
    }  # fmt: skip
    assert made.modalities()["audio"] == {
        "type": "spectrogram", "mel_bins": 5, "frames_per_patch": 4, "bins_per_patch": 4, "stem_widths": [3, 5],
        "num_bands": 3, "max_resolution": [8, 2], "drop_probability": 0.2,
    }  # fmt: skip


def test_energies_every_twenty_milliseconds_are_half_as_many():
    made = kind(mel_hop_milliseconds=20, mel_frames_per_patch=3)
    # 1,600 samples at 4,000 Hz: 21 frames of 80 samples, 7 tokens.
    assert (made.options.hop_length, made.options.window_length) == (80, 160)
    assert made.options.sound_grid == (7,)
    assert (kind().options.hop_length, kind().options.window_length) == (40, 100)


def test_motion_is_how_pictures_differ_from_those_before(films):
    made = kind(video_motion=True, height=24, width=32)
    assert made.modalities()["image"]["in_channels"] == 6
    plain = kind(height=24, width=32).arrays(three(made, films)[:1])["image"].values
    given = made.arrays(three(made, films)[:1])["image"].values
    assert given.shape == (1, 4, 6, 24, 32)
    assert np.array_equal(given[:, :, :3], plain)
    assert not given[:, 0, 3:].any()
    assert np.array_equal(given[:, 2, 3:], plain[:, 2] - plain[:, 1])
    assert given[:, 2, 3:].any()
    assert made.arrays([None])["image"].values.shape == (1, 2, 6, 4, 4)


@pytest.mark.parametrize(
    ("chosen", "message"),
    [
        ({"video_form": "cubes"}, "`video_form` must be one of"),
        ({"video_first_pool": 3}, "`video_first_pool` must be 1 or 2, received 3"),
        ({"video_stem_widths": ()}, "`video_stem_widths`"),
        ({"sound_stem_widths": (0,)}, "`sound_stem_widths`"),
        ({"video_patch_size": 5}, "`video_patch_size` must divide"),
    ],
)
def test_options_that_do_not_fit_are_named(chosen, message):
    with pytest.raises(ConfigurationError, match=message):
        kind(**chosen)


def test_a_film_that_is_shorter_than_a_clip_stays_at_its_last_picture_and_is_silent(tmp_path):
    write_film(tmp_path / "short.mkv", frames=grey_frames(2), waveform=tone(1600, 100))
    made = kind(num_frames=5, video_frames_per_patch=1, sound_form="raw", samples_per_patch=100)
    film = read(made, "short.mkv", tmp_path)
    assert film is not None
    assert film.film.num_frames == 2
    for value in (film, made.vary(film, np.random.default_rng(0)), *made.views(film)):
        given = made.arrays([value])
        brightness = given["image"].values[0, :, 0, 0, 0] * 255
        assert brightness.round().tolist() == [5, 15, 15, 15, 15]
        sound = given["audio"].values[0, :, 0]
        assert np.abs(sound[:800]).max() > 0.1
        assert np.abs(sound[900:]).max() == 0.0


def test_a_film_that_is_shorter_than_one_picture_of_a_clip_is_its_first_picture(tmp_path):
    write_film(tmp_path / "moment.mkv", frames=grey_frames(1), waveform=tone(800, 100))
    made = kind(num_frames=3, frame_rate=2.0, audio_samples_per_frame=4000, video_frames_per_patch=1)
    moment = read(made, "moment.mkv", tmp_path)
    assert moment is not None
    given = made.arrays([moment])["image"].values
    assert (given * 255).round().tolist() == np.full((1, 3, 3, 8, 12), 5.0).tolist()


def test_what_simple_methods_read_of_a_film(films):
    made = kind()
    table = ListTable([{"video": "both.mkv"}, {"video": None}], "films.csv", root=films)
    told = made.simplified(table[0], ("video",), table)
    # Three pictures of 8 x 8 in colour; mean and deviation of 5 bands.
    assert told.shape == (3 * 3 * 64 + 2 * 5,)
    assert made.simplified(table[1], ("video",), table) is None
    deaf = made.simplified({"video": "deaf.mkv"}, ("video",), table)
    assert deaf[: 3 * 192].any()
    assert not deaf[3 * 192 :].any()


def test_advice_is_by_the_films_that_can_be_read_and_none_where_there_are_none(films):
    (films / "no film.mkv").write_bytes(b"\x1aE\xdf\xa3 and nothing more")
    table = ListTable([{"video": "both.mkv"}], "films.csv", root=films)
    advised = VideoKind.advise(["both.mkv", "no film.mkv", "deaf.mkv"], table, 100, 0.0)
    # 0.9 s at 10 Hz, 24 x 32 pixels.
    assert (advised.num_frames, advised.frame_rate, advised.height, advised.width) == (9, 10.0, 32, 32)
    assert (advised.video_form, advised.sound_form) == ("stem", "stem")
    assert VideoKind.advise(["no film.mkv"], table, 100, 0.0) == VideoOptions()
    blind = VideoKind.advise(["blind.mkv"], table, 100, 0.0)
    assert (blind.video_form, blind.sound_form, blind.video_dropped) == ("patches", "stem", 0.0)
    assert VideoKind(advised).learning(100) == video_learning(100, advised)


def test_who_says_how_large_patches_are_wants_patches():
    advised = {
        "video_form": "stem",
        "video_bands": 8,
        "sound_form": "stem",
        "audio_bands": 8,
    }
    assert VideoKind.suiting({}, advised) == advised
    patches = VideoKind.suiting({"video_patch_size": 4}, advised)
    assert patches == {"video_form": "patches", "sound_form": "stem", "audio_bands": 8}
    assert VideoKind.suiting({"mel_frames_per_patch": 2}, advised)["sound_form"] == "log-mel"
    assert VideoKind.suiting({"video_patch_size": 4, "video_form": "stem"}, advised) == advised


@pytest.mark.parametrize("form", ["log-mel", "raw", "stem"])
def test_what_a_film_lacks_counts_for_nothing(films, form):
    made = kind(sound_form=form, samples_per_patch=100, **(STEMS if form == "stem" else {}))
    config = PerceiverConfig(
        num_latents=3, d_latents=8, num_blocks=1, num_self_attends_per_block=1, num_self_attention_heads=2,
        num_cross_attention_heads=1, modalities=made.modalities(), answers={"x": {"type": "number"}},
    )  # fmt: skip
    model = PerceiverForPrediction(config).eval()

    def said(values):
        given = made.tensors(values)
        masks = {name: each.mask for name, each in given.items() if each.mask is not None}
        with torch.no_grad():
            inputs = {name: each.values for name, each in given.items()}
            return model(inputs, attention_mask=masks or None).logits["x"]

    values = [*three(made, films), None]
    together = said(values)
    alone = torch.cat([said([value]) for value in values])
    assert torch.allclose(together, alone, atol=1e-5)
    assert torch.isfinite(together).all()
    only = made.tensors(values[2:3])["image"].values
    with torch.no_grad():
        left_out = model({"image": only}).logits["x"]
    assert torch.allclose(left_out, together[2:3], atol=1e-5), "as if there were no such modality"


def test_energies_are_brought_to_mean_zero_and_spread_one(films):
    made = kind(num_test_clips=1)
    values = three(made, films)
    settled = made.settle(values, ("video",))
    heard = settled.tensors(values[:2])["audio"].values
    assert float(heard.mean()) == pytest.approx(0.0, abs=1e-4)
    assert float(heard.std(correction=0)) == pytest.approx(1.0, abs=1e-4)
    clip = made.reader.read(values[0].film, 2)
    plain = log_mel_spectrogram(torch.from_numpy(clip.waveform), 4000, num_mel_bins=5)
    assert torch.allclose(heard[0] * settled.std + settled.mean, plain, atol=1e-4)
    assert made.settle(values[2:], ("video",)) == made, "there is no sound to measure"
    assert made.with_state(settled.state()) == settled


def test_loudness_reaches_the_samples(films):
    made = kind(sound_form="raw", samples_per_patch=100)
    value = three(made, films)[0]
    once, twice = (
        made.tensors([replace(value, loudness=loudness)])["audio"].values for loudness in (0.5, -1.0)
    )
    assert torch.allclose(-2 * once, twice, atol=1e-6)


def test_views_are_spread_over_the_film_and_training_has_one(films):
    made = kind()
    value = three(made, films)[0]
    assert [view.start for view in made.views(value)] == [0, 2, 5]
    varied = made.vary(value, np.random.default_rng(0))
    assert made.views(varied) == [varied]


def test_pictures_alone_are_moved_and_mirrored():
    inputs = {"image": torch.rand(3, 4, 3, 8, 12), "audio": torch.rand(3, 41, 5)}
    mirrored = kind(mirror=1.0).augment(inputs)
    assert torch.equal(mirrored["image"], inputs["image"].flip(-1))
    assert torch.equal(mirrored["audio"], inputs["audio"])
    moved = kind(shift=0.3, scale=0.2).augment(inputs)
    assert not torch.equal(moved["image"], inputs["image"])


def test_the_modalities_are_as_large_as_the_options_say():
    found = kind(video_dropped=0.3).modalities()
    # 1,600 samples at a hop of 40 are 41 frames, 11 patches of 4.
    assert found["audio"] == {
        "type": "spectrogram",
        "mel_bins": 5,
        "frames_per_patch": 4,
        "out_channels": None,
        "num_bands": 3,
        "max_resolution": 11,
        "drop_probability": 0.2,
    }
    assert found["image"]["max_resolution"] == [2, 2, 3]
    raw = kind(sound_form="raw", samples_per_patch=100).modalities()["audio"]
    assert (raw["type"], raw["samples_per_patch"], raw["max_resolution"]) == ("audio", 100, 16)
    assert kind().modality_names == tuple(kind().modalities())


def test_a_kind_that_trusts_believes_headers_and_shares_its_cache(films):
    made = kind()
    trusting = made.trusting()
    assert (made.trusts, trusting.trusts) == (False, True)
    assert trusting.cache is made.cache
    film = read(trusting, "both.mkv", films).film
    assert made.cache.get(film.key) is None, "it was not decoded"
    fresh = kind()
    film = read(fresh, "both.mkv", films).film
    assert fresh.trusting().reader.cache.get(film.key) is not None
    assert kind(cache_megabytes=0).cache is None
    assert pickle.loads(pickle.dumps(fresh)).cache.get(film.key) is None, "other processes start with none"


def test_absent_films_are_shown_as_nothing(films):
    made = kind()
    assert read(made, None, films) is None
    assert made.show(None, {}, {}) is None
    assert made.html(None, ("video",)) == ""


def test_what_is_shown_is_the_middle_view_with_its_attention(films):
    made = kind()
    both, blind, deaf = three(made, films)
    weights = {"image": torch.arange(12.0) / 100, "audio": torch.arange(11.0) / 100}
    grids = {"image": (2, 2, 3), "audio": (11,)}
    shown = made.show(both, weights, grids)
    clip = made.reader.read(both.film, 2)
    assert np.array_equal(np.asarray(shown.picture.image), clip.frames[2].transpose(1, 2, 0))
    # The third of four frames lies in the second patch of two.
    assert shown.picture.attention.tolist() == [
        pytest.approx([0.06, 0.07, 0.08]),
        pytest.approx([0.09, 0.10, 0.11]),
    ]
    assert np.array_equal(shown.sound.waveform, clip.waveform)
    assert shown.sound.stretch == pytest.approx(0.04)
    assert made.show(blind, weights, grids).picture is None
    assert made.show(deaf, weights, grids).sound is None
    assert "<img" in made.html(shown, ("video",))
