"""Experiments as values, which are run, resumed and replayed bit for bit, one by one or in sweeps."""
