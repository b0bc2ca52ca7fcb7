"""Softmax and its relatives."""

import attrs

from tests.testing.corpus.entry import ROWS, fn, layer, np, sigmoid, softmax, softmax_backward


@layer(
    (3,),
    symmetries=["shift-invariant"],
    bugs={
        "the Jacobian is diagonal.": ("y * (dy - (y * dy).sum(-1, keepdims=True))", "dy * y * (1 - y)"),
        "the sum is over the batch.": ("(y * dy).sum(-1, keepdims=True)", "(y * dy).sum(0, keepdims=True)"),
        "the mean is subtracted.": ("(y * dy).sum(-1, keepdims=True)", "dy.mean(-1, keepdims=True)"),
    },
)
def softmax_with_y_cached():
    def forward(params, x):
        e = np.exp(x - np.max(x, axis=-1, keepdims=True))
        y = e / np.sum(e, axis=-1, keepdims=True)
        return y, y

    def backward(params, y, dy):
        return y * (dy - (y * dy).sum(-1, keepdims=True)), ()

    return forward, backward


@layer(
    (3,),
    exempt={**ROWS, "batch.empty": "a stack of no rows"},
    bugs={
        "the outer product is added.": ("np.diag(s) - np.outer(s, s)", "np.diag(s) + np.outer(s, s)"),
        "the first row's Jacobian serves all.": (
            "for s, g in zip(y, dy)",
            "for s, g in zip(y[:1].repeat(len(y), 0), dy)",
        ),
    },
)
def softmax_by_jacobians():
    def forward(params, x):
        y = softmax(x)
        return y, y.copy()

    def backward(params, y, dy):
        return np.stack([(np.diag(s) - np.outer(s, s)) @ g for s, g in zip(y, dy)]), ()

    return forward, backward


@layer(
    (4,),
    bugs={
        "the sum of dy is forgotten.": ("dy - np.exp(y) * dy.sum(-1, keepdims=True)", "dy - np.exp(y)"),
        "the probabilities have not been taken.": ("np.exp(y) *", "y *"),
    },
)
def log_softmax():
    def forward(params, x):
        m = x.max(-1, keepdims=True)
        y = x - m - np.log(np.exp(x - m).sum(-1, keepdims=True))
        return y, y

    def backward(params, y, dy):
        return dy - np.exp(y) * dy.sum(-1, keepdims=True), ()

    return forward, backward


@layer(
    (3,),
    params={"log_t": np.array([0.3])},
    bugs={
        "the temperature is missing in dx.": ("dz / t, ", "dz, "),
        "the temperature's gradient has the wrong sign.": ("-(dz * x).sum() / t", "(dz * x).sum() / t"),
        "the temperature's gradient is not that of its logarithm.": ("-(dz * x).sum() / t", "-(dz * x).sum() / t**2"),
    },
)
def softmax_with_temperature():
    def forward(params, x):
        y = softmax(x / np.exp(params["log_t"]))
        return y, (x, y.copy())

    def backward(params, cache, dy):
        x, y = cache
        t = np.exp(params["log_t"])
        dz = softmax_backward(y, dy)
        return dz / t, {"log_t": -(dz * x).sum() / t}

    return forward, backward


@layer(
    (4,),
    bugs={
        "the masked place gets a gradient.": ("y * (dy -", "(y + (mask == 0)) * (dy -"),
        "dy is summed without the probabilities.": ("(dy * y).sum", "dy.sum"),
    },
)
def masked_softmax():
    mask = np.array([1.0, 1.0, 0.0, 1.0])

    def forward(params, x):
        z = np.where(mask == 0, -np.inf, x)
        e = np.exp(z - z.max(-1, keepdims=True))
        y = (e / e.sum(-1, keepdims=True)).astype(x.dtype)
        return y, y.copy()

    def backward(params, y, dy):
        return (y * (dy - (dy * y).sum(-1, keepdims=True))).astype(dy.dtype), ()

    return forward, backward


@layer(
    (3,),
    bugs={
        "the gradient goes to the largest alone.": ("np.exp(x - y[..., None])", "(x == x.max(-1, keepdims=True))"),
        "the gradient is that of a mean.": ("dy[..., None] * np", "dy[..., None] / 3 * np"),
    },
)
def log_sum_exp():
    def forward(params, x):
        m = x.max(-1)
        y = m + np.log(np.exp(x - m[..., None]).sum(-1))
        return y, (x, y.copy())

    def backward(params, cache, dy):
        x, y = cache
        return dy[..., None] * np.exp(x - y[..., None]), ()

    return forward, backward


@layer(
    (4,),
    bugs={
        "the mean is over all, not over the support.": ("/ support.sum(-1, keepdims=True)", "/ 4"),
        "the support is not looked at.": ("np.where(support, dy - mean, 0)", "dy - mean"),
        "the mean is not subtracted.": ("dy - mean", "dy + 0 * mean"),
    },
)
def sparsemax():
    def forward(params, x):
        z = np.sort(x, axis=-1)[..., ::-1]
        sums, k = np.cumsum(z, axis=-1), np.arange(1, x.shape[-1] + 1)
        size = (1 + k * z > sums).sum(axis=-1, keepdims=True)
        tau = (np.take_along_axis(sums, size - 1, axis=-1) - 1) / size
        y = np.maximum(x - tau, 0).astype(x.dtype)
        return y, y > 0

    def backward(params, support, dy):
        mean = (dy * support).sum(-1, keepdims=True) / support.sum(-1, keepdims=True)
        return np.where(support, dy - mean, 0).astype(dy.dtype), ()

    return forward, backward


@layer(
    (3,),
    exempt={"finite": "the square overflows"},
    bugs={
        "the denominator is taken for a constant.": (" - (dy * y).sum(-1, keepdims=True)", ""),
        "the Taylor polynomial's slope lacks a term.": ("(1 + x) *", "x *"),
    },
)
def taylor_softmax():
    def forward(params, x):
        f = 1 + x + x * x / 2
        return f / f.sum(-1, keepdims=True), x

    def backward(params, x, dy):
        f = 1 + x + x * x / 2
        total = f.sum(-1, keepdims=True)
        y = f / total
        return (1 + x) * (dy - (dy * y).sum(-1, keepdims=True)) / total, ()

    return forward, backward


@layer(
    (3,),
    bugs={
        "1 - y is taken for y.": ("dy * (1 - np.exp(y))", "dy * np.exp(y)"),
        "the slope saturates at -20.": ("dy * (1 - np.exp(y))", "dy * (1 - np.exp(np.maximum(y, -5)))"),
    },
)
def log_sigmoid():
    @attrs.frozen
    class LogSigmoid(fn.Layer):
        def forward(self, params, x):
            y = np.minimum(x, 0) - np.log1p(np.exp(-np.abs(x)))
            return y, y

        def backward(self, params, y, dy):
            return dy * (1 - np.exp(y)), ()

    return LogSigmoid()


@layer(
    (2,),
    bugs={
        "the two outputs have the gradient of one.": ("dy[..., 0] - dy[..., 1]", "dy[..., 0] + dy[..., 1]"),
        "y(1 - y) is that of the mirrored number.": ("p * (1 - p)", "p * p"),
    },
)
def probability_and_its_complement():
    def forward(params, x):
        p = sigmoid(x)
        return np.stack([p, 1 - p], axis=-1), p

    def backward(params, p, dy):
        return (dy[..., 0] - dy[..., 1]) * (p * (1 - p)), ()

    return forward, backward
