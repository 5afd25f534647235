"""Tokens that stand for a whole string, such as [MASK], and how they are found inside a text."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass

from perceivers.errors import ConfigurationError


@dataclass(frozen=True)
class AddedToken:
    """One string with an id of its own; the flags are those of the published file format."""

    content: str
    """The string itself."""
    single_word: bool = False
    """Found only between spaces or the ends of the text."""
    lstrip: bool = False
    """Takes the white space before it."""
    rstrip: bool = False
    """Takes the white space after it."""
    normalized: bool = True
    """Written to files; bytes are never normalised, so it changes nothing."""
    special: bool = False
    """Added as a special token; written to files."""

    def __str__(self) -> str:
        return self.content

    def to_dict(self) -> dict[str, str | bool]:
        """The entry of `added_tokens_decoder` in `tokenizer_config.json`."""
        return asdict(self)


_FIELDS = ("content", "single_word", "lstrip", "rstrip", "normalized", "special")


def as_added_token(value: object, special: bool = False) -> AddedToken:
    """An AddedToken from a string, a mapping out of a file, or any object with the same attributes.

    Args:
        value: the token.
        special: marks it as special in any case.

    Raises:
        ConfigurationError: `value` is none of those.
    """
    if isinstance(value, str):
        return AddedToken(value, special=special, normalized=not special)
    fields = value if isinstance(value, Mapping) else {name: getattr(value, name, None) for name in _FIELDS}
    content = fields.get("content")
    if not isinstance(content, str):
        raise ConfigurationError(f"a token must be a string or an AddedToken, received {value!r}")
    flags = {name: bool(fields[name]) for name in _FIELDS[1:] if fields.get(name) is not None}
    if special:
        flags["special"] = True
    return AddedToken(content, **flags)


class TokenFinder:
    """Cuts a text at every occurrence of the given tokens; the earliest wins, then the longest.

    Args:
        tokens: all added tokens.
    """

    def __init__(self, tokens: Iterable[AddedToken]) -> None:
        self._tokens = {token.content: token for token in tokens if token.content}
        longest_first = sorted(self._tokens, key=len, reverse=True)
        self._pattern = re.compile(f"({'|'.join(map(re.escape, longest_first))})")
        self._any_flags = any(
            token.single_word or token.lstrip or token.rstrip for token in self._tokens.values()
        )

    def occurs_in(self, text: str) -> bool:
        """Whether any token's string is in the text."""
        return self._pattern.search(text) is not None

    def split(self, text: str) -> list[str]:
        """The text's pieces in order; a piece is a token exactly where it equals one."""
        pieces = [piece for piece in self._pattern.split(text) if piece]
        if not self._any_flags:
            return pieces
        for index, piece in enumerate(pieces):
            token = self._tokens.get(piece)
            if token is not None:
                _apply_flags(token, pieces, index)
        return [piece for piece in pieces if piece]


def _apply_flags(token: AddedToken, pieces: list[str], index: int) -> None:
    """Strip the neighbours of `pieces[index]`, or join it to one that shows that it is no word of its own."""
    left = pieces[index - 1] if index > 0 else ""
    right = pieces[index + 1] if index + 1 < len(pieces) else ""
    if token.rstrip and right:
        pieces[index + 1] = right.lstrip()
    if token.lstrip and left:
        pieces[index - 1] = left.rstrip()
    if not token.single_word:
        return
    if left and left[-1] != " ":
        pieces[index - 1] += token.content
        pieces[index] = ""
    elif right and right[0] != " ":
        pieces[index + 1] = token.content + pieces[index + 1]
        pieces[index] = ""
