"""Options that only some forms of an input have: every kind says which, the form follows them, and none is without effect."""

from __future__ import annotations

import dataclasses
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from PIL import Image

from perceivers.data.tables import ListTable
from perceivers.errors import ConfigurationError
from perceivers.kinds.forms import forms_meant, require_effect, values_of_form
from perceivers.kinds.image.kind import ImageKind
from perceivers.kinds.points.kind import PointsKind
from perceivers.kinds.series.kind import SeriesKind
from perceivers.kinds.sound.kind import SoundKind
from perceivers.kinds.text.kind import TextKind
from perceivers.kinds.video.kind import VideoKind
from perceivers.tasks.audio_classification.options import AudioClassificationArguments
from perceivers.tasks.choosing import options_of, with_inputs
from perceivers.tasks.image_classification.options import ImageClassificationArguments
from perceivers.tasks.series_classification.options import SeriesClassificationArguments
from perceivers.tasks.text_classification.options import TextClassificationArguments

KINDS = (ImageKind, SoundKind, VideoKind, TextKind, SeriesKind, PointsKind)
FORMS = {"shape": {"round": ("radius", "hue"), "square": ("side", "hue"), "flat": ()}}


@dataclasses.dataclass(frozen=True)
class Shape:
    shape: str = "flat"
    radius: int = 3
    side: int = 5
    hue: int = 7


USUAL = dataclasses.asdict(Shape())


@pytest.mark.parametrize(
    ("chosen", "meant"),
    [
        ({}, {}),
        ({"side": 2}, {"shape": "square"}),
        ({"hue": 2}, {"shape": "round"}),
        ({"hue": 2, "side": 11}, {"shape": "square"}),
        ({"side": 2, "radius": 2}, {}),
        ({"side": 2, "shape": "round"}, {}),
    ],
)
def test_who_gives_an_option_means_the_first_form_that_has_all_that_are_given(chosen, meant):
    assert forms_meant(FORMS, chosen, {"shape": "flat"}) == meant


def test_what_is_not_given_has_the_value_of_its_form():
    given = SimpleNamespace(widths=None, blocks=0, other=7)
    assert values_of_form(given, {"widths": (3, 5), "blocks": 2}) == {"widths": (3, 5), "blocks": 0}


def test_an_advised_form_that_has_the_option_stays():
    assert forms_meant(FORMS, {"hue": 2}, {"shape": "square"}) == {}
    assert forms_meant(FORMS, {"side": 2}, {}) == {}


def test_an_option_that_the_form_lacks_is_named_unless_it_is_as_usual():
    require_effect(FORMS, Shape(), USUAL)
    require_effect(FORMS, Shape("round", radius=11, hue=13), USUAL)
    with pytest.raises(
        ConfigurationError,
        match="`hue` is for `shape` round or square, received 2 with 'flat': leave it out, or take `--shape round`",
    ):
        require_effect(FORMS, Shape(hue=2), USUAL)
    with pytest.raises(ConfigurationError, match="`side` is for `shape` square, received 2 with 'round'"):
        require_effect(FORMS, Shape("round", side=2), USUAL)


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_names_options_that_it_has_and_all_its_forms(kind: Any) -> None:
    usual = kind.options_class()
    assert kind.forms_of_input
    for option, own in kind.forms_of_input.items():
        assert getattr(usual, option) in own
        for form, names in own.items():
            assert all(hasattr(usual, name) for name in names)
            dataclasses.replace(usual, **{option: form})


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_advised_together_has_an_effect_whatever_form_is_chosen(kind: Any) -> None:
    usual = kind.options_class()
    for option, own in kind.forms_of_input.items():
        for advised in own:
            changed = {name: object() for name in own[advised]}
            values = {**dataclasses.asdict(usual), **changed, option: advised}
            for form in own:
                suiting = kind.suiting({option: form}, values)
                kept = {name for name in changed if suiting.get(name) is changed[name]}
                assert form == advised or kept <= set(own[form])


def table_of(column: str, cells: list[Any]) -> ListTable:
    return ListTable([{column: cell} for cell in cells], "cells")


def read(arguments: Any, kind: Any, column: str, cells: list[Any]) -> Any:
    found = with_inputs(
        arguments, "any", kind, table=table_of(column, cells), column=column, num_rows=len(cells), start=None
    )
    return options_of(kind, found)


def test_the_number_of_bytes_of_a_text_chooses_bytes_and_words_choose_words():
    texts = ["a cat", "the dog sat", "two hens"] * 5
    given = TextClassificationArguments
    assert read(given(), TextKind, "text", texts).text_reading == "ngrams"
    chosen = read(given(max_length=23), TextKind, "text", texts)
    assert (chosen.text_reading, chosen.max_length) == ("bytes", 23)
    assert read(given(ngram_words=(1,)), TextKind, "text", texts).text_reading == "ngrams"
    with pytest.raises(
        ConfigurationError, match="`max_length` is for `text_reading` bytes, received 23 with 'ngrams'"
    ):
        read(given(text_reading="ngrams", max_length=23), TextKind, "text", texts)


def test_patches_of_a_series_are_seen_beside_its_patterns():
    series = [np.sin(np.arange(31) + shift)[:, None].astype(np.float32) for shift in range(11)]
    given = SeriesClassificationArguments
    assert read(given(), SeriesKind, "series", series).tokens == "patterns"
    assert read(given(steps_per_patch=3), SeriesKind, "series", series).tokens == "both"
    with pytest.raises(
        ConfigurationError, match="`outline_steps` is for `tokens` both or patterns, received 5 with 'steps'"
    ):
        read(given(tokens="steps", outline_steps=5), SeriesKind, "series", series)


def test_a_stem_is_meant_where_its_channels_are_given_and_refused_where_there_is_none():
    pictures = [Image.fromarray(np.full((40, 40, 3), 20 * index, np.uint8)) for index in range(7)]
    given = ImageClassificationArguments
    chosen = read(given(pixel_channels=5), ImageKind, "image", pictures)
    assert (chosen.input_form, chosen.pixel_channels, chosen.stem_widths) == ("learned", 5, None)
    assert read(given(stem_widths=(5, 7)), ImageKind, "image", pictures).input_form == "stem"
    with pytest.raises(
        ConfigurationError, match=r"`stem_widths` is for `input_form` stem, received .* with 'fourier'"
    ):
        read(given(size="usual", stem_widths=(5, 7)), ImageKind, "image", pictures)


def test_raw_sound_has_no_bands(tmp_path):
    soundfile = pytest.importorskip("soundfile")
    for index in range(5):
        soundfile.write(tmp_path / f"{index}.wav", np.random.default_rng(index).normal(size=800), 1_000)
    sounds = [str(tmp_path / f"{index}.wav") for index in range(5)]
    given = AudioClassificationArguments
    assert read(given(), SoundKind, "audio", sounds).input_form == "stem"
    assert read(given(frames_per_patch=3), SoundKind, "audio", sounds).input_form == "log-mel"
    assert read(given(samples_per_patch=10), SoundKind, "audio", sounds).input_form == "raw"
    with pytest.raises(
        ConfigurationError, match="`num_mel_bins` is for `input_form` log-mel or stem, received 5 with 'raw'"
    ):
        read(given(input_form="raw", num_mel_bins=5), SoundKind, "audio", sounds)
