"""The six published checkpoints give the documented predictions (`pytest -m network`; needs the model hub).

Expected values are those that Transformers' own documentation and tests state for these checkpoints and inputs.
"""

from __future__ import annotations

import io
import urllib.request

import pytest
import torch
from PIL import Image

import perceivers

pytestmark = pytest.mark.network

CATS = "http://images.cocodataset.org/val2017/000000039769.jpg"
SENTENCE = "This is an incomplete sentence where some words are missing."


@pytest.fixture(scope="module")
def cats():
    with urllib.request.urlopen(CATS, timeout=60) as answer:
        return Image.open(io.BytesIO(answer.read()))


def test_the_language_model_fills_in_missing():
    tokenizer = perceivers.AutoTokenizer.from_pretrained("deepmind/language-perceiver")
    model = perceivers.PerceiverForMaskedLM.from_pretrained("deepmind/language-perceiver")
    inputs = tokenizer(SENTENCE, padding="max_length", return_tensors="pt")
    inputs["input_ids"][0, 52:61] = tokenizer.mask_token_id

    with torch.no_grad():
        logits = model(**inputs).logits

    expected = torch.tensor(
        [
            [-10.8609, -10.7651, -10.9187],
            [-12.1689, -11.9389, -12.1479],
            [-12.1518, -11.9707, -12.2073],
        ]
    )
    torch.testing.assert_close(logits[0, :3, :3], expected, atol=1e-4, rtol=1e-4)
    assert tokenizer.decode(logits[0, 52:61].argmax(dim=-1)) == " missing."


@pytest.fixture(scope="module")
def deepmind_tokens():
    """The sentence as DeepMind tokenises it: bytes alone, " missing." masked."""
    tokenizer = perceivers.PerceiverTokenizer()
    inputs = tokenizer(SENTENCE, add_special_tokens=False, padding="max_length", return_tensors="pt")
    inputs["input_ids"][0, 51:60] = tokenizer.mask_token_id
    return inputs


def test_the_language_model_scores_the_tokens_of_the_original(deepmind_tokens):
    model = perceivers.PerceiverForMaskedLM.from_pretrained("deepmind/language-perceiver")

    with torch.no_grad():
        logits = model(**deepmind_tokens).logits

    expected = torch.tensor(
        [
            [-11.8336, -11.6850, -11.8483],
            [-12.8149, -12.5863, -12.7904],
            [-12.8440, -12.6410, -12.8646],
        ]
    )
    torch.testing.assert_close(logits[0, :3, :3], expected, atol=1e-4, rtol=1e-4)


def test_the_language_model_fills_in_missing_with_the_originals_arithmetic_too(deepmind_tokens):
    model = perceivers.PerceiverForMaskedLM.from_pretrained(
        "deepmind/language-perceiver", fidelity="deepmind"
    )

    with torch.no_grad():
        logits = model(**deepmind_tokens).logits

    filled = perceivers.PerceiverTokenizer().decode(logits[0, 51:60].argmax(dim=-1))
    assert filled == " missing."


@pytest.mark.parametrize(
    ("name", "class_name", "expected"),
    [
        ("vision-perceiver-learned", "PerceiverForImageClassificationLearned", [-1.1652, -0.1992, -0.7520]),
        ("vision-perceiver-fourier", "PerceiverForImageClassificationFourier", [-1.1295, -0.2832, 0.3226]),
        ("vision-perceiver-conv", "PerceiverForImageClassificationConvProcessing", [-1.1186, 0.0554, 0.0897]),
    ],
)
def test_the_image_models_see_cats(cats, name, class_name, expected):
    processor = perceivers.AutoImageProcessor.from_pretrained(f"deepmind/{name}")
    model = getattr(perceivers, class_name).from_pretrained(f"deepmind/{name}")

    with torch.no_grad():
        logits = model(**processor(cats, return_tensors="pt")).logits

    torch.testing.assert_close(logits[0, :3], torch.tensor(expected), atol=1e-4, rtol=1e-4)
    assert model.config.id2label[int(logits.argmax())] == "tabby, tabby cat"


def test_the_flow_model_sees_next_to_no_motion_between_equal_frames(cats):
    processor = perceivers.PerceiverOpticalFlowProcessor()
    model = perceivers.PerceiverForOpticalFlow.from_pretrained("deepmind/optical-flow-perceiver")
    frame = cats.convert("RGB").resize((496, 368))

    with torch.no_grad():
        flow = processor.post_process(model(**processor(frame, frame)))

    assert flow.shape == (1, 368, 496, 2)
    assert float(flow.norm(dim=-1).mean()) < 1.0


def test_the_multimodal_model_reconstructs_a_still_clip(cats):
    model = perceivers.PerceiverForMultimodalAutoencoding.from_pretrained("deepmind/multimodal-perceiver")
    processor = perceivers.PerceiverImageProcessor(do_normalize=False)
    still = processor(cats, return_tensors="pt")["pixel_values"]
    clip = {"image": still[:, None].expand(-1, 16, -1, -1, -1), "audio": torch.zeros(1, 30720, 1)}

    with torch.no_grad():
        reconstruction = model.reconstruct(clip)

    assert float((reconstruction["image"] - clip["image"]).square().mean()) < 0.01
    assert reconstruction["label"].shape == (1, 700)
