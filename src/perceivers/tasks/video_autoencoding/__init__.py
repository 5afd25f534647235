"""Films through the latents and back."""
