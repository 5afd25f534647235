"""The ids of the byte tokenizer and the tokens they stand for: 256 bytes, six special tokens, and added ones."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, overload

import numpy as np

from perceivers.errors import ConfigurationError, DataError
from perceivers.processors.tokenizer.added_tokens import AddedToken, TokenFinder, as_added_token
from perceivers.processors.tokenizer.byte_codec import FIRST_BYTE_ID, NUM_BYTES, NUM_IDS
from perceivers.processors.tokenizer.roles import IdOfRole, TokenOfRole

# Their positions are their ids.
NUMBERED_ROLES = ("pad_token", "bos_token", "eos_token", "mask_token", "cls_token", "sep_token")
ROLES = ("bos_token", "eos_token", "unk_token", "sep_token", "pad_token", "cls_token", "mask_token")


class ByteVocabulary:
    """Tokens and ids, without any text processing.

    Args:
        roles: the token of each role such as "mask_token"; roles beyond ROLES become attributes of those names.
        extra_special_tokens: special tokens without a role.
        placed_tokens: tokens whose ids are known; they win over all others.

    Attributes:
        bos_token, eos_token, unk_token, sep_token, pad_token, cls_token, mask_token: strings, None where unset.
        bos_token_id, eos_token_id, unk_token_id, sep_token_id, pad_token_id, cls_token_id, mask_token_id: their ids.
    """

    bos_token = TokenOfRole()
    eos_token = TokenOfRole()
    unk_token = TokenOfRole()
    sep_token = TokenOfRole()
    pad_token = TokenOfRole()
    cls_token = TokenOfRole()
    mask_token = TokenOfRole()
    bos_token_id = IdOfRole()
    eos_token_id = IdOfRole()
    unk_token_id = IdOfRole()
    sep_token_id = IdOfRole()
    pad_token_id = IdOfRole()
    cls_token_id = IdOfRole()
    mask_token_id = IdOfRole()

    def __init__(
        self,
        roles: Mapping[str, object],
        extra_special_tokens: Iterable[object] = (),
        placed_tokens: Mapping[int, AddedToken] | None = None,
    ) -> None:
        self._roles: dict[str, str] = {}
        self._extra: list[str] = []
        self._ids: dict[str, int] = {}
        self._added: dict[int, AddedToken] = {}
        for token_id, role in enumerate(NUMBERED_ROLES):
            # A role that is switched off still has its row in the embedding, under its usual name.
            token = as_added_token(
                f"[{role.removesuffix('_token').upper()}]" if roles[role] is None else roles[role]
            )
            if not token.content:
                raise ConfigurationError(f"`{role}` must be a string of at least one character, received ''")
            self._place(token_id, token)
        for token_id, token in (placed_tokens or {}).items():
            self._place(token_id, token)
        for role, value in roles.items():
            if value is not None:
                # Here go roles without a number, and those whose number a placed token has taken.
                token = as_added_token(value, special=True)
                self._roles[role] = token.content
                self._insert([] if token.content in self._ids else [token])
        extra = [as_added_token(token, special=True) for token in extra_special_tokens]
        self._insert([token for token in extra if token.content not in self._ids])
        self._extra = [token.content for token in extra]

    def __getattr__(self, name: str) -> str | int | None:
        """Roles of this vocabulary's own, such as `image_token` and `image_token_id`.

        Raises:
            AttributeError: there is no such role.
        """
        roles: dict[str, str] = self.__dict__.get("_roles", {})
        if name in roles:
            return roles[name]
        if name.endswith("_id") and name.removesuffix("_id") in roles:
            return self.id_of_role(name.removesuffix("_id"))
        raise AttributeError(f"{type(self).__name__} has no attribute {name}")

    @property
    def vocab_size(self) -> int:
        """Number of byte tokens, 256; `len()` counts the others too."""
        return NUM_BYTES

    def __len__(self) -> int:
        return NUM_BYTES + sum(1 for content in self._ids if not _is_byte_token(content))

    @property
    def special_tokens_map(self) -> dict[str, str]:
        """The token of each role that is set."""
        known = {role: self._roles[role] for role in ROLES if role in self._roles}
        return known | self._roles

    @property
    def extra_special_tokens(self) -> list[str]:
        """Special tokens without a role."""
        return list(self._extra)

    @extra_special_tokens.setter
    def extra_special_tokens(self, tokens: Sequence[str | AddedToken]) -> None:
        self._extra = [as_added_token(token).content for token in tokens]

    @property
    def extra_special_tokens_ids(self) -> list[int | None]:
        """Their ids."""
        return [self._id_of(token) for token in self._extra]

    @property
    def all_special_tokens(self) -> list[str]:
        """Every special token once: roles first, then the extra ones."""
        return list(dict.fromkeys([*self.special_tokens_map.values(), *self._extra]))

    @property
    def all_special_ids(self) -> list[int | None]:
        """The ids of all_special_tokens."""
        return [self._id_of(token) for token in self.all_special_tokens]

    @property
    def added_tokens_encoder(self) -> dict[str, int]:
        """Ids of all tokens that are no plain bytes, by id."""
        return dict(sorted(self._ids.items(), key=lambda item: item[1]))

    @property
    def added_tokens_decoder(self) -> dict[int, AddedToken]:
        """All tokens that are no plain bytes, by id."""
        return dict(sorted(self._added.items()))

    def get_vocab(self) -> dict[str, int]:
        """Every token's id; byte b is written as the character with code point b."""
        return {chr(byte): byte + FIRST_BYTE_ID for byte in range(NUM_BYTES)} | self._ids

    def get_added_vocab(self) -> dict[str, int]:
        """Ids of all tokens that are no plain bytes."""
        return self.added_tokens_encoder

    def assign_role(self, role: str, token: str | AddedToken | None) -> None:
        """Let a token play a role such as "mask_token"; it gets no id by that, see add_special_tokens.

        Args:
            role: one of ROLES, or a role of this vocabulary's own.
            token: None takes the role away.
        """
        if token is None:
            self._roles.pop(role, None)
        else:
            self._roles[role] = as_added_token(token).content

    def id_of_role(self, role: str) -> int | None:
        """The id of the token that plays the role; None if there is none."""
        token = self._roles.get(role)
        return None if token is None else self._id_of(token)

    def require_id(self, role: str, purpose: str) -> int:
        """The id of the token that plays the role.

        Raises:
            ConfigurationError: no token with an id plays it.
        """
        token_id = self.id_of_role(role)
        if token_id is None:
            raise ConfigurationError(
                f"`{role}` must be a token with an id for {purpose}, received {self._roles.get(role)!r}; "
                f'set it with add_special_tokens({{"{role}": ...}})'
            )
        return token_id

    def add_tokens(
        self,
        new_tokens: str | AddedToken | Sequence[str | AddedToken] | None,
        special_tokens: bool = False,
    ) -> int:
        """Give strings ids of their own, so that a text is cut at them.

        Args:
            new_tokens: those already there keep their ids.
            special_tokens: counts them among the special tokens.

        Returns:
            How many ids are new.
        """
        if not new_tokens:
            return 0
        several = (
            [new_tokens] if isinstance(new_tokens, str) or hasattr(new_tokens, "content") else new_tokens
        )
        tokens = [
            as_added_token(token, special=special_tokens)
            for token in several
            if not (isinstance(token, str) and token in self._ids)
        ]
        before = self.all_special_tokens
        for token in tokens:
            if token.special and token.content not in before:
                self._extra.append(token.content)
        return self._insert(tokens)

    def add_special_tokens(
        self,
        special_tokens_dict: Mapping[str, Any],
        replace_extra_special_tokens: bool = True,
    ) -> int:
        """Set roles and extra special tokens, giving ids to those that have none.

        Args:
            special_tokens_dict: a token for each role, a list for "extra_special_tokens" (or
                "additional_special_tokens").
            replace_extra_special_tokens: drops the former extra tokens from the special ones; they keep their ids.

        Returns:
            How many ids are new.
        """
        num_new = 0
        for key, value in special_tokens_dict.items():
            if key in ("extra_special_tokens", "additional_special_tokens"):
                if not isinstance(value, list | tuple):
                    raise ConfigurationError(f"`{key}` must be a list of tokens, received {value!r}")
                tokens = [as_added_token(token, special=True) for token in value]
                kept = [] if replace_extra_special_tokens else self._extra
                self._extra = list(dict.fromkeys([*kept, *(token.content for token in tokens)]))
                num_new += self._insert(tokens)
            elif key in ROLES or key in self._roles:
                token = as_added_token(value, special=True)
                self._roles[key] = token.content
                num_new += self._insert([token])
            else:
                raise ConfigurationError(
                    f"`special_tokens_dict` must have keys out of {', '.join(ROLES)} and extra_special_tokens, "
                    f"received {key!r}"
                )
        return num_new

    def convert_tokens_to_ids(self, tokens: str | Sequence[str]) -> Any:
        """The id of a token, or of each of several; `unk_token_id`, normally None, for strings that are no tokens."""
        if isinstance(tokens, str):
            token_id = self._id_of(tokens)
            return self.unk_token_id if token_id is None else token_id
        return [self.convert_tokens_to_ids(token) for token in tokens]

    @overload
    def convert_ids_to_tokens(self, ids: int, skip_special_tokens: bool = False) -> str: ...
    @overload
    def convert_ids_to_tokens(self, ids: Iterable[int], skip_special_tokens: bool = False) -> list[str]: ...
    def convert_ids_to_tokens(
        self, ids: int | Iterable[int], skip_special_tokens: bool = False
    ) -> str | list[str]:
        """The token of an id, or of each of several.

        Args:
            ids: 0 to len - 1.
            skip_special_tokens: leaves special tokens out of a list.

        Raises:
            DataError: an id that stands for no token.
        """
        if isinstance(ids, int | np.integer):
            return self._token_of(int(ids))
        skipped = set(self.all_special_ids) if skip_special_tokens else set()
        return [self._token_of(int(token_id)) for token_id in ids if int(token_id) not in skipped]

    def _id_of(self, token: str) -> int | None:
        token_id = self._ids.get(token)
        if token_id is None and _is_byte_token(token):
            return ord(token) + FIRST_BYTE_ID
        return token_id

    def _token_of(self, token_id: int) -> str:
        token = self._added.get(token_id)
        if token is not None:
            return token.content
        if not FIRST_BYTE_ID <= token_id < NUM_IDS:
            raise DataError(
                f"`ids` must be ids of this tokenizer, 0 to {self._next_id() - 1}, received {token_id}"
            )
        return chr(token_id - FIRST_BYTE_ID)

    def _next_id(self) -> int:
        return max(NUM_IDS - 1, *self._added) + 1

    def _insert(self, tokens: Iterable[AddedToken]) -> int:
        """Give ids to the tokens that have none and keep the flags of all; the number of new ids."""
        num_new = 0
        for token in tokens:
            if not token.content:
                continue
            token_id = self._id_of(token.content)
            if token_id is None:
                token_id = self._next_id()
                num_new += 1
            self._place(token_id, token)
        self._refresh()
        return num_new

    def _place(self, token_id: int, token: AddedToken) -> None:
        former = self._added.get(token_id)
        if former is not None and self._ids.get(former.content) == token_id:
            del self._ids[former.content]
        self._ids[token.content] = token_id
        self._added[token_id] = token

    def _refresh(self) -> None:
        """Derive what encoding and decoding look up."""
        named = {token.content: token for token in self._added.values()}
        self._finder = TokenFinder([named.get(content, AddedToken(content)) for content in self._ids])
        self._contents = {token_id: token.content.encode() for token_id, token in self._added.items()}


def _is_byte_token(token: str) -> bool:
    return len(token) == 1 and ord(token) < NUM_BYTES
