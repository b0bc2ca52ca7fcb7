"""Rules of linear algebra: what has a formula wherever it is smooth.

There are none for eigenvectors, singular vectors and QR, whose signs and order LAPACK chooses.

References
----------
M. Giles: An extended collection of matrix derivative results for forward and reverse mode automatic differentiation.
Oxford University Computing Laboratory, report 08/01, 2008.
G. H. Golub, V. Pereyra: The differentiation of pseudo-inverses and nonlinear least squares problems whose variables
separate. SIAM Journal on Numerical Analysis 10, 1973.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from funcnet.gradients.dual_calculus import jumps, tangents_of, value_of
from funcnet.gradients.dual_reductions import length
from funcnet.gradients.dual_registry import FUNCTIONS, NoRuleError
from funcnet.gradients.duals import Dual
from funcnet.tree import Array


def _no_rule(name: str, problem: str) -> NoRuleError:
    return NoRuleError(f"{name} {problem}", operation=f"np.linalg.{name}")


def _still(name: str, *arrays: Any) -> None:
    if jumps(*arrays):
        raise _no_rule(name, "of numbers that jump")


def _turned(a: Array) -> Array:
    return np.swapaxes(a, -1, -2)


def _inv(a: Dual) -> Dual:
    _still("inv", a)
    inverse = np.linalg.inv(a.value)
    return Dual(inverse, -(inverse @ a.tangents @ inverse))


def _solve(a: Any, b: Any) -> Dual:
    """x of a @ x = b: a @ dx = db - da @ x."""
    _still("solve", a, b)
    is_vector = np.ndim(b) == 1
    if np.ndim(b) == np.ndim(a) - 1 and not is_vector:
        raise _no_rule("solve", "of a stack of vectors, which NumPy 1 and 2 take differently: make them matrices")
    columns = b[..., None] if is_vector else b
    x = np.linalg.solve(value_of(a), value_of(columns))
    moved = tangents_of(columns, x.ndim) - (tangents_of(a, x.ndim) @ x if isinstance(a, Dual) else 0.0)
    shape = np.broadcast_shapes(moved.shape[1:], x.shape)
    result = Dual(x, np.linalg.solve(value_of(a), np.broadcast_to(moved, (len(moved), *shape))))
    return result[..., 0] if is_vector else result


def _log_slopes(name: str, a: Dual) -> Array:
    """The tangents of log |det a|: the trace of inv(a) @ da."""
    _still(name, a)
    if not np.all(np.linalg.matrix_rank(a.value) == a.shape[-1]):
        raise _no_rule(name, "of a singular matrix")
    return np.asarray(np.trace(np.linalg.inv(a.value) @ a.tangents, axis1=-2, axis2=-1))


def _det(a: Dual) -> Dual:
    value = np.linalg.det(a.value)
    return Dual(value, value * _log_slopes("det", a))


def _slogdet(a: Dual) -> Any:
    result = np.linalg.slogdet(a.value)
    return type(result)(result[0], Dual(result[1], _log_slopes("slogdet", a)))


def _cholesky(a: Dual, **options: Any) -> Dual:
    """L of L @ L.T = a: dL = L @ half(inv(L) @ da @ inv(L).T), where half has half of the diagonal."""
    _still("cholesky", a)
    if any(options.values()):
        raise _no_rule("cholesky", "with options")
    root = np.linalg.cholesky(a.value)
    inverse = np.linalg.inv(root)
    lower = np.tril(a.tangents)  # NumPy reads no other numbers
    inner = np.tril(inverse @ (lower + _turned(np.tril(a.tangents, -1))) @ _turned(inverse))
    half = inner * (1 - np.eye(a.shape[-1]) / 2)
    return Dual(root, root @ half)


def _pinv(a: Dual, *arguments: Any, **options: Any) -> Dual:
    """The formula of Golub and Pereyra, for matrices of full rank, next to which the rank stays."""
    _still("pinv", a)
    if arguments or options or not np.all(np.linalg.matrix_rank(a.value) == min(a.shape[-2:])):
        raise _no_rule("pinv", "with options or of a matrix without full rank")
    m, n = a.shape[-2:]
    p, da, dat = np.linalg.pinv(a.value), a.tangents, _turned(a.tangents)
    first = p @ _turned(p) @ dat @ (np.eye(m) - a.value @ p)
    second = (np.eye(n) - p @ a.value) @ dat @ _turned(p) @ p
    return Dual(p, -(p @ da @ p) + first + second)


def _matrix_power(a: Dual, n: int) -> Dual:
    result, factor = np.broadcast_to(np.eye(a.shape[-1], dtype=a.dtype), a.shape), a if n >= 0 else _inv(a)
    for _ in range(abs(n)):
        result = np.matmul(factor, result)
    return result if n else a * 0.0 + result  # type: ignore[return-value]


def _norm(x: Dual, ord: Any = None, axis: Any = None, keepdims: bool = False) -> Any:
    axes = x.axes(axis)
    if ord is None or (ord == 2 and len(axes) == 1) or (ord == "fro" and len(axes) == 2):
        return length(x, axis, keepdims)
    if len(axes) != 1 or isinstance(ord, str):
        raise _no_rule("norm", f"of matrices of order {ord!r}")
    if ord == np.inf:
        return np.max(np.abs(x), axis, keepdims=keepdims)
    if ord == -np.inf:
        return np.min(np.abs(x), axis, keepdims=keepdims)
    if ord == 1:
        return np.sum(np.abs(x), axis, keepdims=keepdims)
    sums = np.sum(np.abs(x) ** ord, axis, keepdims=keepdims)
    if ord < 1 or not np.all(sums.value > 0):
        raise _no_rule("norm", f"of order {ord!r} at 0")
    return sums ** (1 / ord)


FUNCTIONS.update(
    {
        np.linalg.inv: _inv,
        np.linalg.solve: _solve,
        np.linalg.det: _det,
        np.linalg.slogdet: _slogdet,
        np.linalg.cholesky: _cholesky,
        np.linalg.pinv: _pinv,
        np.linalg.matrix_power: _matrix_power,
        np.linalg.norm: _norm,
    }
)
