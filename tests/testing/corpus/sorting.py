"""Sorting, medians, quantiles, cumulative sums and products, differences."""

from tests.testing.corpus.entry import DOUBLE, layer, np


@layer(
    (4,),
    bugs={
        "the order is applied twice, not inverted.": (
            "np.put_along_axis(dx, order, dy, axis=-1)",
            "dx = np.take_along_axis(dy, order, axis=-1)",
        ),
        "dy goes back unsorted.": ("np.put_along_axis(dx, order, dy, axis=-1)", "dx = dy"),
    },
)
def sort():
    def forward(params, x):
        order = np.argsort(x, axis=-1, kind="stable")
        return np.take_along_axis(x, order, axis=-1), order

    def backward(params, order, dy):
        dx = np.empty_like(dy)
        np.put_along_axis(dx, order, dy, axis=-1)
        return dx, ()

    return forward, backward


@layer(
    (5,),
    bugs={
        "the gradient is spread as for a mean.": (
            "np.put_along_axis(dx, order[..., 2:3], dy[..., None], axis=-1)",
            "dx = dx + dy[..., None] / 5",
        ),
        "the one beside the median gets it.": ("order[..., 2:3]", "order[..., 3:4]"),
        "all that equal the median get it.": (
            "np.put_along_axis(dx, order[..., 2:3], dy[..., None], axis=-1)",
            "dx[...] = dy[..., None] * (x == np.median(x, axis=-1)[..., None])",
        ),
    },
)
def median_of_five():
    def forward(params, x):
        order = np.argsort(x, axis=-1, kind="stable")
        return np.median(x, axis=-1), (x, order)

    def backward(params, cache, dy):
        x, order = cache
        dx = np.zeros_like(x)
        np.put_along_axis(dx, order[..., 2:3], dy[..., None], axis=-1)
        return dx, ()

    return forward, backward


@layer(
    (4,),
    bugs={
        "one of the two middle numbers gets it all.": (
            "dy[..., None] / 2",
            "dy[..., None] * np.array([1, 0], dy.dtype)",
        ),
        "each of the middle numbers gets it all.": ("dy[..., None] / 2", "dy[..., None]"),
    },
)
def median_of_four():
    def forward(params, x):
        return np.median(x, axis=-1), np.argsort(x, axis=-1, kind="stable")

    def backward(params, order, dy):
        dx = np.zeros(order.shape, dy.dtype)
        np.put_along_axis(dx, order[..., 1:3], dy[..., None] / 2, axis=-1)
        return dx, ()

    return forward, backward


@layer(
    (4,),
    bugs={
        "the weights of interpolation change places.": (
            "weights = np.array([0.25, 0.75]",
            "weights = np.array([0.75, 0.25]",
        ),
        "the neighbours are one too high.": ("order[..., :2]", "order[..., 1:3]"),
    },
)
def lower_quartile():
    weights = np.array([0.25, 0.75], np.float32)  # at 0.75 of the way from the first to the second of four

    def forward(params, x):
        return np.quantile(x, 0.25, axis=-1).astype(x.dtype), np.argsort(x, axis=-1, kind="stable")

    def backward(params, order, dy):
        dx = np.zeros(order.shape, dy.dtype)
        np.put_along_axis(dx, order[..., :2], dy[..., None] * weights, axis=-1)
        return dx, ()

    return forward, backward


@layer(
    (4,),
    exempt={"nan": "NumPy sorts NaN to the end"},
    bugs={
        "the two largest change places.": ("dx[best] = dy", "dx[best] = dy[..., ::-1]"),
        "the smallest get the gradient.": ("np.argsort(-x", "np.argsort(x"),
    },
)
def two_largest():
    def forward(params, x):
        return -np.sort(-x, axis=-1)[..., :2], x

    def backward(params, x, dy):
        order = np.argsort(-x, axis=-1, kind="stable")[..., :2]
        dx = np.zeros_like(x)
        best = (*np.indices(dy.shape)[:-1], order)
        dx[best] = dy
        return dx, ()

    return forward, backward


@layer(
    (4,),
    bugs={
        "the sum runs forward.": ("np.cumsum(dy[..., ::-1], axis=-1)[..., ::-1]", "np.cumsum(dy, axis=-1)"),
        "the last number is left out.": (
            "np.cumsum(dy[..., ::-1], axis=-1)[..., ::-1]",
            "np.cumsum(dy[..., ::-1], axis=-1)[..., ::-1] - dy[..., -1:]",
        ),
    },
)
def cumulative_sum():
    def forward(params, x):
        return np.cumsum(x, axis=-1), None

    def backward(params, cache, dy):
        return np.cumsum(dy[..., ::-1], axis=-1)[..., ::-1], ()

    return forward, backward


@layer(
    (3,),
    bugs={
        "products are divided by x, which may be 0.": (
            "dx[..., i] += dy[..., j] * np.prod(np.delete(x[..., : j + 1], i, axis=-1), axis=-1)",
            "dx[..., i] += dy[..., j] * np.prod(x[..., : j + 1], axis=-1) / x[..., i]",
        ),
        "later products do not count.": ("for j in range(i, 3)", "for j in range(i, i + 1)"),
    },
)
def cumulative_product():
    def forward(params, x):
        return np.cumprod(x, axis=-1), x

    def backward(params, x, dy):
        dx = np.zeros_like(x)
        for i in range(3):
            for j in range(i, 3):
                dx[..., i] += dy[..., j] * np.prod(np.delete(x[..., : j + 1], i, axis=-1), axis=-1)
        return dx, ()

    return forward, backward


@layer(
    (4,),
    bugs={
        "each place gets its own gradient alone.": (
            "np.add.at(dx, (*rows, leader), dy)",
            "dx = dy * (leader == np.arange(4))",
        ),
        "a leader has the last gradient.": ("np.add.at(dx, (*rows, leader), dy)", "dx[(*rows, leader)] = dy"),
    },
)
def running_maximum():
    def forward(params, x):
        y = np.maximum.accumulate(x, axis=-1)
        is_new = np.concatenate([np.ones_like(x[..., :1], bool), x[..., 1:] > y[..., :-1]], axis=-1)
        return y, np.maximum.accumulate(np.where(is_new, np.arange(4), 0), axis=-1)

    def backward(params, leader, dy):
        dx = np.zeros_like(dy)
        rows = np.indices(dy.shape)[:-1]
        np.add.at(dx, (*rows, leader), dy)
        return dx, ()

    return forward, backward


@layer(
    (5,),
    exempt={"nan": "NumPy sorts NaN to the end"},
    bugs={
        "the ends are not trimmed in backward.": ("order[..., 1:-1]", "order[..., :3]"),
        "the mean is over all five.": ("dy[..., None] / 3", "dy[..., None] / 5"),
    },
)
def trimmed_mean():
    def forward(params, x):
        return np.sort(x, axis=-1)[..., 1:-1].mean(-1), np.argsort(x, axis=-1, kind="stable")

    def backward(params, order, dy):
        dx = np.zeros(order.shape, dy.dtype)
        np.put_along_axis(dx, order[..., 1:-1], dy[..., None] / 3, axis=-1)
        return dx, ()

    return forward, backward


@layer(
    (4,),
    params={"w": (4,)},
    bugs={
        "the weights learn from unsorted numbers.": ("(s * dy[..., None])", "(x * dy[..., None])"),
        "the weights are not sorted back.": ("np.argsort(order, axis=-1)", "order"),
    },
)
def ordered_weighted_average():
    def forward(params, x):
        s = np.sort(x, axis=-1)
        return s @ params["w"], (x, s)

    def backward(params, cache, dy):
        x, s = cache
        order = np.argsort(x, axis=-1, kind="stable")
        rank = np.argsort(order, axis=-1)
        return dy[..., None] * params["w"][rank], {"w": (s * dy[..., None]).reshape(-1, 4).sum(0)}

    return forward, backward


@layer(
    (4,),
    bugs={
        "the sign at the left is wrong.": ("dx[..., :-1] -= dy", "dx[..., :-1] += dy"),
        "differences are moved by one.": ("dx[..., 1:] += dy", "dx[..., :-1] += dy"),
    },
)
def differences():
    def forward(params, x):
        return np.diff(x, axis=-1), x.shape

    def backward(params, shape, dy):
        dx = np.zeros(shape, dy.dtype)
        dx[..., 1:] += dy
        dx[..., :-1] -= dy
        return dx, ()

    return forward, backward


@layer(
    (4,),
    bugs={
        "2 is missing.": ("2 * (x", "1 * (x"),
        "the variance is unbiased in backward.": ("/ 4, ()", "/ 3, ()"),
        "x is not centered, which no ramp through 0 shows.": ("(x - x.mean(-1, keepdims=True))", "x"),
    },
)
def variance():
    def forward(params, x):
        return x.var(axis=-1), x

    def backward(params, x, dy):
        return dy[..., None] * 2 * (x - x.mean(-1, keepdims=True)) / 4, ()

    return forward, backward


@layer(
    (3,),
    **DOUBLE,
    bugs={
        "the other factors are a mean.": (
            "np.prod(np.delete(x, i, axis=-1), axis=-1)",
            "np.mean(np.delete(x, i, axis=-1), axis=-1)",
        ),
        "where x is 0 the gradient is 0.": (
            "np.prod(np.delete(x, i, axis=-1), axis=-1)",
            "np.nan_to_num(np.prod(x, axis=-1) / x[..., i])",
        ),
    },
)
def product():
    def forward(params, x):
        return np.prod(x, axis=-1), x

    def backward(params, x, dy):
        return np.stack([dy * np.prod(np.delete(x, i, axis=-1), axis=-1) for i in range(3)], axis=-1), ()

    return forward, backward
