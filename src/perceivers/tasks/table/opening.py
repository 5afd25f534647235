"""What is taken for a table: table files, and archives of series."""

from __future__ import annotations

from dataclasses import replace

from perceivers.arguments import DataArguments
from perceivers.data.given_parts import with_given_parts
from perceivers.data.opening import Tables, open_tables
from perceivers.kinds.registry import file_endings
from perceivers.kinds.series.archives import own_form_tables


def open_any(arguments: DataArguments) -> Tables:
    """The tables of a data set, by part: of `.ts` and `.arff` files with the columns `series` and `label`.

    Args:
        arguments: as `perceivers.data.opening.open_tables` takes them; archives are not streamed.

    Raises:
        DataError: there is no such data, or it cannot be read; the message names it.
    """

    def opened(data: str) -> Tables:
        alone = replace(arguments, data=data, validation_data=None, test_data=None)
        return {**own_form_tables(data)} or open_tables(alone, (), listed=file_endings())

    if arguments.streaming or not (tables := own_form_tables(arguments.data)):
        return open_tables(arguments, (), listed=file_endings())
    return with_given_parts({**tables}, arguments, opened)
