"""The motorcycle pair: one row, whose flow is the disparity that scikit-image gives."""

import numpy as np
import pytest

from perceivers.data.bundled import BUNDLED, bundled_tables
from perceivers.data.bundled import motorcycle as reader
from perceivers.errors import MissingExtraError


def test_flow_is_the_negative_disparity():
    data = pytest.importorskip("skimage.data")
    left, right, disparity = data.stereo_motorcycle()
    (row,) = [bundled_tables("motorcycle")["train"][0]]
    np.testing.assert_array_equal(row["first"], left)
    np.testing.assert_array_equal(row["second"], right)
    known = np.isfinite(disparity)
    np.testing.assert_array_equal(
        row["flow"][known], np.stack([-disparity, np.zeros_like(disparity)], axis=-1)[known]
    )
    assert np.isnan(row["flow"][~known]).all()
    # The end-point error of no motion at all, facts of the data set.
    assert np.nanmean(np.linalg.norm(row["flow"], axis=-1)) == pytest.approx(34.34, abs=0.01)
    assert BUNDLED["motorcycle"].package == "scikit-image"


def test_the_missing_package_is_named(monkeypatch):
    monkeypatch.setattr(reader, "files", lambda name: [])
    with pytest.raises(MissingExtraError, match="The data set `motorcycle` needs the package `scikit-image`"):
        reader.tables()
