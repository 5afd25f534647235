"""One training run: the loop, what it is put together from, what it leaves behind."""
