"""What may be asked of a model: one class, several labels, a number. One file each."""
