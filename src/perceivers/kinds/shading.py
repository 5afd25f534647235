"""HTML whose background is darker where an answer looked more."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape


def shaded(text: str, share: float) -> str:
    """A text with a background.

    Args:
        text: taken letter by letter; nothing in it is markup.
        share: of the darkest background, in [0, 1].
    """
    return f'<span style="background: rgba(209, 73, 91, {0.55 * share:.2f})">{escape(text)}</span>'


def shaded_bar(shares: Sequence[float]) -> str:
    """A bar as wide as what it stands in, of parts of one width; each share is of the darkest, in [0, 1]."""
    parts = "".join(
        f'<span style="flex: 1; height: 1em; background: rgba(209, 73, 91, {0.55 * share:.2f})"></span>'
        for share in shares
    )
    return f'<div style="display: flex">{parts}</div>'


def shaded_list(names: Sequence[str], cells: Sequence[tuple[str, float]]) -> str:
    """Names and cells, each cell shaded by its weight.

    Args:
        names: of the columns.
        cells: text and weight of each, 1 for the heaviest of all that are shown beside each other; none where all are absent.
    """
    rows = "".join(
        f"<dt>{escape(name)}</dt><dd>{shaded(text, min(weight, 1.0))}</dd>\n"
        for name, (text, weight) in zip(names, cells, strict=False)
    )
    return f"<dl>\n{rows}</dl>"
