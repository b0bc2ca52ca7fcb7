"""Whether other data have the features and classes that a model was trained on, told by their names."""

from __future__ import annotations

from typing import Any

from funcnet.data.dataset import Dataset
from funcnet.data.frames import columns, is_frame
from funcnet.data.inputs import Features, inputs
from funcnet.errors import ShapeError
from funcnet.tree import Flow


def features_like(features: Features, x: Any, name: str = "x") -> Flow:
    """The arrays of x; the columns of a frame are put in the order of `features`, the names in training.

    Names are compared where both sides have them. Raises ShapeError if columns are missing or there are others.

    >>> import numpy as np
    >>> features_like(None, [[1.0, 2.0]])
    array([[1., 2.]])
    """
    if features is None or (not is_frame(x) and not isinstance(x, tuple)):
        return inputs(x, name)[0]
    if is_frame(x) and _is_of_one(features):
        return inputs(_ordered(x, features, name), name)[0]
    if isinstance(x, tuple) and len(x) == len(features) and not _is_of_one(features):
        return tuple(features_like(each, x[i], f"{name}[{i}]") for i, each in enumerate(features))
    return inputs(x, name)[0]


def _is_of_one(features: tuple[Any, ...]) -> bool:
    """Whether the names are those of one input, not a tuple of the names of several."""
    return all(isinstance(each, str) for each in features)


def _ordered(frame: Any, features: tuple[str, ...], name: str) -> Any:
    """The frame with its columns in the order of `features`."""
    there = columns(frame)
    if there == features:
        return frame
    missing, more = _without(features, there), _without(there, features)
    if missing or more:
        told = [f"has no {_listed(missing)}"] * bool(missing) + [f"has {_listed(more)}, unknown in training"] * bool(
            more
        )
        raise ShapeError(f"{name} {' and '.join(told)}: give the columns {', '.join(features)}")
    order = [there.index(each) for each in features]
    return frame.iloc[:, order] if hasattr(frame, "iloc") else frame[:, order]


def check_alike(train: Dataset, other: Dataset, name: str = "test") -> None:
    """Raise ValueError if `other` has features or classes of other names, or in a different order, than `train`.

    Names are compared where both datasets have them; errors call `other` `name`.

    >>> train, test = Dataset([[0.0]] * 2, ["a", "b"]), Dataset([[0.0]] * 2, ["b", "c"])
    >>> check_alike(train, test)
    Traceback (most recent call last):
    ...
    ValueError: label 0 is the class 'a' in train and 'b' in test: give both all classes, \
Dataset(x, y, class_names=train.class_names)
    """
    _check_features(train.feature_names, other.feature_names, name)
    here, there = train.class_names, other.class_names
    if here is None or there is None or here == there:
        return
    for label, pair in enumerate(zip(here, there, strict=False)):
        if pair[0] != pair[1]:
            told = f"label {label} is the class {pair[0]!r} in train and {pair[1]!r} in {name}"
            break
    else:
        told = f"train has {len(here)} classes and {name} {len(there)}"
    raise ValueError(f"{told}: give both all classes, Dataset(x, y, class_names=train.class_names)")


def _check_features(here: Features, there: Features, name: str) -> None:
    if here is None or there is None or here == there:
        return
    if not (_is_of_one(here) and _is_of_one(there)):
        if len(here) == len(there) and not _is_of_one(here) and not _is_of_one(there):
            for pair in zip(here, there, strict=True):
                _check_features(*pair, name)
            return
        raise ValueError(f"train has the features {here} and {name} {there}")
    if missing := _without(here, there):
        raise ValueError(f"{name} has no {_listed(missing)}, which train has")
    if more := _without(there, here):
        raise ValueError(f"{name} has {_listed(more)}, which train does not have")
    raise ValueError(
        f"{name} has the columns of train in a different order, {', '.join(there)}: "
        f"make it of frame[list(train.feature_names)]"
    )


def _without(some: tuple[str, ...], others: tuple[str, ...]) -> list[str]:
    return [name for name in some if name not in set(others)]


def _listed(names: list[str]) -> str:
    shown = ", ".join(map(repr, names[:5])) + (", ..." if len(names) > 5 else "")
    return f"{'column' if len(names) == 1 else 'columns'} {shown}"
