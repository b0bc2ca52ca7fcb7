"""NumPy as users' layers write it: functions of an array x, and the shape of x."""

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

DRAW = np.random.default_rng(1)
W = DRAW.normal(size=(4, 3))
MASK = np.array([[True, False, True, True], [False, True, False, True], [True, True, False, False]])
ORDER = np.array([[2, 0, 1, 3], [3, 2, 1, 0], [0, 3, 1, 2]])
ROWS, COLUMNS = np.array([0, 2, 1, 2]), np.array([3, 0, 0, 1])
IM2COL = np.add.outer(np.arange(3), np.arange(2))


def written(x):
    out = np.zeros_like(x)
    for i in range(len(x)):
        out[i] = x[i] * i + (out[i - 1] if i else 0)
    return out


def scattered(x):
    out = np.zeros_like(x)
    np.add.at(out, [0, 1, 1], x[:3])
    return out


def masked_in_place(x):
    y = x.copy()
    y[y < 0] *= 0.1
    return y


def leaky(x):
    y = x * 2
    y[x < 0] = 0.0
    return y


def solved(x):
    return np.linalg.solve(x @ x.T + 3 * np.eye(3), x)


def normalized(x):
    return (x - x.mean(0)) / np.sqrt(x.var(axis=0, ddof=1) + 1e-5)


def attention(x):
    q = x.reshape(3, 2, 2).swapaxes(0, 1)
    scores = np.einsum("hid,hjd->hij", q, q) / np.sqrt(2)
    weights = np.exp(scores - scores.max(axis=-1, keepdims=True))
    weights /= weights.sum(axis=-1, keepdims=True)
    return np.moveaxis(weights @ q, 0, 1).reshape(3, 4)


def recurrent(x):
    h, states = np.zeros(4), []
    for row in x:
        h = np.tanh(row + 0.5 * h)
        states.append(h)
    return np.stack(states, axis=1)


def pooled(x):
    return x.reshape(3, 2, 2).max(axis=(0, 2))


def windows(x):
    return np.einsum("...k,k->...", sliding_window_view(x, 3, axis=-1), W[0])


def top_two(x):
    places = np.argsort(x, axis=-1)[:, -2:]
    return np.take_along_axis(x, places, axis=-1)


def chosen_at_argmax(x):
    return x[np.arange(3), x.argmax(axis=1)]


def safe_divide(x):
    return np.divide(x, x + 5, out=np.zeros_like(x), where=x > 0)


S = (3, 4)
IDIOMS = {
    "pad": (lambda x: np.pad(x, ((1, 1), (0, 2))), S),
    "pad with a number": (lambda x: np.pad(x, 1, constant_values=2.0), S),
    "pad by edges": (lambda x: np.pad(x, 1, mode="edge"), S),
    "pad by reflection": (lambda x: np.pad(x, ((0, 0), (2, 1)), mode="reflect"), S),
    "swapaxes": (lambda x: x.swapaxes(0, 1) * np.swapaxes(x, -1, 0), S),
    "moveaxis": (lambda x: np.moveaxis(x, 0, -1), (2, 3, 2)),
    "rollaxis": (lambda x: np.rollaxis(x, 2), (2, 3, 2)),
    "T": (lambda x: x.T, S),
    "stack": (lambda x: np.stack([x, 2 * x, W.T], axis=1), S),
    "vstack": (lambda x: np.vstack([x, x[:1]]), S),
    "hstack": (lambda x: np.hstack((x, np.ones((3, 1)))), S),
    "column_stack": (lambda x: np.column_stack([x[:, 0], x]), S),
    "block": (lambda x: np.block([[x, x * x], [np.ones((1, 8))]]), S),
    "append": (lambda x: np.append(x, x[:1] ** 2, axis=0), S),
    "insert": (lambda x: np.insert(x, 1, 0.0, axis=1), S),
    "delete": (lambda x: np.delete(x, 1, axis=0), S),
    "repeat": (lambda x: np.repeat(x, 2, axis=0) + x.repeat([2, 4, 0], axis=0), S),
    "tile": (lambda x: np.tile(x, (2, 1)), S),
    "roll": (lambda x: np.roll(x, 1, axis=-1) - x, S),
    "flip": (lambda x: np.flip(x, axis=1), S),
    "rot90": (lambda x: np.rot90(x), S),
    "x[::-1]": (lambda x: x[::-1, ::2], S),
    "cumsum": (lambda x: np.cumsum(x, axis=0) + x.cumsum(1), S),
    "cumsum of all": (lambda x: np.cumsum(x), S),
    "diff": (lambda x: np.diff(x, axis=-1), S),
    "take": (lambda x: np.take(x, [0, 2, 2], axis=1) + x.take([1, 1, 1], 1), S),
    "take_along_axis": (lambda x: np.take_along_axis(x, ORDER, axis=1), S),
    "sliding windows": (windows, S),
    "rows and columns": (lambda x: x[ROWS, COLUMNS], S),
    "a list of rows": (lambda x: x[[0, 2]], S),
    "arrays and slices": (lambda x: x[:, IM2COL], S),
    "arrays apart": (lambda x: x[[0, 1], :, [1, 0]], (2, 3, 2)),
    "a row of None, ..., array": (lambda x: x[None, ..., np.array([1, 1, 0])], S),
    "a mask as an index": (lambda x: x[MASK], S),
    "a comparison as an index": (lambda x: np.sum(x[x > 0] ** 2), S),
    "np.ix_": (lambda x: x[np.ix_([0, 2], [1, 3])], S),
    "squeeze": (lambda x: np.squeeze(x[None]) + x[None].squeeze(0), S),
    "expand_dims": (lambda x: np.expand_dims(x, (0, 2)), S),
    "broadcast_to": (lambda x: np.broadcast_to(x, (2, 3, 4)), S),
    "split": (lambda x: np.split(x, 2, axis=1)[0] * np.split(x, [2], axis=-1)[1], S),
    "array_split": (lambda x: np.array_split(x, 3, axis=1)[0], S),
    "ravel": (lambda x: x.ravel() * np.ravel(x), S),
    "flatten": (lambda x: x.flatten()[1:], S),
    "trace": (lambda x: np.trace(x[:, :3]) * x.trace(), S),
    "diagonal": (lambda x: np.diagonal(x) * x.diagonal(), S),
    "diag": (lambda x: np.diag(x[0]), S),
    "tril": (lambda x: np.tril(x) + np.triu(x, 1) ** 2, S),
    "atleast_2d": (lambda x: np.atleast_2d(x), (4,)),
    "einsum": (lambda x: np.einsum("ij,jk->ik", x, W), S),
    "einsum of itself": (lambda x: np.einsum("ij,kj->ik", x, x), S),
    "tensordot": (lambda x: np.tensordot(x, W, axes=([1], [0])), S),
    "inner": (lambda x: np.inner(x, x), S),
    "outer": (lambda x: np.outer(x[0], x[1]), S),
    "vdot": (lambda x: np.vdot(x[0], x[1]), S),
    "kron": (lambda x: np.kron(x[:2, :2], x[1:, 2:]), S),
    "dot of vectors": (lambda x: x[0].dot(x[1]), S),
    "x @ vector": (lambda x: x @ W[:, 0] + x @ x[0], S),
    "dot of three axes": (lambda x: np.dot(x, W), (2, 3, 4)),
    "convolve": (lambda x: np.convolve(x, [1.0, -2.0, 0.5], mode="same"), (5,)),
    "cross": (lambda x: np.cross(x[0, :3], x[1, 1:]), S),
    "var": (lambda x: np.var(x, axis=-1, keepdims=True), S),
    "std": (lambda x: x.std(axis=0), S),
    "batch norm": (normalized, S),
    "sum and mean of some": (lambda x: np.sum(x * x, axis=1, where=MASK) * x.mean(1, where=MASK), S),
    "nanmean": (lambda x: np.nanmean(np.where(MASK, x, np.nan) ** 2, axis=1), S),
    "prod": (lambda x: np.prod(x, axis=1), S),
    "cumprod": (lambda x: np.cumprod(x, axis=1), S),
    "average": (lambda x: np.average(x, axis=0, weights=[1.0, 2, 3]), S),
    "sort": (lambda x: np.sort(x, axis=1), S),
    "partition": (lambda x: np.partition(x, 2, axis=1)[:, 2:].sum(axis=1), S),
    "argsort": (top_two, S),
    "argmax": (chosen_at_argmax, S),
    "median": (lambda x: np.median(x, axis=1), S),
    "quantile": (lambda x: np.quantile(x, [0.1, 0.8], axis=0), S),
    "max of all": (lambda x: x.max() + np.min(x), S),
    "max over axes": (pooled, S),
    "amin, the axis kept": (lambda x: x - np.amin(x, axis=0, keepdims=True), S),
    "ptp": (lambda x: np.ptp(x, axis=1), S),
    "maximum.reduce": (lambda x: np.maximum.reduce(x, axis=0) * np.add.reduce(x), S),
    "logaddexp.reduce": (lambda x: np.logaddexp.reduce(x, axis=-1), S),
    "maximum.accumulate": (lambda x: np.maximum.accumulate(x, axis=1), S),
    "subtract.outer": (lambda x: np.subtract.outer(x[0], x[1]), S),
    "norm": (lambda x: x / np.linalg.norm(x, axis=1, keepdims=True), S),
    "norm of order 1": (lambda x: np.linalg.norm(x, 1, axis=1) + np.linalg.norm(x), S),
    "inv": (lambda x: np.linalg.inv(x @ x.T + np.eye(3)), S),
    "solve": (solved, S),
    "det": (lambda x: np.linalg.det(x), (2, 3, 3)),
    "slogdet": (lambda x: np.linalg.slogdet(x)[1], (3, 3)),
    "cholesky": (lambda x: np.linalg.cholesky(x @ x.T + np.eye(3)), S),
    "pinv": (lambda x: np.linalg.pinv(x), S),
    "matrix_power": (lambda x: np.linalg.matrix_power(x, 3), (3, 3)),
    "arctan2, hypot": (lambda x: np.arctan2(x[0], x[1]) * np.hypot(x[1], x[2]), S),
    "sinh, cosh": (lambda x: np.sinh(x) * np.cosh(x) - np.tan(x / 4), S),
    "logs of other bases": (lambda x: np.log2(x * x + 1) + np.log10(x * x + 1) * np.exp2(x), S),
    "arcsin, arccos": (lambda x: np.arcsin(x / 4) * np.arccos(x / 4), S),
    "floor": (lambda x: x - np.floor(x) + np.round(x) * x, S),
    "mod": (lambda x: np.mod(x, 0.7) * x, S),
    "fmax": (lambda x: np.fmax(x, 0.1) + np.fmin(x, 0.3) * x, S),
    "heaviside": (lambda x: np.heaviside(x, 0.5) * x + np.copysign(2.0, x) * x, S),
    "float_power": (lambda x: np.float_power(np.abs(x), 1.5) + np.cbrt(x), S),
    "zeros_like, then rows": (written, S),
    "add.at": (scattered, S),
    "full_like": (lambda x: np.full_like(x, 2.0) * x + np.empty_like(x[:0]).sum(), S),
    "a mask in place": (masked_in_place, S),
    "numbers in place": (leaky, S),
    "divide where": (safe_divide, S),
    "attention": (attention, S),
    "a recurrent loop": (recurrent, S),
    "select": (lambda x: np.select([x > 0.5, x < -0.5], [x * x, -x], 0.1 * x), S),
    "logical_and": (lambda x: np.where(np.logical_and(x > 0, x < 1), x, 3 * x), S),
    "nan_to_num": (lambda x: np.nan_to_num(x) * x, S),
    "clip with None": (lambda x: np.clip(x, None, a_max=0.3) + x.clip(-0.2, 0.2) * x.clip(min=0), S),
    "real fft": (lambda x: np.fft.irfft(np.fft.rfft(x, axis=-1) * np.array([1, 0.5, 0]), n=4, axis=-1), S),
    "power of the spectrum": (lambda x: np.abs(np.fft.rfft(x)) ** 2, S),
    "fft mixing": (lambda x: np.real(np.fft.fft2(x)), S),
    "complex numbers": (lambda x: ((x + 1j) ** 3 / (2 - 1j * x)).imag + np.angle(x + 2j) + np.exp(1j * x).real, S),
    "a convolution by fft": (lambda x: np.fft.ifft(np.fft.fft(x[0]) * np.conj(np.fft.fft(x[1]))).real, S),
    "a product of spectra": (lambda x: np.einsum("if,jf->ij", z := np.fft.rfft(x), z.conj()).real, S),
}
