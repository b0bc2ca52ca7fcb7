"""Solves, inverses, factorizations, implicit layers."""

import attrs

from tests.testing.corpus.entry import DOUBLE, ROWS, fn, layer, np


def well_conditioned(n):
    return lambda draws: {"a": draws.normal(size=(n, n)) / 4 + 2 * np.eye(n)}


@layer(
    (3,),
    params=well_conditioned(3),
    exempt=ROWS,
    bugs={
        "the way back solves with a, not a.T.": ('solve(params["a"].T, dy.T)', 'solve(params["a"], dy.T)'),
        "da has the wrong sign.": ("-g.T @ y", "g.T @ y"),
        "da is transposed.": ("-g.T @ y", "-y.T @ g"),
    },
)
def linear_solve():
    def forward(params, x):
        y = np.linalg.solve(params["a"], x.T).T
        return y, y.copy()

    def backward(params, y, dy):
        g = np.linalg.solve(params["a"].T, dy.T).T
        return g, {"a": -g.T @ y}

    return forward, backward


@layer(
    (2, 2),
    **DOUBLE,
    bugs={
        "the inverse is transposed once.": ("-yt @ dy @ yt", "-y @ dy @ yt"),
        "the sign is wrong.": ("-yt @ dy @ yt", "yt @ dy @ yt"),
    },
    x=np.array([[[2.0, 0.5], [0.25, 1.5]], [[1.0, -0.5], [1.0, 2.0]], [[3.0, 1.0], [0.0, -2.0]]]),
)
def matrix_inverse():
    def forward(params, x):
        y = np.linalg.inv(x)
        return y, y.copy()

    def backward(params, y, dy):
        yt = y.swapaxes(-1, -2)
        return -yt @ dy @ yt, ()

    return forward, backward


@layer(
    (3, 3),
    x=np.stack([a @ a.T + np.eye(3) for a in np.random.default_rng(0).integers(-8, 9, (4, 3, 3)) / 8]),
    derivative_of=lambda params, x: np.linalg.cholesky((x + x.swapaxes(-1, -2)) / 2),
    bugs={
        "the diagonal is not halved, as it is nowhere.": ("phi[..., range(3), range(3)] /= 2", "phi = phi * 1"),
        "the gradient is not symmetric.": ("(s + s.swapaxes(-1, -2)) / 2, ()", "np.tril(s), ()"),
    },
    **DOUBLE,
)
def cholesky_of_a_symmetric_matrix():
    def forward(params, x):
        y = np.linalg.cholesky(x)
        return y, y.copy()

    def backward(params, y, dy):
        phi = np.tril(y.swapaxes(-1, -2) @ np.tril(dy))
        phi[..., range(3), range(3)] /= 2
        inverse = np.linalg.inv(y)
        s = inverse.swapaxes(-1, -2) @ phi @ inverse
        return (s + s.swapaxes(-1, -2)) / 2, ()

    return forward, backward


@layer(
    (2, 2),
    **DOUBLE,
    bugs={
        "the diagonal is not halved.": ("phi[..., range(2), range(2)] /= 2", "phi = phi * 1"),
        "only one half of the product's gradient is taken.": ("(s + s.swapaxes(-1, -2)) @ x", "s @ x"),
        "the product is not made triangular.": (
            "phi = np.tril(y.swapaxes(-1, -2) @ np.tril(dy))",
            "phi = y.swapaxes(-1, -2) @ dy",
        ),
    },
)
def cholesky_of_a_gram_matrix():
    def forward(params, x):
        y = np.linalg.cholesky(x @ x.swapaxes(-1, -2) + np.eye(2))
        return y, (x, y.copy())

    def backward(params, cache, dy):
        x, y = cache
        phi = np.tril(y.swapaxes(-1, -2) @ np.tril(dy))
        phi[..., range(2), range(2)] /= 2
        inverse = np.linalg.inv(y)
        s = inverse.swapaxes(-1, -2) @ phi @ inverse
        return (s + s.swapaxes(-1, -2)) @ x, ()

    return forward, backward


@layer(
    (2, 2),
    **DOUBLE,
    bugs={
        "x counts once in its square.": ("(dm + dm.swapaxes(-1, -2))", "dm"),
        "the determinant's own gradient is that of its value.": (
            "* inverse.swapaxes(-1, -2)",
            "* np.linalg.det(m)[..., None, None] * inverse.swapaxes(-1, -2)",
        ),
    },
)
def log_determinant():
    def forward(params, x):
        m = x.swapaxes(-1, -2) @ x + np.array([[2.0, 0.5], [-0.5, 2.0]])
        return np.linalg.slogdet(m)[1], (x, m)

    def backward(params, cache, dy):
        x, m = cache
        inverse = np.linalg.inv(m)
        dm = dy[..., None, None] * inverse.swapaxes(-1, -2)
        return x @ (dm + dm.swapaxes(-1, -2)), ()

    return forward, backward


@layer(
    (3,),
    params=lambda draws: {"w": draws.normal(size=(3, 3)) / 12},
    exempt=ROWS,
    **DOUBLE,
    bugs={
        "one step is differentiated, not the fixed point.": ("for _ in range(60):  # back", "for _ in range(0):"),
        "the way back uses w untransposed.": ("u = dy + (u * slope) @ w.T", "u = dy + (u * slope) @ w"),
        "dw has x in place of the fixed point.": ("y.T @ du", "x.T @ du"),
    },
)
def fixed_point():
    def forward(params, x):
        y = np.zeros_like(x)
        for _ in range(60):
            y = np.tanh(y @ params["w"] + x)
        return y, (x, y.copy())

    def backward(params, cache, dy):
        (x, y), w = cache, params["w"]
        slope, u = 1 - y * y, dy
        for _ in range(60):  # back
            u = dy + (u * slope) @ w.T
        du = u * slope
        return du, {"w": y.T @ du}

    return forward, backward


@layer(
    (3,),
    **DOUBLE,
    bugs={
        "the implicit slope is not inverted.": ("dy / (1 + 3 * y * y)", "dy * (1 + 3 * y * y)"),
        "the slope is taken at x.": ("y * y), ()", "x * x), ()"),
    },
)
def root_of_a_cubic():
    @attrs.frozen
    class Root(fn.Layer):
        def forward(self, params, x):
            y = np.cbrt(x)
            for _ in range(80):
                y = y - (y + y**3 - x) / (1 + 3 * y * y)
            return y, (x, y.copy())

        def backward(self, params, cache, dy):
            x, y = cache
            return dy / (1 + 3 * y * y), ()

    return Root()


@layer(
    (3,),
    params={"c": (3, 2), "l": (2,)},
    exempt=ROWS,
    bugs={
        "lower triangles are solved as upper ones.": (
            "dz = np.linalg.solve(m.T, dh.T).T",
            "dz = np.linalg.solve(m, dh.T).T",
        ),
        "the gradient of l has the sign of a product.": ("-(dz * h[:, ::-1])", "(dz * h[:, ::-1])"),
    },
)
def whitening_by_a_triangle():
    def triangle(params):
        return np.array([[2.0, 0.0], [params["l"][0], 3.0]]).astype(params["l"].dtype)

    def forward(params, x):
        h = np.linalg.solve(triangle(params), (x @ params["c"]).T).T
        return h, (x, h.copy())

    def backward(params, cache, dh):
        x, h = cache
        m = triangle(params)
        dz = np.linalg.solve(m.T, dh.T).T
        dl = -(dz * h[:, ::-1])[:, 1].sum()
        return dz @ params["c"].T, {"c": x.T @ dz, "l": np.array([dl, 0], dh.dtype)}

    return forward, backward
