"""HierarchicalPerceiver: sizes of the variants, hidden points, losses, saving, and what it refuses."""

from __future__ import annotations

import copy
import math

import pytest
import torch

from perceivers import (
    ConfigurationError,
    HierarchicalPerceiver,
    PerceiverConfig,
    ShapeError,
    hierarchical_config,
)
from perceivers.configuration_hierarchy import VARIANTS

LEVELS = [
    {"groups": 4, "latents": 3, "channels": 6, "self_attends": 1, "self_heads": 2},
    {"groups": 1, "latents": 8, "channels": 10, "self_attends": 2, "self_heads": 5},
    {"groups": 4, "latents": 3, "channels": 6, "self_attends": 1, "self_heads": 3},
]
INPUTS = {"image": (13, 3), "sound": (5, 2)}


def small_config(**changes):
    sizes = {"levels": LEVELS, "embedding_channels": 7, **changes}
    return hierarchical_config("mini", INPUTS, hierarchy=sizes)


def lively(model):
    """Weights that leave no output at zero."""
    with torch.no_grad():
        for parameter in model.parameters():
            parameter += 0.1 * torch.randn_like(parameter)
    return model


@pytest.fixture(scope="module")
def model():
    torch.manual_seed(0)
    return lively(HierarchicalPerceiver(small_config())).eval()


@pytest.fixture
def inputs():
    generator = torch.Generator().manual_seed(1)
    return {name: torch.randn(2, *size, generator=generator) for name, size in INPUTS.items()}


PICTURE = {"image": (224 * 224, 3)}


# The figures are those of the original code for the same sizes (hierarchical_perceiver, commit a1c4cd2).
@pytest.mark.parametrize(
    ("name", "count"),
    [
        ("mini", 20_272_611),
        ("16", 100_787_939),
        ("256", 96_367_155),
        ("16x3", 234_803_299),
        ("io-mini", 6_904_451),
        ("io-c-50m", 56_169_475),
        ("io-c-150m", 176_101_635),
    ],
)
def test_every_variant_has_the_parameters_of_the_original(name, count):
    with torch.device("meta"):
        model = HierarchicalPerceiver(hierarchical_config(name, PICTURE))
    assert model.num_parameters() == count


def test_the_variants_are_those_that_are_tested():
    assert set(VARIANTS) == {"mini", "16", "256", "16x3", "io-mini", "io-c-50m", "io-c-150m"}


@torch.no_grad()
def test_hidden_points_change_nothing_but_visible_ones_do(model, inputs):
    slots = torch.tensor([[3, 0], [1, 2]])
    hidden = model.hidden_points(slots, None)
    before = model(inputs, visible_slots=slots).logits
    changed = {name: values + 5.0 * hidden[name][..., None] for name, values in inputs.items()}
    after = model(changed, visible_slots=slots).logits
    seen = {name: values + 5.0 * ~hidden[name][..., None] for name, values in inputs.items()}
    other = model(seen, visible_slots=slots).logits

    # 13 points in 3 groups of 5 slots (2 empty ones at the end), 5 points in one group: slots 3 and 0 are kept.
    assert (~hidden["image"][0]).nonzero().flatten().tolist() == [0, 3, 5, 8, 10]
    assert (~hidden["sound"][1]).nonzero().flatten().tolist() == [1, 2]
    for name in inputs:
        assert torch.equal(before[name], after[name])
        assert not torch.allclose(before[name], other[name])


@torch.no_grad()
def test_a_group_that_sees_nothing_says_nothing_of_its_points(model, inputs):
    groups = torch.tensor([[True, False, True, True], [True, True, True, False]])
    hidden = model.hidden_points(None, groups)
    before = model(inputs, visible_groups=groups).logits
    changed = {name: values - 3.0 * hidden[name][..., None] for name, values in inputs.items()}
    after = model(changed, visible_groups=groups).logits

    assert hidden["image"][0].nonzero().flatten().tolist() == [5, 6, 7, 8, 9]
    assert hidden["sound"].tolist() == [[False] * 5, [True] * 5]
    for name in inputs:
        assert torch.allclose(before[name], after[name], atol=1e-6)


def test_patterns_are_drawn_from_the_generator_that_is_given(model):
    slots = [model.draw_visible(3, 0.6, torch.Generator().manual_seed(7)) for _ in range(2)]
    groups = model.draw_visible_groups(5, 0.5, torch.Generator().manual_seed(7))

    assert torch.equal(*slots)
    # 5 slots, 2 of which stay.
    assert slots[0].shape == (3, 2)
    assert all(len(set(row)) == 2 and max(row) < 5 for row in slots[0].tolist())
    assert groups.sum(dim=1).tolist() == [2] * 5


def test_only_hidden_points_count(model, inputs):
    slots = torch.tensor([[3, 0], [1, 2]])
    output = model(inputs, labels=inputs, visible_slots=slots)
    hidden = model.hidden_points(slots, None)
    expected = sum(
        (output.logits[name] - inputs[name]).square().mean(dim=-1)[hidden[name]].mean() for name in inputs
    )
    whole = model(inputs, labels=inputs)

    assert math.isclose(output.loss.item(), expected.item(), rel_tol=1e-5)
    everything = sum((whole.logits[name] - inputs[name]).square().mean() for name in inputs)
    assert math.isclose(whole.loss.item(), everything.item(), rel_tol=1e-5)


def test_loss_weights_weigh_inputs(inputs):
    torch.manual_seed(0)
    config = small_config()
    config.loss_weights = {"sound": 0.0}
    weighted = lively(HierarchicalPerceiver(config))
    output = weighted(inputs, labels=inputs)
    expected = (output.logits["image"] - inputs["image"]).square().mean()
    assert math.isclose(output.loss.item(), expected.item(), rel_tol=1e-5)


def test_labels_enter_and_are_answered_at_the_processor(inputs):
    torch.manual_seed(0)
    config = hierarchical_config(
        "mini",
        {"image": (13, 3), "label": (1, 4)},
        at_processor=["label"],
        hierarchy={"levels": LEVELS, "embedding_channels": 7},
    )
    model = lively(HierarchicalPerceiver(config))
    given = {"image": inputs["image"]}
    blank = model({**given, "label": torch.zeros(2, 1, 4)}).logits["label"]
    told = model({**given, "label": torch.eye(4)[:2, None]}).logits["label"]
    absent = model(given, labels={"label": torch.tensor([3, 0])})
    several = model(given, labels={"label": torch.eye(4)[:2]})

    assert torch.equal(absent.logits["label"], blank)
    assert not torch.allclose(told, blank)
    expected = torch.nn.functional.cross_entropy(blank[:, 0], torch.tensor([3, 0]))
    assert math.isclose(absent.loss.item(), expected.item(), rel_tol=1e-5)
    expected = torch.nn.functional.binary_cross_entropy_with_logits(blank[:, 0], torch.eye(4)[:2])
    assert math.isclose(several.loss.item(), expected.item(), rel_tol=1e-5)


@torch.no_grad()
def test_a_saved_model_is_loaded_as_it_was(model, inputs, tmp_path):
    model.save_pretrained(tmp_path)
    again = HierarchicalPerceiver.from_pretrained(tmp_path)

    assert again.hierarchy == model.hierarchy
    # The order of inputs counts, and config.json sorts its keys.
    assert [each.name for each in again.hierarchy.inputs] == ["image", "sound"]
    for name, values in model(inputs).logits.items():
        assert torch.equal(again(inputs).logits[name], values)


def test_names_of_parameters_are_frozen():
    with torch.device("meta"):
        model = HierarchicalPerceiver(small_config(projects_positions=True))
    layer = (
        "attention.self.layernorm1",
        "attention.self.query",
        "attention.self.key",
        "attention.self.value",
        "attention.output.dense",
        "layernorm",
        "mlp.dense1",
        "mlp.dense2",
    )
    cross = (*layer, "attention.self.layernorm2")
    modules = [f"{part}.{name}" for part in ("embeddings_of", "outputs_of") for name in INPUTS]
    modules += [f"blocks.{index}.cross_attention.{name}" for index in range(3) for name in cross]
    modules += [
        f"blocks.{index}.self_attends.{own}.{name}"
        for index, depth in enumerate((1, 2, 1))
        for own in range(depth)
        for name in layer
    ]
    modules += [f"head.{name}" for name in cross]
    tables = [f"{part}.{name}" for part in ("positions", "position_maps") for name in INPUTS]
    tables += [f"blocks.{index}.latents" for index in range(3)]
    expected = {f"{name}.{kind}" for name in modules for kind in ("weight", "bias")}
    assert set(model.state_dict()) == expected | {f"{name}.weight" for name in tables}


def test_first_values_are_the_originals():
    torch.manual_seed(0)
    model = HierarchicalPerceiver(hierarchical_config("mini", {"image": (4096, 3)}))

    # Tables: 1 / sqrt(length); matrices: 1 / sqrt(fan_in); outputs: zero.
    assert math.isclose(model.positions["image"].weight.std().item(), 1 / 64, rel_tol=0.02)
    assert math.isclose(model.blocks[0].latents.weight.std().item(), 1 / math.sqrt(16 * 128), rel_tol=0.02)
    assert not model.outputs_of["image"].weight.any()
    first = model.blocks[1].cross_attention.mlp.dense1.weight
    assert math.isclose(first.std().item(), 1 / 32, rel_tol=0.02)


def test_recomputed_activations_give_the_same_gradients(inputs):
    torch.manual_seed(0)
    model = lively(HierarchicalPerceiver(small_config())).train()
    gradients = []
    for recompute in (False, True):
        model.zero_grad()
        if recompute:
            model.gradient_checkpointing_enable()
        model(inputs, labels=inputs).loss.backward()
        gradients.append([parameter.grad.clone() for parameter in model.parameters()])
    assert model.is_gradient_checkpointing
    assert all(torch.allclose(*pair, atol=1e-6) for pair in zip(*gradients, strict=True))


@torch.no_grad()
def test_half_precision_says_nearly_the_same(model, inputs):
    half = HierarchicalPerceiver(model.config).to(torch.bfloat16)
    half.load_state_dict(model.state_dict())
    output = half.eval()(inputs, labels=inputs)

    assert output.logits["image"].dtype == torch.bfloat16
    expected = model(inputs, labels=inputs)
    assert math.isclose(output.loss.item(), expected.loss.item(), rel_tol=0.02)


@pytest.mark.slow
@torch.no_grad()
@pytest.mark.parametrize("prepares", [False, True])
def test_an_exported_model_says_the_same_of_any_number_of_samples(model, inputs, prepares):
    own = model.prepare().traceable if prepares else model
    given = {**inputs, "visible_slots": torch.tensor([[3, 0], [1, 2]])}
    several = torch.export.Dim("several")
    by_name = {name: {0: several} for name in inputs}

    class Call(torch.nn.Module):
        def __init__(self):
            super().__init__()
            # What is prepared has lists of layers, and is no part of another module.
            self.own = None if prepares else own

        def forward(self, inputs, visible_slots):
            return own(inputs, visible_slots=visible_slots).logits

    program = torch.export.export(
        Call(), (inputs, given["visible_slots"]), dynamic_shapes=(by_name, {0: several}), strict=False
    )
    for batch in (2, 5):
        asked = {name: torch.randn(batch, *values.shape[1:]) for name, values in inputs.items()}
        slots = torch.randint(0, 5, (batch, 2))
        said = program.module()(asked, slots)
        for name, values in model(asked, visible_slots=slots).logits.items():
            assert torch.allclose(said[name], values, atol=2e-5)


@pytest.mark.slow
# Of torch's own code.
@pytest.mark.filterwarnings("ignore:.*torch.jit.script_method:DeprecationWarning")
def test_a_compiled_model_says_and_learns_the_same(model, inputs):
    own = copy.deepcopy(model)
    compiled = torch.compile(own, fullgraph=True, dynamic=False)
    slots = torch.tensor([[3, 0], [1, 2]])
    expected = model(inputs, labels=inputs, visible_slots=slots, output_hidden_states=True)
    said = compiled(inputs, labels=inputs, visible_slots=slots, output_hidden_states=True)
    for name, values in expected.logits.items():
        assert torch.allclose(said.logits[name], values, atol=1e-5)
    for pair in zip(said.hidden_states, expected.hidden_states, strict=True):
        assert torch.allclose(*pair, atol=1e-5)
    for each, output in ((model, expected), (own, said)):
        each.zero_grad()
        output.loss.backward()
    for (name, ours), (_, theirs) in zip(own.named_parameters(), model.named_parameters(), strict=True):
        assert torch.allclose(ours.grad, theirs.grad, atol=1e-5), name
    model.zero_grad()
    torch.compiler.reset()


@pytest.mark.parametrize(
    "options", [{}, {"consume": True}, {"chunk_size": 2, "max_memory": 2**20}, {"quantize": "int8"}]
)
@torch.no_grad()
def test_the_fast_form_is_equal(model, inputs, options):
    own = copy.deepcopy(model)
    slots = torch.tensor([[3, 0], [1, 2]])
    groups = torch.tensor([[True, False, True, True], [True, True, True, False]])
    visible = {"visible_slots": slots, "visible_groups": groups}
    expected = [model(inputs, labels=inputs, output_hidden_states=True), model(inputs, **visible)]
    heard = []
    prepared = own.prepare(progress=lambda done, count: heard.append((done, count)), **options)
    said = [prepared(inputs, labels=inputs, output_hidden_states=True), prepared(inputs, **visible)]

    atol = 0.2 if "quantize" in options else 2e-5
    for ours, theirs in zip(said, expected, strict=True):
        for name in inputs:
            assert torch.allclose(ours.logits[name], theirs.logits[name], atol=atol)
    for pair in zip(said[0].hidden_states, expected[0].hidden_states, strict=True):
        assert torch.allclose(*pair, atol=5 * atol)
    assert math.isclose(said[0].loss, expected[0].loss, rel_tol=0.05 if "quantize" in options else 1e-4)
    # 4 groups of 5 slots, 2 samples.
    assert heard[-1] == (40, 40)
    assert "cross_attends" in prepared.plain_parts
    assert torch.equal(prepared.position_table("image"), model.positions["image"].weight)
    decoded = prepared.decode(prepared.encode(inputs))
    assert torch.allclose(decoded["sound"], expected[0].logits["sound"], atol=atol)


def test_fewer_processor_latents_are_drawn_while_training_only(inputs):
    torch.manual_seed(0)
    model = lively(HierarchicalPerceiver(small_config(training_latents=4)))
    model.train()
    states = model(inputs, output_hidden_states=True).hidden_states
    assert states[1].shape == (2, 1, 4, 10)
    model.eval()
    assert model(inputs, output_hidden_states=True).hidden_states[1].shape == (2, 1, 8, 10)


def test_other_mistakes_are_named(model, inputs):
    with pytest.raises(ConfigurationError, match=r"`variant` must be one of mini, 16, .*, received '17'"):
        hierarchical_config("17", INPUTS)
    with pytest.raises(
        ConfigurationError, match=r"`config.hierarchy` must describe levels and inputs, received None"
    ):
        HierarchicalPerceiver(PerceiverConfig())
    with pytest.raises(ShapeError, match=r"`inputs` must have the names image, sound, received image"):
        model({"image": inputs["image"]})
    with pytest.raises(ShapeError, match=r"`inputs` must be a mapping from the names image, sound"):
        model(inputs["image"])
    with pytest.raises(ShapeError, match=r"`inputs\['image'\]` must have shape \[batch, 13, 3\], received"):
        model({**inputs, "image": inputs["image"][:, :12]})
    with pytest.raises(
        ShapeError, match=r"`visible_slots` must be whole numbers in \[0, 4\], received .* up to 5"
    ):
        model(inputs, visible_slots=torch.tensor([[0, 5], [1, 2]]))
    with pytest.raises(ShapeError, match=r"`visible_groups` must have shape \[2, 4\]"):
        model(inputs, visible_groups=torch.ones(2, 3))
    with pytest.raises(ShapeError, match=r"`labels` must be of the inputs image, sound, received depth"):
        model(inputs, labels={"depth": inputs["image"]})
    with pytest.raises(ShapeError, match=r"`labels\['image'\]` must have shape \[2, 13, 3\]"):
        model(inputs, labels={"image": inputs["image"][:, :2]})
    for draw in (model.draw_visible, model.draw_visible_groups):
        with pytest.raises(ConfigurationError, match=r"`hidden` must be in \[0, 1\), received 1.0"):
            draw(2, 1.0)
