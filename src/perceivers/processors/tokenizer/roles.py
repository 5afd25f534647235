"""Attributes such as `mask_token` and `mask_token_id`: which token plays which role."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol, Self, overload

from perceivers.processors.tokenizer.added_tokens import AddedToken


class HasRoles(Protocol):
    """A vocabulary whose tokens play roles."""

    @property
    def special_tokens_map(self) -> Mapping[str, str]:
        """The token of each role that is set."""

    def assign_role(self, role: str, token: str | AddedToken | None) -> None:
        """Let a token play a role; None takes the role away."""

    def id_of_role(self, role: str) -> int | None:
        """The id of the token that plays the role; None if there is none."""

    def convert_ids_to_tokens(self, ids: int) -> str:
        """The token of an id."""


class TokenOfRole:
    """Attribute such as `mask_token`: the string that plays that role, or None."""

    def __set_name__(self, owner: type, name: str) -> None:
        self._role = name

    @overload
    def __get__(self, vocabulary: None, owner: type) -> Self: ...
    @overload
    def __get__(self, vocabulary: HasRoles, owner: type) -> str | None: ...
    def __get__(self, vocabulary: HasRoles | None, owner: type) -> Self | str | None:
        return self if vocabulary is None else vocabulary.special_tokens_map.get(self._role)

    def __set__(self, vocabulary: HasRoles, token: str | AddedToken | None) -> None:
        vocabulary.assign_role(self._role, token)


class IdOfRole:
    """Attribute such as `mask_token_id`: the id of the token that plays that role, or None."""

    def __set_name__(self, owner: type, name: str) -> None:
        self._role = name.removesuffix("_id")

    @overload
    def __get__(self, vocabulary: None, owner: type) -> Self: ...
    @overload
    def __get__(self, vocabulary: HasRoles, owner: type) -> int | None: ...
    def __get__(self, vocabulary: HasRoles | None, owner: type) -> Self | int | None:
        return self if vocabulary is None else vocabulary.id_of_role(self._role)

    def __set__(self, vocabulary: HasRoles, token_id: int | None) -> None:
        token = None if token_id is None else vocabulary.convert_ids_to_tokens(token_id)
        vocabulary.assign_role(self._role, token)
