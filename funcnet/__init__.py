"""funcnet: backpropagation as plain functions on plain data.

A layer is a value with two pure functions, `forward(params, x) -> (y, cache)` and
`backward(params, cache, dy) -> (dx, grads)`. `sequential` composes layers, `value_and_grad` differentiates a loss,
`sgd_step` returns new params. The module `public` lists all public names.
"""

from importlib import import_module as _import_module
from importlib.util import find_spec as _find_spec
from typing import TYPE_CHECKING as _TYPE_CHECKING
from typing import Any as _Any

from funcnet.version import __version__ as __version__

if _TYPE_CHECKING:
    from funcnet import data as data
    from funcnet import initializers as initializers
    from funcnet import metrics as metrics
    from funcnet import plot as plot
    from funcnet import schedules as schedules
    from funcnet import testing as testing
    from funcnet import tree as tree
    from funcnet.public import *

_MODULES = ("data", "initializers", "metrics", "plot", "schedules", "testing", "tree")


def __getattr__(name: str) -> _Any:
    """Load a module, or all public names at once, at the first use; so importing funcnet itself takes no time."""
    if name in _MODULES:
        return _import_module(f"funcnet.{name}")
    if name == "__all__" or not name.startswith("__"):
        public = _import_module("funcnet.public")
        globals().update({each: getattr(public, each) for each in public.__all__})
        if name == "__all__":
            return [*public.__all__, *(module for module in _MODULES if module != "plot")]  # plot needs an extra
        if name in public.__all__:
            return getattr(public, name)
    raise AttributeError(f"module 'funcnet' has no attribute {name!r}")


def __dir__() -> list[str]:
    names = [*__getattr__("__all__"), "__version__"]  # tools that look at every name must find each without an extra
    return [*names, "plot"] if _find_spec("matplotlib") else names
