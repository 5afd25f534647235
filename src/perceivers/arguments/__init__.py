"""What a user chooses, one documented dataclass a concern: command-line options, recipes, Python API and record at once.

No import of torch here: `perceivers --help` reads these classes. A task's own choices are in the file with its name.
"""

from perceivers.arguments.base import from_mapping
from perceivers.arguments.data import DataArguments
from perceivers.arguments.network import NetworkArguments
from perceivers.arguments.optimization import OptimizationArguments
from perceivers.arguments.run import (
    ARGUMENTS_FILE,
    RunArguments,
    as_recipe,
    load_arguments,
    read_recipe,
    recipe_text,
    run_from_recipe,
    save_arguments,
)
from perceivers.arguments.start import StartArguments
from perceivers.arguments.training import TrainingArguments

__all__ = [
    "ARGUMENTS_FILE",
    "DataArguments",
    "NetworkArguments",
    "OptimizationArguments",
    "RunArguments",
    "StartArguments",
    "TrainingArguments",
    "as_recipe",
    "from_mapping",
    "load_arguments",
    "read_recipe",
    "recipe_text",
    "run_from_recipe",
    "save_arguments",
]
