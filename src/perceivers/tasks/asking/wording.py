"""Errors about a question in the words of whoever asks it: without the options of commands, which nobody can give there."""

from __future__ import annotations

import re

# What was received, and names: whatever stands in them is nobody's option.
_QUOTED = re.compile(r"'(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\"")
_OPTION = re.compile(r"(?<![\w-])--[a-z]")
_PLACE = re.compile("\0(\\d+)\0")
# What a table has, and what a question has in its place.
_OTHERWISE = {"empty the cell": "leave it out"}


def in_words_of_a_question(text: str) -> str:
    """An error without the advice that names options: "expected a number, received 'heavy'; leave it out if nobody knows it".

    Advice stands behind a semicolon or a colon, alternatives are divided by ", or".

    Args:
        text: as commands say it.
    """
    quoted: list[str] = []

    def put_away(found: re.Match[str]) -> str:
        quoted.append(found[0])
        return f"\0{len(quoted) - 1}\0"

    bare = _QUOTED.sub(put_away, text.replace("\0", ""))
    clauses = [kept for clause in bare.split("; ") if (kept := _without_options(clause))]
    said = "; ".join(clauses)
    for word, other in _OTHERWISE.items():
        said = said.replace(word, other)
    return _PLACE.sub(lambda found: quoted[int(found[1])], said)


def _without_options(clause: str) -> str:
    first, *others = clause.split(", or ")
    kept = [each for each in others if not _OPTION.search(each)]
    found = _OPTION.search(first)
    if found is None:
        return ", or ".join([first, *kept])
    head, colon, _ = first[: found.start()].rpartition(": ")
    advice = ", or ".join(kept)
    return f"{head}: {advice}" if colon and advice else head if colon else advice
