"""Normalizations: over the batch, over features, over groups, of weights."""

import attrs

from tests.testing.corpus.entry import IMAGES, ROWS, fn, layer, np

EPS = 1e-5


@fn.tree.node
class Affine:
    gamma: np.ndarray
    beta: np.ndarray


@layer(
    (3,),
    exempt={"batch.axes": "statistics are over the first axis", "batch.empty": "an empty batch has no mean"},
    bugs={
        "the mean is taken for a constant.": ("- dz.mean(0) - z", "- z"),
        "the deviation is taken for a constant.": (" - z * (dz * z).mean(0)", ""),
        "gamma is forgotten in dx.": ("dz = dy * params.gamma", "dz = dy"),
        "dgamma multiplies by y.": ("(dy * z).sum(0)", "(dy * (z * params.gamma + params.beta)).sum(0)"),
        "means are sums.": ("dz - dz.mean(0) - z * (dz * z).mean(0)", "dz - dz.sum(0) - z * (dz * z).sum(0)"),
    },
)
def batch_norm():
    @attrs.frozen
    class BatchNorm(fn.Layer):
        statistics = "batch"

        def init(self, key, input_shape, dtype=np.float32):
            return Affine(np.ones(input_shape, dtype), np.zeros(input_shape, dtype))

        def forward(self, params, x):
            deviation = np.sqrt(x.var(0) + EPS).astype(x.dtype)
            z = (x - x.mean(0)) / deviation
            return params.gamma * z + params.beta, (z, deviation)

        def backward(self, params, cache, dy):
            z, deviation = cache
            dz = dy * params.gamma
            dx = (dz - dz.mean(0) - z * (dz * z).mean(0)) / deviation
            return dx, Affine((dy * z).sum(0), dy.sum(0))

    return BatchNorm()


@layer(
    (2,),
    params=None,
    exempt={"batch.axes": "statistics are over the first axis", "batch.empty": "an empty batch has no mean"},
    bugs={
        "dmean lacks what comes through the variance in float32 only.": (
            "dmean = -dcentered.sum(0)",
            "dmean = -dcentered.sum(0) * (1 + (x.dtype == np.float32))",
        ),
        "dvar has the wrong power.": ("** -1.5", "** -1.0"),
        "dx forgets 1/n.": ("2 * centered / n", "2 * centered"),
    },
)
def batch_norm_in_stages():
    @attrs.frozen
    class Staged(fn.Layer):
        statistics = "batch"

        def forward(self, params, x):
            centered = x - x.mean(axis=0)
            var = (centered**2).mean(axis=0)
            return (centered / np.sqrt(var + EPS)).astype(x.dtype), (x, centered, var)

        def backward(self, params, cache, dy):
            x, centered, var = cache
            n = len(x)
            dvar = (dy * centered).sum(0) * -0.5 * (var + EPS) ** -1.5
            dcentered = dy / np.sqrt(var + EPS) + dvar * 2 * centered / n
            dmean = -dcentered.sum(0)
            return (dcentered + dmean / n).astype(dy.dtype), ()

    return Staged()


@layer(
    (4,),
    params={"gamma": (4,), "beta": (4,)},
    exempt=ROWS,
    bugs={
        "means are over the batch.": ("h.mean(axis=1, keepdims=True) - z", "h.mean(axis=0, keepdims=True) - z"),
        "dgamma is not summed but averaged.": ("np.sum(dy * z, axis=0)", "np.mean(dy * z, axis=0)"),
        "eps is added to the deviation in backward only.": ("return dx / s,", "return dx / (s + 0.01),"),
    },
)
def layer_norm():
    def forward(params, x):
        mu, var = x.mean(axis=1, keepdims=True), x.var(axis=1, keepdims=True)
        s = np.sqrt(var + EPS).astype(x.dtype)
        z = (x - mu) / s
        return z * params["gamma"] + params["beta"], (z, s)

    def backward(params, cache, dy):
        z, s = cache
        h = dy * params["gamma"]
        dx = h - h.mean(axis=1, keepdims=True) - z * (h * z).mean(axis=1, keepdims=True)
        return dx / s, {"gamma": np.sum(dy * z, axis=0), "beta": np.sum(dy, axis=0)}

    return forward, backward


@layer(
    (4, 2, 2),
    params={"g": (4,), "b": (4,)},
    exempt=IMAGES,
    bugs={
        "the mean is over one channel of the group.": ("dz - dz.mean(axis=(2, 3, 4)", "dz - dz.mean(axis=(3, 4)"),
        "channels of the groups are interleaved.": (
            "reshape(n, 2, 2, h, w)  # dz",
            "reshape(n, 2, 2, h, w).swapaxes(1, 2)",
        ),
        "dg is that of the first row of pixels.": (
            "(dy * z.reshape(dy.shape)).sum((0, 2, 3))",
            "(dy * z.reshape(dy.shape))[:, :, 0].sum((0, 2))",
        ),
    },
)
def group_norm():
    def forward(params, x):
        n, c, h, w = x.shape
        groups = x.reshape(n, 2, 2, h, w)
        s = np.sqrt(groups.var(axis=(2, 3, 4), keepdims=True) + EPS).astype(x.dtype)
        z = (groups - groups.mean(axis=(2, 3, 4), keepdims=True)) / s
        return z.reshape(x.shape) * params["g"][:, None, None] + params["b"][:, None, None], (z, s)

    def backward(params, cache, dy):
        (z, s), (n, c, h, w) = cache, dy.shape
        dz = (dy * params["g"][:, None, None]).reshape(n, 2, 2, h, w)  # dz
        both = z * (dz * z).mean(axis=(2, 3, 4), keepdims=True)
        dx = (dz - dz.mean(axis=(2, 3, 4), keepdims=True) - both) / s
        return dx.reshape(dy.shape), {"g": (dy * z.reshape(dy.shape)).sum((0, 2, 3)), "b": dy.sum((0, 2, 3))}

    return forward, backward


@layer(
    (2, 3, 3),
    bugs={
        "the variance is unbiased in forward only.": (
            "(centered**2).mean((-2, -1), keepdims=True)",
            "(centered**2).sum((-2, -1), keepdims=True) / 8",
        ),
        "the projection on y is missing.": ("- y * (dy * y).mean((-2, -1), keepdims=True)", ""),
    },
)
def instance_norm():
    def forward(params, x):
        centered = x - x.mean((-2, -1), keepdims=True)
        s = np.sqrt((centered**2).mean((-2, -1), keepdims=True) + x.dtype.type(0.01))
        return centered / s, (centered / s, s)

    def backward(params, cache, dy):
        y, s = cache
        dx = dy - dy.mean((-2, -1), keepdims=True) - y * (dy * y).mean((-2, -1), keepdims=True)
        return dx / s, ()

    return forward, backward


@layer(
    (5,),
    params={"scale": (5,)},
    bugs={
        "dx lacks the scale.": ("h = dy * params", "h = dy + 0 * params"),
        "the mean of products is a sum.": ("(h * z).mean(-1, keepdims=True)", "(h * z).sum(-1, keepdims=True)"),
        "dscale has a row for each example summed over features.": (
            ".reshape(-1, 5).sum(0)",
            ".reshape(-1, 5)[:1].sum(0)",
        ),
    },
)
def rms_norm():
    def forward(params, x):
        r = np.sqrt(np.mean(x**2, axis=-1, keepdims=True) + x.dtype.type(EPS))
        return params["scale"] * x / r, (x / r, r)

    def backward(params, cache, dy):
        z, r = cache
        h = dy * params["scale"]
        return (h - z * (h * z).mean(-1, keepdims=True)) / r, {"scale": (dy * z).reshape(-1, 5).sum(0)}

    return forward, backward


@layer(
    (3,),
    params={"v": (3, 2), "g": (2,), "b": (2,)},
    exempt=ROWS,
    bugs={
        "v has the gradient of a weight that is not normalized.": ("g / norm * (dw - unit * dg)", "g / norm * dw"),
        "g has the gradient summed over the wrong axis.": ("dg = (dw * unit).sum(0)", "dg = (dw * unit).sum(1)[:2]"),
        "the norm's power is one too many.": ("g / norm * (dw", "g / norm**2 * (dw"),
    },
)
def weight_norm():
    def forward(params, x):
        norm = np.sqrt((params["v"] ** 2).sum(0))
        return x @ (params["g"] * params["v"] / norm) + params["b"], x

    def backward(params, x, dy):
        v, g = params["v"], params["g"]
        norm = np.sqrt((v**2).sum(0))
        unit, dw = v / norm, x.T @ dy
        dg = (dw * unit).sum(0)
        return dy @ (g * unit).T, {"v": g / norm * (dw - unit * dg), "g": dg, "b": dy.sum(0)}

    return forward, backward


@layer(
    (3,),
    bugs={
        "the projection has the wrong sign.": ("dy - y * (dy", "dy + y * (dy"),
        "the length is forgotten.": (") / length, ()", "), ()"),
        "the projection is over the batch.": ("(dy * y).sum(-1, keepdims=True)", "(dy * y).sum(0, keepdims=True)"),
    },
)
def unit_length():
    def forward(params, x):
        length = np.sqrt((x * x).sum(-1, keepdims=True) + x.dtype.type(0.01))
        return x / length, (x / length, length)

    def backward(params, cache, dy):
        y, length = cache
        return (dy - y * (dy * y).sum(-1, keepdims=True)) / length, ()

    return forward, backward


@layer(
    (3,),
    params={"w": (3, 4)},
    exempt=ROWS,
    bugs={
        "sigma is taken for a constant.": ("- sigma_grad * np.outer(u, v)", "- 0 * np.outer(u, v)"),
        "u and v change places up to a transposition.": ("np.outer(u, v)", "np.outer(v, u).reshape(3, 4)"),
        "dx uses the weight that is not normalized.": ("dy @ w.T / sigma", "dy @ w.T"),
    },
)
def spectral_norm_with_fixed_vectors():
    u, v = np.array([0.6, 0.0, 0.8]), np.array([0.5, 0.5, 0.5, -0.5])

    def forward(params, x):
        sigma = 2 + u @ params["w"] @ v
        return (x @ params["w"] / sigma).astype(x.dtype), x

    def backward(params, x, dy):
        w = params["w"]
        sigma = 2 + u @ w @ v
        dwn = x.T @ dy
        sigma_grad = (dwn * w).sum() / sigma
        dw = (dwn - sigma_grad * np.outer(u, v)) / sigma
        return (dy @ w.T / sigma).astype(dy.dtype), {"w": dw.astype(w.dtype)}

    return forward, backward


@layer(
    (5,),
    bugs={
        "the neighbours' part is missing.": (" - 2 * 0.1 * 0.75 * x * window(dy * x * d**-1.75)", ""),
        "the power of the neighbours' part is that of forward.": ("d**-1.75)", "d**-0.75)"),
        "the window is not symmetric in backward.": ("window(dy * x", "shifted(dy * x"),
    },
)
def local_response():
    def window(a):
        wide = np.pad(a, [(0, 0)] * (a.ndim - 1) + [(1, 1)])
        return wide[..., :-2] + wide[..., 1:-1] + wide[..., 2:]

    def shifted(a):
        return a + np.roll(a, 1, axis=-1) + np.roll(a, 2, axis=-1)

    def forward(params, x):
        d = 1 + 0.1 * window(x * x)
        return (x * d**-0.75).astype(x.dtype), (x, d)

    def backward(params, cache, dy):
        x, d = cache
        return (dy * d**-0.75 - 2 * 0.1 * 0.75 * x * window(dy * x * d**-1.75)).astype(dy.dtype), ()

    return forward, backward
