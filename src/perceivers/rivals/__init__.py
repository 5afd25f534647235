"""What a simple method makes of the same rows, measured alike: so that nobody fools himself about a model."""
