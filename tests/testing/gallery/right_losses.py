"""Losses that are right but unusual: `check_loss` has to accept them."""

import attrs
import numpy as np

from tests.testing.gallery.broken_losses import Mean, sigmoid


class Hinge(Mean):
    """max(0, 1 - t * y) for t of -1 and 1, with a corner where t * y = 1."""

    def losses(self, y, target):
        return np.maximum(0, 1 - target * y)

    def slope(self, y, target):
        return np.where(target * y < 1, -target.astype(y.dtype), 0)


class HingeOfTargets(Hinge):
    """Its slope is in the dtype of the targets."""

    def slope(self, y, target):
        return np.where(target * y < 1, -target, 0)


class Absolute(Mean):
    """|y - t|, whose slope at 0 is chosen to be 0."""

    def losses(self, y, target):
        return np.abs(y - target)

    def slope(self, y, target):
        return np.sign(y - target)


class Pinball(Absolute):
    """The quantile at 3/4; its slope at the corner is that of one side."""

    def losses(self, y, target):
        return np.maximum(0.75 * (target - y), 0.25 * (y - target))

    def slope(self, y, target):
        return np.where(y < target, -0.75, 0.25)


class Huber(Mean):
    """Squares near 0, linear beyond 1."""

    def losses(self, y, target):
        error = np.abs(y - target)
        return np.where(error < 1, error**2 / 2, error - y.dtype.type(0.5))

    def slope(self, y, target):
        return np.clip(y - target, -1, 1)


class Focal(Mean):
    """(1 - p)**2 * -log(p) of the probability p given to the right one of two classes."""

    def losses(self, y, target):
        margin = np.where(target > 0.5, y, -y)
        return sigmoid(-margin) ** 2 * np.logaddexp(0, -margin)

    def slope(self, y, target):
        sign = np.where(target > 0.5, 1, -1)
        p, q = sigmoid(sign * y), sigmoid(-sign * y)
        return -sign * q**2 * (2 * p * np.logaddexp(0, -sign * y) + q)


class KullbackLeibler(Mean):
    """sum(t * log(t / y)) of distributions."""

    def losses(self, y, target):
        return target * (np.log(target) - np.log(y))

    def slope(self, y, target):
        return -target / y


@attrs.frozen
class Total:
    """A sum without a field `reduction`, its cache a dict; of no examples it is 0."""

    def forward(self, y, target):
        y, target = np.asarray(y), np.asarray(target)
        if y.shape != target.shape:
            raise ValueError("shapes")
        error = (y - target).astype(y.dtype.newbyteorder("="))
        return np.logaddexp(error, -error).sum(dtype=error.dtype), {"error": error}

    def backward(self, cache):
        return np.tanh(cache["error"])


class Refuses(Mean):
    """Raises ValueError for what is not finite."""

    def forward(self, y, target):
        if not np.isfinite(y).all():
            raise ValueError("y is not finite")
        return super().forward(y, target)


class EmptyIsNaN(Mean):
    """The mean over no example is NaN and a warning, as of every loss that is written with .mean()."""

    def forward(self, y, target):
        if np.shape(y) != np.shape(target):
            raise ValueError("shapes")
        return super().forward(y, target) if y.size else (np.mean(y), (y, target))
