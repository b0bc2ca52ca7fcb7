"""Checks of gradients, funcnet's and one's own."""

from funcnet.testing.gradients import GradientReport, LeafReport, check_gradients

__all__ = ["GradientReport", "LeafReport", "check_gradients"]
