"""Convolutions of images: windows, loops, strides, groups, transposed ones."""

from numpy.lib.stride_tricks import sliding_window_view

from tests.testing.corpus.entry import IMAGES, layer, np


@layer(
    (2, 4, 4),
    params={"w": (3, 2, 3, 3), "b": (3,)},
    exempt=IMAGES,
    bugs={
        "db is a mean over the batch.": ("dy.sum((0, 2, 3))", "dy.sum((2, 3)).mean(0)"),
        "dw takes windows of another channel.": (
            "cache, axes=([0, 2, 3], [0, 2, 3]))",
            "cache[:, ::-1], axes=([0, 2, 3], [0, 2, 3]))",
        ),
        "dx has the kernel transposed.": ("w[:, :, i, j]", "w[:, :, j, i]"),
        "dx lacks the last row of taps.": ("for i in range(3):", "for i in range(2):"),
    },
)
def im2col_windows():
    def forward(params, x):
        windows = sliding_window_view(x, (3, 3), axis=(2, 3))
        y = np.einsum("nchwij,ocij->nohw", windows, params["w"]) + params["b"][None, :, None, None]
        return y, windows

    def backward(params, cache, dy):
        w, (n, c, h, wide) = params["w"], cache.shape[:4]
        dw = np.tensordot(dy, cache, axes=([0, 2, 3], [0, 2, 3]))
        dx = np.zeros((n, c, h + 2, wide + 2), dy.dtype)
        for i in range(3):
            for j in range(3):
                dx[:, :, i : i + h, j : j + wide] += np.einsum("nohw,oc->nchw", dy, w[:, :, i, j])
        return dx, {"w": dw, "b": dy.sum((0, 2, 3))}

    return forward, backward


@layer(
    (2, 3, 3),
    params={"w": (2, 2, 3, 3), "b": (2,)},
    exempt=IMAGES,
    bugs={
        "dx keeps a column of the padding.": ("dx[:, :, 1:-1, 1:-1]", "dx[:, :, 1:-1, :-2]"),
        "dw forgets the stride.": (
            "] * x[i, :, 2 * r : 2 * r + 3, 2 * s : 2 * s + 3]",
            "] * x[i, :, r : r + 3, s : s + 3]",
        ),
        "db has only the last example.": ("db += dy[i].sum((1, 2))", "db = dy[i].sum((1, 2))"),
    },
)
def naive_loops_with_stride_and_padding():
    def forward(params, x):
        n, c, h, w = x.shape
        pad = np.pad(x, ((0, 0), (0, 0), (1, 1), (1, 1)))
        side = (h + 2 - 3) // 2 + 1
        y = np.zeros((n, len(params["w"]), side, side), x.dtype)
        for i in range(n):
            for o in range(len(params["w"])):
                for r in range(side):
                    for s in range(side):
                        window = pad[i, :, 2 * r : 2 * r + 3, 2 * s : 2 * s + 3]
                        y[i, o, r, s] = np.sum(window * params["w"][o]) + params["b"][o]
        return y, pad

    def backward(params, x, dy):
        n, f, h, w = dy.shape
        dx, dw, db = np.zeros_like(x), np.zeros_like(params["w"]), np.zeros_like(params["b"])
        for i in range(n):
            db += dy[i].sum((1, 2))
            for o in range(f):
                for r in range(h):
                    for s in range(w):
                        dw[o] += dy[i, o, r, s] * x[i, :, 2 * r : 2 * r + 3, 2 * s : 2 * s + 3]
                        dx[i, :, 2 * r : 2 * r + 3, 2 * s : 2 * s + 3] += dy[i, o, r, s] * params["w"][o]
        return dx[:, :, 1:-1, 1:-1], {"w": dw, "b": db}

    return forward, backward


@layer(
    (2, 2, 2),
    params={"w": (2, 3, 3, 3), "b": (3,)},
    exempt=IMAGES,
    bugs={
        "dx reads one output beside.": ("dy[:, :, i : i + 4 : 2, j : j + 4 : 2]", "dy[:, :, i : i + 2, j : j + 2]"),
        "dw has in and out of two equal shapes mixed up in space.": ("dw[:, :, i, j]", "dw[:, :, j, i]"),
        "db counts a row less.": ("dy.sum(axis=(0, 2, 3))", "dy[:, :, 1:].sum(axis=(0, 2, 3))"),
    },
)
def transposed_with_stride_two():
    def forward(params, x):
        n, c, h, w = x.shape
        y = np.zeros((n, 3, 2 * h + 1, 2 * w + 1), x.dtype)
        for i in range(3):
            for j in range(3):
                y[:, :, i : i + 2 * h : 2, j : j + 2 * w : 2] += np.einsum("nchw,co->nohw", x, params["w"][:, :, i, j])
        return y + params["b"].reshape(1, -1, 1, 1), x

    def backward(params, x, dy):
        dx, dw = np.zeros_like(x), np.zeros_like(params["w"])
        for i in range(3):
            for j in range(3):
                part = dy[:, :, i : i + 4 : 2, j : j + 4 : 2]
                dx += np.einsum("nohw,co->nchw", part, params["w"][:, :, i, j])
                dw[:, :, i, j] = np.einsum("nchw,nohw->co", x, part)
        return dx, {"w": dw, "b": dy.sum(axis=(0, 2, 3))}

    return forward, backward


@layer(
    (4, 3, 3),
    params={"w": (2, 2, 2, 2, 2)},
    exempt=IMAGES,
    bugs={
        "both groups get the gradient of the first.": ("dw[g] = ", "dw[g] = dw[0] if g else "),
        "dx of the groups change places.": ("dx[:, 2 * g : 2 * g + 2]", "dx[:, 2 - 2 * g : 4 - 2 * g]"),
    },
)
def grouped():
    def forward(params, x):
        n, c, h, w = x.shape
        windows = sliding_window_view(x, (2, 2), axis=(-2, -1))
        ys = [np.einsum("nchwij,ocij->nohw", windows[:, 2 * g : 2 * g + 2], params["w"][g]) for g in range(2)]
        return np.concatenate(ys, axis=1), (windows, x.shape)

    def backward(params, cache, dy):
        windows, shape = cache
        dx, dw = np.zeros(shape, dy.dtype), np.zeros_like(params["w"])
        for g in range(2):
            part = dy[:, 2 * g : 2 * g + 2]
            dw[g] = np.einsum("nohw,nchwij->ocij", part, windows[:, 2 * g : 2 * g + 2])
            for i in range(2):
                for j in range(2):
                    step = np.einsum("nohw,oc->nchw", part, params["w"][g, :, :, i, j])
                    dx[:, 2 * g : 2 * g + 2][:, :, i : i + 2, j : j + 2] += step
        return dx, {"w": dw}

    return forward, backward
