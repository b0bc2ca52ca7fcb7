"""Derivatives: of a loss by backpropagation, and of any function by numbers that carry them."""
