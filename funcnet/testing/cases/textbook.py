"""Layers in the forms of textbooks and courses, as layers: functions of arrays, and objects that keep what they saw."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from copy import deepcopy
from typing import Any

import attrs
import numpy as np

from funcnet.testing.cases.foreign import Adapter, as_tree, formed_like, with_containers
from funcnet.tree import Array, DType, Flow, Tree, is_integer, is_leaf, is_nested, map_flow


@attrs.frozen(eq=False)
class Several:
    """The cache of a forward that returned several y before it, whose backward takes as many dy."""

    cache: Any


@attrs.frozen(eq=False)
class OfFunctions(Adapter):
    """forward(x, *arguments) -> (y, cache) and backward(dy, cache) -> (dx, *grads); arrays among these are params."""

    forward_of: Callable[..., Any]
    backward_of: Callable[..., Any]
    arguments: tuple[Any, ...]
    has_no_dx: bool = False

    @property
    def declaring(self) -> Any:
        return self.forward_of

    @property
    def takes_integers(self) -> bool:
        return self.has_no_dx or super().takes_integers

    def taking(self, x: Flow) -> OfFunctions:
        """The layer, without dx where x holds integers and backward returns no gradient of them."""
        if self.takes_integers or not is_leaf(x) or not is_integer(np.asarray(x)):
            return self
        without, params = attrs.evolve(self, has_no_dx=True), self.init(None, (), np.float64)
        try:
            y, cache = without.forward(params, np.asarray(x))
            dx, _ = without.backward(params, cache, map_flow(np.ones_like, y))
        except Exception:  # the laws report it
            return self
        return without if dx is None else self

    @property
    def watched(self) -> tuple[Any, ...]:
        """The user's own functions, whose lines a report counts."""
        return self.forward_of, self.backward_of

    def code(self, written: Callable[[Any], str]) -> str:
        """Code that makes this; params are given apart from it."""
        arguments = [_template(value, written) for value in (self.forward_of, self.backward_of, *self.arguments)]
        return f"fn.testing.from_functions({', '.join(arguments)})"

    def init(self, key: Any, input_shape: Any, dtype: DType) -> Tree:
        named = zip(self._names(len(input_shape) if is_nested(input_shape) else 1), self.arguments, strict=True)
        return as_tree({name: value.astype(dtype) for name, value in named if is_param(value)})

    def forward(self, params: Tree, x: Flow) -> tuple[Any, Any]:
        given = iter(with_containers(params).values())
        rest = [next(given) if is_param(value) else deepcopy(value) for value in self.arguments]
        result = self.forward_of(*(x if isinstance(x, tuple) else (x,)), *rest)
        is_several = isinstance(result, tuple) and len(result) > 2
        return (result[:-1], Several(result[-1])) if is_several else result

    def backward(self, params: Tree, cache: Any, dy: Flow) -> tuple[Flow, Tree]:
        names = list(with_containers(params)) if params != () else []
        found = self.backward_of(*dy, cache.cache) if isinstance(cache, Several) else self.backward_of(dy, cache)
        gradients = tuple(found) if isinstance(found, tuple | list) else (found,)
        if self.has_no_dx and len(gradients) == len(names):
            gradients = (None, *gradients)
        n_inputs = len(gradients) - len(names)
        if n_inputs < 1:
            wanted = ", ".join(["dx", *(f"d{name}" for name in names)])
            raise ValueError(f"backward must return ({wanted}), got {len(gradients)} of them")
        dx = gradients[0] if n_inputs == 1 else gradients[:n_inputs]
        return dx, _like(params, dict(zip(names, gradients[n_inputs:], strict=True)))

    def _names(self, n_inputs: int) -> list[str]:
        """The names of the arguments after x, as forward calls them where it does."""
        parameters = inspect.signature(self.forward_of).parameters.values()
        names = [each.name for each in parameters if each.kind is each.POSITIONAL_OR_KEYWORD][n_inputs:]
        return [*names, *(f"argument_{i}" for i in range(len(names), len(self.arguments)))][: len(self.arguments)]


@attrs.frozen(eq=False)
class OfObject(Adapter):
    """forward(x) -> y and backward(dy) -> dx of an object which keeps its params, their gradients, and what it saw.

    Where they return nothing, y is in `output` and dx in `dinputs`.
    """

    layer: Any
    names: tuple[str, ...]
    initial: dict[Any, Array]
    is_listed: bool  # in `params` and `grads`

    @staticmethod
    def of(layer: Any, names: tuple[str, ...]) -> OfObject:
        """The object with the arrays of these names as params; by default those in `params`, or its arrays."""
        held = vars(layer)
        if not names and "params" in held and "grads" in held:
            return OfObject(layer, (), _named(held["params"]), is_listed=True)
        gradients = {f"d{name}" for name in held}
        found = [name for name, value in held.items() if is_param(value) and name not in gradients]
        return OfObject(layer, names, {name: held[name] for name in names or found}, is_listed=False)

    @property
    def declaring(self) -> Any:
        return self.layer

    @property
    def watched(self) -> Any:
        """The user's own object, whose lines a report counts."""
        return self.layer

    def code(self, written: Callable[[Any], str]) -> str:
        """Code that makes this; params are given apart from it."""
        cls, held = type(self.layer), vars(self.layer)
        names = list(inspect.signature(cls).parameters)
        listed = dict(zip(names, self.initial.values(), strict=False))
        known = {name: held.get(name, listed.get(name)) for name in names if name in held or name in listed}
        fields = [f"{name}={_template(value, written)}" for name, value in known.items()]
        made = f"{cls.__name__}({', '.join(fields)})"
        return f"fn.testing.from_object({', '.join([made, *map(repr, self.names)])})"

    def init(self, key: Any, input_shape: Any, dtype: DType) -> Tree:
        return as_tree({name: array.astype(dtype) for name, array in self.initial.items()})

    def forward(self, params: Tree, x: Flow) -> tuple[Any, Any]:
        for name, array in zip(self.initial, with_containers(params).values(), strict=True):
            own = array.copy() if isinstance(array, np.ndarray) else array  # dual numbers stay as they are
            _replace(vars(self.layer), self._arrays("params", "")[name], own)
        y = self.layer.forward(x)
        return (self.layer.output if y is None and hasattr(self.layer, "output") else y), ()

    def backward(self, params: Tree, cache: Any, dy: Flow) -> tuple[Flow, Tree]:
        dx, gradients = self.layer.backward(dy), self._arrays("grads", "d")
        dx = self.layer.dinputs if dx is None and hasattr(self.layer, "dinputs") else dx
        for name in self.initial:
            if gradients.get(name) is None:
                remedy = f"leave it in d{name}, or name the params, such as from_object(layer, 'W', 'b')"
                raise AttributeError(f"backward leaves no gradient of {name}: {remedy}")
        return dx, _like(params, {name: np.array(gradients[name]) for name in self.initial})

    def _arrays(self, listed: str, prefix: str) -> dict[Any, Any]:
        """The params, or their gradients: in a list or a dict, or each in an attribute with this prefix."""
        held = vars(self.layer)
        if self.is_listed:
            return _named(held[listed])
        return {name: held.get(f"{prefix}{name}") for name in self.initial}


def is_param(value: Any) -> bool:
    """Whether a value is an array of floating-point numbers.

    >>> is_param(np.ones(2)), is_param(np.arange(2)), is_param(0.5)
    (True, False, False)
    """
    return isinstance(value, np.ndarray) and value.dtype.kind == "f"


def _template(value: Any, written: Callable[[Any], str]) -> str:
    return f"np.zeros({value.shape})" if is_param(value) else written(value)


def _like(params: Tree, grads: dict[Any, Any]) -> Any:
    """The gradients as a dict if params are one, else as a node."""
    formed = formed_like(with_containers(params), grads)
    return formed if isinstance(params, dict) else as_tree(formed)


def _named(arrays: Any) -> dict[Any, Array]:
    return dict(arrays if isinstance(arrays, dict) else enumerate(arrays))


def _replace(held: Any, was: Array, array: Array) -> None:
    """Put the array wherever a dict, or a list in it, has the other one."""
    for key, value in list(held.items() if isinstance(held, dict) else enumerate(held)):
        if value is was:
            held[key] = array
        elif isinstance(value, dict | list):
            _replace(value, was, array)
        elif isinstance(value, tuple) and any(each is was for each in value):
            held[key] = tuple(array if each is was else each for each in value)
