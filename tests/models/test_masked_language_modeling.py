"""Masked language modelling: lengths, positions asked for, the vocabulary's size, the loss."""

from __future__ import annotations

import pytest
import torch
from torch.nn import functional as F

from perceivers.errors import ShapeError

LENGTHS = [1, 4, 11]


@pytest.fixture
def model(tiny):
    return tiny("masked_lm")


def ids_of(length, batch=2):
    return torch.randint(0, 31, (batch, length))


@pytest.mark.parametrize("length", LENGTHS)
def test_a_shorter_text_is_answered_at_every_position(length, model, same):
    ids = ids_of(length)
    logits = model(ids).logits
    assert logits.shape == (2, 11, 31)
    same(model.decode(model.encode(ids), positions=torch.arange(length)), logits[:, :length])


def test_labels_of_the_texts_own_length(model):
    ids, labels = ids_of(4), ids_of(4)
    labels[0, 1:3] = -100
    output = model(ids, labels=labels)
    expected = F.cross_entropy(output.logits[:, :4].flatten(0, 1), labels.flatten())
    torch.testing.assert_close(output.loss, expected)
    with pytest.raises(ShapeError, match=r"`labels` must have shape \[2, at most 11\], received \[2, 13\]"):
        model(ids, labels=ids_of(13))
    with pytest.raises(ShapeError, match=r"`labels` must be in \[0, 30\].* from 0 to 31"):
        model(ids, labels=torch.tensor([[31, 0], [1, 2]]))


def test_a_longer_text_needs_interpolated_positions(model):
    with pytest.raises(
        ShapeError,
        match=r"`inputs` must be at most 11 bytes long \(`max_position_embeddings`\), received 17: truncate it, or",
    ):
        model(ids_of(17))
    for part in (model, model.perceiver):
        with pytest.raises(ShapeError, match="`inputs` must be at most 11 bytes long"):
            part.encode(ids_of(17))


def test_a_longer_text_is_answered_byte_by_byte(model, tiny, same):
    ids = ids_of(17)
    mask = (torch.arange(17) < torch.tensor([[17], [13]])).long()
    output = model(ids, mask, interpolate_pos_encoding=True, labels=ids)
    assert output.logits.shape == (2, 17, 31)
    torch.testing.assert_close(output.loss, F.cross_entropy(output.logits.flatten(0, 1), ids.flatten()))

    def stretched(table):
        return F.interpolate(table.T[None], size=17, mode="linear", align_corners=False)[0].T

    longer = tiny("masked_lm", max_position_embeddings=17)
    weights = model.state_dict()
    for key in (
        "perceiver.input_preprocessor.position_embeddings.weight",
        "perceiver.decoder.output_position_encodings.position_embeddings",
    ):
        weights[key] = stretched(weights[key])
    longer.load_state_dict(weights)
    same(output.logits, longer(ids, mask).logits, 1e-5)


def test_positions_of_a_longer_text_are_rows_of_the_whole(model, same):
    ids = ids_of(17)
    encoded = model.encode(ids, interpolate_pos_encoding=True)
    whole = model(ids, interpolate_pos_encoding=True).logits
    same(model.decode(encoded), whole)
    same(model.decode(encoded, chunk_size=5), whole)
    same(model.decode(encoded, positions=torch.tensor([16, 0, 11])), whole[:, [16, 0, 11]])
    queries = model.build_queries(encoded).tokens
    assert queries.shape == (2, 17, 14)
    same(model.build_queries(encoded, positions=[12]).tokens, queries[:, 12:13])


def test_a_shorter_text_may_say_that_positions_are_interpolated(model):
    ids = ids_of(5)
    assert torch.equal(model(ids, interpolate_pos_encoding=True).logits, model(ids).logits)


def test_deepminds_arithmetic_asks_nothing_of_padding(tiny, same):
    model = tiny("masked_lm", fidelity="deepmind")
    ids = ids_of(7)
    mask = (torch.arange(7) < torch.tensor([[4], [7]])).long()
    logits = model(ids, mask).logits
    encoded = model.encode(ids, mask)
    same(model.decode(encoded), logits)
    # All padding gets the same answer, whatever its position.
    assert torch.allclose(logits[0, 4:], logits[0, 4], atol=1e-6)
    assert (logits[0, :4] - logits[0, 4]).abs().amax(dim=-1).min() > 1e-3
    same(model.decode(encoded, positions=[2, 5, 10]), logits[:, [2, 5, 10]])
    each = torch.tensor([[4, 3], [6, 8]])
    same(model.decode(encoded, positions=each), torch.stack([logits[0, [4, 3]], logits[1, [6, 8]]]))
    transformers = tiny("masked_lm")
    answers = transformers(ids, mask).logits
    assert (answers[0, 4:] - answers[0, 4]).abs().amax() > 1e-3


def test_more_ids_keep_the_old_ones(model, same):
    ids = ids_of(11)
    before = model(ids).logits
    table = model.resize_token_embeddings(37)

    assert table is model.perceiver.input_preprocessor.embeddings
    after = model(ids).logits
    assert after.shape == (2, 11, 37)
    same(after[..., :31], before)
    assert model.config.vocab_size == 37
    assert model(torch.full((1, 2), 36)).logits.shape == (1, 11, 37)
    bias = model.embedding_decoder.bias
    assert bias.shape == (37,)
    assert not bias[31:].any()
    new_rows = model.perceiver.input_preprocessor.embeddings.weight[31:]
    assert 0 < new_rows.abs().max() <= 2 * 0.02
    model(ids, labels=torch.full((2, 11), 36)).loss.backward()
    assert bias.grad[36] != 0


def test_fewer_ids_keep_the_first_ones(model, same):
    ids = torch.randint(0, 13, (2, 11))
    before = model(ids).logits
    model.resize_token_embeddings(13)
    same(model(ids).logits, before[..., :13])
    with pytest.raises(ShapeError, match=r"`inputs` must hold ids in \[0, 12\], received ids from 13 to 13"):
        model(torch.full((1, 2), 13))
    with pytest.raises(ShapeError, match="`new_num_tokens` must be at least 1, received 0"):
        model.resize_token_embeddings(0)


def test_resized_weights_are_saved_and_loaded(model, tiny_config, tmp_path, same):
    ids = ids_of(11)
    model.resize_token_embeddings(37)
    model.save_pretrained(tmp_path)
    loaded = type(model).from_pretrained(tmp_path)
    assert loaded.config.vocab_size == 37
    same(loaded(ids).logits, model(ids).logits)


def test_inputs_are_given_once(model):
    with pytest.raises(
        ShapeError, match="give `inputs` or `input_ids`, not both: they are the same argument"
    ):
        model(ids_of(3), input_ids=ids_of(3))
    with pytest.raises(ShapeError, match=r"`inputs` \(or `input_ids`\) must be given, received None"):
        model()


def test_only_the_positions_asked_for_are_decoded(model, same):
    ids = ids_of(7)
    mask = torch.tensor([[1] * 7, [1] * 5 + [0] * 2])
    positions = torch.tensor([[0, 5, 2], [4, 1, 1]])
    whole = model(ids, mask).logits
    rows = torch.arange(2)[:, None]
    output = model(ids, mask, positions=positions, labels=ids[rows, positions], output_attentions=True)
    same(output.logits, whole[rows, positions])
    expected = F.cross_entropy(whole[rows, positions].flatten(0, 1), ids[rows, positions].flatten())
    torch.testing.assert_close(output.loss, expected)
    assert output.cross_attentions[1].shape[2] == 3
    same(model(ids, positions=torch.tensor([3, 6])).logits, model(ids).logits[:, [3, 6]])
    same(model.prepare()(ids, mask, positions=positions).logits, whole[rows, positions])


def test_scores_are_the_linear_head_that_it_says(model, same):
    ids = ids_of(4)
    head = model.linear_head()
    answers = model.perceiver(ids).logits
    same(F.linear(answers, head.mapped.weight, head.mapped.bias), model(ids).logits)
    assert dict(model.named_children())[head.child] is model.embedding_decoder
    assert model.answers_positions
