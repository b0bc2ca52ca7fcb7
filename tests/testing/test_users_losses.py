"""Users' losses as they are: of matrices alone, of one dtype, and written by .mean()."""

import numpy as np
import pytest

from funcnet.testing import LawViolation, check_loss


def blame(loss, **options):
    with pytest.raises(LawViolation) as caught:
        check_loss(loss, **options)
    return caught.value


class SoftmaxLoss:
    """As in courses: rows are indexed, the mean is taken by dividing, or by .mean()."""

    def forward(self, scores, labels):
        shifted = scores - scores.max(axis=1, keepdims=True)
        p = np.exp(shifted) / np.exp(shifted).sum(axis=1, keepdims=True)
        n = scores.shape[0]
        return -np.mean(np.log(p[np.arange(n), labels])), (p, labels)

    def backward(self, cache):
        p, labels = cache
        dscores = p.copy()
        dscores[np.arange(len(p)), labels] -= 1
        return dscores / len(p)


OF_MATRICES = dict.fromkeys(["batch.single", "batch.axes"], "scores are a matrix")


class MeanError:
    def forward(self, y, t):
        if y.shape != t.shape:
            raise ValueError("shapes")
        return 0.5 * ((y - t) ** 2).mean(), (y, t)

    def backward(self, cache):
        y, t = cache
        return (y - t) / y.size


def test_a_loss_by_mean_passes():
    check_loss(MeanError(), dtypes=("float64",))  # NumPy 1.26 makes a float64 of 0.5 * a mean in float32


@pytest.mark.parametrize("law", OF_MATRICES)
def test_a_form_of_batches_that_a_loss_does_not_take_is_told_by_its_own_law(law):
    others = {name: why for name, why in OF_MATRICES.items() if name != law}
    assert blame(SoftmaxLoss(), targets="labels", exempt=others).law == law


def test_a_loss_of_float64_and_of_matrices_is_checked_as_it_is():
    true = {"shapes": "labels of more rows broadcast", "finite": "the log of a probability that is 0"}
    check_loss(SoftmaxLoss(), targets="labels", exempt={**OF_MATRICES, **true}, dtypes=("float64",))


class InPlainPython:
    """Numbers one by one, in Python's own floats."""

    def forward(self, y, t):
        if y.shape != t.shape:
            raise ValueError("shapes")
        total = 0.0
        for a, b in zip(y.ravel(), t.ravel(), strict=True):
            total += (float(a) - float(b)) ** 2
        return total, (y, t)

    def backward(self, cache):
        y, t = cache
        return 2 * (y - t)


def test_a_value_may_be_a_float_of_python_in_float64():
    check_loss(InPlainPython(), dtypes=("float64",), examples=14)
    found = blame(InPlainPython(), examples=14)
    assert (found.law, found.at, found.got) == ("dtype", "value", "dtype float64")
