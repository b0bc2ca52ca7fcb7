"""Check your own layer: a subtle bug, the law that it breaks, and the fix.

    python examples/check_your_layer.py

The layer divides each row by its root mean square and multiplies the result by a learned gain (Zhang, Sennrich: Root
mean square layer normalization, NeurIPS 2019). The first version forgets the gain in one place. Since the gain starts
at 1, a new layer does not show the bug; `check_layer` moves the params, and finds it.
"""

import attrs
import numpy as np
from program import exit_with

import funcnet as fn


@fn.tree.node
class RMSNormParams:
    """The params of `RMSNorm`: gain (n,)."""

    gain: np.ndarray


@attrs.frozen
class RMSNorm(fn.Layer):
    """y = gain * u with u = x / rms, rms = sqrt(mean(x**2) + epsilon); x and y (..., n).

    dx = (gain * dy - u * mean(gain * dy * u)) / rms; grads.gain = sum of dy * u over the rows.
    """

    epsilon: float = 1e-6

    def init(self, key, input_shape, dtype=np.float32):
        return RMSNormParams(np.ones(input_shape[-1:], dtype))

    def forward(self, params, x):
        x = x.astype(params.gain.dtype)
        rms = np.sqrt(np.mean(x * x, axis=-1, keepdims=True) + self.epsilon)
        u = x / rms
        return params.gain * u, (u, rms)

    def backward(self, params, cache, dy):
        u, rms = cache
        du = params.gain * dy
        dx = (du - u * np.mean(du * u, axis=-1, keepdims=True)) / rms
        return dx, RMSNormParams((dy * u).sum(axis=tuple(range(dy.ndim - 1))))


@attrs.frozen
class FirstRMSNorm(RMSNorm):
    """The same layer, but with one `dy` in backward that should be `du`."""

    def backward(self, params, cache, dy):
        u, rms = cache
        du = params.gain * dy
        dx = (du - u * np.mean(dy * u, axis=-1, keepdims=True)) / rms
        return dx, RMSNormParams((dy * u).sum(axis=tuple(range(dy.ndim - 1))))


def main():
    """Check the first version, then the correct one."""
    try:
        fn.testing.check_layer(FirstRMSNorm(), input_shape=(3,))
    except fn.testing.LawViolation as violation:
        print(violation, end="\n\n")

    fn.testing.check_layer(RMSNorm(), input_shape=(3,))
    print("RMSNorm, with the gain in its place, passes every law.")


if __name__ == "__main__":
    exit_with(main)
