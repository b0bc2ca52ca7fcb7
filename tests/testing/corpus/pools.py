"""Pools, and what changes sizes: upsampling, padding, shuffles."""

from tests.testing.corpus.entry import IMAGES, RESHAPED, ROWS, layer, np


@layer(
    (2, 4, 4),
    exempt=IMAGES,
    bugs={
        "every tied entry gets the full gradient.": (" / mask.sum(axis=(3, 5), keepdims=True)", ""),
        "the window's axes are mixed up.": ("dy[:, :, :, None, :, None]", "dy.swapaxes(2, 3)[:, :, :, None, :, None]"),
        "the smallest entry gets the gradient.": (
            "mask = windows == y[",
            "mask = windows == windows.min(axis=(3, 5))[",
        ),
    },
)
def max_of_reshaped_windows():
    def forward(params, x):
        n, c, h, w = x.shape
        windows = x.reshape(n, c, h // 2, 2, w // 2, 2)
        return windows.max(axis=(3, 5)), windows

    def backward(params, windows, dy):
        n, c, h, _, w, _ = windows.shape
        y = windows.max(axis=(3, 5))
        mask = windows == y[:, :, :, None, :, None]
        dx = mask * dy[:, :, :, None, :, None] / mask.sum(axis=(3, 5), keepdims=True)
        return dx.reshape(n, c, 2 * h, 2 * w).astype(dy.dtype), ()

    return forward, backward


@layer(
    (1, 5, 5),
    exempt=IMAGES,
    bugs={
        "a place that wins twice has the last gradient alone.": ("r + a, s + b] += dy", "r + a, s + b] = dy"),
        "rows and columns of the winner change places.": ("a, b = divmod(best, 3)", "b, a = divmod(best, 3)"),
        "the winner's place is that of the first channel and row.": (
            "argmax(x[i, k, r : r + 3, s : s + 3])",
            "argmax(x[i, k, :3, :3])",
        ),
    },
)
def overlapping_max_by_loops():
    def forward(params, x):
        n, c, h, w = x.shape
        y = np.zeros((n, c, 2, 2), x.dtype)
        for r in range(2):
            for s in range(2):
                y[:, :, r, s] = x[:, :, 2 * r : 2 * r + 3, 2 * s : 2 * s + 3].max(axis=(2, 3))
        return y, x

    def backward(params, x, dy):
        dx = np.zeros_like(x)
        for i, k, p, q in np.ndindex(*dy.shape):
            r, s = 2 * p, 2 * q
            best = np.argmax(x[i, k, r : r + 3, s : s + 3])
            a, b = divmod(best, 3)
            dx[i, k, r + a, s + b] += dy[i, k, p, q]
        return dx, ()

    return forward, backward


@layer(
    (6,),
    bugs={
        "dx is not divided by the window's size.": ("np.repeat(dy / 3, 3", "np.repeat(dy, 3"),
        "dx is tiled where it must be repeated.": (
            "np.repeat(dy / 3, 3, axis=-1)",
            "np.concatenate([dy / 3] * 3, axis=-1)",
        ),
    },
)
def average_along_the_last_axis():
    def forward(params, x):
        return x.reshape(*x.shape[:-1], 2, 3).mean(axis=-1), None

    def backward(params, cache, dy):
        return np.repeat(dy / 3, 3, axis=-1), ()

    return forward, backward


@layer(
    (2, 3, 4),
    bugs={
        "the mean is taken for a sum.": ("/ (h * w)", "* 1.0"),
        "a side is counted once.": ("/ (h * w)", "/ (h * h)"),
    },
)
def global_average():
    def forward(params, x):
        return x.mean(axis=(-2, -1)), x.shape[-2:]

    def backward(params, cache, dy):
        h, w = cache
        dx = np.broadcast_to(dy[..., None, None] / (h * w), (*dy.shape, h, w))
        return dx.astype(dy.dtype), ()

    return forward, backward


@layer(
    (3, 4),
    bugs={
        "all that tie get the full gradient.": (
            "np.put_along_axis(dx, best, dy[..., None], axis=-1)",
            "dx = dy[..., None] * (x == x.max(-1, keepdims=True))",
        ),
        "the gradient goes to the place before.": ("np.put_along_axis(dx, best", "np.put_along_axis(dx, best - 1"),
    },
)
def global_max_by_argmax():
    def forward(params, x):
        best = np.argmax(x, axis=-1)[..., None]
        return np.take_along_axis(x, best, axis=-1)[..., 0], (best, x)

    def backward(params, cache, dy):
        best, x = cache
        dx = np.zeros_like(x)
        np.put_along_axis(dx, best, dy[..., None], axis=-1)
        return dx, ()

    return forward, backward


@layer(
    (5,),
    bugs={
        "where windows overlap, the last one wins.": ("dx[..., a:b] += ", "dx[..., a:b] = "),
        "all windows are divided by one size.": ("/ (b - a)", "/ 2"),
    },
)
def adaptive_average():
    edges = [(0, 2), (1, 4), (3, 5)]

    def forward(params, x):
        return np.stack([x[..., a:b].mean(-1) for a, b in edges], axis=-1), x.shape

    def backward(params, shape, dy):
        dx = np.zeros(shape, dy.dtype)
        for k, (a, b) in enumerate(edges):
            dx[..., a:b] += dy[..., k, None] / (b - a)
        return dx, ()

    return forward, backward


@layer(
    (4,),
    exempt={"finite": "squares of numbers near the largest float overflow"},
    bugs={
        "the root's derivative is missing.": ("/ y[..., None]", "* 1.0"),
        "the sign of x is lost.": ("dy[..., None] * x /", "dy[..., None] * np.abs(x) /"),
    },
)
def root_of_mean_squares():
    def forward(params, x):
        y = np.sqrt((x * x).mean(-1) + x.dtype.type(0.1))
        return y, (x, y)

    def backward(params, cache, dy):
        x, y = cache
        return dy[..., None] * x / y[..., None] / 4, ()

    return forward, backward


@layer(
    (2, 2, 3),
    exempt=IMAGES,
    bugs={
        "each pixel has the mean of its copies' gradients.": (".sum(axis=(3, 5))", ".mean(axis=(3, 5))"),
        "only one of the copies counts.": (".sum(axis=(3, 5))", "[:, :, :, 0, :, 0]"),
    },
)
def nearest_upsampling():
    def forward(params, x):
        return x.repeat(2, axis=2).repeat(2, axis=3), x.shape

    def backward(params, shape, dy):
        n, c, h, w = shape
        return dy.reshape(n, c, h, 2, w, 2).sum(axis=(3, 5)), ()

    return forward, backward


@layer(
    (3, 2),
    bugs={
        "the weights of interpolation are not transposed but reversed.": ("a.T @ dy", "a[::-1].T @ dy"),
        "the ends are taken twice.": ("a.T @ dy", "np.concatenate([a[:1] * 2, a[1:]]).T @ dy"),
    },
)
def linear_upsampling_by_a_matrix():
    a = np.array([[1, 0, 0], [0.5, 0.5, 0], [0, 1, 0], [0, 0.5, 0.5], [0, 0, 1]], np.float32)

    def forward(params, x):
        return (a @ x).astype(x.dtype), None

    def backward(params, cache, dy):
        return (a.T @ dy).astype(dy.dtype), ()

    return forward, backward


@layer(
    (4, 2, 2),
    exempt=IMAGES,
    bugs={
        "the two factors of the channels change places.": ("transpose(0, 3, 5, 1, 2, 4)", "transpose(0, 5, 3, 1, 2, 4)")
    },
)
def pixel_shuffle():
    def forward(params, x):
        n, c, h, w = x.shape
        return x.reshape(n, c // 4, 2, 2, h, w).transpose(0, 1, 4, 2, 5, 3).reshape(n, c // 4, 2 * h, 2 * w), x.shape

    def backward(params, shape, dy):
        n, c, h, w = shape
        dx = dy.reshape(n, h, 2, w, 2) if c == 4 else None
        return dx[:, None].transpose(0, 3, 5, 1, 2, 4).reshape(shape), ()

    return forward, backward


@layer(
    (4,),
    bugs={
        "what was mirrored gets no gradient back.": ("dx[..., 1] += dy[..., 0]", "dx[..., 1] += 0 * dy[..., 0]"),
        "the mirrored edge goes to the edge itself.": ("dx[..., -2] += dy[..., -1]", "dx[..., -1] += dy[..., -1]"),
        "dx writes into dy.": ("dy[..., 1:-1].copy()", "dy[..., 1:-1]"),
    },
)
def reflected_padding():
    def forward(params, x):
        return np.pad(x, [(0, 0)] * (x.ndim - 1) + [(1, 1)], mode="reflect"), None

    def backward(params, cache, dy):
        dx = dy[..., 1:-1].copy()
        dx[..., 1] += dy[..., 0]
        dx[..., -2] += dy[..., -1]
        return dx, ()

    return forward, backward


@layer(
    (2, 3),
    exempt={**ROWS, **RESHAPED},
    bugs={"numbers are read in Fortran order.": ("dy.reshape(shape)", 'dy.reshape(shape, order="F")')},
)
def flatten_with_minus_one():
    def forward(params, x):
        return x.reshape(len(x), -1), x.shape

    def backward(params, shape, dy):
        return dy.reshape(shape), ()

    return forward, backward
