"""The leaves and the buffers of a tree: whether it has any, and leaves of one tree with the buffers of another."""

from __future__ import annotations

from itertools import compress
from operator import not_

import numpy as np

from funcnet.tree.buffer import Buffer
from funcnet.tree.node import Tree, children, is_leaf, node_statics
from funcnet.tree.refusals import check_carried
from funcnet.tree.structure import rows_like


def has_leaves(tree: Tree) -> bool:
    """Whether `tree` contains a leaf."""
    return _contains(tree, buffer=False)


def has_buffers(tree: Tree) -> bool:
    """Whether `tree` contains a buffer."""
    return _contains(tree, buffer=True)


def _contains(tree: Tree, buffer: bool) -> bool:
    """Whether `tree` contains a buffer or, if not `buffer`, a leaf."""
    parts = [tree]
    while parts:
        part = parts.pop()
        if type(part) is np.ndarray:
            if not buffer:
                return True
        elif type(part) is Buffer:
            if buffer:
                return True
        elif (inside := children(part)) is not None:
            statics = () if buffer else node_statics(type(part))
            parts.extend(compress(inside, map(not_, statics)) if statics else inside)
        elif not buffer:
            if is_leaf(part):
                return True
            check_carried(part)
    return False


def with_buffers(tree: Tree, source: Tree) -> Tree:
    """`tree` with the buffers of a tree of the same structure.

    Parameters
    ----------
    tree : Tree
        Tree that gives the leaves.
    source : Tree
        Tree that gives the buffers, such as the gradient that `value_and_grad` returns.

    Returns
    -------
    Tree
        The leaves of `tree` and the buffers of `source`.

    Raises
    ------
    TreeError
        If the trees differ in structure or shapes.

    Examples
    --------
    >>> import funcnet as fn
    >>> a, b = fn.tree.Buffer(np.array(1.0)), fn.tree.Buffer(np.array(2.0))
    >>> with_buffers((np.array(0.5), a), (np.array(0.25), b))
    (array(0.5), Buffer(value=array(2.)))
    """
    rows, structure = rows_like(source, [("the tree of leaves", tree)], "the tree of buffers")
    return structure.assemble([leaf for _, leaf in rows])
