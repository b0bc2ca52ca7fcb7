"""Products: bilinear, highway, factorization machines, tensor trains, hypernetworks, graphs."""

from tests.testing.corpus.entry import DOUBLE, ROWS, layer, np, sigmoid


@layer(
    ((2,), (3,)),
    params={"w": (2, 2, 3)},
    bugs={
        "w's axes are mixed up.": ('"no,na,nb->oab"', '"na,no,nb->oab"'),
        "the second input has the gradient at the first output.": (
            '"...o,...a,oab->...b", dy, a, w',
            '"...o,...a,oab->...b", dy * np.array([1, 0], dy.dtype), a, w',
        ),
    },
)
def bilinear():
    def forward(params, x):
        a, b = x
        return np.einsum("...a,oab,...b->...o", a, params["w"], b), x

    def backward(params, x, dy):
        (a, b), w = x, params["w"]
        da, db = np.einsum("...o,oab,...b->...a", dy, w, b), np.einsum("...o,...a,oab->...b", dy, a, w)
        dw = np.einsum("no,na,nb->oab", dy.reshape(-1, 2), a.reshape(-1, 2), b.reshape(-1, 3))
        return (da, db), {"w": dw}

    return forward, backward


@layer(
    (3,),
    params={"wh": (3, 3), "wt": (3, 3), "bt": (3,)},
    exempt=ROWS,
    bugs={
        "the carried part is missing.": (" + dy * (1 - t)", ""),
        "the gate's gradient lacks x.": ("dy * (h - x)", "dy * h"),
        "bt has wt's rows.": ('"bt": dt.sum(0)', '"bt": (x * dt).sum(0)'),
    },
)
def highway():
    def forward(params, x):
        h, t = np.tanh(x @ params["wh"]), sigmoid(x @ params["wt"] + params["bt"])
        return h * t + x * (1 - t), (x, h, t)

    def backward(params, cache, dy):
        x, h, t = cache
        dh, dt = dy * t * (1 - h * h), dy * (h - x) * t * (1 - t)
        dx = dh @ params["wh"].T + dt @ params["wt"].T + dy * (1 - t)
        return dx, {"wh": x.T @ dh, "wt": x.T @ dt, "bt": dt.sum(0)}

    return forward, backward


@layer(
    (3, 2, 2),
    params={"down": (3, 2), "up": (2, 3)},
    bugs={
        "the squeeze's path is missing.": (" + dmean[..., None, None] / 4", ""),
        "the squeeze is a sum.": ("dmean[..., None, None] / 4", "dmean[..., None, None]"),
        "the excitation's gradient is not summed over pixels.": ("(dy * x).sum((-2, -1))", "(dy * x)[..., 0, 0]"),
    },
)
def squeeze_and_excite():
    def forward(params, x):
        mean = x.mean((-2, -1))
        h = np.maximum(mean @ params["down"], 0)
        s = sigmoid(h @ params["up"])
        return x * s[..., None, None], (x, mean, h, s)

    def backward(params, cache, dy):
        x, mean, h, s = cache
        ds = (dy * x).sum((-2, -1)) * s * (1 - s)
        dh = ds @ params["up"].T * (h > 0)
        dmean = dh @ params["down"].T
        dx = dy * s[..., None, None] + dmean[..., None, None] / 4
        grads = {"down": mean.reshape(-1, 3).T @ dh.reshape(-1, 2), "up": h.reshape(-1, 2).T @ ds.reshape(-1, 3)}
        return dx, grads

    return forward, backward


@layer(
    (4,),
    params={"w": (4,), "v": (4, 2), "b": (1,)},
    exempt=ROWS,
    bugs={
        "the diagonal is not taken away.": (" - x[:, :, None] * v * v", ""),
        "v's gradient lacks x once.": (
            "x[:, :, None] * (s[:, None, :] - x[:, :, None] * v)",
            "(s[:, None, :] - x[:, :, None] * v)",
        ),
        "the linear part is forgotten.": ('dx = dy * (params["w"] +', "dx = dy * (0 +"),
    },
)
def factorization_machine():
    def forward(params, x):
        v = params["v"]
        s = x @ v
        pairs = (s * s - (x * x) @ (v * v)).sum(1, keepdims=True) / 2
        return params["b"] + x @ params["w"][:, None] + pairs, (x, s)

    def backward(params, cache, dy):
        (x, s), v = cache, params["v"]
        dx = dy * (params["w"] + (s[:, None, :] * v - x[:, :, None] * v * v).sum(-1))
        dv = (dy[:, :, None] * x[:, :, None] * (s[:, None, :] - x[:, :, None] * v)).sum(0)
        return dx, {"w": x.T @ dy[:, 0], "v": dv, "b": dy.sum(0)}

    return forward, backward


@layer(
    (3,),
    params={"w": (3,), "b": (3,)},
    bugs={
        "the skip connection is lost.": (" + dy", ""),
        "x counts once in its square.": (
            'dy * s[..., None] + (dy * x).sum(-1)[..., None] * params["w"]',
            "2 * dy * s[..., None]",
        ),
    },
)
def cross_layer():
    def forward(params, x):
        s = x @ params["w"]
        return x * s[..., None] + params["b"] + x, (x, s)

    def backward(params, cache, dy):
        x, s = cache
        inner = (dy * x).sum(-1)
        dx = dy * s[..., None] + (dy * x).sum(-1)[..., None] * params["w"] + dy
        dw = (inner[..., None] * x).reshape(-1, 3).sum(0)
        return dx, {"w": dw, "b": dy.reshape(-1, 3).sum(0)}

    return forward, backward


@layer(
    (4,),
    params=[(1, 2, 2, 2), (2, 2, 2, 1)],
    bugs={
        "the first core has the second's gradient, reshaped.": (
            "return dx, [da, db]",
            "return dx, [db.reshape(da.shape), db]",
        ),
        "the second core's gradient is flipped.": (".T @ dw).reshape", ".T @ dw[:, ::-1]).reshape"),
    },
)
def tensor_train():
    def full(params):
        return np.einsum("ur,rv->uv", params[0].reshape(4, 2), params[1].reshape(2, 4)).reshape(2, 2, 2, 2)

    def forward(params, x):
        w = full(params).transpose(0, 2, 1, 3).reshape(4, 4)
        return x @ w, x

    def backward(params, x, dy):
        w = full(params).transpose(0, 2, 1, 3).reshape(4, 4)
        dw = (x.reshape(-1, 4).T @ dy.reshape(-1, 4)).reshape(2, 2, 2, 2).transpose(0, 2, 1, 3).reshape(4, 4)
        da = (dw @ params[1].reshape(2, 4).T).reshape(1, 2, 2, 2)
        db = (params[0].reshape(4, 2).T @ dw).reshape(2, 2, 2, 1)
        dx = dy @ w.T
        return dx, [da, db]

    return forward, backward


@layer(
    ((2,), (3,)),
    params={"h": (3, 6)},
    bugs={
        "the hypernetwork's input has no gradient.": ('dw @ params["h"].T', "0 * z"),
        "made weights are read transposed.": (
            "dw = (x[..., :, None] * dy[..., None, :])",
            "dw = np.swapaxes(x[..., :, None] * dy[..., None, :], -1, -2)",
        ),
    },
)
def hypernetwork():
    def forward(params, inputs):
        x, z = inputs
        w = (z @ params["h"]).reshape(*z.shape[:-1], 2, 3)
        return (x[..., :, None] * w).sum(-2), (x, z, w)

    def backward(params, cache, dy):
        x, z, w = cache
        dw = (x[..., :, None] * dy[..., None, :]).reshape(*z.shape[:-1], 6)
        dx, dz = (w * dy[..., None, :]).sum(-1), dw @ params["h"].T
        return (dx, dz), {"h": z.reshape(-1, 3).T @ dw.reshape(-1, 6)}

    return forward, backward


@layer(
    (4,),
    params={"u": (4, 2), "v": (2, 3)},
    exempt=ROWS,
    bugs={
        "v has x's gradient.": ('(x @ params["u"]).T @ dy', "x.T[:2] @ dy"),
        "the low-rank path is scaled twice.": ('dh = 0.5 * dy @ params["v"].T', 'dh = 0.25 * dy @ params["v"].T'),
    },
)
def low_rank_adapter():
    def forward(params, x):
        return 0.5 * (x @ params["u"] @ params["v"]), x

    def backward(params, x, dy):
        dh = 0.5 * dy @ params["v"].T
        dv = 0.5 * (x @ params["u"]).T @ dy
        return dh @ params["u"].T, {"u": x.T @ dh, "v": dv}

    return forward, backward


@layer(
    ((3,), (3,)),
    params={"scale": (3, 3), "shift": (3, 3)},
    exempt=ROWS,
    **DOUBLE,
    bugs={
        "the condition's gradient lacks the shift.": (' + dy @ params["shift"].T', ""),
        "scale is 1 in dx.": ("dy * (1 + g)", "dy"),
        "scale's gradient has the condition's place taken by x.": ("c.T @ (dy * x)", "x.T @ (dy * c)"),
    },
)
def feature_wise_modulation():
    def forward(params, inputs):
        x, c = inputs
        g = c @ params["scale"]
        return x * (1 + g) + c @ params["shift"], (x, c, g)

    def backward(params, cache, dy):
        x, c, g = cache
        dc = (dy * x) @ params["scale"].T + dy @ params["shift"].T
        return (dy * (1 + g), dc), {"scale": c.T @ (dy * x), "shift": c.T @ dy}

    return forward, backward


@layer(
    (3, 2),
    params={"w": (2, 2)},
    bugs={
        "the adjacency is taken for symmetric.": ("a.T @ dy", "a @ dy"),
        "the weights learn before messages are sent.": ("(a @ x).reshape(-1, 2).T", "x.reshape(-1, 2).T"),
    },
)
def graph_convolution():
    a = np.array([[1.0, 0.5, 0.0], [0.0, 1.0, 0.25], [1.0, 0.0, 1.0]], np.float32)

    def forward(params, x):
        return (a @ x @ params["w"]).astype(x.dtype), x

    def backward(params, x, dy):
        dx = (a.T @ dy @ params["w"].T).astype(dy.dtype)
        return dx, {"w": ((a @ x).reshape(-1, 2).T @ dy.reshape(-1, 2)).astype(dy.dtype)}

    return forward, backward


@layer(
    (3,),
    params={"w1": (3, 4), "b1": (4,), "w2": (4, 3)},
    exempt=ROWS,
    bugs={
        "the skip connection is detached.": ("dx = dy + dh", "dx = dh"),
        "relu's mask is that of the output.": ("(h > 0)", "(h > 0.5)"),
        "b1's gradient is taken before the mask.": ("dh.sum(0)", '(dy @ params["w2"].T).sum(0)'),
    },
)
def residual_block():
    def forward(params, x):
        h = np.maximum(x @ params["w1"] + params["b1"], 0)
        return x + h @ params["w2"], (x, h)

    def backward(params, cache, dy):
        x, h = cache
        dh = dy @ params["w2"].T * (h > 0)
        dx = dy + dh @ params["w1"].T
        return dx, {"w1": x.T @ dh, "b1": dh.sum(0), "w2": h.T @ dy}

    return forward, backward
