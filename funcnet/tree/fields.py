"""The fields of nodes that are declared: `leaf`, an array with a layout, and `static`, a value that is structure.

`hand_out_views` is for nodes whose digest must stay true, since NumPy lets the shape of a read-only array be set.
"""

from __future__ import annotations

from typing import Any

import attrs
import numpy as np

from funcnet.tree.flows import Flow, map_flow

_STATIC = "static"


def leaf(*, default: Any = attrs.NOTHING, torch_axes: tuple[int, ...] = ()) -> Any:
    """A field of a node for an array, with the layout in which PyTorch stores the array.

    Parameters
    ----------
    default : object, optional
        Default of the field; without one the field is required.
    torch_axes : tuple of int, default ()
        Order of the axes in PyTorch, and so in a .safetensors file: (1, 0) for a matrix that is transposed there, ()
        for the same order.

    Returns
    -------
    attrs field
        Field to assign in a class body.

    Raises
    ------
    ValueError
        If torch_axes is not a tuple of the axes 0, 1, ... in some order.

    Examples
    --------
    >>> import numpy as np, funcnet as fn
    >>> @fn.tree.node
    ... class Projection:
    ...     weight: np.ndarray = fn.tree.leaf(torch_axes=(1, 0))
    >>> Projection(np.zeros((3, 2))).weight.shape
    (3, 2)
    """
    if not isinstance(torch_axes, tuple) or sorted(torch_axes) != list(range(len(torch_axes))):
        raise ValueError(f"torch_axes must be the axes 0, 1, ... in some order, such as (1, 0), got {torch_axes!r}")
    return attrs.field(default=default, metadata={"torch_axes": torch_axes})


def static(*, default: Any = attrs.NOTHING) -> Any:
    """A field of a node for a value that is part of the structure, such as a number of steps or a name.

    Training does not move the value; it is compared, saved and rebuilt with the tree. A number that is declared neither
    so nor as an array is an error wherever the tree is used.

    Parameters
    ----------
    default : object, optional
        Default of the field; without one the field is required.

    Returns
    -------
    attrs field
        Field to assign in a class body.

    Examples
    --------
    >>> import numpy as np, funcnet as fn
    >>> @fn.tree.node
    ... class Average:
    ...     mean: np.ndarray
    ...     count: int = fn.tree.static(default=0)
    >>> fn.tree.named_leaves(Average(np.array(0.5), 3)), Average(np.array(0.5)).count
    ({'mean': array(0.5)}, 0)
    """
    return attrs.field(default=default, metadata={_STATIC: True})


def is_static(field: Any) -> bool:
    """Whether a field of a node is declared `static`."""
    return bool(field.metadata.get(_STATIC))


class _Views:
    """A field that gives views of its arrays: one whose shape or dtype is set leaves those of the node as they are."""

    def __init__(self, slot: Any) -> None:
        self.slot = slot

    def __get__(self, node: Any, owner: type) -> Flow:
        return self if node is None else map_flow(np.ndarray.view, self.slot.__get__(node))

    def __set__(self, node: Any, value: Flow) -> None:
        self.slot.__set__(node, value)


def hand_out_views(cls: type, *names: str) -> None:
    """Make these fields of a node, arrays or tuples of arrays, give views: for data, since a view takes 0.2 us."""
    for name in names:
        setattr(cls, name, _Views(getattr(cls, name)))
