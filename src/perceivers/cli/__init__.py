"""The `perceivers` command."""
