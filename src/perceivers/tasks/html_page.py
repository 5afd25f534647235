"""An HTML page that needs no other file."""

from __future__ import annotations

from pathlib import Path


def write_html(path: Path, title: str, style: str, body: str, *, head: str = "") -> None:
    """Write a page with one heading.

    Args:
        path: file to write.
        title: of the page, and its heading.
        style: CSS, between line ends.
        body: HTML below the heading.
        head: further lines of the page's head.
    """
    path.write_text(
        f'<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n<title>{title}</title>\n'
        f"{head}<style>{style}</style>\n</head>\n<body>\n<h1>{title}</h1>\n{body}\n</body>\n</html>\n",
        encoding="utf-8",
    )
