from __future__ import annotations

import contextlib
import os
import pickle
from collections import OrderedDict

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from perceivers.conversion.restricted_pickle import read_pickle
from perceivers.errors import CheckpointError


class Call:
    """Pickled as the call of a function."""

    def __init__(self, function, *arguments):
        self.call = (function, arguments)

    def __reduce__(self):
        return self.call


def read(content, tmp_path, protocol=4):
    path = tmp_path / "content.pickle"
    path.write_bytes(content if isinstance(content, bytes) else pickle.dumps(content, protocol=protocol))
    return read_pickle(path)


def test_plain_containers_and_arrays_come_back(tmp_path):
    content = {"a": [1, 2.5, "x", None, True], "b": (b"bytes", {3}), "c": OrderedDict(d=np.float64(7))}
    for protocol in range(6):
        assert read(content, tmp_path, protocol) == content


@pytest.mark.parametrize(
    ("function", "arguments", "name"),
    [
        (os.system, ("touch ran",), "system"),
        (eval, ("open('ran', 'w')",), "eval"),
        (exec, ("open('ran', 'w')",), "exec"),
        (getattr, (np, "load"), "getattr"),
        (__import__, ("os",), "__import__"),
        (np.load, ("arrays.npy",), "load"),
        (np.fromfile, ("/etc/hostname",), "fromfile"),
        (print, ("ran",), "print"),
    ],
)
@pytest.mark.parametrize("protocol", [0, 2, 5])
def test_a_call_of_anything_else_is_refused_by_name_and_not_made(
    function, arguments, name, protocol, tmp_path, monkeypatch, capsys
):
    monkeypatch.chdir(tmp_path)
    if any(argument is np for argument in arguments):
        # Modules cannot be pickled: the name alone must be refused.
        arguments = ("np", "load")
    with pytest.raises(CheckpointError, match=rf"asks for `[\w.]*{name}`, and only NumPy arrays"):
        read({"w": Call(function, *arguments)}, tmp_path, protocol)
    assert not (tmp_path / "ran").exists()
    assert capsys.readouterr().out == ""


def test_dotted_names_reach_no_further(tmp_path):
    # Protocol 4 looks up attributes of attributes: numpy.ndarray.tofile must not pass for numpy.ndarray.
    text = b"\x80\x04\x8c\x05numpy\x8c\x0endarray.tofile\x93."
    with pytest.raises(CheckpointError, match=r"asks for `numpy\.ndarray\.tofile`"):
        read(text, tmp_path)


def test_data_outside_the_file_is_refused(tmp_path):
    with pytest.raises(CheckpointError, match="refers to data outside the file"):
        read(b"\x80\x04\x8c\x01aQ.", tmp_path)


def test_a_codec_that_runs_something_is_refused(tmp_path):
    import codecs

    with pytest.raises(CheckpointError, match="encodes text as 'zlib'"):
        read(Call(codecs.encode, "x", "zlib"), tmp_path)


def test_a_haiku_mapping_of_an_unknown_layout_is_refused(tmp_path):
    for state in (b"N", b"}\x8c\x06leavesK\x03s"):
        content = b"\x80\x04\x8c\x1ahaiku._src.data_structures\x8c\x0bFlatMapping\x93)R" + state + b"b."
        with pytest.raises(CheckpointError, match="Haiku mapping of an unknown layout"):
            read(content, tmp_path)


def test_a_haiku_mapping_with_its_content_in_its_state_is_read(tmp_path):
    state = b"}\x8c\x08_mapping}\x8c\x01wK\x03ss"
    content = b"\x80\x04\x8c\x1ahaiku._src.data_structures\x8c\x0bFlatMapping\x93)R" + state + b"b."
    assert read(content, tmp_path) == {"w": 3}


def test_no_file_can_alter_what_the_next_one_may_do(tmp_path):
    # The first file takes the default away from the stand-in that decodes old bytes; the second one needs it.
    read(b"\x80\x04\x8c\x07_codecs\x8c\x06encode\x93N}\x8c\x0c__defaults__Ns\x86b.", tmp_path)
    assert read(b"\x80\x04\x8c\x07_codecs\x8c\x06encode\x93\x8c\x01x\x85R.", tmp_path) == b"x"


# NumPy complains, behind the error, of the type that it was told to make.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@given(data=st.data())
def test_a_damaged_file_is_an_error_and_nothing_else(data, tmp_path_factory):
    content = bytearray(pickle.dumps({"module": {"w": np.arange(5.0), "b": [1, 2]}}, protocol=4))
    length = data.draw(st.integers(0, len(content) - 1))
    path = tmp_path_factory.mktemp("damaged") / "content.pickle"
    path.write_bytes(content[:length])
    with pytest.raises(CheckpointError, match="cut short or no pickle"):
        read_pickle(path)
    content[length] ^= data.draw(st.integers(1, 255))
    path.write_bytes(content)
    with contextlib.suppress(CheckpointError):
        # A changed byte may still be a valid file; anything but a CheckpointError is not caught here.
        read_pickle(path)


def test_a_value_that_is_remembered_under_a_huge_number_takes_no_memory(tmp_path):
    path = tmp_path / "memo.pkl"
    path.write_bytes(b"\x80\x02}r\xff\xff\xff\x7f.")
    with pytest.raises(
        CheckpointError, match=r"memo\.pkl is not opened: it remembers a value under the number 2147483647"
    ):
        read_pickle(path)
