"""Sets of typed entities with attributes."""
