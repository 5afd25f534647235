"""Sounds from rows to the model's input and back to what people look at."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from perceivers.configuration import PerceiverConfig
from perceivers.data.tables import ListTable
from perceivers.errors import DataError
from perceivers.kinds.registry import guess_kind
from perceivers.kinds.sound.kind import SoundKind
from perceivers.kinds.sound.options import SoundOptions
from perceivers.kinds.sound.value import Sound
from perceivers.models.prediction import PerceiverForPrediction

RATE = 1_000
SMALL: dict[str, Any] = {
    "sampling_rate": RATE,
    "num_mel_bins": 7,
    "window_milliseconds": 64.0,
    "hop_milliseconds": 10.0,
    "frames_per_patch": 3,
}


def kind(**chosen: Any) -> SoundKind:
    return SoundKind(SoundOptions(**{**SMALL, **chosen}))


def sound(length: int, seed: int = 0) -> Sound:
    generator = np.random.default_rng(seed)
    return Sound(generator.uniform(-0.5, 0.5, length).astype(np.float32))


def read(made: SoundKind, **row: Any) -> Sound | None:
    return made.read(row, ("audio",), ListTable([row], "sounds.csv"))


@pytest.mark.parametrize(
    ("name", "cells"),
    [
        ("take", ["a.wav", "b.FLAC"]),
        ("x", [b"fLaC and more", b"RIFF1234WAVEfmt "]),
        ("x", [{"bytes": b"OggS and more", "path": None}, {"bytes": None, "path": "far/a.mp3"}]),
        ("x", [{"array": [0.0, 0.5], "sampling_rate": 8_000}]),
        ("audio", [np.zeros(9, dtype=np.float32), np.zeros((2, 5))]),
    ],
)
def test_sounds_are_known_by_their_cells(name: str, cells: list[Any]) -> None:
    assert guess_kind(name, cells) is SoundKind


@pytest.mark.parametrize(
    ("name", "cells"),
    [
        ("audio", ["a.wav", "a song about wav files"]),
        ("audio", [3, 4]),
        ("steps", [np.zeros(9)]),
        ("audio", [np.zeros(9, dtype=np.int64)]),
        ("audio", [b"\x89PNG\r\n\x1a\n"]),
    ],
)
def test_other_columns_are_not_taken_for_sound(name: str, cells: list[Any]) -> None:
    assert SoundKind.guess(name, cells) == 0.0


def test_samples_are_read_at_the_rate_of_their_row_and_empty_cells_are_absent() -> None:
    value = read(kind(), audio=sound(200).waveform, sampling_rate=2_000)
    assert value is not None
    assert len(value.waveform) == 100
    assert read(kind(), audio=None) is None
    assert read(kind(), audio="  ") is None
    with pytest.raises(
        DataError,
        match=r"samples need their rate in Hz, received none: .* of their row",
    ):
        read(kind(), audio=sound(200).waveform)


def test_energies_are_brought_to_mean_zero_and_spread_one_over_the_training_sounds() -> None:
    given = [sound(105), sound(233, 1)]
    made = kind(clip_seconds=None).settle(given, ("audio",))
    values = torch.cat([made.tensors([each])[""].values.flatten() for each in given])
    assert float(values.mean()) == pytest.approx(0.0, abs=1e-4)
    assert float(values.std(correction=0)) == pytest.approx(1.0, abs=1e-4)
    again = made.settle(given, ("audio",))
    assert (again.mean, again.std) == (made.mean, made.std), "its own scale does not count"
    raw = kind(input_form="raw")
    assert raw.settle(given, ("audio",)) == raw
    assert kind().settle([Sound(np.zeros(100, dtype=np.float32))], ("audio",)).std == 1.0, (
        "silence has no spread"
    )


def test_what_is_learned_is_kept() -> None:
    made = kind().settle([sound(105)], ("audio",))
    assert kind().with_state(made.state()) == made


def test_a_long_sound_is_looked_at_in_several_clips_and_what_training_cut_in_one() -> None:
    made = kind(clip_seconds=0.1, evaluation_clips=3)
    value = sound(205)
    views = made.views(value)
    assert [np.flatnonzero(value.waveform == view.waveform[0])[0] for view in views] == [0, 52, 105]
    assert {len(view.waveform) for view in views} == {100}
    assert len(made.views(made.vary(value, np.random.default_rng(0)))) == 1
    assert len(made.views(sound(99))) == 1
    middle = made.tensors([value])[""].values
    assert torch.equal(middle, made.tensors([views[1]])[""].values), "uncut, the middle"


@pytest.mark.parametrize("form", ["log-mel", "raw", "stem"])
@pytest.mark.parametrize("seconds", [0.1, None])
def test_absent_sounds_count_for_nothing(form: str, seconds: float | None) -> None:
    made = kind(
        input_form=form,
        clip_seconds=seconds,
        samples_per_patch=20,
        num_mel_bins=8,
        stem_widths=(5, 7),
        stem_blocks=0,
    )
    config = PerceiverConfig(
        num_latents=3, d_latents=8, num_blocks=1, num_self_attends_per_block=1, num_self_attention_heads=2,
        num_cross_attention_heads=1, modalities={"take": made.modalities()[""]}, answers={"x": {"type": "number"}},
    )  # fmt: skip
    model = PerceiverForPrediction(config).eval()

    def said(values: list[Sound | None]) -> torch.Tensor:
        given = made.tensors(values)[""]
        mask = None if given.mask is None else {"take": given.mask}
        with torch.no_grad():
            return model({"take": given.values}, attention_mask=mask).logits["x"]

    both, first = said([sound(103), None]), said([sound(103)])
    assert torch.allclose(both[:1], first, atol=1e-5)
    nobody = said([None, None])
    assert torch.allclose(nobody, both[1:].expand(2), atol=1e-6)
    assert torch.isfinite(nobody).all()
    assert not torch.allclose(nobody[:1], first, atol=1e-5)


def test_all_absent_is_one_patch_that_is_masked() -> None:
    given = kind().tensors([None, None])[""]
    assert given.values.shape == (2, 1, 7)
    assert given.mask is not None
    assert given.mask.tolist() == [False, False]
    raw = kind(input_form="raw", samples_per_patch=20).tensors([None])[""]
    assert raw.values.shape == (1, 20, 1)


def test_what_is_hidden_of_one_sound_is_its_own() -> None:
    made = kind(clip_seconds=None)
    plain = [sound(205), sound(105, 1)]
    half, none = np.array([[0.0, 0.5]]), np.zeros((0, 2))
    hidden = [plain[0], Sound(plain[1].waveform, half, none)]
    before, after = (made.tensors(values)[""].values for values in (plain, hidden))
    assert torch.equal(before[0], after[0])
    # 105 samples at a hop of 10 are 11 frames; half of them are rounded to 6 (5.5, to even).
    assert not after[1, :6].any()
    assert torch.equal(before[1, 6:], after[1, 6:])


def test_attention_lies_over_the_clip_in_the_middle() -> None:
    made = kind(clip_seconds=0.1)
    weights = torch.tensor([0.1, 0.2, 0.3, 0.4])
    shown = made.show(sound(300), {"": weights}, {"": (4,)})
    assert shown is not None
    assert shown.weights.tolist() == pytest.approx(weights.tolist())
    assert (shown.begin, shown.stretch, shown.seconds) == pytest.approx((0.1, 0.03, 0.3))
    two_axes = made.show(sound(300), {"": weights}, {"": (2, 2)})
    assert two_axes is not None
    assert two_axes.weights.tolist() == pytest.approx([0.3, 0.7])
    short = made.show(sound(60), {"": weights}, {"": (4,)})
    assert short is not None
    assert short.begin == pytest.approx(-0.02), "20 samples of silence stand before it"
    assert made.show(None, {}, {}) is None
    assert made.html(None, ("audio",)) == ""


def test_a_path_belongs_to_its_table(tmp_path: Path) -> None:
    soundfile = pytest.importorskip("soundfile")
    soundfile.write(tmp_path / "a.wav", sound(105).waveform, RATE, subtype="FLOAT")
    row = {"audio": "a.wav"}
    value = kind().read(row, ("audio",), ListTable([row], "x", root=tmp_path))
    assert value is not None
    assert np.allclose(value.waveform, sound(105).waveform)


def test_silence_around_a_sound_is_cut_off_where_that_is_asked_for() -> None:
    samples = np.zeros(2_000, dtype=np.float32)
    samples[1_000:1_200] = 0.5
    row = {"audio": samples.tolist(), "sampling_rate": RATE}
    whole, cut = read(kind(), **row), read(kind(trim_decibels=50.0), **row)
    assert whole is not None
    assert cut is not None
    # 50 ms are left on both sides.
    assert (len(whole.waveform), len(cut.waveform)) == (2_000, 300)


def test_advice_for_sounds_does_not_count_the_silence_around_them() -> None:
    samples = np.zeros(60_000, dtype=np.float32)
    samples[40_000:43_900] = 0.5
    cells = [{"array": samples, "sampling_rate": 8_000}]
    table = ListTable([{"audio": cells[0]}], "sounds.csv")
    options = SoundKind.advise([*cells, "absent.wav"], table, 100, 0.0)
    # 487.5 ms and 50 ms on both sides, to the next 50 ms.
    assert options.clip_seconds == pytest.approx(0.6)
    whole = SoundKind.advise(cells, table, 100, 0.0, {"trim_decibels": None})
    assert (
        whole.clip_seconds
        == SoundKind.advise([{**cells[0], "array": samples + 0.5}], table, 100, 0.0).clip_seconds
    )
    made = SoundKind(options)
    assert made.learning(100).batch_size == 12
    # 600 ms are 61 frames: 4 tokens of 16 in time, 40 bands 3.
    assert made.num_tokens == 4 * 3


@pytest.mark.parametrize(
    ("changed", "tokens"),
    [
        ({"clip_seconds": None}, None),
        ({"clip_seconds": 1.0}, 34),
        ({"clip_seconds": 1.0, "num_mel_bins": 6, "bins_per_patch": 2}, 34 * 3),
        ({"clip_seconds": 1.0, "input_form": "raw", "samples_per_patch": 100}, 10),
    ],
)
def test_tokens_of_a_clip_are_counted(changed: dict[str, Any], tokens: int | None) -> None:
    assert kind(**changed).num_tokens == tokens
