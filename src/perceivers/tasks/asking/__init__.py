"""How people ask a trained model of a task."""
