from __future__ import annotations

import json
import pickle
import zipfile

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from safetensors.torch import save_file

from perceivers.checkpoints.reading import open_weights
from perceivers.errors import CheckpointError

DTYPES = [
    torch.float64,
    torch.float32,
    torch.float16,
    torch.bfloat16,
    torch.int64,
    torch.int32,
    torch.int16,
    torch.int8,
    torch.uint8,
    torch.bool,
]


@given(
    shapes=st.lists(st.lists(st.integers(0, 5), max_size=3), min_size=1, max_size=5),
    dtypes=st.lists(st.sampled_from(DTYPES), min_size=5, max_size=5),
)
def test_what_the_safetensors_package_writes_is_read(shapes, dtypes, tmp_path_factory):
    path = tmp_path_factory.mktemp("weights") / "model.safetensors"
    written = {
        f"key{index}": (torch.randn(shape) * 3).to(dtype)
        for index, (shape, dtype) in enumerate(zip(shapes, dtypes, strict=False))
    }
    save_file(written, path, metadata={"format": "pt"})
    stored = open_weights([path])
    assert stored.keys() == written.keys()
    for key, tensor in written.items():
        assert (stored[key].shape, stored[key].dtype) == (tuple(tensor.shape), tensor.dtype)
        assert torch.equal(stored[key].read(tensor.dtype), tensor)


def test_a_tensor_read_is_memory_of_its_own(tmp_path):
    path = tmp_path / "model.safetensors"
    save_file({"a": torch.arange(5), "b": torch.arange(7)}, path)
    stored = open_weights([path])
    first = stored["a"].read(torch.int64)
    assert first.untyped_storage().nbytes() == 40
    first.zero_()
    assert stored["a"].read(torch.int64).tolist() == [0, 1, 2, 3, 4]


@pytest.mark.parametrize("piece", [1, 7, 35, 1000])
def test_another_type_is_read_in_pieces(tmp_path, monkeypatch, piece):
    from perceivers.checkpoints import reading

    monkeypatch.setattr(reading, "_PIECE", piece)
    tensors = {"a": torch.randn(5, 7), "scalar": torch.tensor(3.25), "none": torch.zeros(0, 3)}
    save_file(tensors, tmp_path / "model.safetensors")
    torch.save(tensors, tmp_path / "pytorch_model.bin")
    for name in ("model.safetensors", "pytorch_model.bin"):
        for key, stored in open_weights([tmp_path / name]).items():
            assert torch.equal(stored.read(torch.bfloat16), tensors[key].bfloat16())
            assert torch.equal(stored.read(torch.float64), tensors[key].double())


def write_header(path, header, data=b""):
    text = json.dumps(header).encode()
    path.write_bytes(len(text).to_bytes(8, "little") + text + data)


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        ({"dtype": "F32", "shape": [3], "data_offsets": [0, 8]}, "a of shape \\[3\\] cannot fill 8 bytes"),
        ({"dtype": "F32", "shape": [2], "data_offsets": [-4, 4]}, "contradicts itself"),
        ({"dtype": "F32", "shape": [3], "data_offsets": [0, 12]}, "cut short: a ends at byte"),
        ({"dtype": "Q4", "shape": [3], "data_offsets": [0, 12]}, "stores a as Q4, which is not supported"),
        ({"dtype": "F32", "shape": [2]}, "is no safetensors file"),
        ("nonsense", "is no safetensors file"),
    ],
)
def test_a_header_that_cannot_be_right_is_an_error(tmp_path, entry, message):
    write_header(tmp_path / "model.safetensors", {"a": entry}, b"12345678")
    with pytest.raises(CheckpointError, match=message):
        open_weights([tmp_path / "model.safetensors"])


@pytest.mark.parametrize(
    "content", [b"", b"1234567", b"{}", b"\xff" * 64, b"version https://git-lfs.github.com/spec/v1\n"]
)
def test_a_file_of_another_kind_is_an_error(tmp_path, content):
    (tmp_path / "model.safetensors").write_bytes(content)
    with pytest.raises(CheckpointError, match="its header is not whole"):
        open_weights([tmp_path / "model.safetensors"])


def test_a_header_that_is_no_json_is_an_error(tmp_path):
    (tmp_path / "model.safetensors").write_bytes((4).to_bytes(8, "little") + b"{nop")
    with pytest.raises(CheckpointError, match="is no safetensors file"):
        open_weights([tmp_path / "model.safetensors"])


def test_a_file_that_shrinks_while_it_is_read_is_an_error(tmp_path):
    path = tmp_path / "model.safetensors"
    save_file({"a": torch.arange(5)}, path)
    stored = open_weights([path])
    path.write_bytes(path.read_bytes()[:-3])
    with pytest.raises(CheckpointError, match="became shorter while it was read"):
        stored["a"].read(torch.int64)


def test_two_files_with_the_same_key_are_an_error(tmp_path):
    for name in ("one", "two"):
        save_file({"a": torch.zeros(2)}, tmp_path / f"{name}.safetensors")
    with pytest.raises(CheckpointError, match="repeats keys of another weight file: a"):
        open_weights([tmp_path / "one.safetensors", tmp_path / "two.safetensors"])


def test_a_bin_file_of_tensors_is_read(tmp_path):
    torch.save({"a": torch.arange(3), "b": torch.ones(2, 5).half()}, tmp_path / "pytorch_model.bin")
    stored = open_weights([tmp_path / "pytorch_model.bin"])
    assert stored["b"].shape == (2, 5)
    assert stored["b"].dtype is torch.float16
    assert stored["a"].read(torch.int64).tolist() == [0, 1, 2]


class Payload:
    def __reduce__(self):
        return (print, ("this must never run",))


def test_a_bin_file_with_code_in_it_is_not_run(tmp_path, capsys):
    torch.save({"a": Payload()}, tmp_path / "pytorch_model.bin")
    with pytest.raises(CheckpointError, match="holds more than tensors"):
        open_weights([tmp_path / "pytorch_model.bin"])
    (tmp_path / "plain.bin").write_bytes(pickle.dumps(Payload(), protocol=2))
    with pytest.raises(CheckpointError, match="holds more than tensors"):
        open_weights([tmp_path / "plain.bin"])
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize("tail", [b"0.", b"h\x07.", b"ctorch._utils\n_rebuild_tensor_v2\n)R.", b"N(R."])
def test_a_pickle_that_its_reader_stumbles_over_is_named(tmp_path, tail):
    # Nothing to take away, an unknown memory, a call without arguments: IndexError, KeyError, TypeError.
    path = tmp_path / "pytorch_model.bin"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("archive/data.pkl", b"\x80\x02" + tail)
        archive.writestr("archive/version", "3\n")
    with pytest.raises(
        CheckpointError, match=r"pytorch_model\.bin (is cut short or no PyTorch file|holds more than)"
    ):
        open_weights([path])


def test_a_bin_file_that_is_cut_short_is_an_error(tmp_path):
    path = tmp_path / "pytorch_model.bin"
    torch.save({"a": torch.arange(300)}, path)
    content = path.read_bytes()
    for length in (0, 10, len(content) // 2, len(content) - 5):
        path.write_bytes(content[:length])
        with pytest.raises(CheckpointError):
            open_weights([path])


def test_a_bin_file_without_a_mapping_of_tensors_is_an_error(tmp_path):
    torch.save([torch.zeros(2)], tmp_path / "pytorch_model.bin")
    with pytest.raises(CheckpointError, match="must hold a mapping of names to tensors, received list"):
        open_weights([tmp_path / "pytorch_model.bin"])
    torch.save({"a": 3}, tmp_path / "pytorch_model.bin")
    with pytest.raises(CheckpointError, match="must hold a mapping of names to tensors"):
        open_weights([tmp_path / "pytorch_model.bin"])
