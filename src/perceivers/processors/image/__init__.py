"""Pictures of any kind to the tensors of the image models: the same steps on Pillow and on torch."""
