"""Recurrent cells, layers of two or three inputs."""

from tests.testing.corpus.entry import layer, np, sigmoid


@layer(
    ((2,), (3,)),
    params={"wx": (2, 3), "wh": (3, 3), "b": (3,)},
    exempt={"batch.single": "x.T must be a matrix", "batch.axes": "x.T must be a matrix"},
    bugs={
        "the state's gradient goes through wx.": ('dz @ params["wh"].T)', 'dz @ params["wh"])'),
        "wh's gradient has the new state.": ('"wh": h.T @ dz', '"wh": new.T @ dz'),
        "tanh has the slope of its argument.": ("dz = dy * (1 - new * new)", "dz = dy * (1 - h * h)"),
    },
)
def rnn_cell():
    def forward(params, inputs):
        x, h = inputs
        new = np.tanh(x @ params["wx"] + h @ params["wh"] + params["b"])
        return new, (x, h, new)

    def backward(params, cache, dy):
        x, h, new = cache
        dz = dy * (1 - new * new)
        grads = {"wx": x.T @ dz, "wh": h.T @ dz, "b": dz.sum(0)}
        return (dz @ params["wx"].T, dz @ params["wh"].T), grads

    return forward, backward


@layer(
    ((2,), (2,), (2,)),
    params={"w": (4, 8), "b": (8,)},
    exempt={"batch.single": "x.T must be a matrix", "batch.axes": "x.T must be a matrix"},
    bugs={
        "the cell's gradient through the output is missing.": ("dc = dc + dh * o * (1 - t * t)", "dc = dc + 0 * dh"),
        "the forget gate's gradient has the new cell.": ("dc * c * f * (1 - f)", "dc * (f * c + i * g) * f * (1 - f)"),
        "input and forget gates change places in dz.": ("[di, df, do, dg]", "[df, di, do, dg]"),
        "the candidate has a sigmoid's slope.": ("dc * i * (1 - g * g)", "dc * i * g * (1 - g)"),
        "the old cell's gradient lacks the forget gate.": ("dc * f), ", "dc), "),
    },
)
def lstm_cell():
    def forward(params, inputs):
        x, h, c = inputs
        z = np.concatenate([x, h], axis=-1) @ params["w"] + params["b"]
        i, f, o, g = sigmoid(z[..., :2]), sigmoid(z[..., 2:4]), sigmoid(z[..., 4:6]), np.tanh(z[..., 6:])
        new = f * c + i * g
        t = np.tanh(new)
        return (o * t, new), (x, h, c, i, f, o, g, t)

    def backward(params, cache, dy):
        (x, h, c, i, f, o, g, t), (dh, dc) = cache, dy
        dc = dc + dh * o * (1 - t * t)
        di, df = dc * g * i * (1 - i), dc * c * f * (1 - f)
        do, dg = dh * t * o * (1 - o), dc * i * (1 - g * g)
        dz = np.concatenate([di, df, do, dg], axis=-1)
        dxh = dz @ params["w"].T
        grads = {"w": np.concatenate([x, h], axis=-1).T @ dz, "b": dz.sum(axis=0)}
        return (dxh[..., :2], dxh[..., 2:], dc * f), grads

    return forward, backward


@layer(
    ((2,), (2,)),
    params={"wz": (4, 2), "wr": (4, 2), "wn": (4, 2)},
    exempt={"batch.single": "x.T must be a matrix", "batch.axes": "x.T must be a matrix"},
    bugs={
        "the reset gate does not scale the way back.": ("dxn[..., 2:] * r", "dxn[..., 2:]"),
        "the update gate's difference has the wrong sign.": ("dy * (h - n)", "dy * (n - h)"),
        "the skip path of the state is missing.": ("dh = dy * z + ", "dh = "),
        "wr's gradient is wn's.": ('"wr": xh.T @ dr', '"wr": xrh.T @ dn'),
    },
)
def gru_cell():
    def forward(params, inputs):
        x, h = inputs
        xh = np.concatenate([x, h], axis=-1)
        z, r = sigmoid(xh @ params["wz"]), sigmoid(xh @ params["wr"])
        xrh = np.concatenate([x, r * h], axis=-1)
        n = np.tanh(xrh @ params["wn"])
        return z * h + (1 - z) * n, (h, xh, xrh, z, r, n)

    def backward(params, cache, dy):
        h, xh, xrh, z, r, n = cache
        dz, dn = dy * (h - n) * z * (1 - z), dy * (1 - z) * (1 - n * n)
        dxn = dn @ params["wn"].T
        dr = dxn[..., 2:] * h * r * (1 - r)
        dxh = dz @ params["wz"].T + dr @ params["wr"].T
        dh = dy * z + dxh[..., 2:] + dxn[..., 2:] * r
        return (dxh[..., :2] + dxn[..., :2], dh), {"wz": xh.T @ dz, "wr": xh.T @ dr, "wn": xrh.T @ dn}

    return forward, backward
