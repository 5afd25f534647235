"""Tokenizer and image processors with Transformers' names around what the library computes."""
