"""Plain torch building blocks: they take numbers and parts, never a configuration."""
