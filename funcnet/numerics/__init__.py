"""Formulas that know neither layers nor losses: each written once, stable at its ends, as fast as NumPy lets it be."""
