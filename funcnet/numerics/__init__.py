"""Formulas, each once: stable at their ends, and as fast as NumPy lets them be. They know neither layers nor losses."""
