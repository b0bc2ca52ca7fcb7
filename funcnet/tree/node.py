"""Nodes: the frozen attrs classes that trees are made of. Their arrays are read-only and shared with nobody."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from itertools import chain, repeat
from operator import attrgetter
from typing import Any, TypeAlias, TypeVar, dataclass_transform

import attrs
import numpy as np

from funcnet.errors import DTypeError, LeafError
from funcnet.tree.arrays import frozen, is_array, unmasked
from funcnet.tree.fields import is_static, leaf, static
from funcnet.tree.refusals import check_carried, is_library_array, of_library, static_value

Tree: TypeAlias = Any
_new, _set = object.__new__, object.__setattr__  # looked up once: every node that is built calls them
_ARRAYS = np.ndarray, np.number, np.bool_
T = TypeVar("T")


def is_leaf(value: object) -> bool:
    """Whether `value` is an array or a NumPy scalar, which counts as an array without axes."""
    return isinstance(value, _ARRAYS) or is_array(value)


@dataclass_transform(frozen_default=True, eq_default=False, field_specifiers=(attrs.field, leaf, static))
def node(cls: type[T]) -> type[T]:
    """Make `cls` a node: a frozen attrs class that owns its arrays, which are read-only.

    Arrays given to the constructor are copied, and stay read-only through pickle, `copy.deepcopy` and `attrs.evolve`;
    arrays of other libraries, such as tensors of PyTorch, become arrays of NumPy. A number that is structure, such as a
    count of steps, stands in a field that is declared `static`. `==` returns one bool, see `equal`.

    NumPy has two holes: `np.add.at` and its kind write into read-only arrays in NumPy 2.4, and the shape or the dtype
    of any array can be set. Use neither on the arrays of a node; copy them first.

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
        If `cls` is an attrs class that is not frozen. The constructor raises it for a field that is neither an array
        nor made of trees and not declared `static`, such as a list, a float or a value of an undecorated class.

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
    fields = attrs.fields(cls)  # type: ignore[arg-type]
    names, statics = tuple(field.name for field in fields), tuple(map(is_static, fields))
    defaults = tuple(field.default if is_static(field) else attrs.NOTHING for field in fields)
    initialize, children_of = cls.__init__, _getter(names)

    def init(self: Any, *args: Any, **kwargs: Any) -> None:
        initialize(self, *args, **kwargs)
        for name, value in zip(names, _own_values(cls, children_of(self)), strict=True):
            _set(self, name, value)

    def reduce(self: Any) -> tuple[Any, ...]:
        return _from_copies, (type(self), *_without_defaults(children_of(self), defaults))

    def eq(self: Any, other: object) -> bool:
        return equal(self, other) if type(other) is type(self) else NotImplemented

    init.__doc__ = initialize.__doc__
    init.__wrapped__ = initialize  # type: ignore[attr-defined]  # inspect.signature follows it
    methods = {"__init__": init, "__reduce__": reduce, "__eq__": eq, "__ne__": object.__ne__, "__hash__": None}
    about = {"__node_fields__": names, "__node_children__": staticmethod(children_of), "__node_defaults__": defaults}
    for name, value in {**methods, **about, "__node_statics__": statics if any(statics) else ()}.items():
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


def node_statics(kind: type) -> tuple[bool, ...]:
    """For each field of a node class, whether it is static; () where none is, and for any other class."""
    return getattr(kind, "__node_statics__", ())


def static_defaults(kind: type) -> dict[str, Any]:
    """The defaults of the static fields of a node class, which files from before a field do not have."""
    named = zip(node_fields(kind) or (), getattr(kind, "__node_defaults__", ()), strict=True)
    return {name: default for name, default in named if default is not attrs.NOTHING}


def build(cls: type[T], *values: Tree) -> T:
    """The node `cls` with the given values of its fields, whose arrays are handed over: made read-only, not copied.

    Use `build` for new arrays that no other code holds.

    Parameters
    ----------
    cls : type
        Class made by `node`.
    *values : Tree
        Values of the fields, in order; static fields at the end that have a default may be left out.

    Returns
    -------
    node
        Instance of `cls`; converters, validators and `__attrs_post_init__` do not run.

    Raises
    ------
    TypeError
        If there are more values than fields, or a field that has no default has no value.

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
    """The values of all fields: older pickles and older code have none for static fields that were added later."""
    all_values = (*values, *cls.__node_defaults__[len(values) :])  # type: ignore[attr-defined]
    names = node_fields(cls) or ()
    if len(all_values) != len(names) or any(value is attrs.NOTHING for value in all_values):
        raise TypeError(f"expected a value for each field of {cls.__name__} ({', '.join(names)}), got {len(values)}")
    return all_values


def _without_defaults(values: tuple[Tree, ...], defaults: tuple[Any, ...]) -> tuple[Tree, ...]:
    """The values up to the last that is not its field's default: what a pickle had before the field was added."""
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
    return build(cls, *_own_values(cls, values))


def _own_values(cls: Any, values: Sequence[Tree]) -> list[Tree]:
    """The values of the fields of a node, with their arrays copied; errors name the field."""
    statics = cls.__node_statics__
    try:
        if not statics:
            return [_copied(value) for value in values]
        rows = zip(values, chain(statics, repeat(False)), strict=False)  # `build` raises where there are more or fewer
        return [static_value(value) if fixed else _copied(value) for value, fixed in rows]
    except (LeafError, DTypeError) as error:
        path = _path_of_refused(zip(cls.__node_fields__, values, statics or repeat(False), strict=False))
        raise type(error)(f"in the field {path} of {cls.__name__}: {error}") from error


def _path_of_refused(rows: Iterable[tuple[str, Tree, bool]]) -> str:
    """The path to the first value that is refused, such as scale.0; the rows are names, values and which are static."""
    for name, value, fixed in rows:
        try:
            static_value(value) if fixed else _copied(value)
        except (LeafError, DTypeError):
            inside = value if isinstance(value, tuple) and not fixed else ()
            return f"{name}.{_path_of_refused((str(i), part, False) for i, part in enumerate(inside))}".rstrip(".")
    return ""


def _copied(value: Tree) -> Tree:
    """`value` with its arrays copied; nodes inside have copied theirs already."""
    if type(value) is np.ndarray or is_leaf(value):
        return frozen(np.array(value if type(value) is np.ndarray else unmasked(value), order="K"))
    if isinstance(value, tuple):
        return from_children(type(value), [_copied(child) for child in value])
    if children(value) is not None:
        return value
    if is_library_array(value):
        return frozen(of_library(value))
    check_carried(value)
    return value


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
        return _are_same_values(a, b)
    return len(parts) == len(others) and all(map(equal, parts, others))


def _are_same_values(a: Any, b: Any) -> bool:
    """Whether values that are no trees are equal; LeafError where they cannot tell, as arrays of other libraries."""
    try:
        return bool(a == b)
    except Exception:
        check_carried(a)
        raise
