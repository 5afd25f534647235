"""Text: byte embedding plus position, and scores by the same table."""

from __future__ import annotations

import pytest
import torch
from torch.nn import functional as F

import perceivers
from perceivers.errors import ConfigurationError, ShapeError


@pytest.fixture
def text():
    config = perceivers.PerceiverConfig(vocab_size=7, max_position_embeddings=5, d_model=3)
    torch.manual_seed(0)
    return perceivers.PerceiverTextPreprocessor(config)


IDS = torch.tensor([[1, 6, 0], [2, 2, 5]])


def test_a_token_is_its_byte_plus_its_position(text):
    tokens, sizes, embedded = text(IDS)
    bytes_, positions = text.embeddings.weight, text.position_embeddings.weight
    assert tokens.shape == (2, 3, 3)
    assert sizes is None
    assert torch.equal(tokens[1, 2], bytes_[5] + positions[2])
    assert torch.equal(embedded[0, 1], bytes_[6])
    assert (text.num_channels, text.index_dims(IDS), text.output_dims(IDS)) == (3, (3,), (3,))


def test_positions_may_be_given(text):
    bytes_, positions = text.embeddings.weight, text.position_embeddings.weight
    each = torch.tensor([[4, 4, 0], [0, 3, 1]])
    tokens, _, _ = text(IDS, pos=each)
    assert torch.equal(tokens[1, 1], bytes_[2] + positions[3])
    shared, _, _ = text(IDS, pos=each[0])
    assert torch.equal(shared[1, 1], bytes_[2] + positions[4])


@pytest.mark.parametrize(
    ("pos", "message"),
    [
        (torch.zeros(2, 3), r"`pos` must be whole numbers \[2, 3\], received \[2, 3\] of torch.float32"),
        (torch.zeros(3, 3, dtype=torch.long), r"`pos` must be whole numbers \[2, 3\], received \[3, 3\]"),
        (torch.tensor([0, 1, 5]), r"`pos` must hold positions in \[0, 4\], received positions from 0 to 5"),
        (torch.tensor([-1, 1, 3]), r"`pos` must hold positions in \[0, 4\], received positions from -1 to 3"),
    ],
)
def test_positions_that_do_not_exist_are_refused(pos, message, text):
    with pytest.raises(ShapeError, match=message):
        text(IDS, pos=pos)


def test_a_longer_text_needs_a_stretched_table(text):
    ids = torch.zeros(1, 8, dtype=torch.long)
    with pytest.raises(
        ShapeError, match=r"`inputs` must be at most 5 bytes long \(`max_position_embeddings`\), re"
    ):
        text(ids)
    tokens, _, embedded = text(ids, interpolate_pos_encoding=True)
    table = text.position_embeddings.weight.T[None]
    expected = F.interpolate(table, size=8, mode="linear", align_corners=False)[0].T
    torch.testing.assert_close(tokens - embedded, expected[None])


@pytest.mark.parametrize(
    ("ids", "message"),
    [
        (torch.tensor([[7, 3]]), r"must hold ids in \[0, 6\], received ids from 3 to 7"),
        (torch.tensor([[-1]]), r"must hold ids in \[0, 6\], received ids from -1 to -1"),
        (
            torch.tensor([1, 2]),
            r"must be ids \[batch, length\] of dtype int64, received \[2\] of torch.int64",
        ),
        (
            torch.tensor([[1.0]]),
            r"must be ids \[batch, length\] of dtype int64, received \[1, 1\] of torch.float32",
        ),
        (torch.zeros(0, 3, dtype=torch.long), r"must not be empty, received \[0, 3\]"),
        (torch.zeros(3, 0, dtype=torch.long), r"must not be empty, received \[3, 0\]"),
    ],
)
def test_ids_that_are_none_are_refused(ids, message, text):
    with pytest.raises(ShapeError, match=f"`inputs` {message}"):
        text(ids)


def test_text_lies_in_a_row(text):
    with pytest.raises(ShapeError, match="`network_input_is_1d` must be True for text, received False"):
        text(IDS, network_input_is_1d=False)


def test_short_ids_are_the_same_text(text):
    assert torch.equal(text(IDS.int())[0], text(IDS)[0])


def test_scores_are_products_with_the_table_plus_a_bias(text):
    scores = perceivers.PerceiverEmbeddingDecoder(text.config)
    with torch.no_grad():
        scores.bias.copy_(torch.arange(7.0))
    hidden = torch.randn(2, 4, 3)
    received = scores(hidden, text.embeddings)
    assert received.shape == (2, 4, 7)
    expected = (hidden[1, 3] * text.embeddings.weight[5]).sum() + 5
    torch.testing.assert_close(received[1, 3, 5], expected)


def test_tables_keep_their_rows_when_they_grow_or_shrink(text):
    rows = text.embeddings.weight.detach().clone()
    text.resize(11, std=0.5)
    assert torch.equal(text.embeddings.weight[:7], rows)
    assert 0 < text.embeddings.weight[7:].abs().max() <= 1.0
    text.resize(2, std=0.5)
    assert torch.equal(text.embeddings.weight, rows[:2])
    scores = perceivers.PerceiverEmbeddingDecoder(text.config)
    with torch.no_grad():
        scores.bias.fill_(3.0)
    scores.resize(9)
    assert scores.bias.tolist() == [3.0] * 7 + [0.0] * 2
    assert scores.vocab_size == 9


def test_ngrams_are_added_to_bytes_and_positions():
    torch.manual_seed(0)
    config = perceivers.PerceiverConfig(
        vocab_size=7, max_position_embeddings=5, d_model=3, ngram_sizes=(2, 3), ngram_rows=997
    )
    text = perceivers.PerceiverTextPreprocessor(config)
    tokens, _, embedded = text(IDS)
    assert torch.equal(embedded, text.embeddings(IDS) + text.ngrams(IDS))
    assert torch.equal(tokens, embedded + text.position_embeddings.weight[:3])
    # What stands behind a byte changes nothing of it, what stands before it does.
    other = torch.tensor([[1, 6, 4], [3, 2, 5]])
    changed = (text(other)[0] != tokens).any(dim=-1)
    assert changed.tolist() == [[False, False, True], [True, True, True]]


def test_a_text_with_ngrams_is_built_whole_in_the_prepared_form():
    torch.manual_seed(0)
    sizes = {
        "num_latents": 3, "d_latents": 8, "d_model": 6, "num_self_attends_per_block": 1, "num_self_attention_heads": 2,
        "num_cross_attention_heads": 2, "vocab_size": 31, "max_position_embeddings": 7, "decoder_num_heads": 2,
        "decoder_qk_channels": 4,
    }  # fmt: skip
    plain = perceivers.PerceiverForMaskedLM(perceivers.PerceiverConfig(**sizes)).eval()
    model = perceivers.PerceiverForMaskedLM(
        perceivers.PerceiverConfig(**sizes, ngram_sizes=(2, 3), ngram_rows=11)
    ).eval()
    prepared = model.prepare()
    ids = torch.randint(31, (2, 5), generator=torch.Generator().manual_seed(0))
    mask = torch.tensor([[1, 1, 1, 1, 1], [1, 1, 1, 0, 0]])
    expected = model(ids, mask).logits
    assert torch.allclose(prepared(inputs=ids, attention_mask=mask).logits, expected, atol=1e-5)
    assert any("n-grams make more different tokens" in reason for reason in prepared.plain_parts.values())
    assert not plain.prepare().plain_parts
    assert not any("ngrams" in key for key in plain.state_dict())


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"ngram_sizes": (2,)}, r"`ngram_sizes` and `ngram_rows` go together, received \(2,\) and None"),
        ({"ngram_rows": 7}, "`ngram_sizes` and `ngram_rows` go together, received None and 7"),
        (
            {"ngram_sizes": (2, 2), "ngram_rows": 7},
            "`ngram_sizes` must be one or more different whole numbers",
        ),
        ({"ngram_sizes": (), "ngram_rows": 7}, "`ngram_sizes` must be one or more different whole numbers"),
        (
            {"ngram_sizes": (1,), "ngram_rows": 7},
            "`ngram_sizes` must be a whole number of at least 2, received 1",
        ),
        (
            {"ngram_sizes": (2,), "ngram_rows": 0},
            "`ngram_rows` must be a whole number of at least 1, received 0",
        ),
    ],
)
def test_ngrams_without_a_meaning_are_refused(values, message):
    with pytest.raises(ConfigurationError, match=message):
        perceivers.PerceiverConfig(**values)
