"""`perceivers convert`: DeepMind's released parameter files into a folder that `from_pretrained` reads."""
