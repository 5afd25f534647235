"""Categories of a table, all columns at once."""
