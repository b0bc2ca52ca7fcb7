"""Immutable trees of arrays, which hold parameters, gradients and optimizer states.

A tree is an array (a leaf), a tuple of trees, a `node` (a frozen attrs class whose fields are trees) or None.
Any other value in a field, such as a step count or a name, is part of the tree's structure and carried along unchanged.
So is a `Buffer`, an array that training does not move.
The arrays of a node are read-only, and no other array shares their memory.
"""

# fmt: off
from funcnet.tree.buffer import Buffer
from funcnet.tree.functions import allclose, cast, leaves, map, named_buffers, named_leaves, norm, ravel, size
from funcnet.tree.functions import zeros_like
from funcnet.tree.node import Tree, build, equal, leaf, node
from funcnet.tree.structure import with_buffers

# Shared with the other packages of funcnet, not public:
from funcnet.tree.arrays import Array as Array, DType as DType, Shape as Shape, as_array as as_array
from funcnet.tree.arrays import as_dtype as as_dtype, as_floating as as_floating, canonical as canonical
from funcnet.tree.arrays import frozen as frozen, read_only as read_only, to_array as to_array
from funcnet.tree.flows import MERGE as MERGE, Flow as Flow, added as added, converted as converted
from funcnet.tree.flows import dtypes_in as dtypes_in, is_integer as is_integer, is_nested as is_nested
from funcnet.tree.flows import listed as listed, map_flow as map_flow, one_array as one_array, passed_on as passed_on
from funcnet.tree.flows import shape_of as shape_of, without_integers as without_integers, zeros_of as zeros_of
from funcnet.tree.functions import map_new as map_new, named_arrays as named_arrays
from funcnet.tree.node import is_leaf as is_leaf, node_fields as node_fields
from funcnet.tree.places import at as at, placed as placed
from funcnet.tree.patterns import as_patterns as as_patterns, matching as matching
from funcnet.tree.structure import Structure as Structure, flatten as flatten, has_buffers as has_buffers
from funcnet.tree.structure import has_leaves as has_leaves, leaves_like as leaves_like, rows_like as rows_like

__all__ = [
    "Buffer", "Tree", "allclose", "build", "cast", "equal", "leaf", "leaves", "map", "named_buffers", "named_leaves",
    "node", "norm", "ravel", "size", "with_buffers", "zeros_like",
]
