"""Embeddings, gathers and scatters."""

import attrs

from tests.testing.corpus.entry import ROWS, fn, layer, np

IDS = np.array([[0, 2, 2], [4, 0, 1], [3, 3, 3]])


@layer(
    x=IDS,
    bugs={
        "an id that comes twice counts once.": ("np.add.at(table, x, dy)", "table[x] += dy"),
        "an id has the last gradient.": ("np.add.at(table, x, dy)", "table[x] = dy"),
        "ids are moved by one.": ("np.add.at(table, x, dy)", "np.add.at(table, x - 1, dy)"),
        "all rows get the mean.": ("np.add.at(table, x, dy)", "table += dy.reshape(-1, 2).sum(0) / 5"),
    },
)
def embedding():
    @attrs.frozen
    class Table(fn.Layer):
        takes_integers = True

        def output_shape(self, input_shape):
            return (*input_shape, 2)

        def init(self, key, input_shape, dtype=np.float32):
            return key.generator().normal(size=(5, 2)).astype(dtype)

        def forward(self, params, x):
            return params[x], x

        def backward(self, params, x, dy):
            table = np.zeros_like(params)
            np.add.at(table, x, dy)
            return None, table

    return Table()


@layer(
    x=IDS,
    bugs={
        "the mean is taken for a sum.": ("dy[..., None, :] / x.shape[-1]", "dy[..., None, :] / 1"),
        "only the first word of a bag learns.": (
            "np.add.at(table, x, each)",
            "np.add.at(table, x[..., :1], each[..., :1, :])",
        ),
        "the padding learns.": ("table[0] = 0", "table[0] += 0"),
    },
)
def bag_of_words_with_padding():
    @attrs.frozen
    class Bag(fn.Layer):
        takes_integers = True

        def output_shape(self, input_shape):
            return (*input_shape[:-1], 2)

        def init(self, key, input_shape, dtype=np.float32):
            return key.generator().normal(size=(5, 2)).astype(dtype)

        def forward(self, params, x):
            return (params[x] * (x > 0)[..., None]).mean(-2, dtype=params.dtype), x

        def backward(self, params, x, dy):
            table = np.zeros_like(params)
            each = np.broadcast_to(dy[..., None, :] / x.shape[-1], (*x.shape, 2))
            np.add.at(table, x, each)
            table[0] = 0
            return None, table

    return Bag()


@layer(
    x=IDS[:, :1],
    bugs={
        "the transposed product.": (
            "onehot.reshape(-1, 5).T @ dy.reshape(-1, 3)",
            "onehot.reshape(-1, 5)[:, ::-1].T @ dy.reshape(-1, 3)",
        ),
        "db is that of one example.": ("dy.reshape(-1, 3).sum(0)", "dy.reshape(-1, 3).mean(0)"),
    },
)
def one_hot_times_a_matrix():
    @fn.tree.node
    class Params:
        w: np.ndarray
        b: np.ndarray

    @attrs.frozen
    class OneHot(fn.Layer):
        takes_integers = True

        def output_shape(self, input_shape):
            return (3,)

        def init(self, key, input_shape, dtype=np.float32):
            w = key.generator().normal(size=(5, 3)).astype(dtype)
            return Params(w, np.zeros(3, dtype))

        def forward(self, params, x):
            onehot = np.eye(5, dtype=params.w.dtype)[x[..., 0]]
            return onehot @ params.w + params.b, onehot

        def backward(self, params, onehot, dy):
            return None, Params(onehot.reshape(-1, 5).T @ dy.reshape(-1, 3), dy.reshape(-1, 3).sum(0))

    return OneHot()


@layer(
    (3, 2),
    params=[(3, 2)],
    bugs={
        "positions have the mean over the batch.": (".sum(0)]", ".mean(0)]"),
        "the positions' gradient is summed over time.": (".sum(0)]", ".sum((0, 1)) + 0 * params[0]]"),
    },
)
def added_positions():
    def forward(params, x):
        return x + params[0], None

    def backward(params, cache, dy):
        return dy, [dy.reshape(-1, 3, 2).sum(0)] if dy.size else [np.zeros_like(params[0])]

    return forward, backward


@layer(
    (4,),
    bugs={
        "a number taken twice has one gradient.": ("np.add.at(dx, (..., index), dy)", "dx[..., index] += dy"),
        "gather in place of scatter.": ("np.add.at(dx, (..., index), dy)", "dx = dy[..., index][..., :4]"),
    },
)
def gather_with_repetition():
    index = np.array([3, 0, 3, 1, 0])

    def forward(params, x):
        return x[..., index], x.shape

    def backward(params, shape, dy):
        dx = np.zeros(shape, dy.dtype)
        np.add.at(dx, (..., index), dy)
        return dx, ()

    return forward, backward


@layer(
    (5,),
    bugs={
        "means have the gradient of sums.": ("(dy / sizes)", "dy"),
        "segments change places.": ("[..., segment]", "[..., 2 - segment]"),
    },
)
def segment_means():
    segment, sizes = np.array([0, 1, 0, 2, 1]), np.array([2, 2, 1], np.float32)

    def forward(params, x):
        y = np.stack([x[..., segment == s].mean(-1) for s in range(3)], axis=-1)
        return y.astype(x.dtype), None

    def backward(params, cache, dy):
        return (dy / sizes)[..., segment].astype(dy.dtype), ()

    return forward, backward


@layer(
    (4,),
    exempt=ROWS,
    bugs={
        "rows are scattered by the order, not by its inverse.": ("np.argsort(order)", "order"),
        "dy is permuted along the batch.": ("dy[:, inverse]", "dy[::-1, inverse]"),
    },
)
def fixed_permutation():
    order = np.array([2, 0, 3, 1])
    inverse = np.argsort(order)

    def forward(params, x):
        return x[:, order], None

    def backward(params, cache, dy):
        return dy[:, inverse], ()

    return forward, backward


@layer(
    (3,),
    params={"table": (3, 2)},
    bugs={
        "the tied table learns from the way out alone.": ("code.T @ dh + ", ""),
        "the tied table learns from the way in alone.": ("code.T @ dh + dy.reshape(-1, 3).T @ h", "code.T @ dh"),
        "the way back uses the table untransposed in part.": (
            'dh @ params["table"].T',
            'dh @ params["table"].T[:, ::-1]',
        ),
    },
)
def tied_autoencoder():
    def forward(params, x):
        h = x @ params["table"]
        return h @ params["table"].T, x

    def backward(params, x, dy):
        code = x.reshape(-1, 3)
        h, dh = code @ params["table"], dy.reshape(-1, 3) @ params["table"]
        dx = (dh @ params["table"].T).reshape(dy.shape)
        return dx, {"table": code.T @ dh + dy.reshape(-1, 3).T @ h}

    return forward, backward
