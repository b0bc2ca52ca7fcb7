"""A model and a tree of arrays in one file that describes itself, in the formats of NumPy and of safetensors."""
