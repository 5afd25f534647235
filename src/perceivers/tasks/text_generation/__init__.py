"""Writing on: texts, or sequences of whole numbers, in, what follows out."""
