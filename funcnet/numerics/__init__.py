"""Formulas without layers and losses: each written once, numerically stable, as fast as NumPy allows."""
