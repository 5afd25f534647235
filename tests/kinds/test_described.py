"""What a value is to the model, in a few words, and in how many tokens: counts are worked out by hand."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from perceivers.kinds.base import Kind, as_tokens, counted
from perceivers.kinds.category.kind import CategoryKind
from perceivers.kinds.category.options import CategoryOptions
from perceivers.kinds.date.kind import DateKind
from perceivers.kinds.date.options import DateOptions
from perceivers.kinds.entities.kind import EntitiesKind
from perceivers.kinds.entities.options import EntityOptions
from perceivers.kinds.image.kind import ImageKind
from perceivers.kinds.image.options import ImageOptions
from perceivers.kinds.number.kind import NumberKind
from perceivers.kinds.number.options import NumberOptions
from perceivers.kinds.points.kind import PointsKind
from perceivers.kinds.points.options import PointOptions
from perceivers.kinds.series.kind import SeriesKind
from perceivers.kinds.series.options import SeriesOptions
from perceivers.kinds.sound.kind import SoundKind
from perceivers.kinds.sound.options import SoundOptions
from perceivers.kinds.text.kind import TextKind
from perceivers.kinds.text.options import TextOptions
from perceivers.kinds.video.kind import VideoKind
from perceivers.kinds.video.options import VideoOptions

NUMBERS = np.zeros((11, 5))
CASES: list[tuple[Kind, int | None, str]] = [
    # Every pixel is one.
    (
        ImageKind(ImageOptions(image_height=7, image_width=11, image_channels=1)),
        77,
        "7 x 11 pixels grey as 77 tokens",
    ),
    # A stem of two layers leaves a sixteenth of each side, rounded up: 2 x 3.
    (
        ImageKind(ImageOptions(input_form="conv", num_stem_layers=2, image_height=28, image_width=44)),
        6,
        "28 x 44 pixels in colour as 6 tokens",
    ),
    # 1 + 1,600 / 160 frames, two of them a token.
    (
        SoundKind(SoundOptions(clip_seconds=0.1, frames_per_patch=2)),
        6,
        "0.1 s at 16,000 Hz in 64 bands as 6 tokens",
    ),
    # Whole patches of 128 samples: 13 hold 1,600.
    (
        SoundKind(SoundOptions(clip_seconds=0.1, input_form="raw")),
        13,
        "0.1 s at 16,000 Hz as 13 tokens",
    ),
    (
        SoundKind(SoundOptions(clip_seconds=None, sampling_rate=8_000, num_mel_bins=40)),
        None,
        "sounds of any length at 8,000 Hz in 40 bands",
    ),
    (TextKind(TextOptions(max_length=37)), 37, "up to 37 bytes of text, a token each"),
    (
        TextKind(TextOptions(text_reading="ngrams")),
        2,
        "words and runs of letters of texts of any length as 2 tokens",
    ),
    # 29 steps, three a token.
    (
        SeriesKind(SeriesOptions(steps_per_patch=3), num_channels=12, longest=29),
        10,
        "up to 29 steps of 12 channels as 10 tokens",
    ),
    (
        PointsKind(PointOptions(num_points=40), num_coordinates=2, num_features=1),
        40,
        "up to 40 points of 2 coordinates and 1 feature, a token each",
    ),
    (EntitiesKind(EntityOptions(max_entities=30)), 30, "up to 30 entities, a token each"),
    # 4 pairs of frames of 8 x 8 patches; 1 + 16,000 / 160 frames, four a token.
    (
        VideoKind(VideoOptions()),
        256 + 26,
        "8 pictures of 32 x 32 pixels, 8 a second, as 256 tokens; their sound at 16,000 Hz as 26 tokens",
    ),
    (NumberKind(NumberOptions(), quantiles=NUMBERS), 5, "numbers as 5 tokens"),
    (DateKind(DateOptions(), quantiles=NUMBERS[:, :3]), 3, "dates as 3 tokens"),
    (CategoryKind(CategoryOptions(), vocabularies=(("a",), ("b", "c"))), 2, "categories as 2 tokens"),
]


@pytest.mark.parametrize(("kind", "num_tokens", "said"), CASES, ids=lambda case: getattr(case, "name", None))
def test_a_value_is_described_in_a_few_words(kind: Kind, num_tokens: int | None, said: str) -> None:
    assert kind.num_tokens == num_tokens
    assert kind.described() == said


def test_what_is_not_known_yet_is_not_said() -> None:
    assert SeriesKind(SeriesOptions()).described() == "1 channel"
    assert replace(CASES[11][0], quantiles=None).described() == "numbers"  # type: ignore[call-arg]


def test_counts_have_their_plural() -> None:
    assert [counted(1, "token"), counted(1_024, "token"), counted(2, "pass", "passes")] == [
        "1 token", "1,024 tokens", "2 passes",
    ]  # fmt: skip
    assert as_tokens(None) == ""


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        # [CLS] and [SEP] leave 6 of 8 ids.
        ({"max_length": 8}, [False, True]),
        ({"max_length": 9, "random_offset": 1}, [False, True]),
        ({"max_length": 9}, [False, False]),
        ({"max_length": 8, "text_reading": "ngrams"}, [False, False]),
    ],
)
def test_a_text_is_cut_where_its_bytes_are_more_than_the_ids(
    options: dict[str, Any], expected: list[bool]
) -> None:
    kind = TextKind(TextOptions(**options))
    rows = [{"text": "sechsb"}, {"text": "sieben!"}]
    assert [kind.is_cut(row, ("text",), None) for row in rows] == expected
    assert not ImageKind(ImageOptions()).is_cut({}, (), None)


def test_what_belongs_to_another_choice_than_the_users_is_not_advised() -> None:
    advised = {"input_form": "conv", "num_stem_layers": 2, "image_height": 28}
    assert ImageKind.suiting({"input_form": "fourier"}, advised) == {"input_form": "conv", "image_height": 28}
    assert ImageKind.suiting({"input_form": "conv"}, advised) == advised
    assert ImageKind.suiting({}, advised) == advised
