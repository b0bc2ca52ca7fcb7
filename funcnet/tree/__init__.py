"""Immutable trees of arrays, which hold parameters, gradients and optimizer states.

A tree is an array (a leaf), a tuple of trees, a `node` (a frozen attrs class whose fields are trees) or None.
A value that is part of the structure, such as a step count, stands in a field that is declared `static`; a name or a
function may stand anywhere, and any other value is an error. A `Buffer` is an array that training does not move.
The arrays of a node are read-only, and no other array shares their memory.
"""

# fmt: off
from funcnet.tree.buffer import Buffer
from funcnet.tree.functions import allclose, cast, leaves, map, named_buffers, named_leaves, norm, size
from funcnet.tree.functions import zeros_like
from funcnet.tree.fields import leaf, static
from funcnet.tree.node import Tree, build, equal, node
from funcnet.tree.contents import with_buffers
from funcnet.tree.vectors import ravel

# Shared with the other packages of funcnet, not public:
from funcnet.tree.arrays import PLAIN_NUMBERS as PLAIN_NUMBERS, Array as Array, DType as DType, Shape as Shape
from funcnet.tree.arrays import as_array as as_array
from funcnet.tree.arrays import as_dtype as as_dtype, as_floating as as_floating
from funcnet.tree.arrays import as_numpy_dtype as as_numpy_dtype, canonical as canonical
from funcnet.tree.arrays import frozen as frozen, read_only as read_only, to_array as to_array
from funcnet.tree.fields import hand_out_views as hand_out_views
from funcnet.tree.flows import MERGE as MERGE, Flow as Flow, added as added, converted as converted
from funcnet.tree.flows import dtypes_in as dtypes_in, is_integer as is_integer, is_nested as is_nested
from funcnet.tree.flows import listed as listed, map_flow as map_flow, one_array as one_array, passed_on as passed_on
from funcnet.tree.flows import shape_of as shape_of, without_integers as without_integers, zeros_of as zeros_of
from funcnet.tree.functions import map_new as map_new, named_arrays as named_arrays
from funcnet.tree.node import is_leaf as is_leaf, node_fields as node_fields
from funcnet.tree.places import at as at, placed as placed
from funcnet.tree.patterns import as_patterns as as_patterns, matching as matching
from funcnet.tree.structure import Structure as Structure, checked_tree as checked_tree, flatten as flatten
from funcnet.tree.structure import leaves_like as leaves_like, rows_like as rows_like
from funcnet.tree.contents import has_buffers as has_buffers, has_leaves as has_leaves

__all__ = [
    "Buffer", "Tree", "allclose", "build", "cast", "equal", "leaf", "leaves", "map", "named_buffers", "named_leaves",
    "node", "norm", "ravel", "size", "static", "with_buffers", "zeros_like",
]
