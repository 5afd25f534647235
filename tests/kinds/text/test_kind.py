"""Texts as a kind: what is guessed and read, what the model sees, what is shown."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from perceivers.configuration import PerceiverConfig
from perceivers.data.tables import ListTable
from perceivers.errors import DataError
from perceivers.kinds.registry import guess_kind
from perceivers.kinds.text.kind import TextKind
from perceivers.kinds.text.options import TextOptions
from perceivers.kinds.text.value import TextValue
from perceivers.modalities.bag_of_ngrams import WEIGHT_UNIT
from perceivers.models.prediction import PerceiverForPrediction
from perceivers.nn.waves import wave_table
from perceivers.processors.tokenizer.byte_tokenizer import PerceiverTokenizer

# Ids of the published vocabulary: [PAD] 0, [MASK] 3, [CLS] 4, [SEP] 5, then the bytes from 6 on.
PAD, MASK, CLS, SEP = 0, 3, 4, 5


def kind_of(**chosen: Any) -> TextKind:
    return TextKind(TextOptions(**{"max_length": 13, **chosen}))


@pytest.mark.parametrize(
    ("cells", "expected"),
    [
        (["A quiet film about a loud town.", "Two friends and a boat.", "War."], "text"),
        # Names that are all different are texts, few that come again are categories.
        ([f"Ms. {chr(65 + i)}. Smith" for i in range(9)], "text"),
        (["red", "blue", "red", "blue"], "category"),
        (["1", "2.5", "3"], "number"),
        (["2024-03-01", "2024-03-02"], "date"),
        (["notes/1.txt", "notes/2.md"], "text"),
    ],
)
def test_a_column_of_texts_is_told_from_others(cells: list[str], expected: str) -> None:
    found = guess_kind("column", cells)
    assert found is not None
    assert found.name == expected


def test_what_is_no_text_is_not_guessed_to_be_one() -> None:
    assert TextKind.guess("column", [b"\xff", "a"]) == 0.0
    assert TextKind.guess("column", [{"bytes": b"", "path": "a.png"}]) == 0.0


def test_cells_hold_texts_or_name_their_files(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("in a file")
    table = ListTable([{"file": "a.txt"}], "notes", root=tmp_path)
    kind = kind_of()

    def read(row: dict[str, Any]) -> Any:
        value = kind.read(row, ("note",), table)
        return None if value is None else value.texts

    assert read({"note": "é"}) == (b"\xc3\xa9",)
    assert read({"note": b"bytes"}) == (b"bytes",)
    assert read({"note": "a.txt"}) == (b"in a file",)
    assert read({"note": {"bytes": None, "path": "a.txt"}}) == (b"in a file",)
    assert read({"note": {"bytes": b"held", "path": "a.txt"}}) == (b"held",)
    # A name of no file here is a text like any other.
    assert read({"note": "b.txt"}) == (b"b.txt",)
    # Folders of files have a column of their own.
    assert kind.read({"file": "a.txt"}, ("file",), table) == TextValue((b"in a file",))
    with pytest.raises(DataError, match=r"b\.txt` cannot be read"):
        kind.read({"file": "b.txt"}, ("file",), table)
    for empty in (None, "", " \n", float("nan"), b" ", {"bytes": None, "path": None}):
        assert read({"note": empty}) is None


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ({"one": 7, "two": "b"}, "must have a text in the column 'one', received 7"),
        ({"one": b"a\xff", "two": None}, "the text in the column 'one' is no UTF-8 text: byte 0xFF"),
        ({"one": None, "two": "b"}, "has no text in the column 'one', but a second one"),
    ],
)
def test_cells_that_are_no_texts_are_refused(row: dict[str, Any], message: str) -> None:
    with pytest.raises(DataError, match=message):
        kind_of().read(row, ("one", "two"), None)


def test_long_texts_are_cut_or_refused() -> None:
    row = {"one": "abcdefgh", "two": "vwxyz"}
    cut = kind_of().read(row, ("one", "two"), None)
    # [CLS] and two [SEP] leave 10 of 13 ids, of which the longer text gives first.
    assert cut is not None
    assert cut.texts == (b"abcde", b"vwxyz")
    assert kind_of(random_offset=4).read(row, ("one", "two"), None) == TextValue((b"abc", b"vwx"))
    with pytest.raises(
        DataError, match="has a text of 13 bytes, more than the 10 that `max_length` 13 leaves"
    ):
        kind_of(truncate=False).read(row, ("one", "two"), None)


def test_texts_vary_from_the_generator_alone() -> None:
    kind, value = kind_of(crop=0.9, hide=0.5, random_offset=3), TextValue((b"one two", b"three"))
    drawn = [kind.vary(value, np.random.default_rng(seed)) for seed in range(60)]
    assert {each.offset for each in drawn} == {0, 1, 2, 3}
    assert {b"one", b"two", b"one two"} == {each.texts[0] for each in drawn}
    assert {each.hidden[1] for each in drawn} == {(), (0, 1, 2, 3, 4)}
    assert kind.vary(value, np.random.default_rng(3)) == drawn[3]
    assert kind_of().vary(value, np.random.default_rng(0)) == TextValue(value.texts, ((), ()))


def test_a_batch_has_hidden_bytes_offsets_padding_and_absent_texts() -> None:
    values = [TextValue((b"ab", b"c"), hidden=((1,), (0,)), offset=1), TextValue((b"d", None)), None]
    given = kind_of().tensors(values)[""]
    assert given.mask is not None
    assert given.values.tolist() == [
        [PAD, CLS, 103, MASK, SEP, MASK, SEP],
        [CLS, 106, SEP, PAD, PAD, PAD, PAD],
        [PAD] * 7,
    ]
    assert given.mask.tolist() == [[False] + [True] * 6, [True] * 3 + [False] * 4, [False] * 7]


def test_a_batch_of_absent_texts_alone_is_masked() -> None:
    given = kind_of().tensors([None, None])[""]
    assert given.mask is not None
    assert given.values.tolist() == [[PAD], [PAD]]
    assert given.mask.tolist() == [[False], [False]]


@pytest.mark.parametrize("chosen", [{}, {"ngram_sizes": (2, 3), "ngram_rows": 17}])
def test_a_mixture_takes_what_the_kind_gives(chosen: dict[str, Any]) -> None:
    kind = kind_of(**chosen)
    notes = kind.modalities()[""]
    model = PerceiverForPrediction(
        PerceiverConfig(
            num_latents=3,
            d_latents=8,
            d_model=10,
            num_blocks=1,
            num_self_attends_per_block=1,
            num_self_attention_heads=2,
            num_cross_attention_heads=1,
            modalities={"notes": notes, "sizes": {"type": "number", "num_columns": 2}},
            answers={"kind": {"type": "class", "num_labels": 3}},
        )
    ).eval()
    text = model.perceiver.input_preprocessor.modalities["notes"]
    # Positions start as waves, of the size that random ones would have.
    table = text.position_embeddings.weight
    torch.testing.assert_close(table, wave_table(13, 10, model.config.initializer_range), rtol=0, atol=0)
    given = kind.tensors([TextValue((b"abc",)), None])[""]
    inputs = {"notes": given.values, "sizes": torch.zeros(2, 2)}
    said = model(inputs, {"notes": given.mask}).logits["kind"]
    prepared = model.prepare()(inputs, {"notes": given.mask}).logits["kind"]
    torch.testing.assert_close(said, prepared, rtol=1e-4, atol=1e-5)
    # An absent text says nothing: whatever stands in its place.
    inputs["notes"] = torch.where(given.mask, given.values, torch.full_like(given.values, 77))
    torch.testing.assert_close(model(inputs, {"notes": given.mask}).logits["kind"], said)


def test_positions_start_at_random_where_that_is_wanted() -> None:
    assert kind_of(position_start="random").modalities()[""]["position_start"] == "random"
    # Latents that follow the text are the task's own business.
    assert kind_of(position_start="aligned").modalities()[""]["position_start"] == "waves"


def test_what_a_text_shows_is_the_weight_of_each_byte() -> None:
    kind = kind_of()
    shown = kind.show(TextValue((b"ab", b"c")), {"": torch.tensor([9.0, 1, 2, 9, 3, 9])}, {"": (6,)})
    assert shown == {"texts": (b"ab", b"c"), "looked_at": [[1.0, 2.0], [3.0]]}
    html = kind.html(shown, ("one", "two"))
    assert html.count("<p>") == 2
    assert (kind.show(None, {}, {}), kind.html(None, ("one",))) == (None, "")


def test_the_tokenizer_is_saved_for_others(tmp_path: Path) -> None:
    kind_of().save_pretrained(tmp_path)
    tokenizer = PerceiverTokenizer.from_pretrained(tmp_path)
    assert tokenizer.model_max_length == 13
    # What it makes of a pair is what the model is trained on.
    given = kind_of().tensors([TextValue((b"ab", b"c"))])[""]
    assert tokenizer("ab", "c")["input_ids"] == given.values[0].tolist()


def test_ngrams_take_all_columns_as_one_value() -> None:
    kind = kind_of(text_reading="ngrams")
    assert (kind.gathers, kind.settles_on) == (True, None)
    assert (kind_of().gathers, kind_of().settles_on) == (False, 0)
    # Neither a length nor a first text is needed.
    row = {"one": None, "two": "a text of any length"}
    assert kind.read(row, ("one", "two"), None) == TextValue((None, b"a text of any length"))
    assert kind.read({"one": "", "two": None}, ("one", "two"), None) is None


def test_ngrams_are_those_that_training_texts_have_often_enough() -> None:
    kind = kind_of(text_reading="ngrams", ngram_words=(1,), ngram_letters=(3,), ngram_rows=997, max_length=50)
    training = [TextValue((b"a cat", b"one dog")), TextValue((b"cat", None)), TextValue((b"bird", b"dog"))]
    settled = kind.settle(training, ("one", "two"))
    given = settled.tensors([TextValue((b"Cat bird", b"mouse")), TextValue((b"dog", None)), None])[""]
    assert given.mask is None
    ids, weights = given.values.unbind(-1)
    # The words cat and dog are known, and of their letters " ca", "cat", "at ", " do", "dog", "og ": two bags a column.
    words, letters = [2, 3], [4, 5, 6, 7, 8, 9]
    (cat,), (dog,) = ids[0, 0][ids[0, 0] > 0].tolist(), ids[1, 0][ids[1, 0] > 0].tolist()
    assert sorted([cat, dog]) == words
    of_cat, of_dog = (ids[row, 1][ids[row, 1] > 0].tolist() for row in (0, 1))
    assert sorted(of_cat + of_dog) == letters
    assert (len(of_cat), len(of_dog)) == (3, 3)
    # 1 for a mouse, of which nothing is known; 0 for what is not there.
    assert ids[0, 2:].tolist() == [[1, 0, 0]] * 2
    assert ids[1, 2:].tolist() == [[0] * 3] * 2
    assert ids[2].tolist() == [[0] * 3] * 4
    # A bag's weights are of length one: all rows are in two texts, so that three have 1/sqrt(3) each.
    assert weights[0, 0].tolist() == [WEIGHT_UNIT, 0, 0]
    assert weights[0, 1].tolist() == [round(WEIGHT_UNIT / math.sqrt(3))] * 3
    assert settled.tensors([None])[""].values.tolist() == [[[[0, 0]]] * 4]
    assert settled.modalities()[""] == {
        "type": "bag_of_ngrams",
        "num_bags": 4,
        "num_rows": 8,
        "learning_rate_factor": 1.0,
        "dropout": 0.0,
    }
    again = kind.with_state(json.loads(json.dumps(settled.state())))
    assert torch.equal(again.tensors(training)[""].values, settled.tensors(training)[""].values)


@pytest.mark.parametrize("left_out", ["ngram_words", "ngram_letters"])
def test_words_or_letters_alone_are_one_bag(left_out: str) -> None:
    kind = kind_of(text_reading="ngrams", **{left_out: ()})
    settled = kind.settle([TextValue((b"a cat",)), TextValue((b"cat",))], ("one",))
    assert settled.modalities()[""]["num_bags"] == settled.num_tokens == 1
    again = kind.with_state(json.loads(json.dumps(settled.state())))
    given = again.tensors([TextValue((b"cat",))])[""].values
    assert given.shape[:2] == (1, 1)
    assert (given[..., 0] > 1).all()


def test_hidden_words_are_not_among_the_ngrams() -> None:
    kind = kind_of(text_reading="ngrams", ngram_texts=1, hide=0.5, crop=0.0)
    settled = kind.settle([TextValue((b"cat", b"dog bird"))], ("one", "two"))
    value = TextValue((None, b"dog bird"))
    seen = {settled.vary(value, np.random.default_rng(seed)).seen()[1] for seed in range(40)}
    assert seen == {b"dog bird", b"dog ", b" bird", b" "}
    drawn = TextValue((None, b"dog bird"), hidden=((0, 1, 2),))
    alone = settled.tensors([TextValue((None, b"bird"))])[""].values
    assert torch.equal(settled.tensors([drawn])[""].values, alone)


def test_ngrams_show_what_each_column_weighs() -> None:
    kind = kind_of(text_reading="ngrams").settle([TextValue((b"a", b"b"))], ("one", "two"))
    shown = kind.show(TextValue((b"a film", None)), {"": torch.tensor([0.25, 0.5, 1.0, 2.0])}, {"": (4,)})
    assert shown == [("a film", 0.75), ("", 3.0)]
    assert "<dt>one</dt>" in kind.html(shown, ("one", "two"))


def test_a_lesser_text_is_half_of_it() -> None:
    kind = TextKind(TextOptions())
    (half,) = kind.lesser(TextValue((b"abcde", None)))
    assert half.texts == (b"abc", None)
