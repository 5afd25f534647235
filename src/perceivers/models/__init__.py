"""PerceiverModel (the five verbs) and the task models composed around it."""
