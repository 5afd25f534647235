"""How a column writes its numbers: alone, as durations, or with a unit; and numbers written so."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from perceivers.data import duration_forms
from perceivers.data.duration_forms import form_of
from perceivers.data.numbers import Decimal, is_missing_word, looks_like_number
from perceivers.data.unit_columns import unit_form_of
from perceivers.data.unit_forms import UnitForm
from perceivers.kinds.base import MOSTLY

# "" of numbers alone, what `form_of` says of durations, or a unit.
Form = str | UnitForm


def form_of_column(cells: Sequence[Any], decimal: Decimal = "point") -> Form:
    """How a column writes its numbers; "" where they stand alone, or where it holds none.

    Args:
        cells: some that are not empty.
        decimal: see `perceivers.data.numbers.number_of`.
    """
    known = [cell for cell in cells if not is_missing_word(cell)]
    if sum(map(looks_like_number, known)) >= MOSTLY * len(known) and known:
        return ""
    return form_of(known, MOSTLY) or unit_form_of(known, MOSTLY, decimal) or ""


def written(number: float, form: Form) -> str:
    """A number in the form of its column, which is not ""."""
    return form.written(number) if isinstance(form, UnitForm) else duration_forms.written(number, form)


def described(form: Form) -> str:
    """What is told of a column's form; "" of numbers alone."""
    if isinstance(form, UnitForm):
        return f"numbers with a unit: {form.described()}"
    return "durations, in seconds" if form else ""


def states(forms: Mapping[str, Form]) -> dict[str, Any]:
    """Forms by column, in their order, for a JSON file."""
    if not any(forms.values()):
        return {}
    units = {column: form.state() for column, form in forms.items() if isinstance(form, UnitForm)}
    durations = {column: form if isinstance(form, str) else "" for column, form in forms.items()}
    return {"durations": durations, **({"units": units} if units else {})}


def forms_of(state: Mapping[str, Any]) -> dict[str, Form]:
    """What `states` described."""
    units = state.get("units", {})
    return {
        column: UnitForm.of_state(units[column]) if column in units else form
        for column, form in state.get("durations", {}).items()
    }
