"""Pairs of frames with known motion, made of pictures."""
