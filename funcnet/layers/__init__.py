"""What a layer is, and the layers there are, one family a file."""
