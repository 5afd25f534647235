"""The motorcycle pair: one row, whose flow is the disparity that scikit-image gives."""

import numpy as np
import pytest
from PIL import Image

from perceivers.data.bundled import BUNDLED, bundled_tables
from perceivers.data.bundled import motorcycle as reader
from perceivers.errors import MissingExtraError
from perceivers.kinds.sample_files import write_samples
from perceivers.processors.optical_flow.truth import read_known_flow
from perceivers.tasks.optical_flow.folders import flow_table


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


def test_written_as_a_users_files_it_is_a_benchmarks_folder(tmp_path):
    pytest.importorskip("skimage")
    written = write_samples("motorcycle", tmp_path, split="all")
    assert [path.name for path in written] == ["motorcycle_flow.flo"]
    table = flow_table(tmp_path)
    row = table[0]
    assert (row["first"], row["second"]) == ("motorcycle_img1.ppm", "motorcycle_img2.ppm")
    bundled = bundled_tables("motorcycle")["train"][0]
    flow, known = read_known_flow(tmp_path / row["flow"])
    np.testing.assert_array_equal(known, np.isfinite(bundled["flow"]).all(axis=-1))
    np.testing.assert_array_equal(flow[known], bundled["flow"][known])
    np.testing.assert_array_equal(np.asarray(Image.open(tmp_path / row["second"])), bundled["second"])


def test_the_missing_package_is_named(monkeypatch):
    monkeypatch.setattr(reader, "files", lambda name: [])
    with pytest.raises(MissingExtraError, match="The data set `motorcycle` needs the package `scikit-image`"):
        reader.tables()
