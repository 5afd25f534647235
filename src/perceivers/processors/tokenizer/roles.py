"""Attributes such as `mask_token` and `mask_token_id`: which token plays which role."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self, overload

if TYPE_CHECKING:
    from perceivers.processors.tokenizer.added_tokens import AddedToken
    from perceivers.processors.tokenizer.vocabulary import ByteVocabulary


class TokenOfRole:
    """Attribute such as `mask_token`: the string that plays that role, or None."""

    def __set_name__(self, owner: type, name: str) -> None:
        self._role = name

    @overload
    def __get__(self, vocabulary: None, owner: type) -> Self: ...
    @overload
    def __get__(self, vocabulary: ByteVocabulary, owner: type) -> str | None: ...
    def __get__(self, vocabulary: ByteVocabulary | None, owner: type) -> Self | str | None:
        return self if vocabulary is None else vocabulary.special_tokens_map.get(self._role)

    def __set__(self, vocabulary: ByteVocabulary, token: str | AddedToken | None) -> None:
        vocabulary.assign_role(self._role, token)


class IdOfRole:
    """Attribute such as `mask_token_id`: the id of the token that plays that role, or None."""

    def __set_name__(self, owner: type, name: str) -> None:
        self._role = name.removesuffix("_id")

    @overload
    def __get__(self, vocabulary: None, owner: type) -> Self: ...
    @overload
    def __get__(self, vocabulary: ByteVocabulary, owner: type) -> int | None: ...
    def __get__(self, vocabulary: ByteVocabulary | None, owner: type) -> Self | int | None:
        return self if vocabulary is None else vocabulary.id_of_role(self._role)

    def __set__(self, vocabulary: ByteVocabulary, token_id: int | None) -> None:
        token = None if token_id is None else vocabulary.convert_ids_to_tokens(token_id)
        vocabulary.assign_role(self._role, token)
