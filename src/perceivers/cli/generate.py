"""`perceivers generate DIR PROMPT`: a trained model writes on, shown as it comes."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from cyclopts import Parameter

from perceivers.cli.former import warn_of_former
from perceivers.cli.whole_numbers import MaybeWhole, Whole


def generate(
    folder: Path,
    prompt: str = "",
    /,
    *,
    max_new_tokens: MaybeWhole = None,
    temperature: float | None = None,
    top_k: MaybeWhole = None,
    top_p: float | None = None,
    repetition_penalty: float | None = None,
    stop: Annotated[tuple[str, ...], Parameter(negative="", consume_multiple=True)] = (),
    cache: Literal["exact", "sliding"] | None = None,
    seed: Whole = 0,
    device: Literal["auto", "cpu"] = "auto",
) -> None:
    """Write on after a prompt with a model of text-generation; the text appears as it is written.

    What is not given is as the training run says. `perceivers predict` writes tables and a page of probabilities instead.

    Args:
        folder: a folder that `perceivers train text-generation` wrote.
        prompt: a text, or events with spaces between them; nothing to write from the start.
        max_new_tokens: tokens that are written, at most.
        temperature: lower is more careful, 0 always takes the likeliest token.
        top_k: only so many of the likeliest tokens may be written.
        top_p: only the likeliest tokens that together have this probability may be written.
        repetition_penalty: above 1, tokens that are there already are less likely.
        stop: texts that end what is written.
        cache: `exact`, as if nothing were kept, or `sliding`, nothing is computed anew beyond the context.
        seed: of what is drawn; another one gives another text.
        device: `auto` takes the accelerator that is there.
    """
    import sys

    from perceivers.predictor import load
    from perceivers.tasks.text_generation.streaming import stream

    given = {
        "max_new_tokens": max_new_tokens,
        "temperature": temperature,
        "top_k": top_k,
        "top_p": top_p,
        "repetition_penalty": repetition_penalty,
        "stop": stop or None,
        "cache": cache,
    }
    changed = {name: value for name, value in given.items() if value is not None}

    def show(piece: str) -> None:
        sys.stdout.write(piece)
        sys.stdout.flush()

    warn_of_former(folder)
    stream(load(folder, device=device), prompt, show, seed=seed, **changed)
    show("\n")
