"""Mixtures of experts, top-1 and top-k routing, capsules."""

from tests.testing.corpus.entry import DOUBLE, ROWS, layer, np, softmax, softmax_backward


@layer(
    (3,),
    params={"gate": (3, 2), "experts": (2, 3, 2)},
    bugs={
        "the gate gets no gradient in dx.": ('dz @ params["gate"].T + ', ""),
        "the experts' gradient lacks the gate.": (
            "p[..., None] * dy[..., None, :]",
            "dy[..., None, :] + 0 * p[..., None]",
        ),
        "the gate's gradient has the probabilities' own.": ("dz = softmax_backward(p, dp)", "dz = dp"),
        "both experts have the gradient of the first.": ('"ni,nej->eij"', '"ni,nej->ij"'),
    },
)
def soft_mixture_of_experts():
    def forward(params, x):
        p, out = softmax(x @ params["gate"]), np.einsum("...i,eij->...ej", x, params["experts"])
        return (p[..., None] * out).sum(-2), (x, p, out)

    def backward(params, cache, dy):
        x, p, out = cache
        dp, dout = (out * dy[..., None, :]).sum(-1), p[..., None] * dy[..., None, :]
        dz = softmax_backward(p, dp)
        dx = dz @ params["gate"].T + np.einsum("...ej,eij->...i", dout, params["experts"])
        rows = x.reshape(-1, 3)
        dexperts = np.einsum("ni,nej->eij", rows, dout.reshape(-1, 2, 2))
        return dx, {"gate": rows.T @ dz.reshape(-1, 2), "experts": dexperts + np.zeros_like(params["experts"])}

    return forward, backward


@layer(
    (3,),
    params={"router": (3, 3), "w": (3, 3, 2)},
    exempt=ROWS,
    bugs={
        "the router gets no gradient.": ("dp[rows, best] = ", "dp[rows, best] = 0 * "),
        "an expert has the rows of the one before.": ("dw[e] = x[best == e].T", "dw[e - 1] = x[best == e].T"),
        "the expert's gradient is not scaled by its probability.": ("dout = scale * dy", "dout = dy"),
        "an expert has the mean over its rows.": (
            "dw[e] = x[best == e].T @ dout[best == e]",
            "dw[e] = x[best == e].T @ dout[best == e] / max(1, (best == e).sum())",
        ),
    },
)
def top_one_routing():
    def forward(params, x):
        p = softmax(x @ params["router"])
        best, rows = p.argmax(axis=1), np.arange(len(x))
        out = np.einsum("ni,nij->nj", x, params["w"][best])
        return p[rows, best][:, None] * out, (x, p, best, out)

    def backward(params, cache, dy):
        x, p, best, out = cache
        rows, dw, dp = np.arange(len(x)), np.zeros_like(params["w"]), np.zeros_like(p)
        scale = p[rows, best][:, None]
        dout = scale * dy
        dp[rows, best] = (dy * out).sum(1)
        for e in range(3):
            dw[e] = x[best == e].T @ dout[best == e]
        dz = softmax_backward(p, dp)
        dx = dz @ params["router"].T + np.einsum("nj,nij->ni", dout, params["w"][best])
        return dx, {"router": x.T @ dz, "w": dw}

    return forward, backward


@layer(
    (4,),
    exempt={"nan": "NumPy sorts NaN to the end"},
    bugs={
        "all places get a gradient.": (
            "np.put_along_axis(dx, order, ds, axis=-1)",
            "dx = dx + ds.sum(-1, keepdims=True)",
        ),
        "the renormalization is taken for a constant.": ("ds = softmax_backward(p, dy)", "ds = p * dy"),
        "the second choice has the gradient of the first.": ("order, ds, axis=-1)", "order[..., ::-1], ds, axis=-1)"),
    },
)
def top_two_gates_renormalized():
    def forward(params, x):
        order = np.argsort(-x, axis=-1, kind="stable")[..., :2]
        p = softmax(np.take_along_axis(x, order, axis=-1))
        return p, (order, p.copy(), x.shape)

    def backward(params, cache, dy):
        order, p, shape = cache
        dx = np.zeros(shape, dy.dtype)
        ds = softmax_backward(p, dy)
        np.put_along_axis(dx, order, ds, axis=-1)
        return dx, ()

    return forward, backward


@layer(
    (2,),
    params=[(2, 3), (2, 3)],
    exempt=ROWS,
    **DOUBLE,
    bugs={
        "both experts see the whole product.": ("dy * b", "dy * a * b"),
        "the factors' gradients change places.": ("[x.T @ da, x.T @ db]", "[x.T @ db, x.T @ da]"),
    },
)
def product_of_experts():
    def forward(params, x):
        a, b = x @ params[0], x @ params[1]
        return a * b, (x, a, b)

    def backward(params, cache, dy):
        x, a, b = cache
        da, db = dy * b, dy * a
        return da @ params[0].T + db @ params[1].T, [x.T @ da, x.T @ db]

    return forward, backward


@layer(
    (3,),
    exempt={"finite": "products of large numbers overflow"},
    bugs={
        "the length is taken for a constant.": (" + v * (dy * v).sum(-1, keepdims=True) * inner", ""),
        "the factor's derivative is that of s, not of its square.": (
            "(1 - q) / (2 * (1 + q)",
            "(1 - q) / (1 * (1 + q)",
        ),
    },
)
def capsule_squash():
    def forward(params, x):
        q = (x * x).sum(-1, keepdims=True) + x.dtype.type(0.01)
        return x * (np.sqrt(q) / (1 + q)), (x, q)

    def backward(params, cache, dy):
        v, q = cache
        inner = (1 - q) / (2 * (1 + q) ** 2 * np.sqrt(q)) * 2
        return dy * np.sqrt(q) / (1 + q) + v * (dy * v).sum(-1, keepdims=True) * inner, ()

    return forward, backward


@layer(
    (2, 3),
    exempt={"finite": "products of large numbers overflow"},
    bugs={
        "the coupling is taken for a constant.": ("du = du + db[..., None] * v[..., None, :]", "du = du + 0"),
        "the first agreement is detached.": ("dv = (db[..., None] * x).sum(-2)", "dv = 0 * dy"),
    },
)
def routing_by_agreement():
    def forward(params, x):
        v = x.mean(-2)
        c = softmax((x * v[..., None, :]).sum(-1))
        return (c[..., None] * x).sum(-2), (x, v, c)

    def backward(params, cache, dy):
        x, v, c = cache
        du = c[..., None] * dy[..., None, :]
        db = softmax_backward(c, (x * dy[..., None, :]).sum(-1))
        du = du + db[..., None] * v[..., None, :]
        dv = (db[..., None] * x).sum(-2)
        return du + dv[..., None, :] / x.shape[-2], ()

    return forward, backward


@layer(
    (3,),
    params={"split": (3,), "left": (3, 2), "right": (3, 2)},
    bugs={
        "the split's gradient lacks the right leaf.": ("(dy * (a - b)).sum(-1)", "(dy * a).sum(-1)"),
        "leaves are not weighted.": ("(1 - s)[..., None] * dy", "dy"),
    },
)
def soft_decision_stump():
    def forward(params, x):
        s = 1 / (1 + np.exp(-(x @ params["split"])))
        a, b = x @ params["left"], x @ params["right"]
        return s[..., None] * a + (1 - s)[..., None] * b, (x, s, a, b)

    def backward(params, cache, dy):
        x, s, a, b = cache
        ds = (dy * (a - b)).sum(-1) * s * (1 - s)
        da, db = s[..., None] * dy, (1 - s)[..., None] * dy
        dx = ds[..., None] * params["split"] + da @ params["left"].T + db @ params["right"].T
        rows = x.reshape(-1, 3).T
        grads = {"split": rows @ ds.reshape(-1), "left": rows @ da.reshape(-1, 2), "right": rows @ db.reshape(-1, 2)}
        return dx, grads

    return forward, backward
