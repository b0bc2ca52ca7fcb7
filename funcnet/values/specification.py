"""The decorator of layers, losses, optimizers, schedules, initializers and keys, which makes their classes values.

A specification is a frozen attrs class without arrays. Its instances compare, hash and pickle, and print as the code
that makes them.
"""

from __future__ import annotations

from typing import Any, TypeVar, dataclass_transform

import attrs

from funcnet.values.registry import code, public_name

T = TypeVar("T")


@dataclass_transform(frozen_default=True, field_specifiers=(attrs.field,))
def specification(cls: type[T]) -> type[T]:
    """Make `cls` a frozen attrs class whose `repr` leaves out fields with their default value.

    >>> import funcnet as fn
    >>> fn.Linear(10), fn.Linear(10, bias=False), fn.Linear(10, weight_init=fn.initializers.he_normal)
    (Linear(n_out=10), Linear(n_out=10, bias=False), Linear(n_out=10, weight_init=initializers.he_normal))
    """
    if "__repr__" not in vars(cls):
        cls.__repr__ = _repr  # type: ignore[method-assign]
    return attrs.frozen(repr=False)(cls)


def _repr(self: Any) -> str:
    values = [(field, getattr(self, field.name)) for field in attrs.fields(type(self))]
    arguments = [f"{field.alias}={code(value)}" for field, value in values if value != field.default]
    return f"{public_name(type(self))}({', '.join(arguments)})"
