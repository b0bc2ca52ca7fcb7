"""Dropout and noise that are fixed, straight-through estimators."""

from tests.testing.corpus.entry import DOUBLE, ROWS, layer, np, softmax, softmax_backward


@layer(
    (3,),
    bugs={
        "the noise is scaled as x is.": ("dz / 0.5", "dz * 0.5"),
        "the hard choice has the gradient of one.": ("softmax_backward(y, dy)", "dy * (y == y.max(-1, keepdims=True))"),
    },
)
def gumbel_softmax_with_fixed_noise():
    noise = np.array([0.3, -0.2, 1.1])

    def forward(params, x):
        y = softmax((x + noise) / 0.5).astype(x.dtype)
        return y, y.copy()

    def backward(params, y, dy):
        dz = softmax_backward(y, dy)
        return dz / 0.5, ()

    return forward, backward


@layer(
    (3,),
    derivative_of=lambda params, x: np.clip(x, -1, 1),
    bugs={
        "dy is passed on outside too.": ("dy * (np.abs(x) <= 1)", "dy * 1.0"),
        "the gradient is not linear in dy.": ("dy * (np.abs(x) <= 1)", "np.abs(dy) * (np.abs(x) <= 1)"),
    },
)
def straight_through_sign():
    def forward(params, x):
        return np.sign(x), x

    def backward(params, x, dy):
        return dy * (np.abs(x) <= 1), ()

    return forward, backward


@layer(
    (4,),
    bugs={
        "kept numbers are not scaled in backward.": ("dy * mask / 0.75", "dy * mask"),
        "the mask is turned round.": ("dy * mask / 0.75", "dy * (1 - mask) / 0.75"),
    },
)
def dropout_with_a_fixed_mask():
    mask = np.array([1, 0, 1, 1], np.float32)

    def forward(params, x):
        return (x * mask / 0.75).astype(x.dtype), None

    def backward(params, cache, dy):
        return (dy * mask / 0.75).astype(dy.dtype), ()

    return forward, backward


@layer(
    (3,),
    params={"w": (3, 2)},
    exempt=ROWS,
    **DOUBLE,
    bugs={
        "dw is not masked.": ("x.T @ dy * mask", "x.T @ dy"),
        "dx sees the whole weight.": ('dy @ (params["w"] * mask).T', 'dy @ params["w"].T'),
    },
)
def dropconnect_with_a_fixed_mask():
    mask = np.array([[1.0, 0.0], [1.0, 1.0], [0.0, 1.0]])

    def forward(params, x):
        return x @ (params["w"] * mask), x

    def backward(params, x, dy):
        return dy @ (params["w"] * mask).T, {"w": x.T @ dy * mask}

    return forward, backward


@layer(
    (4,),
    **DOUBLE,
    bugs={
        "the noise does not reach the deviation.": ("dy * noise * np.exp(s / 2) / 2", "dy * np.exp(s / 2) / 2"),
        "the half of the logarithm is lost.": ("np.exp(s / 2) / 2", "np.exp(s / 2)"),
    },
)
def reparameterized_normal():
    noise = np.array([0.4, -1.3])

    def forward(params, x):
        mu, s = x[..., :2], x[..., 2:]
        return mu + noise * np.exp(s / 2), s

    def backward(params, s, dy):
        return np.concatenate([dy, dy * noise * np.exp(s / 2) / 2], axis=-1), ()

    return forward, backward
