"""Dual numbers whose values are complex, as Fourier transforms give them.

They go only through functions listed here: holomorphic ones, by the formulas of real numbers, and real-linear ones.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from funcnet.gradients import dual_choices, dual_linalg, dual_reductions
from funcnet.gradients.dual_linear import LINEAR, MOVING, PRODUCTS, linear
from funcnet.gradients.dual_registry import FUNCTIONS, KINDS, UFUNCS, NoRuleError
from funcnet.gradients.duals import Dual
from funcnet.tree import Array

__all__ = ["ComplexDual", "dual_choices", "dual_linalg", "dual_reductions"]  # whose rules are taken from the tables


class ComplexDual(Dual):
    """Complex numbers that carry derivatives by real parameters; `Dual` of complex values makes them.

    >>> z = Dual(np.array([3.0 + 4.0j]), np.array([[1.0], [1.0j]]))
    >>> np.abs(z).tangents
    array([[0.6],
           [0.8]])
    """

    __slots__ = ()
    kind = "c"
    ufuncs: dict[np.ufunc, Any] = {}  # noqa: RUF012, filled in below
    functions: dict[Any, Any] = {}  # noqa: RUF012

    def __init__(self, value: Any, tangents: Array, limits: Array | None = None) -> None:
        super().__init__(value, tangents.astype(np.result_type(tangents, np.complex64), copy=False), limits)


def _absolute(z: ComplexDual) -> Dual:
    """|z|, whose derivative is Re(conj(z) dz) / |z|; where z is 0, it grows by |dz|."""
    if z.limits is not None:
        raise NoRuleError("the absolute value of complex numbers that jump", operation="np.abs")
    value = np.abs(z.value)
    with np.errstate(divide="ignore", invalid="ignore"):
        slopes = np.real(np.conj(z.value) * z.tangents) / value
    return Dual(value, np.where(value == 0, np.abs(z.tangents), slopes))


def _angle(z: ComplexDual, deg: bool = False) -> Any:
    angle = np.arctan2(np.imag(z), np.real(z))
    return np.rad2deg(angle) if deg else angle


_HOLOMORPHIC = [
    *(np.add, np.subtract, np.multiply, np.divide, np.negative, np.positive, np.square, np.reciprocal, np.power),
    *(np.exp, np.expm1, np.log, np.sqrt, np.sin, np.cos, np.sinh, np.cosh, np.matmul),
]
_LOOKED_AT = [np.isnan, np.isfinite, np.isinf, np.shape, np.ndim, np.size, np.result_type, np.iscomplexobj]
_REAL_LINEAR = [
    *(np.dot, np.sum, np.mean, np.where, np.reshape, np.transpose, np.ravel, "flatten", np.squeeze, np.expand_dims),
    *(np.swapaxes, np.moveaxis, np.rollaxis, np.split, np.array_split, np.pad, np.copy, np.append),
    *(np.zeros_like, np.ones_like, np.empty_like, np.prod, np.linalg.inv, np.linalg.solve, np.linalg.det),
    *(f for f in (*MOVING, *LINEAR, *PRODUCTS) if f is not np.vdot),
]
_FOURIER = [
    *(np.fft.fft, np.fft.ifft, np.fft.rfft, np.fft.irfft, np.fft.hfft, np.fft.ihfft, np.fft.fft2, np.fft.ifft2),
    *(np.fft.rfft2, np.fft.irfft2, np.fft.fftn, np.fft.ifftn, np.fft.rfftn, np.fft.irfftn),
]

KINDS["c"] = ComplexDual
FUNCTIONS.update({f: linear(f) for f in _FOURIER})
ComplexDual.ufuncs.update({f: UFUNCS[f] for f in (*_HOLOMORPHIC, *_LOOKED_AT) if f in UFUNCS})
ComplexDual.ufuncs.update(
    {
        np.absolute: _absolute,
        np.conjugate: lambda z: z.along(np.conj(z.value), np.conj),
    }
)
ComplexDual.functions.update({f: FUNCTIONS[f] for f in (*_REAL_LINEAR, *_LOOKED_AT, *_FOURIER) if f in FUNCTIONS})
ComplexDual.functions.update(
    {
        np.conjugate: ComplexDual.ufuncs[np.conjugate],  # for the methods conj and conjugate
        np.real: lambda z: z.along(z.value.real, lambda numbers: numbers.real),
        np.imag: lambda z: z.along(z.value.imag, lambda numbers: numbers.imag),
        np.angle: _angle,
        np.vdot: lambda a, b: np.sum(np.conj(np.ravel(a)) * np.ravel(b)),
    }
)
