"""`python -m perceivers` is the `perceivers` command."""

from perceivers.cli import main

main()
