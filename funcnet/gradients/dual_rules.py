"""Dual numbers with all of their rules: what asks for derivatives imports `Dual` from here."""

from __future__ import annotations

from funcnet.gradients import (
    dual_calculus,
    dual_choices,
    dual_complex,
    dual_linalg,
    dual_linear,
    dual_orders,
    dual_reductions,
)
from funcnet.gradients.dual_registry import NoRuleError
from funcnet.gradients.duals import Dual, Mask

RULES = (dual_calculus, dual_choices, dual_linear, dual_reductions, dual_orders, dual_linalg, dual_complex)
__all__ = ["Dual", "Mask", "NoRuleError"]
