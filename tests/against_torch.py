"""How funcnet is compared with PyTorch: tensors of arrays, and results that must be the same."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

# dtype, relative tolerance, and that of a number which cancellation made small
PRECISIONS = [(np.float64, 1e-12, 1e-14), (np.float32, 1e-4, 1e-5)]
precisions = pytest.mark.parametrize(("dtype", "rtol", "atol"), PRECISIONS, ids=["float64", "float32"])


def tensor(array):
    return pytest.importorskip("torch").tensor(np.array(array), requires_grad=True)


def assert_same(ours, theirs, rtol, atol):
    """The same numbers, shapes and dtypes."""
    for array, other in zip(ours, theirs, strict=True):
        other = other.detach().numpy()
        assert (array.shape, array.dtype) == (other.shape, other.dtype)
        assert_allclose(array, other, rtol=rtol, atol=atol)
