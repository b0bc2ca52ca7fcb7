"""Checks of layers, losses, optimizers and gradients: funcnet's and your own.

`check_layer`, `check_loss` and `check_optimizer` check a layer, loss or optimizer against the laws that all of them
obey; `check_gradients` checks a model's gradient against an oracle. `strategies` needs Hypothesis.
"""

from importlib import import_module as _import_module
from typing import TYPE_CHECKING as _TYPE_CHECKING
from typing import Any as _Any

from funcnet.testing.functions import check_function, from_functions, from_object
from funcnet.testing.gradient_reports import GradientReport, LeafReport
from funcnet.testing.gradients import check_gradients
from funcnet.testing.layers import check_layer, check_layer_law
from funcnet.testing.losses import check_loss, check_loss_law
from funcnet.testing.optimizers import check_optimizer, check_optimizer_law
from funcnet.testing.pytesting import layer_tests, loss_tests, optimizer_tests
from funcnet.testing.reporting import report
from funcnet.testing.reports.report import LawReport, LawResult
from funcnet.testing.reports.violation import LawViolation

if _TYPE_CHECKING:
    from funcnet.testing import strategies as strategies

# fmt: off
__all__ = [
    "GradientReport", "LawReport", "LawResult", "LawViolation", "LeafReport", "check_function", "check_gradients",
    "check_layer", "check_layer_law", "check_loss", "check_loss_law", "check_optimizer", "check_optimizer_law",
    "from_functions", "from_object", "layer_tests", "loss_tests", "optimizer_tests", "report",
]
# fmt: on


def __getattr__(name: str) -> _Any:
    if name == "strategies":  # which needs an extra
        return _import_module("funcnet.testing.strategies")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
