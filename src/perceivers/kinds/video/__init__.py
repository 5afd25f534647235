"""Films: pictures with sound."""
