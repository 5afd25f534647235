"""captcha's takes: one a character, and changed takes that are always the same."""

from __future__ import annotations

import importlib.metadata
import io

import numpy as np
import pytest

from perceivers.data.bundled import captcha_audio
from perceivers.errors import MissingExtraError


def test_each_character_has_its_one_take_to_train_with() -> None:
    parts = captcha_audio.tables()
    assert {part: len(table) for part, table in parts.items()} == {
        "train": 36,
        "validation": 144,
        "test": 432,
    }
    rows = [parts["train"][index] for index in range(36)]
    assert "".join(row["label"] for row in rows) == "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
    assert {row["sampling_rate"] for row in rows} == {8_000}
    assert parts["train"].name(10) == "captcha-characters/A"


def test_samples_are_those_that_soundfile_reads() -> None:
    soundfile = pytest.importorskip("soundfile")
    take = captcha_audio.tables()["train"][7]["audio"]
    (file,) = (
        file
        for file in importlib.metadata.files("captcha") or ()
        if str(file) == "captcha/data/7/default.wav"
    )
    expected, rate = soundfile.read(io.BytesIO(file.read_binary()), dtype="float32")
    assert rate == 8_000
    assert take.dtype == np.float32
    assert np.array_equal(take, expected)


def test_changed_takes_are_the_same_every_time_and_no_two_alike() -> None:
    first, second = captcha_audio.tables(), captcha_audio.tables()
    for part, count in (("validation", 4), ("test", 12)):
        assert first[part].column("label") == [
            character for character in captcha_audio.CHARACTERS for _ in range(count)
        ]
        for index in range(0, len(first[part]), 29):
            assert np.array_equal(first[part][index]["audio"], second[part][index]["audio"])
    contents = {row.tobytes() for table in first.values() for row in table.column("audio")}
    assert len(contents) == 36 + 144 + 432
    assert first["test"].name(12) == "captcha-characters/1, changed take 1"


def test_a_changed_take_is_a_little_faster_or_slower_and_within_full_scale() -> None:
    take = np.sin(np.arange(4_000) * 0.3).astype(np.float32)
    changed = [captcha_audio.changed_take(take, 8_000, (seed,)) for seed in range(40)]
    lengths = [len(sound) for sound in changed]
    # 4,000 / 1.25 to 4,000 * 1.25, and up to 0.15 s of silence.
    assert 3_200 <= min(lengths) < 3_500
    assert 5_000 < max(lengths) <= 6_200
    assert max(float(np.abs(sound).max()) for sound in changed) == 1.0
    assert min(float(np.abs(sound).max()) for sound in changed) < 0.5


def test_without_the_package_or_a_take_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(captcha_audio, "files", lambda name: [])
    with pytest.raises(
        MissingExtraError, match=r"captcha-characters` needs the package `captcha`.*perceivers\[samples\]"
    ):
        captcha_audio.tables()
