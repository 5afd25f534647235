"""Models as files for other programs, each proved: `runs.export` writes a run's, `writing.write_model` any model's."""
