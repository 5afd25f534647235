"""Autoencoding of video, sound and label: reconstruction, absent parts, mask tokens, the loss."""

from __future__ import annotations

import math

import pytest
import torch
from torch.nn import functional as F

from perceivers.errors import ShapeError


@pytest.fixture
def model(tiny):
    return tiny("multimodal")


@pytest.fixture(autouse=True)
def _no_gradients(request):
    with torch.set_grad_enabled("gradient" in request.node.name):
        yield


def documented_loop(model, inputs, num_chunks, frames=3, height=4, width=6, patches=15):
    """The loop of the reference's documentation: the whole model once for every chunk of subsampled points."""
    pixels = frames * height * width
    pixel_chunk, patch_chunk = math.ceil(pixels / num_chunks), math.ceil(patches / num_chunks)
    video, sound = [], []
    for chunk in range(num_chunks):
        points = {
            "image": torch.arange(pixel_chunk * chunk, min(pixel_chunk * (chunk + 1), pixels)),
            "audio": torch.arange(patch_chunk * chunk, min(patch_chunk * (chunk + 1), patches)),
            "label": None,
        }
        dims = {"image": (frames, height, width), "audio": (patches,)}
        logits = model.perceiver(inputs, subsampled_output_points=points, output_dims=dims).logits
        video.append(logits["image"])
        sound.append(logits["audio"])
        label = logits["label"]
    return {
        "audio": torch.cat(sound, dim=1)[..., None],
        "image": torch.cat(video, dim=1).reshape(-1, frames, height, width, 3).permute(0, 1, 4, 2, 3),
        "label": label,
    }


# Reconstruction


@pytest.mark.parametrize("num_chunks", [1, 3, 5])
def test_a_reconstruction_is_the_documented_loop(num_chunks, model, video, same):
    inputs = video()
    reconstruction = model.reconstruct(inputs)
    assert {name: tuple(value.shape) for name, value in reconstruction.items()} == {
        "audio": (2, 30, 1),
        "image": (2, 3, 3, 4, 6),
        "label": (2, 3),
    }
    same(reconstruction, documented_loop(model, inputs, num_chunks), 1e-5)


def test_a_reconstruction_equals_the_models_own_forward_on_subsampled_points(model, video, same):
    inputs = video()
    points = {"image": torch.arange(72), "audio": torch.arange(15), "label": None}
    logits = model(inputs, subsampled_output_points=points).logits
    reconstruction = model.reconstruct(inputs)
    same(reconstruction["image"], logits["image"].unflatten(1, (3, 4, 6)).movedim(-1, 2))
    same(reconstruction["audio"][..., 0], logits["audio"])
    same(reconstruction["label"], logits["label"])


@pytest.mark.parametrize("chunk_size", [1, 13, 16, 87, 1000])
def test_the_chunk_size_changes_nothing(chunk_size, model, video, same):
    inputs = video()
    same(model.reconstruct(inputs, chunk_size=chunk_size), model.reconstruct(inputs), 1e-6)


def test_a_chunk_holds_at_least_one_output(model, video):
    with pytest.raises(ShapeError, match="`chunk_size` must be at least 1, received 0"):
        model.reconstruct(video(), chunk_size=0)


@pytest.mark.parametrize(
    "sizes",
    [
        {"frames": 2, "patches": 10},
        {"frames": 5, "patches": 25},
        {"height": 8, "width": 2},
        {"frames": 1, "height": 2, "width": 10, "patches": 7},
    ],
    ids=["fewer frames", "more frames", "another picture size", "everything else"],
)
def test_video_and_sound_of_other_sizes_are_reconstructed_at_their_own(sizes, model, video, same):
    sizes = {"frames": 3, "height": 4, "width": 6, "patches": 15, **sizes}
    inputs = video(**sizes)
    reconstruction = model.reconstruct(inputs)
    assert reconstruction["image"].shape == inputs["image"].shape
    assert reconstruction["audio"].shape == inputs["audio"].shape
    same(reconstruction, documented_loop(model, inputs, 2, **sizes), 1e-5)


def test_pixels_and_samples_lie_where_they_belong(model, video):
    """Frame 1, row 2, column 5 of channel 0, and sample 13, decoded one by one."""
    inputs = video()
    reconstruction, encoded = model.reconstruct(inputs), model.encode(inputs)
    points = {"image": [1 * 24 + 2 * 6 + 5], "audio": [6], "label": []}
    alone = model.decode(encoded, subsampled_output_points=points)
    assert torch.allclose(reconstruction["image"][:, 1, :, 2, 5], alone["image"][:, 0], atol=1e-5)
    assert torch.allclose(reconstruction["audio"][:, 13, 0], alone["audio"][:, 1], atol=1e-5)


def test_a_reconstruction_looks_at_no_masked_token(model, video, same):
    inputs, mask = video(), {"audio": torch.arange(15).expand(2, -1) < 7}
    reconstruction = model.reconstruct(inputs, mask)
    changed = {**inputs, "audio": inputs["audio"].clone()}
    changed["audio"][:, 14:] += 1
    same(model.reconstruct(changed, mask), reconstruction)
    assert (reconstruction["image"] - model.reconstruct(inputs)["image"]).abs().max() > 1e-4


# Absent parts and mask tokens


def test_an_absent_label_is_the_same_as_one_of_zeros(model, video, same):
    inputs = video()
    without = {name: inputs[name] for name in ("audio", "image")}
    zeros = {**without, "label": torch.zeros(2, 3)}
    same(model(without).logits, model(zeros).logits)
    same(model.reconstruct(without), model.reconstruct(zeros))
    # The released model masks labels always, so what they are does not matter.
    same(model(inputs).logits, model(zeros).logits)
    mask = {"label": torch.zeros(2, 1)}
    same(model.encode(without, mask).latents, model.encode(zeros, mask).latents)


def test_a_label_that_is_not_masked_matters_and_may_be_absent(tiny, video):
    model = tiny("multimodal", mask_probabilities={"label": 0.0})
    inputs = video()
    one, other = model.encode(inputs), model.encode({**inputs, "label": torch.zeros(2, 3)})
    assert (one.latents - other.latents).abs().max() > 1e-4
    without = model.encode({name: inputs[name] for name in ("audio", "image")})
    assert without.modality_sizes == {"audio": 15, "image": 18}
    assert without.latents.shape == one.latents.shape


@pytest.mark.parametrize("missing", ["audio", "image"])
def test_what_is_missing_is_reconstructed_at_the_configured_size(missing, model, video, same):
    inputs = video(frames=2, patches=10)
    del inputs[missing]
    reconstruction = model.reconstruct(inputs)
    sizes = {"frames": 2, "height": 4, "width": 6, "patches": 10}
    sizes |= {"patches": 15} if missing == "audio" else {"frames": 3}
    assert reconstruction["audio"].shape == (2, 2 * sizes["patches"], 1)
    assert reconstruction["image"].shape == (2, sizes["frames"], 3, 4, 6)
    same(reconstruction, documented_loop(model, inputs, 3, **sizes), 1e-5)


def test_a_label_alone_is_enough(model):
    logits = model({"label": torch.zeros(2, 3)}).logits
    assert {name: tuple(value.shape) for name, value in logits.items()} == {
        "audio": (2, 30),
        "image": (2, 72, 3),
        "label": (2, 3),
    }


# The loss


def test_the_loss_weighs_errors_at_the_points_given(model, video):
    inputs, classes = video(), torch.tensor([2, 0])
    points = {"image": torch.tensor([0, 71, 13]), "audio": torch.tensor([14, 3]), "label": None}
    output = model(inputs, subsampled_output_points=points, labels={"label": classes})
    pixels = inputs["image"].permute(0, 1, 3, 4, 2).reshape(2, 72, 3)[:, [0, 71, 13]]
    samples = inputs["audio"][:, [28, 29, 6, 7], 0]
    expected = (
        0.03 * (output.logits["image"] - pixels).abs().mean()
        + (output.logits["audio"] - samples).abs().mean()
        + 1e-4 * F.cross_entropy(output.logits["label"], classes)
    )
    torch.testing.assert_close(output.loss, expected)


def test_points_may_be_each_samples_own(model, video):
    inputs = video()
    points = {"image": torch.tensor([[0, 71], [5, 6]]), "audio": []}
    output = model(inputs, subsampled_output_points=points, labels={})
    pixels = inputs["image"].permute(0, 1, 3, 4, 2).reshape(2, 72, 3)
    wanted = torch.stack([pixels[0, [0, 71]], pixels[1, [5, 6]]])
    assert list(output.logits) == ["image", "label"]
    torch.testing.assert_close(output.loss, 0.03 * (output.logits["image"] - wanted).abs().mean())


def test_points_are_drawn_anew_and_repeatably_under_a_seed(model, video):
    inputs = video()

    def draw(seed):
        torch.manual_seed(seed)
        return model(inputs, labels={})

    first, again, other = draw(3), draw(3), draw(5)
    assert first.logits["image"].shape == (2, 7, 3)
    assert first.logits["audio"].shape == (2, 14)
    assert torch.equal(first.loss, again.loss)
    assert not torch.equal(first.logits["image"], other.logits["image"])
    # The points of seed 3: drawn for sound first, as the modalities are sorted.
    torch.manual_seed(3)
    drawn = {name: torch.randperm(count)[:7] for name, count in (("audio", 15), ("image", 72))}
    given = model(inputs, labels={}, subsampled_output_points=drawn)
    torch.testing.assert_close(given.loss, first.loss)


def test_all_points_are_taken_where_there_are_fewer_than_wanted(tiny, video):
    model, inputs = tiny("multimodal", num_training_points=1000), video()
    output = model(inputs, labels={})
    assert output.logits["image"].shape == (2, 72, 3)
    expected = model(
        inputs, labels={}, subsampled_output_points={"image": torch.arange(72), "audio": torch.arange(15)}
    )
    torch.testing.assert_close(output.loss, expected.loss, rtol=1e-4, atol=1e-6)


def test_targets_may_differ_from_the_inputs_in_value_and_size(model, video):
    inputs, target = video(), video(frames=5, height=2, width=8, patches=11)
    points = {"image": torch.tensor([79, 2]), "audio": torch.tensor([10])}
    output = model(
        inputs, subsampled_output_points=points, labels={"image": target["image"], "audio": target["audio"]}
    )
    pixels = target["image"].permute(0, 1, 3, 4, 2).reshape(2, 80, 3)[:, [79, 2]]
    samples = target["audio"][:, 20:, 0]
    expected = (
        0.03 * (output.logits["image"] - pixels).abs().mean()
        + (output.logits["audio"] - samples).abs().mean()
    )
    torch.testing.assert_close(output.loss, expected)


def test_weights_of_the_loss_are_configuration_keys(tiny, video):
    inputs, points = video(), {"image": torch.tensor([3]), "audio": []}
    plain = tiny("multimodal")(inputs, labels={}, subsampled_output_points=points).loss
    weighted = tiny("multimodal", loss_weights={"image": 0.3})
    torch.testing.assert_close(weighted(inputs, labels={}, subsampled_output_points=points).loss, 10 * plain)


@pytest.mark.parametrize("present", ["audio", "image", "label"])
def test_only_what_has_a_target_is_decoded_for_the_loss(present, model, video):
    inputs = {present: video()[present]}
    labels = {"label": torch.tensor([1, 2])} if present == "label" else {}
    output = model(inputs, labels=labels)
    assert set(output.logits) == {present, "label"}
    assert torch.isfinite(output.loss)


def test_a_modality_that_is_absent_from_the_inputs_may_be_a_target(model, video):
    inputs = video()
    target = inputs.pop("audio")
    points = {"audio": torch.tensor([4, 1]), "image": []}
    output = model(inputs, labels={"audio": target}, subsampled_output_points=points)
    expected = (output.logits["audio"] - target[:, [8, 9, 2, 3], 0]).abs().mean()
    torch.testing.assert_close(output.loss, expected)


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        (
            {"video": torch.zeros(2)},
            r"`labels` must be a mapping with any of audio, image and label, received \['v",
        ),
        (torch.zeros(2), "`labels` must be a mapping with any of audio, image and label, received Tensor"),
        ({"label": torch.tensor([3, 0])}, r"`labels` must be in \[0, 2\]"),
        (
            {"audio": torch.zeros(2, 31, 1)},
            r"`labels\['audio'\]` must be floating-point values \[2, samples divisible by 2, 1\], received \[2, 31, 1\]",
        ),
        (
            {"audio": torch.zeros(1, 30, 1)},
            r"`labels\['audio'\]` must be floating-point values \[2, .*received \[1, 30, 1\]",
        ),
        (
            {"audio": torch.zeros(2, 30)},
            r"`labels\['audio'\]` must be floating-point values \[2, .*received \[2, 30\]",
        ),
        (
            {"image": torch.zeros(2, 3, 1, 4, 6)},
            r"`labels\['image'\]` must be floating-point values \[2, frames, 3, height, width\], received \[2, 3, 1",
        ),
        (
            {"image": torch.zeros(2, 3, 4, 6)},
            r"`labels\['image'\]` must be floating.*received \[2, 3, 4, 6\]",
        ),
        (
            {"image": torch.zeros(2, 3, 3, 4, 6).int()},
            r"`labels\['image'\]` must be floating.* of torch.int32",
        ),
        ({"audio": torch.full((2, 30, 1), math.nan)}, r"`labels\['audio'\]` must hold finite numbers"),
    ],
)
def test_targets_that_do_not_fit_are_refused(labels, message, model, video):
    with pytest.raises(ShapeError, match=message):
        model(video(), labels=labels)


def test_without_a_target_there_is_no_loss(model):
    with pytest.raises(
        ShapeError, match="`labels` must give a target for at least one modality, received none"
    ):
        model({"label": torch.zeros(2, 3)}, labels={})


def test_the_gradient_of_the_loss_is_finite(model, video):
    model(video(), labels={"label": torch.tensor([0, 2])}).loss.backward()
    gradients = {name: parameter.grad for name, parameter in model.named_parameters()}
    assert all(torch.isfinite(gradient).all() for gradient in gradients.values() if gradient is not None)
    without = {name for name, gradient in gradients.items() if gradient is None}
    assert without == set()


# Bad input


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"video": torch.zeros(2)},
            r"`inputs` must name modalities of \['audio', 'image', 'label'\], received \['vi",
        ),
        (
            {"audio": torch.zeros(3, 30, 1)},
            "`inputs` must have the same batch size for every modality, received",
        ),
        (
            {"audio": torch.zeros(2, 31, 1)},
            "`inputs` must hold a number of samples divisible by `samples_per_patch`",
        ),
        ({"image": torch.zeros(2, 3, 3, 5, 6)}, "`inputs` must have sizes divisible by the patch sizes"),
        ({"label": torch.zeros(2, 5)}, r"`inputs` must be floating-point class memberships \[batch, 3\]"),
    ],
)
def test_inputs_that_do_not_fit_are_refused(changes, message, model, video):
    with pytest.raises(ShapeError, match=message):
        model({**video(), **changes})


@pytest.mark.parametrize("labels", [None, {}])
def test_inputs_are_a_mapping(labels, model):
    for wrong, received in (
        (torch.zeros(2, 3), "Tensor of length 2"),
        (None, "None"),
        ({}, "dict of length 0"),
    ):
        message = f"`inputs` must be a mapping from modality to values, received {received}"
        with pytest.raises(ShapeError, match=message):
            model(wrong, labels=labels)
    with pytest.raises(
        ShapeError, match=r"`inputs` must be a mapping with some of \['audio', 'image', 'label'\], re"
    ):
        model.encode(torch.zeros(2, 3))
