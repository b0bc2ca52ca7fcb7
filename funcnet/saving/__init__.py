"""A model and a tree of arrays in one self-describing file, in the formats of NumPy and of safetensors."""
