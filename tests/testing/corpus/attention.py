"""Attention: scaled, causal, additive, of many heads, between two inputs, with masks and biases."""

from tests.testing.corpus.entry import DOUBLE, SEQUENCES, layer, np, softmax, softmax_backward


@layer(
    (3, 2),
    params={"wq": (2, 2), "wk": (2, 2), "wv": (2, 2)},
    exempt=SEQUENCES,
    bugs={
        "the scale is missing in dk.": ("scores.swapaxes(1, 2) @ q / root", "scores.swapaxes(1, 2) @ q"),
        "dq and dk change places.": ('"wq": grad(dq), "wk": grad(dk)', '"wq": grad(dk), "wk": grad(dq)'),
        "what flows through the values is missing in dx.": (' + dv @ params["wv"].T', ""),
        "the softmax has a diagonal Jacobian.": ("scores = softmax_backward(a, da)", "scores = da * a * (1 - a)"),
        "attention is transposed on the way to dv.": ("a.swapaxes(1, 2) @ dy", "a @ dy"),
        "wv's gradient is that of the first example.": (
            '"wv": grad(dv)',
            '"wv": x[0].T @ dv[0] if len(x) else grad(dv)',
        ),
    },
)
def scaled_dot_product():
    root = np.float32(2**0.5)

    def forward(params, x):
        n, t, d = x.shape
        q, k, v = x @ params["wq"], x @ params["wk"], x @ params["wv"]
        a = softmax(q @ k.swapaxes(1, 2) / root)
        return a @ v, (x, q, k, v, a)

    def backward(params, cache, dy):
        x, q, k, v, a = cache
        da, dv = dy @ v.swapaxes(1, 2), a.swapaxes(1, 2) @ dy
        scores = softmax_backward(a, da)
        dq, dk = scores @ k / root, scores.swapaxes(1, 2) @ q / root

        def grad(dz):
            return np.einsum("ntd,nte->de", x, dz)

        dx = dq @ params["wq"].T + dk @ params["wk"].T + dv @ params["wv"].T
        return dx, {"wq": grad(dq), "wk": grad(dk), "wv": grad(dv)}

    return forward, backward


@layer(
    (4, 3),
    exempt={"finite": "products of large numbers overflow"},
    bugs={
        "the mask is not applied in backward, to a gradient of the mask's own.": (
            "dx = ds @ x",
            "dx = (ds + 0.1 * (mask < 0)) @ x",
        ),
        "keys get no gradient.": (" + ds.swapaxes(-1, -2) @ x", ""),
        "the value path is detached.": (" + a.swapaxes(-1, -2) @ dy", ""),
        "the last step sees the future's gradient.": ("a.swapaxes(-1, -2) @ dy", "a.swapaxes(-1, -2)[..., ::-1] @ dy"),
    },
)
def causal_without_weights():
    mask = np.triu(np.full((4, 4), -1e9, np.float32), 1)

    def forward(params, x):
        a = softmax(x @ x.swapaxes(-1, -2) / np.float32(3**0.5) + mask)
        return a @ x, (x, a)

    def backward(params, cache, dy):
        x, a = cache
        ds = softmax_backward(a, dy @ x.swapaxes(-1, -2)) / np.float32(3**0.5)
        dx = ds @ x
        dx = dx + ds.swapaxes(-1, -2) @ x + a.swapaxes(-1, -2) @ dy
        return dx, ()

    return forward, backward


@layer(
    ((2,), (3, 2)),
    params={"q": (2, 2), "k": (2, 2), "v": (2,)},
    exempt={"batch.single": "keys have a batch axis", "batch.axes": "keys have one batch axis"},
    bugs={
        "the query's gradient is that of one key.": ("dh.sum(1)", "dh[:, 0]"),
        "the values' part of the memory's gradient is lost.": (" + a[..., None] * dy[:, None, :]", ""),
        "tanh's slope is missing.": (" * (1 - h * h)", ""),
        "v's gradient has the scores in place of their gradients.": (
            "(h * ds[..., None]).sum((0, 1))",
            "(h * a[..., None]).sum((0, 1))",
        ),
    },
)
def additive_attention():
    def forward(params, x):
        query, memory = x
        h = np.tanh((query @ params["q"])[:, None, :] + memory @ params["k"])
        a = softmax(h @ params["v"])
        return (a[..., None] * memory).sum(1), (query, memory, h, a)

    def backward(params, cache, dy):
        query, memory, h, a = cache
        ds = softmax_backward(a, (memory * dy[:, None, :]).sum(-1))
        dh = ds[..., None] * params["v"] * (1 - h * h)
        dquery = dh.sum(1) @ params["q"].T
        dmemory = dh @ params["k"].T + a[..., None] * dy[:, None, :]
        dq, dk = query.T @ dh.sum(axis=1), np.einsum("ntd,nte->de", memory, dh)
        return (dquery, dmemory), {"q": dq, "k": dk, "v": (h * ds[..., None]).sum((0, 1))}

    return forward, backward


@layer(
    (2, 4),
    params={"qkv": (4, 12), "out": (4, 4), "bias": (4,)},
    exempt=SEQUENCES,
    bugs={
        "heads are merged in the wrong order.": (
            "transpose(0, 2, 1, 3).reshape(n, t, 4)  # merged",
            "reshape(n, t, 4)",
        ),
        "the third of qkv that belongs to k has the wrong sign.": ("merge(dk)", "merge(-dk)"),
        "out's gradient has the heads' inputs.": ('"ntd,nte->de", heads, dy', '"ntd,nte->de", x, dy'),
        "the bias is averaged over time.": ("dy.sum((0, 1))", "dy.mean(1).sum(0)"),
    },
)
def multi_head():
    def forward(params, x):
        n, t, d = x.shape
        q, k, v = (
            (x @ params["qkv"])[..., 4 * i : 4 * i + 4].reshape(n, t, 2, 2).transpose(0, 2, 1, 3) for i in range(3)
        )
        a = softmax(q @ k.transpose(0, 1, 3, 2) / np.float32(2**0.5))
        heads = (a @ v).transpose(0, 2, 1, 3).reshape(n, t, 4)
        return heads @ params["out"] + params["bias"], (x, q, k, v, a, heads)

    def backward(params, cache, dy):
        x, q, k, v, a, heads = cache
        n, t, d = x.shape

        def merge(z):
            return z.transpose(0, 2, 1, 3).reshape(n, t, 4)  # merged

        dheads = (dy @ params["out"].T).reshape(n, t, 2, 2).transpose(0, 2, 1, 3)
        ds = softmax_backward(a, dheads @ v.transpose(0, 1, 3, 2)) / np.float32(2**0.5)
        dv = a.transpose(0, 1, 3, 2) @ dheads
        dq, dk = ds @ k, ds.transpose(0, 1, 3, 2) @ q
        dqkv = np.concatenate([merge(dq), merge(dk), merge(dv)], axis=-1)
        dout = np.einsum("ntd,nte->de", heads, dy)
        grads = {"qkv": np.einsum("ntd,nte->de", x, dqkv), "out": dout, "bias": dy.sum((0, 1))}
        return dqkv @ params["qkv"].T, grads

    return forward, backward


@layer(
    (3, 2),
    params={"query": (2,)},
    bugs={
        "the pooled value's own path is missing.": (" + a[..., None] * dy[..., None, :]", ""),
        "the query's gradient is a mean over time.": (
            ".reshape(-1, 3, 2).sum((0, 1))",
            ".reshape(-1, 3, 2).mean(1).sum(0)",
        ),
    },
)
def pooling_with_a_query():
    def forward(params, x):
        a = softmax(x @ params["query"])
        return (a[..., None] * x).sum(-2), (x, a)

    def backward(params, cache, dy):
        x, a = cache
        ds = softmax_backward(a, (x * dy[..., None, :]).sum(-1))
        dx = ds[..., None] * params["query"] + a[..., None] * dy[..., None, :]
        return dx, {"query": (ds[..., None] * x).reshape(-1, 3, 2).sum((0, 1))}

    return forward, backward


@layer(
    (3, 2),
    params={"bias": (5,)},
    exempt=SEQUENCES,
    **DOUBLE,
    bugs={
        "offsets are counted from the other end.": ("db[i - j + 2] += ", "db[j - i + 2] += "),
        "an offset has the gradient of its last pair.": ("db[i - j + 2] += ", "db[i - j + 2] = "),
        "the bias is detached from the batch but for one.": ("ds[:, i, j].sum()", "ds[:1, i, j].sum()"),
    },
)
def relative_positions():
    def forward(params, x):
        n, t, d = x.shape
        offsets = np.arange(t)[:, None] - np.arange(t) + 2
        a = softmax(x @ x.swapaxes(1, 2) + params["bias"][offsets])
        return a @ x, (x, a)

    def backward(params, cache, dy):
        x, a = cache
        ds = softmax_backward(a, dy @ x.swapaxes(1, 2))
        dx = ds @ x + ds.swapaxes(1, 2) @ x + a.swapaxes(1, 2) @ dy
        db = np.zeros(5)
        for i in range(3):
            for j in range(3):
                db[i - j + 2] += ds[:, i, j].sum()
        return dx, {"bias": db}

    return forward, backward


@layer(
    ((2, 2), (3, 2), (3, 2)),
    exempt={"batch.axes": "x has one batch axis", "batch.single": "x has one batch axis"},
    bugs={
        "keys and values change places.": ("return (dq, dk, dv), ()", "return (dq, dv, dk), ()"),
        "the scale divides twice.": ("np.float32(2**0.5)  # ds", "np.float32(2)"),
        "dq is that of the mean key.": (
            'dq = np.einsum("nij,njd->nid", ds, k)',
            "dq = ds @ (k * 0 + k.mean(1, keepdims=True))",
        ),
    },
)
def cross_attention_by_einsum():
    def forward(params, x):
        q, k, v = x
        a = softmax(np.einsum("nid,njd->nij", q, k) / np.float32(2**0.5))
        return np.einsum("nij,njd->nid", a, v), (q, k, v, a)

    def backward(params, cache, dy):
        q, k, v, a = cache
        ds = softmax_backward(a, np.einsum("nid,njd->nij", dy, v)) / np.float32(2**0.5)  # ds
        dq = np.einsum("nij,njd->nid", ds, k)
        dk = np.einsum("nij,nid->njd", ds, q)
        dv = np.einsum("nij,nid->njd", a, dy)
        return (dq, dk, dv), ()

    return forward, backward


@layer(
    (3, 2),
    exempt={"finite": "products of large numbers overflow"},
    bugs={
        "the normalizer is taken for a constant.": (" - dz[..., None] * s[..., None, :]", ""),
        "the kernel's slope below 0 is 1.": ("np.where(x > 0, 1, np.exp(np.minimum(x, 0)))", "1"),
        "sums of keys lack the normalizer's part.": (" - (dz[..., None] * f).sum(-2, keepdims=True)", ""),
    },
)
def linear_attention():
    def features(x):
        return np.where(x > 0, x + 1, np.exp(np.minimum(x, 0))).astype(x.dtype)

    def forward(params, x):
        f = features(x)
        m, s = np.swapaxes(f, -1, -2) @ x, f.sum(-2)
        z = (f * s[..., None, :]).sum(-1)
        return f @ m / z[..., None], (x, f, m, s, z)

    def backward(params, cache, dy):
        x, f, m, s, z = cache
        g = dy / z[..., None]
        dz = (g * (f @ m)).sum(-1) / z
        dm = np.swapaxes(f, -1, -2) @ g
        df = g @ np.swapaxes(m, -1, -2) - dz[..., None] * s[..., None, :]
        df = df + x @ np.swapaxes(dm, -1, -2) - (dz[..., None] * f).sum(-2, keepdims=True)
        slope = np.where(x > 0, 1, np.exp(np.minimum(x, 0)))
        return (df * slope + f @ dm).astype(dy.dtype), ()

    return forward, backward
