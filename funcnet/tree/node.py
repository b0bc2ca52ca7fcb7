"""Nodes: the frozen attrs classes that trees are made of. Their arrays are read-only and shared with nobody."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from operator import attrgetter
from typing import Any, TypeAlias, TypeVar, dataclass_transform

import attrs
import numpy as np

from funcnet.tree.arrays import frozen, is_array
from funcnet.values import ADDED_LATER

Tree: TypeAlias = Any
_new, _set = object.__new__, object.__setattr__  # looked up once: every node that is built calls them
_ARRAYS = np.ndarray, np.number, np.bool_
T = TypeVar("T")


def is_leaf(value: object) -> bool:
    """Whether `value` is an array or a NumPy scalar, which counts as an array without axes."""
    return isinstance(value, _ARRAYS) or is_array(value)


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
    >>> import funcnet as fn
    >>> @fn.tree.node
    ... class Projection:
    ...     weight: np.ndarray = fn.tree.leaf(torch_axes=(1, 0))
    >>> Projection(np.zeros((3, 2))).weight.shape
    (3, 2)
    """
    if not isinstance(torch_axes, tuple) or sorted(torch_axes) != list(range(len(torch_axes))):
        raise ValueError(f"torch_axes must be the axes 0, 1, ... in some order, such as (1, 0), got {torch_axes!r}")
    return attrs.field(default=default, metadata={"torch_axes": torch_axes})


@dataclass_transform(frozen_default=True, eq_default=False, field_specifiers=(attrs.field, leaf))
def node(cls: type[T]) -> type[T]:
    """Make `cls` a node: a frozen attrs class that owns its arrays, which are read-only.

    Arrays given to the constructor are copied, and stay read-only through pickle, `copy.deepcopy` and `attrs.evolve`.
    `==` returns one bool, see `equal`.

    Parameters
    ----------
    cls : type
        Plain class with annotated fields, which the decorator turns into a frozen attrs class, or a frozen attrs class.

    Returns
    -------
    type
        The node: a new class if `cls` is plain, else `cls` itself.

    Raises
    ------
    TypeError
        If `cls` is an attrs class that is not frozen.

    Examples
    --------
    >>> import funcnet as fn
    >>> @fn.tree.node
    ... class Point:
    ...     a: np.ndarray
    ...     b: np.ndarray
    >>> point = Point(np.array(1.0), np.array([2.0]))
    >>> point == Point(np.array(1.0), np.array([2.0])), point == Point(np.array(1.0), np.array([3.0]))
    (True, False)
    >>> point.b += 1
    Traceback (most recent call last):
    ...
    ValueError: output array is read-only
    """
    if "__attrs_attrs__" not in vars(cls):
        cls = attrs.frozen(eq=False)(cls)
    elif not _is_frozen(cls):
        raise TypeError(f"a node must be frozen: decorate {cls.__name__} with @attrs.frozen")
    names = tuple(field.name for field in attrs.fields(cls))  # type: ignore[arg-type]
    later = tuple(f.default if f.metadata == ADDED_LATER else attrs.NOTHING for f in attrs.fields(cls))  # type: ignore[arg-type]
    initialize, children_of = cls.__init__, _getter(names)

    def init(self: Any, *args: Any, **kwargs: Any) -> None:
        initialize(self, *args, **kwargs)
        for name in names:
            _set(self, name, _copied(getattr(self, name)))

    def reduce(self: Any) -> tuple[Any, ...]:
        return _from_copies, (type(self), *_without_defaults(children_of(self), later))

    def eq(self: Any, other: object) -> bool:
        return equal(self, other) if type(other) is type(self) else NotImplemented

    init.__doc__ = initialize.__doc__
    init.__wrapped__ = initialize  # type: ignore[attr-defined]  # inspect.signature follows it
    methods = {"__init__": init, "__reduce__": reduce, "__eq__": eq, "__ne__": object.__ne__, "__hash__": None}
    facts = {"__node_fields__": names, "__node_later__": later, "__node_children__": staticmethod(children_of)}
    for name, value in {**methods, **facts}.items():
        setattr(cls, name, value)
    return cls


def _getter(names: tuple[str, ...]) -> Callable[[Any], tuple[Tree, ...]]:
    """A function that returns a tuple of these attributes; `attrgetter` returns a tuple for two or more only."""
    return attrgetter(*names) if len(names) > 1 else lambda self: tuple(getattr(self, name) for name in names)


def _is_frozen(cls: type) -> bool:
    try:
        setattr(object.__new__(cls), "probe", None)  # noqa: B010, the point is that it raises
    except attrs.exceptions.FrozenInstanceError:
        return True
    except AttributeError:
        pass
    return False


def node_fields(kind: type) -> tuple[str, ...] | None:
    """The names of the fields of a node class; None for any other class."""
    return getattr(kind, "__node_fields__", None)


def build(cls: type[T], *values: Tree) -> T:
    """The node `cls` with the given values of its fields, whose arrays are handed over: made read-only, not copied.

    Use `build` for new arrays that no other code holds.

    Parameters
    ----------
    cls : type
        Class made by `node`.
    *values : Tree
        Values of the fields, in order; fields with ADDED_LATER as metadata may be left out.

    Returns
    -------
    node
        Instance of `cls`; converters, validators and `__attrs_post_init__` do not run.

    Raises
    ------
    TypeError
        If there are more values than fields, or a field that was there from the start has none.

    Examples
    --------
    >>> import funcnet as fn
    >>> weight, bias = np.zeros((4, 3)), np.zeros(3)
    >>> build(fn.LinearParams, weight, bias).weight.flags.writeable
    False
    """
    names = cls.__node_fields__  # type: ignore[attr-defined]
    if len(values) != len(names):
        values = _with_defaults(cls, values)
    self = _new(cls)
    for name, value in zip(names, values, strict=True):
        if type(value) is np.ndarray:  # as `frozen`, without a call for each
            value.setflags(write=False)
            value = value.view()
        _set(self, name, value)
    return self


def _with_defaults(cls: type, values: tuple[Tree, ...]) -> tuple[Tree, ...]:
    """The values of all fields: an older pickle, or older code, has none for fields that were added later."""
    all_values = (*values, *cls.__node_later__[len(values) :])  # type: ignore[attr-defined]
    names = node_fields(cls) or ()
    if len(all_values) != len(names) or any(value is attrs.NOTHING for value in all_values):
        raise TypeError(f"expected a value for each field of {cls.__name__} ({', '.join(names)}), got {len(values)}")
    return all_values


def _without_defaults(values: tuple[Tree, ...], defaults: tuple[Any, ...]) -> tuple[Tree, ...]:
    """The values up to the last that is not the field's default: what a pickle had before the field was added."""
    while values and values[-1] is defaults[len(values) - 1]:
        values = values[:-1]
    return values


def assembled(cls: type[T], values: Sequence[Tree]) -> T:
    """The node `cls` with the given values of its fields, whose arrays are `frozen` already."""
    self = _new(cls)
    for index, name in enumerate(cls.__node_fields__):  # type: ignore[attr-defined]
        _set(self, name, values[index])
    return self


def _from_copies(cls: type[T], *values: Tree) -> T:
    return build(cls, *[_copied(value) for value in values])


def _copied(value: Tree) -> Tree:
    """`value` with its arrays copied; nodes inside have copied theirs already."""
    if is_leaf(value):
        return frozen(np.array(value, order="K"))
    if isinstance(value, tuple):
        return from_children(type(value), [_copied(child) for child in value])
    check_immutable(value)
    return value


def check_immutable(value: object) -> None:
    """Raise TypeError for a list or a dict: they are mutable, and their arrays would not be leaves."""
    if isinstance(value, list | dict):
        raise TypeError("lists and dicts cannot be trees because they are mutable; use a tuple or a node")


def children(tree: Tree) -> tuple[Tree, ...] | None:
    """The children of a tuple or a node; None for a leaf and for any other value."""
    if isinstance(tree, tuple):
        return tree
    getter = getattr(type(tree), "__node_children__", None)
    return None if getter is None else getter(tree)


def from_children(kind: type[Any], values: Sequence[Tree]) -> Tree:
    """The tuple, NamedTuple or node of class `kind` with these children, whose arrays are `frozen` already."""
    if kind is tuple:
        return tuple(values)
    return assembled(kind, values) if hasattr(kind, "__node_fields__") else getattr(kind, "_make", tuple)(values)


def equal(a: Tree, b: Tree) -> bool:
    """Whether `a` and `b` are the same in structure, shapes, dtypes and bits; so NaN equals NaN, but 0.0 not -0.0.

    Parameters
    ----------
    a, b : Tree
        Trees of arrays.

    Returns
    -------
    bool
        Whether they are the same; False where the structures differ.

    Examples
    --------
    >>> equal((np.array([1.0, np.nan]),), (np.array([1.0, np.nan]),)), equal((np.array(0.0),), (np.array(-0.0),))
    (True, False)
    """
    if is_leaf(a) and is_leaf(b):
        return bool(a.dtype == b.dtype and a.shape == b.shape and a.tobytes() == b.tobytes())
    if type(a) is not type(b):
        return False
    parts, others = children(a), children(b)
    if parts is None or others is None:
        return bool(a == b)
    return len(parts) == len(others) and all(map(equal, parts, others))
