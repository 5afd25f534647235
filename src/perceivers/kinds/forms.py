"""Options that only some forms of an input have: which form is meant where one is given, and what would have no effect."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from perceivers.errors import ConfigurationError

#: Option that names a form -> form -> options that this form has and not all others have. Forms that are taken rather first.
Forms = Mapping[str, Mapping[str, Sequence[str]]]


def values_of_form(options: Any, defaults: Mapping[str, Any]) -> dict[str, Any]:
    """The fields that the form of an input has, resolved.

    Args:
        options: has all of them.
        defaults: those of the form, with their values where none is given.
    """
    given = {name: getattr(options, name) for name in defaults}
    return {name: default if given[name] is None else given[name] for name, default in defaults.items()}


def forms_meant(forms: Forms, chosen: Mapping[str, Any], advised: Mapping[str, Any]) -> dict[str, str]:
    """Forms in the place of advised ones, for which options that were given would have no effect.

    Args:
        forms: see `Forms`.
        chosen: options that the user gave.
        advised: options that are advised together.
    """
    found = {}
    for option, own in forms.items():
        named = {name for names in own.values() for name in names}.intersection(chosen)
        fitting = [form for form, names in own.items() if named.issubset(names)]
        is_open = option in advised and option not in chosen
        if is_open and fitting and advised[option] not in fitting:
            found[option] = fitting[0]
    return found


def without_effect(forms: Forms, values: Mapping[str, Any]) -> set[str]:
    """Options that the forms among `values` do not have."""
    return {
        name
        for option, own in forms.items()
        if option in values
        for names in own.values()
        for name in set(names).difference(own[values[option]])
    }


def require_effect(forms: Forms, options: Any, usual: Mapping[str, Any]) -> None:
    """Raise ConfigurationError for an option that is not as usual, and that the chosen form does not have.

    Args:
        forms: see `Forms`.
        options: has all of them, complete.
        usual: the value of each option where nothing is chosen.
    """
    for option, own in forms.items():
        form = getattr(options, option)
        for name in sorted(without_effect({option: own}, {option: form})):
            value = getattr(options, name)
            if value != usual[name]:
                having = [each for each, names in own.items() if name in names]
                raise ConfigurationError(
                    f"`{name}` is for `{option}` {' or '.join(having)}, received {value} with {form!r}: leave it out, or "
                    f"take `--{option.replace('_', '-')} {having[0]}`"
                )
