"""Sound in, one class or several labels out."""
