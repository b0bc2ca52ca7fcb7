"""Fourier and cosine transforms, rotations, reflections."""

from tests.testing.corpus.entry import DOUBLE, ROWS, layer, np


def well_conditioned(n):
    return lambda draws: {"a": draws.normal(size=(n, n)) / 4 + 2 * np.eye(n)}


@layer(
    (6,),
    params={"k": (6,)},
    bugs={
        "the spectrum is not conjugated in dx.": ("np.fft.rfft(dy) * np.conj(fk)", "np.fft.rfft(dy) * fk"),
        "the kernel's gradient is reversed.": (
            "np.conj(np.fft.rfft(x)) * np.fft.rfft(dy)",
            "np.fft.rfft(x) * np.conj(np.fft.rfft(dy))",
        ),
        "the kernel's gradient is a mean over rows.": (".reshape(-1, 6).sum(0)", ".reshape(-1, 6).mean(0)"),
    },
)
def circular_convolution_by_fft():
    def forward(params, x):
        return np.fft.irfft(np.fft.rfft(x) * np.fft.rfft(params["k"]), 6).astype(x.dtype), x

    def backward(params, x, dy):
        fk = np.fft.rfft(params["k"])
        dx = np.fft.irfft(np.fft.rfft(dy) * np.conj(fk), 6).astype(dy.dtype)
        dk = np.fft.irfft(np.conj(np.fft.rfft(x)) * np.fft.rfft(dy), 6).reshape(-1, 6).sum(0)
        return dx, {"k": dk.astype(dy.dtype)} if dy.size else {"k": np.zeros_like(params["k"])}

    return forward, backward


@layer(
    (5,),
    bugs={
        "a scale of n is forgotten.": ("np.fft.ifft(np.fft.fft(dy)", "5 * np.fft.ifft(np.fft.fft(dy)"),
        "the filter is shifted by one frequency.": ("np.fft.fft(dy) * keep", "np.fft.fft(dy) * np.roll(keep, 1)"),
    },
)
def low_pass_filter():
    keep = np.array([1.0, 1.0, 0.0, 0.0, 1.0])

    def forward(params, x):
        return np.fft.ifft(np.fft.fft(x) * keep).real.astype(x.dtype), None

    def backward(params, cache, dy):
        return np.fft.ifft(np.fft.fft(dy) * keep).real.astype(dy.dtype), ()

    return forward, backward


@layer(
    (4,),
    bugs={
        "the imaginary part's gradient has the wrong sign.": (
            "dy[..., :4] + 1j * dy[..., 4:]",
            "dy[..., :4] - 1j * dy[..., 4:]",
        ),
        "the inverse transform divides by n.": ("np.fft.ifft(g) * 4", "np.fft.ifft(g)"),
    },
)
def real_and_imaginary_parts():
    def forward(params, x):
        f = np.fft.fft(x)
        return np.concatenate([f.real, f.imag], axis=-1).astype(x.dtype), None

    def backward(params, cache, dy):
        g = dy[..., :4] + 1j * dy[..., 4:]
        return (np.fft.ifft(g) * 4).real.astype(dy.dtype), ()

    return forward, backward


@layer(
    (5,),
    exempt={"finite": "squares of large numbers overflow"},
    bugs={
        "the phase is lost.": ("np.fft.fft(x)  # again", "np.abs(np.fft.fft(x))"),
        "magnitudes are taken for their squares.": ("dy * f / y", "2 * dy * f"),
    },
)
def magnitude_spectrum():
    def forward(params, x):
        f = np.fft.fft(x)
        return np.sqrt(f.real**2 + f.imag**2 + 0.01).astype(x.dtype), x

    def backward(params, x, dy):
        f = np.fft.fft(x)  # again
        y = np.sqrt(f.real**2 + f.imag**2 + 0.01)
        return (5 * np.fft.ifft(dy * f / y).real).astype(dy.dtype), ()

    return forward, backward


@layer(
    (4,),
    bugs={
        "the inverse cosine transform in place of the transposed one.": ("dy @ c)", "dy @ np.linalg.inv(c).T)"),
        "the first coefficient is scaled twice.": ("dy @ c)", "dy @ (c * np.array([[2.0], [1], [1], [1]])))"),
    },
)
def cosine_transform():
    k = np.arange(4)
    c = np.cos(np.pi * k[:, None] * (2 * k + 1) / 8)

    def forward(params, x):
        return (x @ c.T).astype(x.dtype), None

    def backward(params, cache, dy):
        return (dy @ c).astype(dy.dtype), ()

    return forward, backward


@layer(
    (3,),
    params={"v": (3,)},
    exempt=ROWS,
    bugs={
        "v's norm is taken for a constant.": (" - (v @ g) * v / s", ""),
        "one of the two products is missing in dv.": ("x.T @ (dy @ v) + dy.T @ (x @ v)", "x.T @ (dy @ v)"),
        "dx is not reflected.": ("dy - 2 * np.outer(dy @ v, v) / s", "dy"),
    },
)
def householder_reflection():
    def forward(params, x):
        v = params["v"]
        return x - 2 * np.outer(x @ v, v) / (v @ v), x

    def backward(params, x, dy):
        v = params["v"]
        s = v @ v
        g = x.T @ (dy @ v) + dy.T @ (x @ v)
        dv = -2 * (g - (v @ g) * v / s) / s
        return dy - 2 * np.outer(dy @ v, v) / s, {"v": dv}

    return forward, backward


@layer(
    (2,),
    params={"theta": np.array([0.4])},
    bugs={
        "the angle's gradient has the sines' signs mixed up.": (
            "-y[..., 1] * dy[..., 0] + y[..., 0] * dy[..., 1]",
            "y[..., 1] * dy[..., 0] + y[..., 0] * dy[..., 1]",
        ),
        "dx is turned the wrong way.": ("dy @ r(params)", "dy @ r(params).T"),
    },
)
def rotation_by_an_angle():
    def r(params):
        c, s = np.cos(params["theta"][0]), np.sin(params["theta"][0])
        return np.array([[c, -s], [s, c]])

    def forward(params, x):
        y = x @ r(params).T
        return y, y.copy()

    def backward(params, y, dy):
        turned = -y[..., 1] * dy[..., 0] + y[..., 0] * dy[..., 1]
        return dy @ r(params), {"theta": turned.sum(keepdims=True).reshape(1)}

    return forward, backward


@layer(
    (2,),
    params={"a": (2, 2)},
    exempt=ROWS,
    **DOUBLE,
    bugs={
        "the second term of the series lacks an order.": ("(x @ a).T @ dy + x.T @ (dy @ a.T)", "2 * (x @ a).T @ dy"),
        "dx uses the series of a itself.": ("dy @ (eye + a + a @ a / 2).T", "dy @ (eye + a + a @ a / 2)"),
    },
)
def matrix_exponential_to_second_order():
    eye = np.eye(2)

    def forward(params, x):
        a = params["a"]
        return x @ (eye + a + a @ a / 2), x

    def backward(params, x, dy):
        a = params["a"]
        da = x.T @ dy + ((x @ a).T @ dy + x.T @ (dy @ a.T)) / 2
        return dy @ (eye + a + a @ a / 2).T, {"a": da}

    return forward, backward
