"""HierarchicalPerceiver gives what the original JAX code gave, array by array.

The arrays were made with google-deepmind/hierarchical_perceiver, commit a1c4cd2, and moved random weights; parameters lie
under `NAME|HAIKU_MODULE|PARAMETER`, as Haiku names them.
"""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pytest
import torch

from perceivers import HierarchicalPerceiver
from perceivers.configuration_hierarchy import read_hierarchy
from perceivers.models.hierarchical_perceiver import config_of_hierarchy
from perceivers.nn import hierarchy_block
from perceivers.nn.groups import Grouping, regroup

TOLERANCE = 1e-4
# What a level is called there, and here.
LEVEL_KEYS = {
    "num_groups": "groups",
    "z_index_dim": "latents",
    "num_z_channels": "channels",
    "num_self_attends_per_block": "self_attends",
    "num_self_attend_heads": "self_heads",
    "num_cross_attend_heads": "cross_heads",
    "cross_attend_widening_factor": "cross_widening",
    "self_attend_widening_factor": "self_widening",
}
PARTS = (
    (r"perceiver_block_", "block_"),
    (r"^perceiver/", ""),
    (r"block_(\d+)/~/hi_p_cross_attention/query_inputs\|pos_embs", r"blocks.\1.latents.weight"),
    (
        r"block_(\d+)/~/hi_p_cross_attention/pre_attention_residual_linear\|",
        r"blocks.\1.skip.",
    ),
    (r"block_(\d+)/~/hi_p_cross_attention/", r"blocks.\1.cross_attention."),
    (r"block_(\d+)/~/self_attend_id_(\d+)/", r"blocks.\1.self_attends.\2."),
    (r"embedder(_1)?/~embed/embed_(\w+)\|", r"embeddings_of.\2."),
    (r"embedder(_1)?/~unembed/unembed_(\w+)\|", r"outputs_of.\2."),
    (r"position_encoder(_1)?/pos_emb_mae_(\w+)\|pos_embs", r"positions.\2.weight"),
)
LAYER_PARTS = (
    ("attention/query_linear|", "attention.self.query."),
    ("attention/key_linear|", "attention.self.key."),
    ("attention/value_linear|", "attention.self.value."),
    ("attention/attention_output_linear|", "attention.output.dense."),
    ("dense/mlp_hidden_linear|", "mlp.dense1."),
    ("dense/mlp_output_linear|", "mlp.dense2."),
)
CROSS_NORMS = {
    "layer_norm": "attention.self.layernorm1",
    "layer_norm_1": "attention.self.layernorm2",
    "layer_norm_2": "layernorm",
}
SELF_NORMS = {"layer_norm": "attention.self.layernorm1", "layer_norm_1": "layernorm"}


@pytest.fixture(scope="module")
def golden():
    with np.load(Path(__file__).parent / "data" / "jax_hierarchical_perceiver.npz") as archive:
        return dict(archive)


def our_name(haiku, heads, inputs):
    """The state dict's key of a Haiku parameter."""
    name = haiku
    for pattern, replacement in PARTS:
        name = re.sub(pattern, replacement, name)
    name = re.sub(r"reconstruction_head(_1)?/hi_p_cross_attention/", lambda found: heads[found[1]], name)
    projected = re.fullmatch(r"position_encoder/position_encoding_linear(?:_(\d+))?\|w", name)
    if projected:
        return f"position_maps.{inputs[int(projected[1] or 0)]}.weight"
    for theirs, ours in LAYER_PARTS:
        name = name.replace(theirs, ours)
    norms = SELF_NORMS if "self_attends" in name else CROSS_NORMS
    name = re.sub(r"(layer_norm(?:_\d)?)\|(\w+)", lambda found: f"{norms[found[1]]}.{found[2]}", name)
    ends = {"w": "weight", "b": "bias", "scale": "weight", "offset": "bias"}
    return re.sub(r"\.(w|b|scale|offset)$", lambda found: "." + ends[found[1]], name)


def state_of(golden, prefix, heads, inputs):
    state = {}
    for key, array in golden.items():
        if key.startswith(f"{prefix}|"):
            tensor = torch.from_numpy(array)
            is_matrix = key.endswith("|w")
            state[our_name(key.removeprefix(f"{prefix}|"), heads, inputs)] = (
                tensor.T.contiguous() if is_matrix else tensor
            )
    return state


def model_of(golden, name, **changes):
    config = json.loads(str(golden["config_json"]))[name]
    listed = {
        ours: config[theirs] if isinstance(config[theirs], list) else [config[theirs]]
        for theirs, ours in LEVEL_KEYS.items()
        if theirs in config
    }
    is_io = config["model"] == "PerceiverIO"
    listed.setdefault("groups", [1])
    levels = [dict(zip(listed, values, strict=True)) for values in zip(*listed.values(), strict=True)]
    if "processor_index_dim_eval" in config:
        levels[len(levels) // 2]["latents"] = config["processor_index_dim_eval"]
        changes.setdefault("training_latents", config["z_index_dim"][len(levels) // 2])
    labels = config.get("label_modalities", [])
    hierarchy = read_hierarchy(
        {
            "levels": levels,
            "inputs": [
                {
                    "name": key,
                    "points": config["inputs"][key][1],
                    "channels": config["inputs"][key][2],
                    "at_processor": key in labels,
                }
                for key in config["order"]
            ],
            "embedding_channels": config["num_embedding_channels"],
            "projects_positions": "num_position_encoding_channels" in config,
            "joins_inputs": is_io,
            "regrouping": "spread" if config.get("regroup_type") == "transpose_reshape" else "neighbours",
            **changes,
        }
    )
    model = HierarchicalPerceiver(config_of_hierarchy(hierarchy))
    heads = {None: "processor_head.", "_1": "head."} if labels else {None: "head."}
    model.load_state_dict(state_of(golden, name, heads, config["order"]))
    return model.eval()


def inputs_of(golden, name):
    prefix = f"{name}_in_"
    return {
        key.removeprefix(prefix): torch.from_numpy(array)
        for key, array in golden.items()
        if key.startswith(prefix)
    }


def assert_close(ours, theirs):
    theirs = torch.from_numpy(theirs)
    assert ours.shape == theirs.shape
    assert (ours - theirs).abs().max() <= TOLERANCE * max(1.0, float(theirs.abs().max()))


@pytest.mark.parametrize(
    "name",
    ["mini", "mini_projected", "deep", "deep_transposed", "bottleneck", "io", "mini_more_latents"],
)
@torch.no_grad()
def test_every_level_and_every_output_is_the_originals(golden, name):
    model = model_of(golden, name)
    inputs = inputs_of(golden, name)

    output = model(inputs, output_hidden_states=True)

    for index, latents in enumerate(output.hidden_states):
        assert_close(latents, golden[f"{name}_block_{index}"])
    assert output.logits.keys() == inputs.keys()
    for key, values in output.logits.items():
        assert_close(values, golden[f"{name}_reconstruction_{key}"])


@pytest.mark.parametrize("name", ["mini", "mini_projected", "deep", "io"])
@torch.no_grad()
def test_points_are_embedded_and_grouped_as_there(golden, name):
    model = model_of(golden, name)
    inputs = inputs_of(golden, name)
    embedded = [model._embedded(each, inputs[each.name]) for each in model.hierarchy.inputs]
    positions = [model._positions(each).expand(2, -1, -1) for each in model.hierarchy.inputs]

    assert_close(model.grouping.group(embedded), golden[f"{name}_grouped_inputs"])
    assert_close(model.grouping.group(positions), golden[f"{name}_grouped_queries"])


@torch.no_grad()
def test_fewer_latents_of_the_processor_while_training_are_the_originals(golden, monkeypatch):
    order = torch.from_numpy(golden["mini_fewer_latents_order"]).long()
    monkeypatch.setattr(
        hierarchy_block, "draw_without_repeats", lambda rows, choices, wanted, device: order.expand(rows, -1)
    )
    model = model_of(golden, "mini", training_latents=4).train()

    output = model(inputs_of(golden, "mini"))

    for key, values in output.logits.items():
        assert_close(values, golden[f"mini_fewer_latents_reconstruction_{key}"])


@torch.no_grad()
def test_points_cut_out_are_points_masked_out_there(golden):
    model = model_of(golden, "masked")
    keep = torch.from_numpy(golden["masked_keep"]).bool()
    kept = int(keep[0].sum())
    slots = keep.int().argsort(dim=1, descending=True, stable=True)[:, :kept]
    assert (keep.sum(dim=1) == kept).all()

    output = model(inputs_of(golden, "masked"), visible_slots=slots, output_hidden_states=True)

    for index, latents in enumerate(output.hidden_states):
        assert_close(latents, golden[f"masked_block_{index}"])
    assert_close(output.logits["image"], golden["masked_reconstruction_image"])


@torch.no_grad()
def test_a_block_and_its_mask_are_the_originals(golden):
    model = model_of(golden, "masked")
    (block,) = [model.blocks[0]]
    state = state_of(
        {key.replace("block|block/", "block|block_0/"): array for key, array in golden.items()},
        "block",
        {},
        [],
    )
    prefix = "blocks.0."
    own = {key.removeprefix(prefix): value for key, value in state.items()}
    depth = len({key.split(".")[1] for key in own if key.startswith("self_attends.")})
    block.self_attends = block.self_attends[:depth]
    for layer in block.self_attends:
        layer.attention.num_heads = 3
    block.cross_attention.attention.num_heads = 2
    block.load_state_dict(own)
    tokens = torch.from_numpy(golden["block_in"])

    assert_close(block(tokens), golden["block_out_unmasked"])
    assert_close(block(tokens, mask=torch.from_numpy(golden["block_mask"]).bool()), golden["block_out"])


def test_groups_are_assigned_as_there(golden):
    for num_groups, sizes, groups, width in json.loads(str(golden["assign_json"])):
        grouping = Grouping(sizes, num_groups)
        assert (grouping.groups, grouping.width) == (groups, width)


def test_groups_are_merged_as_there(golden):
    values = torch.from_numpy(golden["regroup_in"])
    assert_close(regroup(values, 2), golden["regroup_reshape_2"])
    assert_close(regroup(values, 2, spread=True), golden["regroup_transpose_2"])
