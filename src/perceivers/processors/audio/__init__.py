"""Sound from files or arrays to samples at the rate and length that models want, and back."""
