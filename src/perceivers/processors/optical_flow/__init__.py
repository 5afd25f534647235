"""Pairs of pictures to the flow model's input, and its output to pixels, colours and files."""
