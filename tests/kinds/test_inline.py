"""Pictures inside HTML."""

from __future__ import annotations

import base64
import io
import re

from PIL import Image

from perceivers.kinds.inline import inline_picture


def test_the_element_holds_the_picture_and_its_title_is_no_markup() -> None:
    html = inline_picture(Image.new("RGB", (3, 5), (7, 11, 13)), '<b> "x"')
    (content,) = re.findall(r'src="data:image/png;base64,([^"]+)"', html)
    image = Image.open(io.BytesIO(base64.b64decode(content)))
    assert (image.size, image.getpixel((2, 4))) == ((3, 5), (7, 11, 13))
    assert html.count("&lt;b&gt; &quot;x&quot;") == 2
