"""Perceiver IO: inputs of any kind and size into a few latents, any number of outputs out of them."""
