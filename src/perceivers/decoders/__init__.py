"""Decoders: build output queries and let them cross-attend to the latents."""
