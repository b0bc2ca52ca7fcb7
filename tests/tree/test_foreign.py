"""Arrays of other libraries become arrays of NumPy in a node; what NumPy would misread is an error."""

import numpy as np
import pytest

import funcnet as fn
from funcnet import tree
from funcnet.errors import LeafError
from tests.tree.cases import Box

# --- Arrays of other libraries ---


class OnlyDLPack:
    """An array that has no way to NumPy but DLPack."""

    def __init__(self, array):
        self.array = array

    def __dlpack__(self, **options):
        return self.array.__dlpack__(**options)

    def __dlpack_device__(self):
        return self.array.__dlpack_device__()


def tensor():
    return pytest.importorskip("torch").tensor([1.0, 2.0])


def column():
    return pytest.importorskip("pandas").Series([1.0, 2.0])


LIBRARIES = {"tensor": tensor, "column": column, "DLPack": lambda: OnlyDLPack(np.array([1.0, 2.0]))}
every_library = pytest.mark.parametrize("make", LIBRARIES.values(), ids=LIBRARIES)


@every_library
@pytest.mark.parametrize("kind", [Box, tree.Buffer])
def test_a_node_converts_an_array_of_a_different_library_to_a_copy(make, kind):
    given = make()
    value = next(iter(tree.named_arrays(kind(given)).values()))
    assert type(value) is np.ndarray
    assert value.tolist() == [1.0, 2.0]
    assert not value.flags.writeable
    if type(given).__name__ == "Tensor":
        given[0] = 5.0
        assert value.tolist() == [1.0, 2.0]


@every_library
def test_a_tuple_refuses_an_array_of_a_different_library(make):
    with pytest.raises(LeafError, match=r"at 0: expected an array of NumPy, got a .*: write np\.asarray\(\.\.\.\)"):
        tree.norm((make(),))


def test_a_tensor_that_requires_grad_is_refused_with_the_words_of_its_library():
    with pytest.raises(LeafError, match=r"in the field content of Box: a torch\.Tensor .*detach\(\)\.numpy\(\)"):
        Box(tensor().requires_grad_())


def test_a_column_of_objects_is_refused():
    pandas = pytest.importorskip("pandas")
    with pytest.raises(LeafError, match=r"expected numbers, got a pandas\.Series that NumPy reads as object"):
        Box(pandas.Series([1.0, None, "a"], dtype=object))


def test_a_sparse_matrix_is_refused():
    sparse = pytest.importorskip("scipy.sparse")
    with pytest.raises(LeafError, match=r"got a scipy\.\w+: write its \.toarray\(\)"):
        Box(sparse.eye(2).tocsr())


# --- Masked arrays ---

MASKED = np.ma.array([1.0, 2.0], mask=[False, True])
TAKES_ARRAYS = {
    "node": Box,
    "buffer": tree.Buffer,
    "tree": lambda a: tree.leaves((a,))[0],
    "layer": lambda a: fn.ReLU().apply((), a),
    "model": lambda a: fn.sequential(fn.ReLU(), fn.ReLU()).apply(((), ()), a),
    "several inputs": lambda a: fn.sequential(fn.Sum()).apply(((),), (a, a)),
    "integers": lambda a: fn.ReLU().apply((), a.astype(int)),
    "ids": lambda a: fn.Embedding(3, 1).apply(fn.Embedding(3, 1).init(fn.Key(0), ()), a.astype(int)),
    "list": lambda a: fn.ReLU().apply((), [a]),
    "gradient": lambda a: fn.ReLU().backward((), fn.ReLU().forward((), np.ones(2))[1], a),
    "unravel": lambda a: tree.ravel((np.ones(2),))[1](a),
    "update": lambda a: fn.SGD(0.1).update((np.ones(2),), (a,), fn.SGD(0.1).init((np.ones(2),))),
}
every_place = pytest.mark.parametrize("take", TAKES_ARRAYS.values(), ids=TAKES_ARRAYS)


@every_place
def test_masked_entries_are_an_error(take):
    with pytest.raises(fn.DTypeError, match=r"1 of 2 entries are masked: write x\.filled\(value\), or leave them out"):
        take(MASKED)


@every_place
def test_a_masked_array_without_masked_entries_is_its_data(take):
    take(np.ma.array([1.0, 2.0]))
    assert tree.equal(Box(np.ma.array([1.0, 2.0])), Box(np.array([1.0, 2.0])))


def test_the_one_masked_entry_is_an_error_too():
    with pytest.raises(fn.DTypeError, match="1 of 1 entries are masked"):
        Box(np.ma.masked)


# --- dtypes ---


@pytest.mark.parametrize(
    "use",
    [
        lambda dtype: tree.cast((np.ones(2),), dtype),
        lambda dtype: fn.sequential(fn.ReLU()).init(fn.Key(0), (2,), dtype),
        *[
            lambda dtype, layer=layer: layer.init(fn.Key(0), (2,), dtype)
            for layer in (fn.Linear(2), fn.BatchNorm(), fn.LayerNorm(), fn.RMSNorm(), fn.GroupNorm(1))
        ],
        lambda dtype: fn.Embedding(2, 3).init(fn.Key(0), (), dtype),
    ],
)
def test_the_dtype_of_a_different_library_has_the_name_of_that_of_numpy(use):
    torch = pytest.importorskip("torch")
    for dtype, own in ((torch.float64, "float64"), (torch.bfloat16, "float32")):
        with pytest.raises(fn.DTypeError, match=rf"must be a dtype of NumPy, got torch\.\w+: write np\.{own}$"):
            use(dtype)
