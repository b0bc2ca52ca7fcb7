"""The datasets of a run by their roles: training data, and validation and test data that the model is evaluated on."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import attrs

from funcnet.data import Dataset
from funcnet.data.alike import check_alike


@attrs.frozen
class Names:
    """Names of the features and of the classes, as a `Dataset` has them; None where they are unknown."""

    features: Any = None
    classes: tuple[str, ...] | None = None

    def difference(self, other: Names) -> str:
        """In words, names that `other` has in the place of these, where both are known; else "".

        >>> Names(classes=("cat", "dog")).difference(Names(classes=("dog", "cat")))
        "the names of its classes are ('cat', 'dog') there and ('dog', 'cat') here"
        """
        pairs = {"features": (self.features, other.features), "classes": (self.classes, other.classes)}
        unlike = [(what, *pair) for what, pair in pairs.items() if None not in pair and pair[0] != pair[1]]
        return "".join(f"the names of its {what} are {there} there and {here} here" for what, there, here in unlike[:1])


@attrs.frozen
class Datasets:
    """The datasets of a run; iterating gives the name and the data of each that there is.

    >>> import funcnet as fn
    >>> [name for name, _ in Datasets(fn.data.parity(3), test=fn.data.parity(2))]
    ['train', 'test']
    """

    train: Dataset
    validation: Dataset | None = None
    test: Dataset | None = None

    def __iter__(self) -> Iterator[tuple[str, Dataset]]:
        named = (("train", self.train), ("validation", self.validation), ("test", self.test))
        return ((name, dataset) for name, dataset in named if dataset is not None)

    @property
    def names(self) -> Names:
        """The names of the training data."""
        return Names(self.train.feature_names, self.train.class_names)

    def prefixed(self) -> list[tuple[str, Dataset]]:
        """Each dataset, with what stands before the name of a metric on it: "" for the training data, "test " ..."""
        return [("" if name == "train" else f"{name} ", dataset) for name, dataset in self]


def datasets(
    train: Dataset,
    held_out: Sequence[Dataset | None] = (),
    validation: Dataset | None = None,
    test: Dataset | None = None,
) -> Datasets:
    """The datasets of a call. The one in `held_out` is the test data or, if `test` is given, the validation data.

    Raises TypeError if one is not a Dataset or a role is given twice, ValueError if one has no examples or has features
    or classes of other names than the training data.
    """
    first, *more = (*held_out, None)
    if len(more) > 1:
        raise TypeError(f"expected at most one dataset after train, got {len(more)}: write validation=..., test=...")
    if first is not None and test is not None and validation is not None:
        raise TypeError("the validation data are given twice: once after train and once as validation=")
    if test is None:
        found = Datasets(train, validation, first)
    else:
        found = Datasets(train, validation if first is None else first, test)
    for name, dataset in (("train", train), *found):
        if not isinstance(dataset, Dataset):
            what = "a class" if isinstance(dataset, type) else f"a {type(dataset).__name__}"
            raise TypeError(f"{name} must be a Dataset, got {what}: write fn.data.Dataset(x, y)")
        if not len(dataset):
            raise ValueError(f"{name} has no examples")
        check_alike(train, dataset, name)
    return found
