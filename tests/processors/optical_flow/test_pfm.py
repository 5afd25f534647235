"""PFM files are read from the lowest row up, in either byte order."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from perceivers.errors import DataError
from perceivers.processors.optical_flow.pfm import read_pfm_flow
from perceivers.processors.optical_flow.truth import read_known_flow

FLOW = np.arange(2 * 3 * 2, dtype=np.float32).reshape(2, 3, 2)


def pfm(order: str = "<", *, kind: bytes = b"PF", size: bytes = b"3 2") -> bytes:
    values = np.zeros((2, 3, 3), f"{order}f4")
    values[..., :2] = FLOW[::-1]
    return kind + b"\n" + size + (b"\n-1.0\n" if order == "<" else b"\n1.0\n") + values.tobytes()


@pytest.mark.parametrize("order", ["<", ">"])
def test_both_byte_orders_give_the_flow(order: str, tmp_path: Path) -> None:
    (tmp_path / "a.pfm").write_bytes(pfm(order))
    assert torch.equal(read_pfm_flow(tmp_path / "a.pfm"), torch.from_numpy(FLOW))
    flow, known = read_known_flow(tmp_path / "a.pfm")
    assert torch.equal(flow, torch.from_numpy(FLOW))
    assert known.all()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"P6\n3 2\n255\n", "is not a flow file: it does not begin with PF"),
        (pfm(kind=b"Pf"), r"it has one channel \(a disparity\?\)"),
        (pfm()[:-4], "3 x 2 pixels take 84 bytes, the file has 80"),
        (pfm(size=b"0 2"), "says 0 x 2 pixels"),
        (pfm(size=b"99999999 2"), "says 99999999 x 2 pixels"),
        (b"PF\n3 2\n-.-\n", "its scale is"),
    ],
)
def test_what_is_no_flow_is_named(content: bytes, message: str, tmp_path: Path) -> None:
    (tmp_path / "a.pfm").write_bytes(content)
    with pytest.raises(DataError, match=rf"a\.pfm` .*{message}"):
        read_pfm_flow(tmp_path / "a.pfm")


def test_an_absent_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"a\.pfm` is not a flow file: there is no such file"):
        read_pfm_flow(tmp_path / "a.pfm")
