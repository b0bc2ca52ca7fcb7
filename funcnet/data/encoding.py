"""Labels as vectors: one number for each class."""

from __future__ import annotations

from typing import Any, overload

import numpy as np
from numpy.typing import ArrayLike

from funcnet.data.dataset import Dataset, checked_dataset
from funcnet.data.inputs import is_several
from funcnet.data.targets import targets
from funcnet.errors import DTypeError, ShapeError
from funcnet.numerics.labels import checked_classes
from funcnet.tree import Array, build
from funcnet.values import integer


@overload
def one_hot(dataset: Dataset, n_classes: int) -> Dataset: ...
@overload
def one_hot(dataset: ArrayLike, n_classes: int) -> Any: ...


def one_hot(dataset: Dataset | ArrayLike, n_classes: int) -> Dataset | Array:
    """The dataset with targets (n, n_classes) float32 in place of labels (n,): 1 at the label, 0 elsewhere.

    Parameters
    ----------
    dataset : Dataset or array_like (n,)
        Examples with integer labels (n,), or labels alone.
    n_classes : int
        Number of classes.

    Returns
    -------
    Dataset or ndarray (n, n_classes)
        The same examples with the new targets, or the targets alone.

    Raises
    ------
    ValueError
        If a label is outside 0..n_classes-1.
    ShapeError
        If the labels do not have the shape (n,).
    DTypeError
        If the labels are not integers.

    Examples
    --------
    >>> one_hot(Dataset([[0.5], [0.25]], [1, 0]), 3).y
    array([[0., 1., 0.],
           [1., 0., 0.]], dtype=float32)
    >>> one_hot([1, 0], 2)
    array([[0., 1.],
           [1., 0.]], dtype=float32)
    """
    if not isinstance(dataset, Dataset) and not is_several(dataset):
        return _one_hot(targets(dataset)[0], n_classes)
    dataset = checked_dataset(dataset)
    y, classes = _one_hot(dataset.y, n_classes), dataset.class_names
    return build(Dataset, dataset.x, y, dataset.feature_names, classes if len(classes or ()) == n_classes else None)


def _one_hot(labels: Array, n_classes: int) -> Array:
    if labels.ndim != 1:
        raise ShapeError(f"expected labels of shape (n,), got {labels.shape}")
    if labels.dtype.kind not in "iu":
        raise DTypeError(f"expected integer labels, got {labels.dtype}")
    checked_classes("label", labels, integer(n_classes, "n_classes", 0))
    one: Array = labels[:, None] == np.arange(n_classes)
    return one.astype(np.float32)
