"""The examples that training takes: a `Dataset` is an immutable node; a key determines how it is split."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from hashlib import sha256
from numbers import Integral
from typing import Any, NoReturn, overload

import numpy as np
from numpy.typing import ArrayLike

from funcnet.data.frames import check_same_rows
from funcnet.data.inputs import Features, check_rows, inputs, named_features
from funcnet.data.parts import Folds, fold_of_each, labels_of, shared, sizes
from funcnet.data.targets import Classes, targets
from funcnet.errors import ShapeError
from funcnet.random import Key, checked_key
from funcnet.tree import Array, Flow, build, canonical, frozen, hand_out_views, map_flow, node, static
from funcnet.values import integer


@node
class Dataset:
    """Examples x (n, ...) and their targets y (n, ...); immutable, since the arrays are read-only copies.

    `len(dataset)` is n, `dataset[3]` the example (x, y) at 3, and `dataset[:5]` the dataset of the first five, as
    `take` gives it. `x, y = dataset` unpacks the two arrays; `zip(*dataset)` goes through the examples of one input.

    Parameters
    ----------
    x : array_like (n, ...), or a tuple of them
        Examples; stored in C order and in the byte order of the machine. A tuple with an array in it, or with a
        tuple that has one, is several inputs of a model, and x is then the tuple of their arrays, each with n rows.
        Any other tuple is array_like, as a list is: one input. A frame of pandas or Polars gives its numbers and the
        names of its columns.
    y : array_like (n, ...)
        Targets, stored in the same way. Strings and categories become labels (n,), the places of their classes in
        `class_names`. A frame of one column of numbers has the shape (n, 1), a Series (n,).
    feature_names : sequence of str, optional
        Names of the columns of x (n, d); for several inputs, a tuple with the names of each, or None. Default: those
        of the frame.
    class_names : sequence of str, optional
        Name of each class, by its label. Default: the categories of y in their order, or its strings in sorted order.

    Raises
    ------
    ShapeError
        If an input and y differ in n, one of them has no axes, lists of different lengths make no array, or there are
        more or fewer names than features or classes.
    DTypeError
        If an input or y is not made of numbers or bools, is of long doubles, whose bytes are padded, or has masked
        entries; the message names the column and says what to write.
    ValueError
        If values are missing in a column of integers, strings or categories, or a class is not in `class_names`.

    Examples
    --------
    >>> from funcnet.data import Dataset
    >>> dataset = Dataset([[0.0, 0.5], [1.0, 0.5]], [0, 1])
    >>> len(dataset), dataset.x.shape, dataset.y
    (2, (2, 2), array([0, 1]))

    Two inputs, and targets that are strings:

    >>> dataset = Dataset((np.array([[0.0, 0.5], [1.0, 0.5]]), np.array([3, 4])), ["no", "yes"])
    >>> dataset.x
    (array([[0. , 0.5],
           [1. , 0.5]]), array([3, 4]))
    >>> dataset.y, dataset.class_names
    (array([0, 1]), ('no', 'yes'))
    """

    x: Flow
    y: Array
    feature_names: Features = static(default=None)
    class_names: Classes = static(default=None)

    def __init__(
        self, x: Any, y: Any, feature_names: Iterable[Any] | None = None, class_names: Iterable[str] | None = None
    ) -> None:
        check_same_rows(x, y)
        arrays, features = inputs(x)
        labels, classes = targets(y, class_names)
        check_rows(arrays, labels)
        features = features if feature_names is None else named_features(feature_names, arrays)
        self.__attrs_init__(arrays, labels, features, classes)  # type: ignore[attr-defined]

    def __repr__(self) -> str:
        fields = {name: getattr(self, name) for name in ("x", "y", "feature_names", "class_names")}
        return f"Dataset({', '.join(f'{name}={value!r}' for name, value in fields.items() if value is not None)})"

    def __len__(self) -> int:
        return len(self.y)

    def __iter__(self) -> Iterator[Any]:
        return iter((self.x, self.y))

    __reversed__ = None  # it would go through examples, where `iter` gives x and y

    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, tuple | str):
            raise IndexError(f"a dataset is indexed by its examples, as in dataset[3], [:5] or [[1, 4]]; got {index!r}")
        if isinstance(index, Integral) and not isinstance(index, bool):
            return map_flow(lambda array: array[index], self.x), self.y[index]
        return self.take(index)

    def __array__(self, *_: Any, **__: Any) -> NoReturn:
        raise TypeError("a Dataset is two arrays: write dataset.x or dataset.y")

    @property
    def shape(self) -> Any:
        """The shape of x, (n, ...); for several inputs, the tuple of their shapes.

        Examples
        --------
        >>> Dataset(np.zeros((5, 2)), np.zeros(5)).shape
        (5, 2)
        """
        return map_flow(lambda array: array.shape, self.x)

    @property
    def input_shape(self) -> Any:
        """The shape of one example, which `model.init` takes; for several inputs, the tuple of their shapes.

        Examples
        --------
        >>> Dataset(np.zeros((5, 2)), np.zeros(5)).input_shape
        (2,)
        >>> Dataset((np.zeros((5, 2)), np.zeros(5)), np.zeros(5)).input_shape
        ((2,), ())
        """
        return map_flow(lambda array: array.shape[1:], self.x)

    def take(self, indices: ArrayLike | slice) -> Dataset:
        """The examples at `indices`, in their order.

        Parameters
        ----------
        indices : array_like (k,), int or slice
            Integers, negative ones counting from the end; a mask of n bools; one integer, for a dataset of one
            example; or a slice.

        Returns
        -------
        Dataset
            The k examples and their targets.

        Raises
        ------
        IndexError
            If an index is out of range or neither an integer nor a bool, or a mask has a length other than n.
        ShapeError
            If indices have more than one axis.

        Examples
        --------
        >>> dataset = Dataset([[0.0], [0.1], [0.2]], [0, 1, 2])
        >>> dataset.take([2, 0]).y, dataset.take(slice(1, None)).y, dataset.take(dataset.y != 1).y
        (array([2, 0]), array([1, 2]), array([0, 2]))
        """
        if not isinstance(indices, slice):
            indices = np.atleast_1d(indices)
            if indices.ndim > 1:
                raise ShapeError(f"expected indices of shape (k,), got {indices.shape}")
            if not indices.size and indices.dtype.kind == "f":  # NumPy makes [] an array of floats
                indices = indices.astype(np.intp)
        x = map_flow(lambda array: frozen(array[indices]), self.x)
        return build(Dataset, x, self.y[indices], self.feature_names, self.class_names)

    @overload
    def split(self, key: Key, fraction: float, *, stratify: bool = False) -> tuple[Dataset, Dataset]: ...
    @overload
    def split(self, key: Key, fraction: float, *more: float, stratify: bool = False) -> tuple[Dataset, ...]: ...

    def split(self, key: Key, fraction: float, *more: float, stratify: bool = False) -> tuple[Dataset, ...]:
        """Datasets of shuffled examples: round(n * fraction) examples, more such parts, and all the others.

        Parameters
        ----------
        key : Key
            Key of the shuffle.
        fraction : float
            Share of the examples in the first dataset, from 0 to 1.
        *more : float
            Shares of the next datasets; the last dataset is the rest.
        stratify : bool, default False
            Whether each dataset has its share of each class, as near as whole examples allow; y is then labels (n,).

        Returns
        -------
        tuple of Dataset
            One dataset more than there are fractions.

        Raises
        ------
        ShapeError
            If stratify is True and y is not integer labels (n,).
        TypeError
            If the key is not a Key or a fraction not a number.
        ValueError
            If a fraction is not from 0 to 1, or several leave no rest.

        Examples
        --------
        >>> import funcnet as fn
        >>> train, test = fn.data.digits().split(fn.Key(0), 0.8)
        >>> len(train), len(test)
        (1438, 359)
        >>> [len(part) for part in fn.data.digits().split(fn.Key(0), 0.6, 0.2, stratify=True)]
        [1078, 360, 359]
        """
        order = checked_key(key).generator().permutation(len(self))
        labels = labels_of(self.y) if stratify else None
        return tuple(map(self.take, shared(order, sizes(len(self), (fraction, *more)), labels)))

    def folds(self, key: Key, k: int, stratify: bool = False) -> Sequence[tuple[Dataset, Dataset]]:
        """The k pairs (train, validation) of cross-validation; each example is in one validation part.

        Parameters
        ----------
        key : Key
            Key of the shuffle.
        k : int
            Number of folds, from 2 to n.
        stratify : bool, default False
            Whether each fold has its share of each class, as near as whole examples allow; y is then labels (n,).

        Returns
        -------
        sequence of tuple of Dataset
            The pairs, each made when it is asked for.

        Raises
        ------
        ShapeError
            If stratify is True and y is not integer labels (n,).
        TypeError
            If the key is not a Key or k not an integer.
        ValueError
            If k is not from 2 to n.

        References
        ----------
        R. Kohavi: A study of cross-validation and bootstrap for accuracy estimation and model selection. IJCAI 1995.

        Examples
        --------
        >>> import funcnet as fn
        >>> [(len(train), len(validation)) for train, validation in fn.data.parity(3).folds(fn.Key(0), 3)]
        [(5, 3), (5, 3), (6, 2)]
        """
        order = checked_key(key).generator().permutation(len(self))
        labels = labels_of(self.y)[order] if stratify else None
        return Folds(self.take, order, fold_of_each(len(self), integer(k, "k", 2, max(len(self), 2)), labels), k)

    @property
    def digest(self) -> str:
        """SHA-256 of x and y, each as its dtype and shape and then its little-endian bytes in C order.

        The number of inputs comes before several inputs. Different data have different digests; equal data have the
        same digest on every machine and in any layout. Names are not part of it.

        Examples
        --------
        >>> dataset = Dataset([[1.0, 2.0]], [1])
        >>> dataset.digest == Dataset(np.array([[1.0, 2.0]], order="F", dtype=">f8"), [1]).digest
        True
        >>> dataset.digest == Dataset([[1.0, 2.0]], [0]).digest
        False
        """
        hashed = sha256()
        for part in (*_canonical(self.x), canonical(self.y)):
            hashed.update(part)
        return hashed.hexdigest()


hand_out_views(Dataset, "x", "y")


def checked_dataset(value: Any) -> Dataset:
    """`value` itself; raises TypeError if it is not a Dataset."""
    if not isinstance(value, Dataset):
        hint = ": write Dataset(x, y)" if isinstance(value, tuple | list) or hasattr(value, "__array__") else ""
        raise TypeError(f"expected a Dataset, got a {type(value).__name__}{hint}")
    return value


def _canonical(x: Flow) -> Iterator[bytes]:
    """Bytes that tell x from any other: no dtype begins as the length of a tuple does."""
    if isinstance(x, tuple):
        yield f"tuple of {len(x)}\n".encode()
        for part in x:
            yield from _canonical(part)
    else:
        yield canonical(x)
