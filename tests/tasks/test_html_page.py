"""Pages that need no other file."""

from __future__ import annotations

from pathlib import Path

from perceivers.tasks.html_page import write_html


def test_a_page_has_its_title_twice_its_style_and_its_body_as_utf_8(tmp_path: Path) -> None:
    path = tmp_path / "page.html"
    write_html(path, "Texts", "\np { margin: 0; }\n", "<p>né</p>", head="<meta>\n")
    assert path.read_bytes().decode("utf-8").splitlines() == [
        "<!doctype html>",
        '<html lang="en">',
        "<head>",
        '<meta charset="utf-8">',
        "<title>Texts</title>",
        "<meta>",
        "<style>",
        "p { margin: 0; }",
        "</style>",
        "</head>",
        "<body>",
        "<h1>Texts</h1>",
        "<p>né</p>",
        "</body>",
        "</html>",
    ]
