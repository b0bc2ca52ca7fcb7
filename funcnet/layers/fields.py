"""What tells the author of a layer that its fields are declared in the class, not set in `__init__`."""

from __future__ import annotations

from functools import wraps
from typing import Any

from attrs.exceptions import FrozenInstanceError


class DeclaresFields:
    """A base of frozen classes: the error of an `__init__` that sets a field says what to write instead."""

    __slots__ = ()

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        own = vars(cls).get("__init__")
        if "__attrs_attrs__" in vars(cls):  # attrs makes a class with slots anew, and must find the function itself
            own = getattr(own, "__wrapped__", None)
        elif own is not None:
            own = _explained(own)
        if own is not None:
            cls.__init__ = own  # type: ignore[method-assign]


def _explained(init: Any) -> Any:
    """The `__init__` of an author, with an error that explains why it cannot set a field."""

    @wraps(init)
    def __init__(self: Any, *arguments: Any, **options: Any) -> None:  # noqa: N807
        try:
            init(self, *arguments, **options)
        except FrozenInstanceError as error:
            mistake = f"{type(self).__name__} is frozen, and its __init__ sets a field"
            advice = "write @attrs.frozen above the class and each field in the class, such as `size: int`"
            raise TypeError(f"{mistake}: instead {advice}") from error

    return __init__
