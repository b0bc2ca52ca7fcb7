"""The version of funcnet."""

__version__ = "0.1.0"
