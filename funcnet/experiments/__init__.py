"""Experiments as values: run, resumed and replayed bit for bit, one by one or in sweeps."""
