"""Files of series."""
