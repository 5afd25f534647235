"""Raw data to tensors and back, without weights."""
