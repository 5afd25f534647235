"""A trained run as a page in the browser and as JSON at the same address: `perceivers app`."""

from __future__ import annotations

from os import PathLike
from typing import TYPE_CHECKING

from perceivers.app.limits import Limits
from perceivers.errors import MissingExtraError

if TYPE_CHECKING:
    from starlette.applications import Starlette

EXTRA, PURPOSE = "app", "The page"
# What the extra brings: the import's name, and the package's.
PACKAGES = {
    "starlette": "starlette",
    "uvicorn": "uvicorn",
    "jinja2": "jinja2",
    "python_multipart": "python-multipart",
}


def build(run: str | PathLike[str], *, device: str = "auto", limits: Limits | None = None) -> Starlette:
    """The application of a run, for any server that runs ASGI applications.

    Args:
        run: a folder that `perceivers train` wrote.
        device: "auto" or "cpu".
        limits: what a question may take; None: the usual.

    Raises:
        MissingExtraError: the extra `app` is not installed.
        DataError: the folder is no run.
    """
    require_packages()
    from perceivers.app.building import build_app
    from perceivers.predictor import load

    return build_app(load(run, device=device), str(run), limits or Limits())


def require_packages() -> None:
    """Raise MissingExtraError where one of the extra's packages is absent."""
    from importlib.util import find_spec

    for module, package in PACKAGES.items():
        if find_spec(module) is None:
            raise MissingExtraError(package, EXTRA, PURPOSE)
