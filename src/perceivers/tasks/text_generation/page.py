"""A page to read: prompts and what was written on, each token shaded by its probability, with the likeliest beside it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from html import escape
from pathlib import Path

from perceivers.tasks.base import Prediction
from perceivers.tasks.html_page import write_html
from perceivers.tasks.text_generation.codes import ByteCodes, Codes
from perceivers.tasks.text_generation.continuing import Thought

_STYLE = """
body { font: 16px/1.7 system-ui, sans-serif; color: #222; max-width: 56em; margin: 2em auto; padding: 0 1em; }
article { border-top: 1px solid #ddd; padding: 1em 0; }
pre { font: 15px/1.9 ui-monospace, monospace; white-space: pre-wrap; overflow-wrap: anywhere; margin: 0.5em 0; }
.given { color: #888; }
.token { border-radius: 2px; }
.written .token { border-bottom: 1px solid #bbb; }
.source, .said { color: #777; font-size: 0.85em; }
.scale { display: inline-block; width: 10em; height: 0.8em; vertical-align: middle;
  background: linear-gradient(to right, rgba(209, 73, 91, 0.55), rgba(209, 73, 91, 0)); }
"""


def write_page(predictions: Sequence[Prediction], path: Path) -> None:
    """Write an HTML page that needs no other file.

    Args:
        predictions: as `perceivers.tasks.text_generation.continuing.continued` makes them.
        path: file to write.
    """
    articles = "\n".join(_article(prediction) for prediction in predictions)
    said = (
        '<p class="said">grey: given; black: written. Unlikely <span class="scale"></span> certain, as the model sees it; '
        "a token's probability and the likeliest others show where the pointer rests.</p>\n"
    )
    write_html(path, "Texts written on", _STYLE, f"{said}{articles}")


def tokens_html(prediction: Prediction) -> str:
    """Prompt and continuation, each token the darker the less likely it was."""
    shown = prediction.shown
    given, thoughts, codes = shown["num_given"], shown["thoughts"], shown["codes"]
    return (
        f'<pre><span class="given">{_shaded(thoughts[:given], codes)}</span>'
        f'<span class="written">{_shaded(thoughts[given:], codes)}</span></pre>'
    )


def _article(prediction: Prediction) -> str:
    shown = prediction.shown
    source = f'<div class="source">{escape(prediction.source[:200])}</div>\n' if shown["is_file"] else ""
    values = prediction.values
    end = "an end was reached" if values["ended"] else "as many tokens as were asked for"
    said = f"{values['tokens']:,} tokens written, {values['bits_per_token']:.2f} bits each; {end}"
    return f'<article>\n{source}{tokens_html(prediction)}\n<div class="said">{said}</div>\n</article>'


def _shaded(thoughts: Sequence[Thought], codes: Codes) -> str:
    return "".join(_token(group, codes) for group in _groups(thoughts, codes))


def _groups(thoughts: Sequence[Thought], codes: Codes) -> Iterator[list[Thought]]:
    """Tokens that are shown together: the bytes of a character, or one event."""
    waiting: list[Thought] = []
    for thought in thoughts:
        waiting.append(thought)
        if not isinstance(codes, ByteCodes) or _is_whole(codes.decode([each.id for each in waiting])):
            yield waiting
            waiting = []
    if waiting:
        yield waiting


def _is_whole(character: bytes) -> bool:
    """Whether bytes are a character, or cannot become one any more; a character has four at most."""
    try:
        character.decode("utf-8")
    except UnicodeDecodeError:
        return len(character) >= 4
    return True


def _token(group: Sequence[Thought], codes: Codes) -> str:
    text = codes.shown([each.id for each in group])
    text = text if isinstance(codes, ByteCodes) else f"{text} "
    if any(each.probability is None for each in group):
        return escape(text)
    probability = 1.0
    lines = []
    for each in group:
        probability *= each.probability or 0.0
        others = ", ".join(f"{_named(other, codes)} {share:.1%}" for other, share in each.alternatives)
        lines.append(f"{_named(each.id, codes)} {each.probability:.1%} of: {others}")
    shade = 0.55 * (1.0 - probability)
    title = escape("\n".join(lines), quote=True)
    return f'<span class="token" style="background: rgba(209, 73, 91, {shade:.2f})" title="{title}">{escape(text)}</span>'


def _named(token: int, codes: Codes) -> str:
    """A token in a list: itself, or its number where it cannot be seen."""
    if token == codes.eos_id:
        return "[end]"
    text = codes.shown([token])
    if not isinstance(codes, ByteCodes):
        return text or f"[{token}]"
    value = codes.decode([token])
    if not value:
        return f"[{token}]"
    return {" ": "space", "\n": "line end", "\t": "tab"}.get(
        text, text if text.isprintable() and text != "\ufffd" else f"byte {value[0]:02X}"
    )
