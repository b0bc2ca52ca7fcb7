"""Layers: the base class, combinators, one family per file."""
