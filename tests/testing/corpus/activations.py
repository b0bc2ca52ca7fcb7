"""Smooth activations, also ones whose cache is y."""

import math

import attrs

from tests.testing.corpus.entry import DOUBLE, fn, layer, np, sigmoid


@layer(
    (4,),
    bugs={
        "the cache is taken for x.": ("dy * y * (1 - y)", "dy * sigmoid(y) * (1 - sigmoid(y))"),
        "the second factor is missing.": ("dy * y * (1 - y)", "dy * y"),
        "the gradient is wrong in the tails.": ("dy * y * (1 - y)", "dy * y * np.maximum(1 - y, 1e-3)"),
    },
)
def sigmoid_with_y_cached():
    def forward(params, x):
        y = sigmoid(x)
        return y, y

    def backward(params, y, dy):
        return dy * y * (1 - y), ()

    return forward, backward


@layer(
    (3,),
    bugs={
        "the square is missing.": ("1 - y**2", "1 - np.abs(y)"),
        "dy is ignored.": ("dy * (1 - y**2)", "1 - y**2 + 0 * dy"),
    },
)
def tanh_with_y_cached():
    def forward(params, x):
        y = np.tanh(x)
        return y, y

    def backward(params, y, dy):
        return dy * (1 - y**2), ()

    return forward, backward


@layer(
    (3,),
    **DOUBLE,
    bugs={
        "the density is missing.": ("cdf + x * density", "cdf"),
        "the density is not divided.": (" / math.sqrt(2 * math.pi)", ""),
        "the slope is that of the tanh approximation.": (
            "cdf + x * density",
            "sigmoid(1.702 * x) * (1 + 1.702 * x * (1 - sigmoid(1.702 * x)))",
        ),
    },
)
def gelu_by_erf():
    erf = np.vectorize(math.erf, otypes=[float])

    def forward(params, x):
        return x * (1 + erf(x / math.sqrt(2))) / 2, x

    def backward(params, x, dy):
        cdf, density = (1 + erf(x / math.sqrt(2))) / 2, np.exp(-x * x / 2) / math.sqrt(2 * math.pi)
        return dy * (cdf + x * density), ()

    return forward, backward


@layer(
    (3,),
    exempt={"finite": "cubes of large numbers overflow"},
    bugs={
        "the inner derivative has 0.0447 once.": ("3 * 0.044715 * x**2", "0.044715 * x**2"),
        "the inner derivative is missing.": ("(1 - t * t) * c * (1 + 3 * 0.044715 * x**2)", "(1 - t * t)"),
    },
)
def gelu_by_tanh():
    c = 0.7978845608028654

    def forward(params, x):
        return x / 2 * (1 + np.tanh(c * (x + 0.044715 * x**3))), x

    def backward(params, x, dy):
        t = np.tanh(c * (x + 0.044715 * x**3))
        return dy * ((1 + t) / 2 + x / 2 * (1 - t * t) * c * (1 + 3 * 0.044715 * x**2)), ()

    return forward, backward


@layer(
    (3,),
    params={"beta": np.array([0.7])},
    bugs={
        "beta's gradient lacks x once.": ("x * x * s * (1 - s)", "x * s * (1 - s)"),
        "beta's gradient is that of the last row.": ("np.array([(dy * x", "np.array([(dy[..., -1:] * x"),
        "beta is missing in the slope.": ("beta * x * s * (1 - s)", "x * s * (1 - s)"),
    },
)
def swish_with_beta():
    def forward(params, x):
        return x * sigmoid(params["beta"] * x), x

    def backward(params, x, dy):
        beta = params["beta"]
        s = sigmoid(beta * x)
        dx = dy * (s + beta * x * s * (1 - s))
        return dx, {"beta": np.array([(dy * x * x * s * (1 - s)).sum()], beta.dtype)}

    return forward, backward


@layer(
    (3,),
    bugs={
        "the slope of softplus is left out.": ("x * sigmoid(x) * (1 - t * t)", "x * (1 - t * t)"),
        "the product's second term is missing.": ("t + x * sigmoid(x) * (1 - t * t)", "t"),
    },
)
def mish():
    def forward(params, x):
        t = np.tanh(np.logaddexp(0, x))
        return (x * t).astype(x.dtype), (x, t)

    def backward(params, cache, dy):
        x, t = cache
        return (dy * (t + x * sigmoid(x) * (1 - t * t))).astype(dy.dtype), ()

    return forward, backward


@layer(
    (3,),
    bugs={
        "softplus has the slope of its mirror image.": ("dy * sigmoid(x)", "dy * sigmoid(-x)"),
        "the slope is wrong below -3 alone.": ("dy * sigmoid(x)", "dy * sigmoid(np.maximum(x, -3))"),
    },
)
def softplus():
    def forward(params, x):
        return np.maximum(x, 0) + np.log1p(np.exp(-np.abs(x))), x

    def backward(params, x, dy):
        return dy * sigmoid(x), ()

    return forward, backward


@layer(
    (3,),
    bugs={
        "the slope is not squared.": ("(1 + np.abs(x)) ** 2", "(1 + np.abs(x))"),
        "the sign comes in twice.": ("dy / (1", "np.sign(x) * dy / (1"),
    },
)
def softsign():
    def forward(params, x):
        return x / (1 + np.abs(x)), x

    def backward(params, x, dy):
        return dy / (1 + np.abs(x)) ** 2, ()

    return forward, backward


@layer(
    (4,),
    bugs={
        "the gate's slope is missing.": ("a * s * (1 - s)", "a * s"),
        "value and gate change places.": ("[dy * s, dy * a", "[dy * a, dy * s + 0 * a"),
    },
)
def gated_linear_unit():
    def forward(params, x):
        a, s = x[..., :2], sigmoid(x[..., 2:])
        return a * s, (a, s)

    def backward(params, cache, dy):
        a, s = cache
        return np.concatenate([dy * s, dy * a * s * (1 - s)], axis=-1), ()

    return forward, backward


@layer(
    (3,),
    bugs={
        "the sine's frequency is missing.": ("np.sin(4 * x)", "np.sin(2 * x)"),
        "the slope's sign is wrong.": ("1 + np.sin(4 * x)", "1 - np.sin(4 * x)"),
    },
)
def snake():
    @attrs.frozen
    class Snake(fn.Layer):
        def forward(self, params, x):
            return x + np.sin(2 * x) ** 2 / 2, x

        def backward(self, params, x, dy):
            return dy * (1 + np.sin(4 * x)), ()

    return Snake()


@layer(
    (3,),
    exempt={"finite": "the square overflows"},
    bugs={
        "the square root's slope is that of x.": ("x / (2 * np.sqrt(x * x + 1))", "1 / (2 * np.sqrt(x * x + 1))"),
        "the identity's part is forgotten.": ("dy * (slope + 1)", "dy * slope"),
    },
)
def bent_identity():
    def forward(params, x):
        return (np.sqrt(x * x + 1) - 1) / 2 + x, x

    def backward(params, x, dy):
        slope = x / (2 * np.sqrt(x * x + 1))
        return dy * (slope + 1), ()

    return forward, backward
