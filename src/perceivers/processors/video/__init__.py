"""Videos from files or arrays to frames at the number and size that models want, and back."""
