"""Whole recurrences with backpropagation through time, scans."""

import attrs

from tests.testing.corpus.entry import DOUBLE, SEQUENCES, fn, layer, np, sigmoid


@layer(
    (4, 2),
    params={"wx": (2, 3), "wh": (3, 3), "b": (3,)},
    exempt=SEQUENCES,
    bugs={
        "time is truncated after one step.": ('dh = dz @ params["wh"].T', "dh = 0 * dz"),
        "wh's gradient leaves out the last step.": (
            'grads["wh"] += hs[:, s].T @ dz',
            'grads["wh"] += hs[:, s].T @ dz * (s < t - 1)',
        ),
        "the states are off by one in wh's gradient.": ("hs[:, s].T @ dz", "hs[:, s + 1].T @ dz"),
        "the way back runs forward.": ("reversed(range(t))", "range(t)"),
        "dx is wrong from the third step on.": ("dx[:, s] = dz", "dx[:, s] = (1 + (s > 1)) * dz"),
    },
)
def rnn_returning_all_states():
    def forward(params, x):
        n, t, d = x.shape
        hs = np.zeros((n, t + 1, 3), x.dtype)
        for s in range(t):
            hs[:, s + 1] = np.tanh(x[:, s] @ params["wx"] + hs[:, s] @ params["wh"] + params["b"])
        return hs[:, 1:], (x, hs)

    def backward(params, cache, dy):
        x, hs = cache
        t, dh, dx = x.shape[1], 0, np.zeros_like(x)
        grads = {key: np.zeros_like(value) for key, value in params.items()}
        for s in reversed(range(t)):
            dz = (dy[:, s] + dh) * (1 - hs[:, s + 1] ** 2)
            grads["wx"] += x[:, s].T @ dz
            grads["wh"] += hs[:, s].T @ dz
            grads["b"] += dz.sum(0)
            dx[:, s] = dz @ params["wx"].T
            dh = dz @ params["wh"].T
        return dx, grads

    return forward, backward


@layer(
    (3, 2),
    params={"wx": (2, 2), "wh": (2, 2)},
    exempt=SEQUENCES,
    **DOUBLE,
    bugs={
        "the gradient begins at the first step.": ("dh = dy\n", "dh = dy * (x.shape[1] < 3)\n"),
        "each step adds the whole dy.": ('dh = dz @ params["wh"].T', 'dh = dy + dz @ params["wh"].T'),
        "wx is moved one step.": ("dwx += x[:, s].T @ dz", "dwx += x[:, s - 1].T @ dz"),
    },
)
def rnn_with_its_last_state():
    def forward(params, x):
        h, hs = np.zeros((len(x), 2)), [np.zeros((len(x), 2))]
        for s in range(x.shape[1]):
            h = np.tanh(x[:, s] @ params["wx"] + h @ params["wh"])
            hs.append(h)
        return h, (x, hs)

    def backward(params, cache, dy):
        x, hs = cache
        dx, dwx, dwh = np.zeros_like(x), np.zeros((2, 2)), np.zeros((2, 2))
        dh = dy
        for s in range(x.shape[1] - 1, -1, -1):
            dz = dh * (1 - hs[s + 1] ** 2)
            dwx += x[:, s].T @ dz
            dwh += hs[s].T @ dz
            dx[:, s] = dz @ params["wx"].T
            dh = dz @ params["wh"].T
        return dx, {"wx": dwx, "wh": dwh}

    return forward, backward


@layer(
    (3, 2),
    params=lambda draws: {"w": draws.normal(size=(4, 8)) / 2, "b": draws.normal(size=8) / 2},
    exempt=SEQUENCES,
    bugs={
        "the cell's gradient is not carried back.": ("dc = dcs * f", "dc = 0 * dcs * f"),
        "the state's gradient is not carried back.": ("dxh[:, :2], dxh[:, 2:]", "dxh[:, :2], 0 * dxh[:, 2:]"),
        "the bias has the last step alone.": ('grads["b"] += dz', 'grads["b"][:] = dz'),
        "the output gate sees the old cell.": ("do = dhs * np.tanh(cs[:, s + 1])", "do = dhs * np.tanh(cs[:, s])"),
        "dy is added to the cell.": ("dcs = dc + dhs * o", "dcs = dc + dy[:, s] + dhs * o"),
    },
)
def lstm_returning_all_states():
    def gates(z):
        return sigmoid(z[:, :2]), sigmoid(z[:, 2:4]), sigmoid(z[:, 4:6]), np.tanh(z[:, 6:])

    def forward(params, x):
        n, t, d = x.shape
        hs, cs = np.zeros((n, t + 1, 2), x.dtype), np.zeros((n, t + 1, 2), x.dtype)
        zs = []
        for s in range(t):
            zs.append(np.hstack([x[:, s], hs[:, s]]) @ params["w"] + params["b"])
            i, f, o, g = gates(zs[-1])
            cs[:, s + 1] = f * cs[:, s] + i * g
            hs[:, s + 1] = o * np.tanh(cs[:, s + 1])
        return hs[:, 1:], (x, hs, cs, zs)

    def backward(params, cache, dy):
        x, hs, cs, zs = cache
        dx, dh, dc = np.zeros_like(x), 0, 0
        grads = {"w": np.zeros_like(params["w"]), "b": np.zeros_like(params["b"])}
        for s in reversed(range(x.shape[1])):
            i, f, o, g = gates(zs[s])
            dhs = dy[:, s] + dh
            dcs = dc + dhs * o * (1 - np.tanh(cs[:, s + 1]) ** 2)
            do = dhs * np.tanh(cs[:, s + 1]) * o * (1 - o)
            di, df, dg = dcs * g * i * (1 - i), dcs * cs[:, s] * f * (1 - f), dcs * i * (1 - g**2)
            dz = np.hstack([di, df, do, dg])
            grads["w"] += np.hstack([x[:, s], hs[:, s]]).T @ dz
            grads["b"] += dz.sum(0)
            dxh = dz @ params["w"].T
            dx[:, s], dh = dxh[:, :2], dxh[:, 2:]
            dc = dcs * f
        return dx, grads

    return forward, backward


@layer(
    (3, 2),
    params={"a": (2,), "b": (2,)},
    bugs={
        "the decay's slope is missing.": (" * a * (1 - a)", ""),
        "the decay's gradient has the new state.": ("da = da + (g * before", "da = da + (g * states[k]"),
        "the gradient is not carried back.": ("g = a * g + dy", "g = dy"),
        "b's gradient is that of the first step.": ("db = db + (g * x", "db = (g * x"),
    },
)
def linear_scan():
    def forward(params, x):
        a, h, states = sigmoid(params["a"]), 0, []
        for k in range(x.shape[-2]):
            h = a * h + params["b"] * x[..., k, :]
            states.append(h)
        return np.stack(states, axis=-2), (x, states)

    def backward(params, cache, dy):
        x, states = cache
        a, g, da, db, dx = sigmoid(params["a"]), 0, 0, 0, np.zeros_like(x)
        for k in range(x.shape[-2] - 1, -1, -1):
            g = a * g + dy[..., k, :]
            before = states[k - 1] if k else 0 * states[0]
            da = da + (g * before).reshape(-1, 2).sum(0)
            db = db + (g * x[..., k, :]).reshape(-1, 2).sum(0)
            dx[..., k, :] = params["b"] * g
        return dx, {"a": da * a * (1 - a), "b": db}

    return forward, backward


@layer(
    (3, 2),
    params={"u": (2,), "w": (2, 2)},
    exempt=SEQUENCES,
    bugs={
        "the recurrent weight is a matrix on the way back.": (
            'dh = dz * params["u"]',
            'dh = dz.sum(-1, keepdims=True) * params["u"]',
        ),
        "relu lets everything through.": ("* (hs[s + 1] > 0)", "* 1.0"),
    },
)
def independent_rnn():
    def forward(params, x):
        hs = [np.zeros((len(x), 2), x.dtype)]
        for s in range(x.shape[1]):
            hs.append(np.maximum(x[:, s] @ params["w"] + params["u"] * hs[-1], 0))
        return np.stack(hs[1:], axis=1), (x, hs)

    def backward(params, cache, dy):
        x, hs = cache
        dx, dh = np.zeros_like(x), 0
        du, dw = np.zeros_like(params["u"]), np.zeros_like(params["w"])
        for s in range(x.shape[1])[::-1]:
            dz = (dy[:, s] + dh) * (hs[s + 1] > 0)
            du += (dz * hs[s]).sum(0)
            dw += x[:, s].T @ dz
            dx[:, s] = dz @ params["w"].T
            dh = dz * params["u"]
        return dx, {"u": du, "w": dw}

    return forward, backward


@layer(
    (3, 2),
    bugs={
        "the second direction has the order of the first.": (
            "scan_back(dy[..., 2:][..., ::-1, :])[..., ::-1, :]",
            "scan_back(dy[..., 2:])",
        ),
        "one direction has no gradient.": ("scan_back(dy[..., :2]) + ", ""),
    },
)
def leaky_integrators_both_ways():
    @attrs.frozen
    class BothWays(fn.Layer):
        def output_shape(self, input_shape):
            return (*input_shape[:-1], 2 * input_shape[-1])

        def forward(self, params, x):
            return np.concatenate([scan(x), scan(x[..., ::-1, :])[..., ::-1, :]], axis=-1), None

        def backward(self, params, cache, dy):
            return scan_back(dy[..., :2]) + scan_back(dy[..., 2:][..., ::-1, :])[..., ::-1, :], ()

    def scan(x):
        y = np.array(x)
        for s in range(1, x.shape[-2]):
            y[..., s, :] = 0.5 * y[..., s - 1, :] + x[..., s, :]
        return y

    def scan_back(dy):
        return scan(dy[..., ::-1, :])[..., ::-1, :]

    return BothWays()
