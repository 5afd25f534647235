"""What may be asked of a model: one class, several labels, a number, one or several entities of a set. One file each."""
