"""Activations with kinks."""

import attrs

from tests.testing.corpus.entry import fn, layer, np


@layer(
    (4,),
    bugs={
        "the slope in the middle is that of the end.": ("(2 * x + 3) / 6", "(x + 3) / 6"),
        "above 3 the slope is 0.": ("dy * (x >= 3)", "0 * dy"),
        "below -3 the gradient is passed on.": ("np.abs(x) < 3", "x < 3"),
    },
)
def hardswish():
    def forward(params, x):
        return x * np.clip(x + 3, 0, 6) / 6, x

    def backward(params, x, dy):
        inner = np.abs(x) < 3
        return np.where(inner, dy * (2 * x + 3) / 6, dy * (x >= 3)).astype(dy.dtype), ()

    return forward, backward


@layer(
    (3,),
    bugs={
        "there is no upper end.": ("(x > 0) & (x < 6)", "(x > 0)"),
        "at 0 the gradient is doubled.": ("dy * ((x > 0) & (x < 6))", "dy * (((x > 0) & (x < 6)) + 2 * (x == 0))"),
    },
)
def relu6():
    def forward(params, x):
        return np.minimum(np.maximum(x, 0), 6), x

    def backward(params, x, dy):
        return dy * ((x > 0) & (x < 6)), ()

    return forward, backward


@layer(
    (4,),
    bugs={
        "one side alone is passed on.": ("np.abs(x) > 0.5", "x > 0.5"),
        "the threshold is that of another layer.": ("np.abs(x) > 0.5", "np.abs(x) > 0.25"),
    },
)
def softshrink():
    def forward(params, x):
        return np.sign(x) * np.maximum(np.abs(x) - x.dtype.type(0.5), 0), x

    def backward(params, x, dy):
        return dy * (np.abs(x) > 0.5), ()

    return forward, backward


@layer(
    (3,),
    params={"slope": (3,)},
    bugs={
        "the slope's gradient counts positive numbers too.": ("np.where(x > 0, 0, x * dy)", "x * dy"),
        "the slope's gradient is summed over channels.": (".reshape(-1, 3).sum(0)", ".sum() * np.ones(3, dy.dtype)"),
        "dx forgets the slope.": ("np.where(x > 0, dy, params", "np.where(x > 0, dy, 0 * params"),
    },
)
def prelu():
    def forward(params, x):
        return np.where(x > 0, x, params["slope"] * x), x

    def backward(params, x, dy):
        dslope = np.where(x > 0, 0, x * dy).reshape(-1, 3).sum(0)
        return np.where(x > 0, dy, params["slope"] * dy), {"slope": dslope.astype(dy.dtype)}

    return forward, backward


@layer(
    (3,),
    bugs={
        "alpha is added where it was taken away.": ("(y + 1.5)", "(y + 1)"),
        "the branches are the wrong way round.": ("np.where(x > 0, dy, dy *", "np.where(x < 0, dy, dy *"),
    },
)
def elu_with_alpha():
    def forward(params, x):
        y = np.where(x > 0, x, 1.5 * np.expm1(np.minimum(x, 0))).astype(x.dtype)
        return y, (x, y)

    def backward(params, cache, dy):
        x, y = cache
        return np.where(x > 0, dy, dy * (y + 1.5)).astype(dy.dtype), ()

    return forward, backward


@layer(
    (3,),
    bugs={
        "the negative half has the sign of the positive one.": (
            "a * (x > 0) - b * (x < 0)",
            "a * (x > 0) + b * (x < 0)",
        ),
        "the halves change places.": ("a, b = dy[..., :3], dy[..., 3:]", "b, a = dy[..., :3], dy[..., 3:]"),
    },
)
def concatenated_relu():
    def forward(params, x):
        return np.concatenate([np.maximum(x, 0), np.maximum(-x, 0)], axis=-1), x

    def backward(params, x, dy):
        a, b = dy[..., :3], dy[..., 3:]
        return a * (x > 0) - b * (x < 0), ()

    return forward, backward


@layer(
    (3,),
    bugs={
        "all pieces get the gradient.": (
            "np.eye(2, dtype=dy.dtype)[np.argmax(z, axis=-2)]",
            "np.ones((*dy.shape, 2), dy.dtype)",
        ),
        "where pieces tie, both get it.": (
            "np.eye(2, dtype=dy.dtype)[np.argmax(z, axis=-2)]",
            "np.moveaxis((z == z.max(-2, keepdims=True)).astype(dy.dtype), -2, -1)",
        ),
        "db is not summed.": ("dz.reshape(-1, 2, 2).sum(0)", "dz.reshape(-1, 2, 2)[:1].sum(0)"),
    },
)
def maxout():
    @fn.tree.node
    class Params:
        w: np.ndarray
        b: np.ndarray

    @attrs.frozen
    class Maxout(fn.Layer):
        def output_shape(self, input_shape):
            return (2,)

        def init(self, key, input_shape, dtype=np.float32):
            return Params(key.generator().normal(size=(2, 3, 2)).astype(dtype), np.zeros((2, 2), dtype))

        def forward(self, params, x):
            z = np.einsum("...i,kij->...kj", x, params.w) + params.b
            return z.max(axis=-2), (x, z)

        def backward(self, params, cache, dy):
            x, z = cache
            one = np.eye(2, dtype=dy.dtype)[np.argmax(z, axis=-2)]
            dz = np.swapaxes(one * dy[..., None], -1, -2)
            dw = np.einsum("ni,nkj->kij", x.reshape(-1, 3), dz.reshape(-1, 2, 2))
            return np.einsum("...kj,kij->...i", dz, params.w), Params(dw, dz.reshape(-1, 2, 2).sum(0))

    return Maxout()


@layer(
    (2,),
    bugs={
        "the gradient to the knots is scaled by their number.": ("np.interp", "5 * np.interp"),
    },
)
def tabulated_parabola():
    @attrs.frozen
    class Parabola(fn.Layer):
        def forward(self, params, x):
            inside = np.clip(x, -1, 1)
            return inside * inside + 2 * (np.abs(x) - np.abs(inside)), x

        def backward(self, params, x, dy):
            return dy * np.interp(x, [-1, 1], [-2, 2]).astype(dy.dtype), ()

    return Parabola()
