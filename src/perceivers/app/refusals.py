"""What is not answered: a sentence and a status code, as JSON for programs and as HTML for people."""

from __future__ import annotations

from perceivers.errors import DataError


class RefusedError(Exception):
    """A request that is not answered.

    Args:
        status: HTTP status code.
        sentence: what is wrong, and what to do about it.
        retry_after: seconds after which it may be tried again.
    """

    def __init__(self, status: int, sentence: str, retry_after: int | None = None) -> None:
        super().__init__(sentence)
        self.status, self.sentence, self.retry_after = status, sentence, retry_after

    @property
    def headers(self) -> dict[str, str]:
        """Headers of the response."""
        return {} if self.retry_after is None else {"Retry-After": str(self.retry_after)}


def unreadable(error: DataError) -> RefusedError:
    """A question that was understood and whose content cannot be answered."""
    return RefusedError(422, as_sentence(error))


def as_sentence(error: object) -> str:
    """A message with a capital letter at its beginning and a point at its end."""
    said = " ".join(str(error).split())
    said = said[:1].upper() + said[1:]
    return said if said.endswith((".", "!", "?")) else f"{said}."
