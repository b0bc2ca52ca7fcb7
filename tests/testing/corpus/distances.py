"""Distances, kernels and features: polynomials, splines, cosines."""

from tests.testing.corpus.entry import DOUBLE, ROWS, layer, np


@layer(
    (3,),
    params={"c": (4,)},
    bugs={
        "the exponents are off by one.": ("k * c[k] * x ** (k - 1)", "(k - 1) * c[k] * x ** (k - 1)"),
        "coefficients have the gradient of one feature.": ("(dy * x**k).sum()", "(dy * x**k)[..., :1].sum()"),
        "the constant learns as the slope does.": ("for k in range(4)], params", "for k in (1, 1, 2, 3)], params"),
    },
)
def polynomial():
    def forward(params, x):
        return sum(params["c"][k] * x**k for k in range(4)), x

    def backward(params, x, dy):
        c = params["c"]
        dx = dy * sum(k * c[k] * x ** (k - 1) for k in range(1, 4))
        return dx, {"c": np.array([(dy * x**k).sum() for k in range(4)], params["c"].dtype)}

    return forward, backward


@layer(
    (2,),
    params={"centers": (3, 2)},
    bugs={
        "centers move as x does.": ("-2 * np.einsum", "2 * np.einsum"),
        "2 is missing in dx.": ('2 * np.einsum("...k,...kd->...d"', 'np.einsum("...k,...kd->...d"'),
    },
)
def squared_distances():
    def forward(params, x):
        delta = x[..., None, :] - params["centers"]
        return (delta**2).sum(-1), delta

    def backward(params, delta, dy):
        dx = 2 * np.einsum("...k,...kd->...d", dy, delta)
        return dx, {"centers": -2 * np.einsum("nk,nkd->kd", dy.reshape(-1, 3), delta.reshape(-1, 3, 2))}

    return forward, backward


@layer(
    (2,),
    params=lambda draws: {"c": draws.normal(size=(3, 2)), "log_gamma": draws.normal(size=3) / 2},
    exempt=ROWS,
    bugs={
        "gamma's gradient is not that of its logarithm.": ("-(g * q).sum(0) * gamma", "-(g * q).sum(0)"),
        "the width is missing in dx.": ("2 * gamma * g", "2 * g"),
        "centers have the sign of x.": ('"c": np.einsum', '"c": -np.einsum'),
    },
)
def radial_basis_functions():
    def forward(params, x):
        delta = x[:, None, :] - params["c"]
        q = (delta * delta).sum(-1)
        y = np.exp(-np.exp(params["log_gamma"]) * q)
        return y, (delta, q, y.copy())

    def backward(params, cache, dy):
        delta, q, y = cache
        gamma, g = np.exp(params["log_gamma"]), dy * y
        h = 2 * gamma * g
        dx = -np.einsum("nk,nkd->nd", h, delta)
        return dx, {"c": np.einsum("nk,nkd->kd", h, delta), "log_gamma": -(g * q).sum(0) * gamma}

    return forward, backward


@layer(
    (3,),
    params={"p": (2, 3)},
    bugs={
        "x's length is taken for a constant.": (" - xn * (dxn * xn).sum(-1, keepdims=True)", ""),
        "prototypes are not divided by their lengths.": (") / lp}", ")}"),
    },
)
def cosine_similarity():
    def length(a):
        return np.sqrt((a * a).sum(-1, keepdims=True) + a.dtype.type(0.01))

    def forward(params, x):
        p = params["p"]
        return (x / length(x)) @ (p / length(p)).T, x

    def backward(params, x, dy):
        p = params["p"]
        lx, lp = length(x), length(p)
        xn, pn = x / lx, p / lp
        dxn, dpn = dy @ pn, dy.reshape(-1, 2).T @ xn.reshape(-1, 3)
        dx = (dxn - xn * (dxn * xn).sum(-1, keepdims=True)) / lx
        return dx, {"p": (dpn - pn * (dpn * pn).sum(-1, keepdims=True)) / lp}

    return forward, backward


@layer(
    (2,),
    params={"b": (2, 3)},
    exempt=ROWS,
    bugs={
        "the cosine's sign.": ("- dy[:, 3:] * np.sin(z)", "+ dy[:, 3:] * np.sin(z)"),
        "the frequencies' gradient has half of the features.": ('"b": x.T @ dz', '"b": x.T @ (dy[:, :3] * np.cos(z))'),
    },
)
def fourier_features():
    def forward(params, x):
        z = x @ params["b"]
        return np.concatenate([np.sin(z), np.cos(z)], axis=1), (x, z)

    def backward(params, cache, dy):
        x, z = cache
        dz = dy[:, :3] * np.cos(z) - dy[:, 3:] * np.sin(z)
        return dz @ params["b"].T, {"b": x.T @ dz}

    return forward, backward


@layer(
    (2,),
    params={"w": (5,)},
    exempt={"nan": "NaN has no place among the knots"},
    **DOUBLE,
    bugs={
        "a knot has the gradient of the one before.": (
            "np.add.at(dw, left + 1, dy * part)",
            "np.add.at(dw, left, dy * part)",
        ),
        "knots count once where many numbers fall.": (
            "np.add.at(dw, left, dy * (1 - part))",
            "dw[left] = dy * (1 - part)",
        ),
        "outside, the slope is that of the end.": ("inside = (x > -2) & (x < 2)", "inside = x == x"),
    },
)
def piecewise_linear_spline():
    def locate(x):
        at = np.clip(x, -2, 2) + 2
        left = np.minimum(at.astype(int), 3)
        return left, at - left

    def forward(params, x):
        left, part = locate(x)
        return params["w"][left] * (1 - part) + params["w"][left + 1] * part, x

    def backward(params, x, dy):
        (left, part), w, dw = locate(x), params["w"], np.zeros_like(params["w"])
        inside = (x > -2) & (x < 2)
        np.add.at(dw, left, dy * (1 - part))
        np.add.at(dw, left + 1, dy * part)
        return dy * (w[left + 1] - w[left]) * inside, {"w": dw}

    return forward, backward


@layer(
    (3,),
    params=lambda draws: [draws.normal(size=(3, 2)).astype(np.float32), draws.normal(size=2).astype(np.float32)],
    exempt=ROWS,
    dtypes=("float32",),
    bugs={
        "dw is off by a hundredth.": ("x.T @ dy", "1.01 * x.T @ dy"),
        "db is one row's.": ("dy.sum(0, dtype=np.float32)", "dy[:1].sum(0, dtype=np.float32)"),
    },
)
def dense_in_float32_alone():
    def forward(params, x):
        x = x.astype(np.float32)
        return x @ params[0].astype(np.float32) + params[1].astype(np.float32), x

    def backward(params, x, dy):
        dy = dy.astype(np.float32)
        return dy @ params[0].astype(np.float32).T, [x.T @ dy, dy.sum(0, dtype=np.float32)]

    return forward, backward
