"""Convolutions along time, depthwise, separable, without sharing."""

from tests.testing.corpus.entry import DOUBLE, ROWS, SEQUENCES, layer, np


@layer(
    (6, 2),
    params={"kernel": (3, 2, 2), "bias": (2,)},
    exempt=SEQUENCES,
    bugs={
        "dx is moved by one tap.": ("dx[:, 2 * k : 2 * k + t]", "dx[:, 2 * k + (k == 1) : 2 * k + (k == 1) + t]"),
        "the kernel's gradient is reversed in time.": ('"kernel": dk', '"kernel": dk[::-1]'),
        "the dilation is missing in the kernel's gradient.": (
            'dk[k] = np.einsum("ntd,nte->de", xp[:, 2 * k : 2 * k + t]',
            'dk[k] = np.einsum("ntd,nte->de", xp[:, k : k + t]',
        ),
    },
)
def causal_and_dilated():
    def forward(params, x):
        n, t, d = x.shape
        xp = np.pad(x, ((0, 0), (4, 0), (0, 0)))
        y = sum(xp[:, 2 * k : 2 * k + t] @ params["kernel"][k] for k in range(3)) + params["bias"]
        return y, xp

    def backward(params, xp, dy):
        t, dk, dx = dy.shape[1], np.zeros_like(params["kernel"]), np.zeros_like(xp)
        for k in range(3):
            dk[k] = np.einsum("ntd,nte->de", xp[:, 2 * k : 2 * k + t], dy)
            dx[:, 2 * k : 2 * k + t] += dy @ params["kernel"][k].T
        return dx[:, 4:], {"kernel": dk, "bias": dy.sum(axis=(0, 1))}

    return forward, backward


@layer(
    (2, 4, 4),
    params={"w": (2, 2, 2)},
    bugs={
        "dw is summed over the channels.": (".reshape(-1, 2).sum(0)", ".reshape(-1, 2).sum()"),
        "dx assigns where windows overlap.": (
            "dx[..., a : a + 3, b : b + 3] += dy",
            "dx[..., a : a + 3, b : b + 3] = dy",
        ),
        "dx flips the taps.": ("dy * w[:, a, b, None, None]", "dy * w[:, 1 - a, 1 - b, None, None]"),
    },
)
def depthwise():
    def forward(params, x):
        w = params["w"]
        y = sum(x[..., a : a + 3, b : b + 3] * w[:, a, b, None, None] for a in range(2) for b in range(2))
        return y, x

    def backward(params, x, dy):
        w, dx = params["w"], np.zeros_like(x)
        dw = np.zeros_like(w)
        for a in range(2):
            for b in range(2):
                dw[:, a, b] = (dy * x[..., a : a + 3, b : b + 3]).sum((-2, -1)).reshape(-1, 2).sum(0)
                dx[..., a : a + 3, b : b + 3] += dy * w[:, a, b, None, None]
        return dx, {"w": dw}

    return forward, backward


@layer(
    (3, 3, 2),
    params=[(2, 4), (4,)],
    bugs={
        "dw is a mean over the pixels.": (
            "x.reshape(-1, 2).T @ dy.reshape(-1, 4)",
            "x.reshape(-1, 2).T @ dy.reshape(-1, 4) / 9",
        ),
        "dy is scaled before it goes on to dx alone.": ("dy @ w.T", "2 * dy @ w.T"),
    },
)
def pointwise_channels_last():
    def forward(params, x):
        w, b = params
        return x @ w + b, x

    def backward(params, x, dy):
        w, b = params
        return dy @ w.T, [x.reshape(-1, 2).T @ dy.reshape(-1, 4), dy.reshape(-1, 4).sum(0)]

    return forward, backward


@layer(
    (5, 4),
    params={"depth": (3, 4), "point": (4, 2)},
    exempt=SEQUENCES,
    bugs={
        "the pointwise weights see x in place of the depthwise output.": (
            '"ntd,nte->de", hidden',
            '"ntd,nte->de", x[:, 1:-1]',
        ),
        "depthwise taps get the gradient of the one before.": ("dd[k] = ", "dd[k - 1] = "),
        "dx detaches the first tap.": ("for k in range(3):  # back", "for k in range(1, 3):"),
    },
)
def separable():
    def forward(params, x):
        n, t, d = x.shape
        hidden = sum(x[:, k : k + t - 2] * params["depth"][k] for k in range(3))
        return hidden @ params["point"], (x, hidden)

    def backward(params, cache, dy):
        x, hidden = cache
        dh = dy @ params["point"].T
        dd, dx = np.empty_like(params["depth"]), np.zeros_like(x)
        for k in range(3):
            dd[k] = (dh * x[:, k : k + 3]).sum((0, 1))
        for k in range(3):  # back
            dx[:, k : k + 3] += dh * params["depth"][k]
        return dx, {"depth": dd, "point": np.einsum("ntd,nte->de", hidden, dy)}

    return forward, backward


@layer(
    (6,),
    params={"w": (3,)},
    exempt=ROWS,
    **DOUBLE,
    bugs={
        "dx convolves where it must correlate.": ('np.convolve(g, w[::-1], "full")', 'np.convolve(g, w, "full")'),
        "dw is that of the last row.": ("dw += np", "dw = np"),
    },
)
def numpy_convolve_row_by_row():
    def forward(params, x):
        n, d = x.shape
        y = np.zeros((n, d - 2))
        for i in range(n):
            y[i] = np.convolve(x[i], params["w"], "valid")
        return y, x

    def backward(params, x, dy):
        w, dw, dx = params["w"], np.zeros(3), np.zeros(x.shape)
        for i, g in enumerate(dy):
            dx[i] = np.convolve(g, w[::-1], "full")
            dw += np.convolve(x[i], g[::-1], "valid")[::-1]
        return dx, {"w": dw}

    return forward, backward


@layer(
    (5, 2),
    params={"w": (4, 4, 3), "b": (4, 3)},
    bugs={
        "dw mixes places, whose weights are not shared.": ("npk,npo->pko", "npk,nqo->pko"),
        "overlapping patches overwrite each other in dx.": ("dx[..., p : p + 2, :] += ", "dx[..., p : p + 2, :] = "),
        "db is averaged over the places.": (
            "dy.reshape(-1, 4, 3).sum(0)",
            "dy.reshape(-1, 4, 3).sum(0).mean(0) + np.zeros((4, 3), dy.dtype)",
        ),
    },
)
def locally_connected():
    def forward(params, x):
        patches = np.stack([x[..., p : p + 2, :].reshape(*x.shape[:-2], 4) for p in range(4)], axis=-2)
        return np.einsum("...pk,pko->...po", patches, params["w"]) + params["b"], patches

    def backward(params, patches, dy):
        dpatches = np.einsum("...po,pko->...pk", dy, params["w"])
        dx = np.zeros((*dy.shape[:-2], 5, 2), dy.dtype)
        for p in range(4):
            dx[..., p : p + 2, :] += dpatches[..., p, :].reshape(*dy.shape[:-2], 2, 2)
        dw = np.einsum("npk,npo->pko", patches.reshape(-1, 4, 4), dy.reshape(-1, 4, 3))
        return dx, {"w": dw, "b": dy.reshape(-1, 4, 3).sum(0)}

    return forward, backward
