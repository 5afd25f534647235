"""Trainer and PEFT train the plain models, and what they save loads again."""

from __future__ import annotations

import inspect
from typing import Any

import peft
import pytest
import torch
import transformers
from safetensors.torch import load_file

import perceivers
import perceivers.integrations.transformers as integration
from adapted_models import adapted
from perceivers import PerceiverConfig
from tiny_models import TINY

LORA: dict[str, Any] = {"r": 2, "target_modules": ["query", "value"], "init_lora_weights": False}

# The name that this release of Transformers has for it.
RECOMPUTING = next(
    name
    for name in ("activation_checkpointing", "gradient_checkpointing")
    if name in inspect.signature(transformers.TrainingArguments).parameters
)


def texts(count: int = 7) -> list[dict[str, torch.Tensor]]:
    ids = torch.randint(0, 31, (count, 11), generator=torch.Generator().manual_seed(1))
    return [{"input_ids": row, "attention_mask": torch.ones_like(row), "labels": row} for row in ids]


def pictures(count: int = 7) -> list[dict[str, torch.Tensor]]:
    generator = torch.Generator().manual_seed(1)
    values = torch.randn(count, 3, 5, 7, generator=generator)
    return [{"pixel_values": value, "labels": torch.tensor(index % 3)} for index, value in enumerate(values)]


def trainer(model: Any, rows: Any, folder: Any, **options: Any) -> transformers.Trainer:
    arguments = transformers.TrainingArguments(
        str(folder),
        num_train_epochs=1,
        per_device_train_batch_size=5,
        per_device_eval_batch_size=5,
        learning_rate=1e-2,
        save_strategy="epoch",
        eval_strategy="epoch",
        report_to=[],
        use_cpu=True,
        disable_tqdm=True,
        dataloader_pin_memory=False,
        **options,
    )
    return transformers.Trainer(model, arguments, train_dataset=rows, eval_dataset=rows)


@pytest.mark.parametrize(
    ("name", "rows"),
    [("PerceiverForMaskedLM", texts), ("PerceiverForImageClassificationLearned", pictures)],
)
def test_trainer_trains_a_plain_model_for_an_epoch_and_goes_on_from_its_checkpoint(name, rows, tmp_path):
    torch.manual_seed(0)
    model = getattr(perceivers, name)(PerceiverConfig(**TINY))
    before = {key: value.clone() for key, value in model.state_dict().items()}
    recomputed = name == "PerceiverForMaskedLM"
    first = trainer(model, rows(), tmp_path, **{RECOMPUTING: recomputed})
    done = first.train()
    assert done.global_step == 2
    assert first.evaluate()["eval_loss"] > 0
    changed = [key for key, value in model.state_dict().items() if not torch.equal(value, before[key])]
    assert "perceiver.embeddings.latents" in changed
    assert model.is_activation_checkpointing == recomputed
    stored = load_file(tmp_path / "checkpoint-2" / "model.safetensors")
    assert all(torch.equal(stored[key], value) for key, value in model.state_dict().items())
    other = getattr(perceivers, name)(PerceiverConfig(**TINY))
    trainer(other, rows(), tmp_path).train(resume_from_checkpoint=True)
    assert all(torch.equal(stored[key], value) for key, value in other.state_dict().items())


@pytest.mark.slow
@pytest.mark.parametrize("made", [lambda model: model, integration.adapt], ids=["plain", "adapted"])
def test_trainer_compiles_a_model_and_saves_it_by_its_own_names(made, tmp_path):
    saved = []
    for options in ({}, {"torch_compile": True, "torch_compile_backend": "aot_eager"}):
        torch.manual_seed(0)
        model = perceivers.PerceiverForImageClassificationLearned(PerceiverConfig(**TINY))
        trainer(made(model), pictures(), tmp_path / str(len(options)), **options).train()
        saved.append(load_file(tmp_path / str(len(options)) / "checkpoint-2" / "model.safetensors"))
    plain, compiled = saved
    assert plain.keys() == compiled.keys()
    torch.testing.assert_close(compiled, plain)


def test_trainer_saves_an_adapted_model_whole(tmp_path):
    torch.manual_seed(0)
    plain = perceivers.PerceiverForMaskedLM(PerceiverConfig(**TINY))
    run = trainer(integration.adapt(plain), texts(), tmp_path)
    run.train()
    run.save_model(str(tmp_path / "saved"))
    again = perceivers.PerceiverForMaskedLM.from_pretrained(tmp_path / "saved")
    assert all(torch.equal(again.state_dict()[key], value) for key, value in plain.state_dict().items())


@pytest.mark.parametrize(
    ("name", "rows", "asked"),
    [
        ("PerceiverForMaskedLM", texts, "input_ids"),
        ("PerceiverForImageClassificationLearned", pictures, "pixel_values"),
    ],
)
@pytest.mark.parametrize("plain", [True, False])
# PEFT asks under a name that the newest Transformers deprecates.
@pytest.mark.filterwarnings("ignore:.is_gradient_checkpointing. is deprecated:FutureWarning")
def test_adapters_are_trained_saved_and_merged(name, rows, asked, plain, tmp_path):
    torch.manual_seed(0)

    def fresh() -> Any:
        torch.manual_seed(0)
        model = getattr(perceivers, name)(PerceiverConfig(**TINY))
        return model if plain else integration.adapt(model)

    model = peft.get_peft_model(fresh(), peft.LoraConfig(**LORA))
    base = {
        key: value.clone() for key, value in model.base_model.model.state_dict().items() if "lora" not in key
    }
    trainer(model, rows(), tmp_path / "run").train()
    for key, value in model.base_model.model.state_dict().items():
        assert "lora" in key or torch.equal(value, base[key])
    model.save_pretrained(tmp_path / "adapter")
    inputs = {asked: torch.stack([row[asked] for row in rows()])}
    with torch.no_grad():
        expected = model.eval()(**inputs).logits
        loaded = peft.PeftModel.from_pretrained(fresh(), tmp_path / "adapter").eval()
        assert torch.equal(loaded(**inputs).logits, expected)
        assert not torch.allclose(fresh().eval()(**inputs).logits, expected, atol=1e-3)
        merged = loaded.merge_and_unload()
        torch.testing.assert_close(merged(**inputs).logits, expected, rtol=1e-4, atol=1e-5)
        merged.save_pretrained(tmp_path / "merged")
        again = getattr(perceivers, name).from_pretrained(tmp_path / "merged")
        torch.testing.assert_close(again(**inputs).logits, expected, rtol=1e-4, atol=1e-5)


def test_a_plain_model_says_what_loggers_and_adapters_ask():
    model = adapted("masked_lm").plain
    assert model.config.to_dict()["model_type"] == "perceiver"
    assert '"num_latents": 5' in model.config.to_json_string()
    assert not model.can_generate()
    assert model.base_model_prefix == "perceiver"
    assert model.base_model is model.perceiver
    assert model.num_parameters(only_trainable=True) == model.num_parameters()
    assert model.get_output_embeddings() is None
    latents = model.perceiver.embeddings
    model.requires_grad_(False)
    model.enable_input_require_grads()
    assert latents(2).requires_grad
    model.disable_input_require_grads()
    assert not latents(2).requires_grad
