"""Derivatives: of a loss by backpropagation, and of any function by dual numbers."""
