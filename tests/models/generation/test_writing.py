"""Writing on: caches against calls anew at every limit of length, prompts side by side, ends, streams, chance, mistakes."""

from __future__ import annotations

import pytest
import torch

from perceivers.errors import ConfigurationError, ShapeError


def close(received, expected, tolerance=1e-5):
    torch.testing.assert_close(received, expected, atol=tolerance, rtol=tolerance)


def prompts_of(length, batch=2):
    return torch.randint(0, 31, (batch, length), generator=torch.Generator().manual_seed(length))


# Below, at and above 5 latents and 13 tokens.
@pytest.mark.parametrize(
    ("length", "positions"),
    [*((length, "rotary") for length in (1, 5, 6, 13, 29)), (12, "sinusoidal"), (14, "learned")],
)
def test_the_exact_cache_is_equal_to_running_anew_for_every_token(length, positions, writer):
    model = writer(positions)
    for stride in (1, 4):
        asked = {"max_new_tokens": 13, "stride": stride, "keep_logits": True}
        anew = model.generate(prompts_of(length), cache="none", **asked)
        kept = model.generate(prompts_of(length), cache="exact", **asked)
        assert kept.sequences.tolist() == anew.sequences.tolist()
        close(kept.logits, anew.logits)
        close(kept.log_probs, anew.log_probs)


@torch.no_grad()
def test_a_stride_of_one_is_the_models_definition(writer):
    model = writer()
    written = model.generate(prompts_of(3), 19, stride=1, keep_logits=True)
    for step in range(19):
        seen = written.sequences[:, max(3 + step - 13, 0) : 3 + step]
        close(written.logits[:, step], model(seen).logits[:, -1])


@torch.no_grad()
def test_a_longer_stride_looks_at_fewer_latents_and_inputs_for_a_while(writer):
    model = writer()
    written = model.generate(prompts_of(3), 19, stride=4, keep_logits=True)
    looks = [(3, 3), (4, 4), (5, 5), (6, 2), (7, 3), (8, 4), (9, 5), (10, 2), (11, 3), (12, 4), (13, 5)]
    looks += [(10, 2), (11, 3), (12, 4), (13, 5), (10, 2), (11, 3), (12, 4), (13, 5)]
    for step, (num_inputs, num_latents) in enumerate(looks):
        seen = written.sequences[:, 3 + step - num_inputs : 3 + step]
        close(written.logits[:, step], model(seen, num_latents=num_latents).logits[:, -1])


@pytest.mark.parametrize("length", [2, 13, 20])
def test_the_sliding_cache_is_equal_until_something_has_gone(length, writer):
    model = writer()
    asked = {"max_new_tokens": 30, "keep_logits": True}
    anew = model.generate(prompts_of(length), cache="none", stride=1, **asked)
    kept = model.generate(prompts_of(length), cache="sliding", **asked)
    equal = max(5 - length, 0) + 1
    close(kept.logits[:, :equal], anew.logits[:, :equal])
    assert float((kept.logits[:, equal:] - anew.logits[:, equal:]).abs().max()) > 1e-3
    assert bool(torch.isfinite(kept.logits).all())


def test_the_sliding_cache_needs_positions_without_an_end(writer):
    for positions in ("sinusoidal", "learned"):
        model = writer(positions)
        assert model.generate(prompts_of(3), 10, cache="sliding").sequences.shape == (2, 13)
        with pytest.raises(
            ConfigurationError,
            match=rf"`cache` must be 'exact' where {positions} positions end: a prompt of 3 and `max_new_tokens` 11",
        ):
            model.generate(prompts_of(3), 11, cache="sliding")


@pytest.mark.parametrize("cache", ["exact", "sliding", "none"])
def test_prompts_of_unequal_length_are_written_on_as_each_alone(cache, writer):
    model = writer()
    long, short = prompts_of(4, 1), prompts_of(2, 1)
    for places in ([2, 3], [0, 1], [0, 3]):
        row, mask = torch.full((1, 4), 7), torch.zeros(1, 4)
        row[:, places], mask[:, places] = short, 1
        # No limit is met: the longest has 4 + 1 tokens at the last look.
        together = model.generate(
            torch.cat([long, row]),
            2,
            attention_mask=torch.cat([torch.ones(1, 4), mask]),
            cache=cache,
            keep_logits=True,
        )
        for index, prompt in enumerate((long, short)):
            alone = model.generate(prompt, 2, cache=cache, keep_logits=True)
            assert together.new_ids(index) == alone.new_ids(0)
            close(together.logits[index], alone.logits[0])


@pytest.mark.parametrize("stride", [1, 2, 5])
def test_padding_stays_exact_beyond_the_limits(stride, writer):
    model = writer()
    mask = torch.tensor([[0, 0, 0, 1, 1, 1], [1, 1, 1, 1, 1, 1]])
    asked = {"max_new_tokens": 20, "attention_mask": mask, "stride": stride, "keep_logits": True}
    anew = model.generate(prompts_of(6), cache="none", **asked)
    kept = model.generate(prompts_of(6), cache="exact", **asked)
    close(kept.logits, anew.logits)


def test_a_seed_draws_the_same_whatever_stands_beside_it(writer):
    model = writer()
    prompts = prompts_of(4, 3)
    asked = {"temperature": 1.3, "top_k": 20, "seed": 5}
    first = model.generate(prompts, 9, **asked).sequences
    assert first.tolist() == model.generate(prompts, 9, **asked).sequences.tolist()
    assert first[:1].tolist() == model.generate(prompts[:1], 9, **asked).sequences.tolist()
    others = [model.generate(prompts, 9, **{**asked, "seed": seed}).sequences for seed in (6, 7)]
    assert all(other.tolist() != first.tolist() for other in others)
    state = torch.get_rng_state()
    model.generate(prompts, 2, **asked)
    assert torch.equal(state, torch.get_rng_state())


def test_texts_end_at_stop_sequences_and_padding_follows(writer):
    model = writer()
    prompts = prompts_of(4)
    free = model.generate(prompts, 12)
    first = free.new_ids(0)
    stop = first[3:5]
    written = model.generate(prompts, 12, stop=[stop, 30 if 30 not in first else 29], pad_token_id=3)
    at = next(index for index in range(1, 12) if first[index - 1 : index + 1] == stop)
    assert written.new_ids(0) == first[: at + 1]
    assert bool(written.is_stopped[0])
    assert written.sequences[0, 4 + at + 1 :].tolist() == [3] * (written.log_probs.shape[1] - at - 1)
    assert not written.log_probs[0, at + 1 :].any()
    # What the prompt holds ends nothing; when all have ended, nothing is computed any more.
    assert model.generate(prompts, 5, stop=[prompts[0].tolist()]).num_new.tolist() == [5, 5]
    one = model.generate(prompts[:1], 12, stop=[first[0]])
    assert one.sequences.shape == (1, 5)


def test_repeated_and_suppressed_ids_are_avoided(writer):
    model = writer()
    prompts = prompts_of(4)
    best = model.generate(prompts, 1).new_ids(0)[0]
    assert model.generate(prompts, 1, suppress=[best]).new_ids(0)[0] != best
    written = model.generate(prompts, 12, repetition_penalty=1e6)
    assert len(set(written.sequences[0].tolist())) == 4 + 12
    log_prob = model.generate(prompts, 1, keep_logits=True)
    expected = torch.log_softmax(log_prob.logits[:, 0], -1).amax(-1)
    close(log_prob.log_probs[:, 0], expected)


def test_a_streamer_hears_prompts_then_steps_then_the_end(writer):
    heard = []

    class Listener:
        def put(self, value):
            heard.append(value.tolist())

        def end(self):
            heard.append("end")

    prompts = prompts_of(4)
    written = writer().generate(prompts, 3, streamer=Listener())
    assert heard == [prompts.tolist(), *written.sequences[:, 4:].T.tolist(), "end"]


def test_training_mode_is_left_as_it_was(writer):
    model = writer()
    prompts = prompts_of(4)
    expected = model.generate(prompts, 3).sequences.tolist()
    model.train()
    try:
        assert model.generate(prompts, 3).sequences.tolist() == expected
        assert model.training
    finally:
        model.eval()
    assert model.prepare().generate(prompts, 3).sequences.tolist() == expected


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"max_new_tokens": 0}, "`max_new_tokens` must be a whole number of at least 1, received 0"),
        ({"max_new_tokens": 2.5}, "`max_new_tokens` must be a whole number of at least 1, received 2.5"),
        ({"seed": 1.5}, "`seed` must be a whole number, received 1.5"),
        ({"temperature": -1.0}, "`temperature` must be at least 0, received -1.0"),
        ({"top_k": 0}, "`top_k` must be a whole number of at least 1, received 0"),
        ({"top_k": 2.5}, "`top_k` must be a whole number of at least 1, received 2.5"),
        ({"top_p": 0.0}, r"`top_p` must be in \(0, 1\], received 0.0"),
        ({"repetition_penalty": 0.0}, "`repetition_penalty` must be above 0, received 0.0"),
        ({"cache": "fixed"}, "`cache` must be one of 'exact', 'sliding', 'none', received 'fixed'"),
        ({"cache": "sliding", "stride": 2}, "`stride` must be left out with `cache` 'sliding'"),
        ({"stride": 6}, r"`stride` must be in \[1, 5\] \(the latents\), received 6"),
        (
            {"num_latents": 14},
            r"`num_latents` must be in \[1, 13\] \(`max_position_embeddings`\), received 14",
        ),
        ({"num_latents": 0}, r"`num_latents` must be in \[1, 13\]"),
        ({"stop": [[]]}, "`stop` must be sequences of at least one id, received an empty one"),
        ({"stop": [31]}, r"`stop` must hold ids in \[0, 30\], received 31"),
        ({"stop": ["end"]}, r"`stop` must hold ids in \[0, 30\], received 'e'"),
        ({"suppress": [-1]}, r"`suppress` must hold ids in \[0, 30\], received -1"),
        ({"suppress": range(31)}, "`suppress` must leave an id that can be chosen"),
        ({"pad_token_id": 40}, r"`pad_token_id` must hold ids in \[0, 30\], received 40"),
    ],
)
def test_options_that_make_no_sense_are_named(options, message, writer):
    with pytest.raises(ConfigurationError, match=message):
        writer().generate(prompts_of(3), **{"max_new_tokens": 2, **options})


@pytest.mark.parametrize(
    ("prompts", "mask", "message"),
    [
        (torch.zeros(2, 0, dtype=torch.long), None, r"`input_ids` must be ids \[batch, length\], a token at least"),
        (prompts_of(3), torch.ones(2, 4), r"`attention_mask` must have shape \[2, 3\], received \[2, 4\]"),
        (prompts_of(3), torch.tensor([[1, 1, 1], [0, 0, 0]]), "must leave a token of every row"),
        (prompts_of(3).float(), None, r"`input_ids` must be whole numbers, received torch\.float32"),
        (torch.full((1, 2), 31), None, r"`input_ids` must hold ids in \[0, 30\]"),
    ],
)  # fmt: skip
def test_prompts_that_cannot_be_written_on_are_named(prompts, mask, message, writer):
    with pytest.raises(ShapeError, match=message):
        writer().generate(prompts, 2, attention_mask=mask)
