"""Models that Transformers has no counterpart of: they save, load, train and write there, too."""

from __future__ import annotations

from typing import Any

import pytest
import torch
import transformers

import perceivers
import perceivers.integrations.transformers as integration

WRITER: dict[str, Any] = {
    "vocab_size": 17,
    "d_model": 14,
    "d_latents": 12,
    "num_latents": 5,
    "max_position_embeddings": 11,
    "num_self_attends_per_block": 2,
    "num_self_attention_heads": 3,
    "num_cross_attention_heads": 2,
}

LEVELS = [
    {"groups": 4, "latents": 3, "channels": 6, "self_attends": 1, "self_heads": 2},
    {"groups": 1, "latents": 8, "channels": 10, "self_attends": 2, "self_heads": 5},
    {"groups": 4, "latents": 3, "channels": 6, "self_attends": 1, "self_heads": 3},
]


def hierarchy():
    sizes = {"levels": LEVELS, "embedding_channels": 7}
    return integration.PerceiverConfig.of(
        perceivers.hierarchical_config("mini", {"image": (13, 3)}, hierarchy=sizes)
    )


@pytest.fixture(scope="module")
def writer():
    """Its scores start at zero; drawn ones tell tokens apart."""
    torch.manual_seed(0)
    model = integration.PerceiverForCausalLM(integration.PerceiverConfig(**WRITER)).eval()
    with torch.no_grad():
        model.lm_head.weight.normal_()
    return model


@pytest.fixture(scope="module")
def pyramid():
    torch.manual_seed(0)
    model = integration.HierarchicalPerceiver(hierarchy()).eval()
    with torch.no_grad():
        model.outputs_of["image"].weight.normal_()
    return model


def ids(*shape: int) -> torch.Tensor:
    return torch.randint(0, 17, shape, generator=torch.Generator().manual_seed(2))


def points(*shape: int) -> torch.Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(2))


def train(model, rows, folder):
    arguments = transformers.TrainingArguments(
        str(folder), num_train_epochs=1, per_device_train_batch_size=3, report_to=[], use_cpu=True,
        disable_tqdm=True, dataloader_pin_memory=False, learning_rate=1e-2, remove_unused_columns=False,
    )  # fmt: skip
    trainer = integration.Trainer(model, arguments, train_dataset=rows, data_collator=collate)
    trainer.train()
    trainer.save_model(str(folder / "model"))
    return trainer


def collate(rows: list[Any]) -> Any:
    first = rows[0]
    if isinstance(first, torch.Tensor):
        return torch.stack(rows)
    return {key: collate([row[key] for row in rows]) for key in first}


def test_a_writer_loads_on_both_sides_and_through_the_auto_class(writer, tmp_path):
    writer.save_pretrained(tmp_path)
    with integration.register(replace=True):
        loaded = [
            integration.PerceiverForCausalLM.from_pretrained(tmp_path),
            perceivers.PerceiverForCausalLM.from_pretrained(tmp_path),
            transformers.AutoModelForCausalLM.from_pretrained(tmp_path),
        ]
    expected = writer(ids(2, 7)).logits
    assert expected.shape == (2, 5, 17)
    for model in loaded:
        assert torch.equal(model.eval()(ids(2, 7)).logits, expected)


def test_a_writer_writes_as_the_plain_model_does(writer):
    written = writer.generate(ids(2, 3), 5)
    assert torch.equal(written.sequences, writer.plain.generate(ids(2, 3), 5).sequences)
    assert len(set(written.sequences[:, 3:].flatten().tolist())) > 1
    assert not writer.can_generate()
    cache = writer.new_cache()
    writer(ids(2, 3), cache=cache)
    assert cache.num_inputs == 3


def test_trainer_trains_a_writer(tmp_path):
    torch.manual_seed(0)
    model = integration.PerceiverForCausalLM(integration.PerceiverConfig(**WRITER))
    before = model.lm_head.bias.clone()
    train(model, [{"input_ids": row, "labels": row} for row in ids(7, 11)], tmp_path)
    again = perceivers.PerceiverForCausalLM.from_pretrained(tmp_path / "model")
    assert torch.equal(again.lm_head.bias, model.lm_head.bias)
    assert not torch.equal(again.lm_head.bias, before)


def test_a_hierarchy_loads_on_both_sides_and_through_the_auto_class(pyramid, tmp_path):
    pyramid.save_pretrained(tmp_path)
    with integration.register(replace=True):
        loaded = [
            integration.HierarchicalPerceiver.from_pretrained(tmp_path),
            perceivers.HierarchicalPerceiver.from_pretrained(tmp_path),
            transformers.AutoModel.from_pretrained(tmp_path),
        ]
    inputs = {"image": points(2, 13, 3)}
    expected = pyramid(inputs).logits["image"]
    assert expected.shape == (2, 13, 3)
    for model in loaded:
        assert torch.equal(model.eval()(inputs).logits["image"], expected)


def test_what_a_hierarchy_can_do_beside_forward_is_there(pyramid):
    inputs = {"image": points(2, 13, 3)}
    states = pyramid.decode_levels(pyramid.encode(inputs))
    assert torch.equal(pyramid.answer(states)["image"], pyramid(inputs).logits["image"])
    assert pyramid.position_table("image").shape == pyramid.plain.position_table("image").shape
    drawn = pyramid.draw_visible(2, 0.5, torch.Generator().manual_seed(1))
    assert torch.equal(drawn, pyramid.plain.draw_visible(2, 0.5, torch.Generator().manual_seed(1)))


def test_trainer_trains_a_hierarchy(tmp_path):
    torch.manual_seed(0)
    model = integration.HierarchicalPerceiver(hierarchy())
    rows = [{"inputs": {"image": row}, "labels": {"image": row}} for row in points(5, 13, 3)]
    trainer = train(model, rows, tmp_path)
    assert trainer.state.total_flos == 6 * 5 * 13 * 3 * model.num_parameters(exclude_embeddings=True)
    again = integration.HierarchicalPerceiver.from_pretrained(tmp_path / "model")
    weight = again.outputs_of["image"].weight
    assert torch.equal(weight, model.outputs_of["image"].weight)
    assert weight.abs().max() > 0


def test_adapting_keeps_the_modules(writer, pyramid):
    for model in (writer, pyramid):
        adapted = integration.adapt(model.plain)
        assert type(adapted) is type(model)
        assert next(adapted.parameters()) is next(model.plain.parameters())


def test_a_selector_of_entities_loads_on_both_sides_and_selects_alike(tmp_path):
    torch.manual_seed(0)
    config = perceivers.entity_config([2], 2, d_model=6, d_latents=8, num_latents=3)
    model = integration.PerceiverForEntitySelection(integration.PerceiverConfig.of(config)).eval()
    model.save_pretrained(tmp_path)
    units = torch.cat([torch.full((2, 5, 1), 3.0), points(2, 5, 2)], dim=2)
    mask = torch.arange(5) < torch.tensor([[5], [2]])
    expected = model(units, mask, labels=torch.tensor([4, 0]))
    assert isinstance(expected, transformers.utils.ModelOutput)
    for made in (integration.PerceiverForEntitySelection, perceivers.PerceiverForEntitySelection):
        received = made.from_pretrained(tmp_path).eval()(units, mask, labels=torch.tensor([4, 0]))
        for name in ("loss", "logits", "entities", "mean"):
            assert torch.equal(received[name], expected[name]), name
