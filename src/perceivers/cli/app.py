"""`perceivers app RUN`: a page in the browser to try a model, and the same as JSON."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from cyclopts import Parameter

from perceivers.cli.former import warn_of_former
from perceivers.cli.whole_numbers import Whole


def app(
    folder: Path,
    /,
    *,
    port: Whole = 7860,
    open: Annotated[bool, Parameter(negative="")] = False,
    device: Literal["auto", "cpu"] = "auto",
    megabytes: Whole = 64,
    megapixels: float = 50.0,
    seconds: float = 120.0,
    waiting: Whole = 64,
) -> None:
    """Serve a page to try a trained model, for this machine alone; Ctrl-C ends it.

    The same address answers programs: POST /api/predict, GET /api/run, described at /api/openapi.json.

    Args:
        folder: a folder that `perceivers train` wrote.
        port: of 127.0.0.1; 0 takes one that is free.
        open: open the page in the browser.
        device: `auto` takes the accelerator that is there.
        megabytes: that a request may have.
        megapixels: that a picture may have.
        seconds: that a sound or a film may last.
        waiting: requests that may wait for the model.
    """
    from rich.console import Console

    from perceivers.app import require_packages
    from perceivers.app.limits import Limits

    limits = Limits(megabytes=megabytes, megapixels=megapixels, seconds=seconds, waiting=waiting)
    require_packages()
    from perceivers.app.serving import serve

    warn_of_former(folder)
    console = Console()

    def tell(address: str) -> None:
        console.print(
            f"{folder} is served at {address} (Ctrl-C ends it)", highlight=False, soft_wrap=True, markup=False
        )

    serve(str(folder), port=port, device=device, limits=limits, opens=open, tell=tell)
