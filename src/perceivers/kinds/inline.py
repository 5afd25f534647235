"""Pictures as HTML that needs no other file."""

from __future__ import annotations

import base64
import io
from html import escape

from PIL import Image


def inline_picture(image: Image.Image, title: str) -> str:
    """A picture as an element whose source is a PNG file inside it.

    Args:
        image: of a mode that PNG has.
        title: what it is called; nothing in it is markup.
    """
    data = base64.b64encode(png_of(image)).decode()
    text = escape(title, quote=True)
    return f'<img src="data:image/png;base64,{data}" alt="{text}" title="{text}">'


def png_of(image: Image.Image) -> bytes:
    """The content of a PNG file of a picture, of a mode that PNG has."""
    content = io.BytesIO()
    image.save(content, "png")
    return content.getvalue()
