"""One modality a file: its values into tokens (preprocessor) and decoded tokens back into values (postprocessor)."""
