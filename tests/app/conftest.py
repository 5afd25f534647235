"""One small run on a table of pictures, numbers, dates, names and sentences, and a client that speaks to its page."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import perceivers
from perceivers.app.building import build_app
from perceivers.app.limits import Limits
from perceivers.predictor import Predictor
from pets import write_pets
from tiny_tables import fit_tiny

LIMITS = Limits(megabytes=1, megapixels=0.01, seconds=2.0, rows=5, waiting=3, patience=600.0)
ROW = {"photo": None, "weight": 4.2, "born": "2015-03-31", "house": "farm", "note": "sings"}


@pytest.fixture(scope="session")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("app")
    write_pets(folder, 61)
    fit_tiny(
        str(folder / "pets.csv"),
        ["animal", "price"],
        output=folder / "pets",
        epochs=2,
    )
    return folder / "pets"


@pytest.fixture(scope="session")
def predictor(run: Path) -> Predictor:
    return perceivers.load(run, device="cpu")


@pytest.fixture(scope="session")
def client(run: Path, predictor: Predictor) -> Iterator[Any]:
    from starlette.testclient import TestClient

    app = build_app(predictor, str(run), LIMITS)
    with TestClient(app, base_url="http://127.0.0.1", raise_server_exceptions=False) as opened:
        yield opened


def png(height: int = 11, width: int = 7, shade: int = 30) -> bytes:
    content = io.BytesIO()
    Image.fromarray(np.full((height, width, 3), shade, np.uint8)).save(content, "png")
    return content.getvalue()
