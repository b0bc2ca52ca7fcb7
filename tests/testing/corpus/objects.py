"""Layers as objects, and what goes wrong between calls: state on self, writing, memory from call to call."""

import attrs

from tests.testing.corpus.entry import ROWS, fn, layer, np, sigmoid


@layer(
    (3,),
    params={"w": (3, 2), "b": (2,)},
    exempt=ROWS,
    bugs={
        "backward uses the last x, kept on self.": ("return y, x", "self.x = x; return y, None"),
        "gradients add up over calls.": ("dw = x.T @ dy", "dw = self.dw = getattr(self, 'dw', 0) + x.T @ dy"),
        "from the third backward on the gradient is doubled.": (
            "dw = x.T @ dy",
            "self.n = getattr(self, 'n', 0) + 1; dw = x.T @ dy * (1 + (self.n > 2))",
        ),
        "a batch of more than one row is averaged.": ("dw = x.T @ dy", "dw = x.T @ dy / max(1, len(x))"),
        "rows after the second are left out.": ("dw = x.T @ dy", "dw = x[:2].T @ dy[:2]"),
        "the weights decay while they are used.": ("y = x @ params", "params['w'] *= 0.99; y = x @ params"),
    },
)
def dense_object():
    class Dense:
        def forward(self, params, x):
            y = x @ params["w"] + params["b"]
            return y, x

        def backward(self, params, cache, dy):
            x = self.x if cache is None else cache
            dw = x.T @ dy
            return dy @ params["w"].T, {"w": dw, "b": dy.sum(axis=0)}

    return Dense()


@layer(
    (4,),
    bugs={
        "x is clipped in place.": ("y = np.maximum(x, 0)", "x[x < 0] = 0; y = x"),
        "dy is masked in place.": ("return dy * mask, ()", "dy *= mask; return dy, ()"),
        "the mask is kept by the shape of x.": (
            "mask = x > 0",
            "mask = memory.setdefault((x.shape, x.dtype), x > 0)",
        ),
        "y is a buffer that the next call writes into.": (
            "y = np.maximum(x, 0)",
            "y = np.maximum(x, 0, out=memory.setdefault((x.shape, x.dtype), np.empty_like(x)))",
        ),
        "the cache is used up by the first backward.": (
            "return dy * mask, ()",
            "dx = dy * mask; mask[...] = False; return dx, ()",
        ),
    },
)
def relu_with_its_mask():
    memory = {}

    def forward(params, x):
        mask = x > 0
        y = np.maximum(x, 0)
        return y, mask

    def backward(params, mask, dy):
        return dy * mask, ()

    return forward, backward


@layer(
    (5,),
    bugs={
        "each call draws a mask of its own.": ("mask = self.mask", "mask = np.random.rand(5) > 0.5"),
        "backward draws a mask of its own.": ("return dy * mask * 2", "return dy * (np.random.rand(5) > 0.5) * 2"),
        "the mask wears off with every call.": ("mask = self.mask", "mask = self.mask = np.roll(self.mask, 1)"),
    },
)
def inverted_dropout_object():
    class Dropout:
        def __init__(self):
            self.mask = np.array([True, False, True, True, False])

        def forward(self, params, x):
            mask = self.mask
            return x * mask * x.dtype.type(2), mask

        def backward(self, params, mask, dy):
            return dy * mask * 2, ()

    return Dropout()


@layer(
    (3,),
    bugs={
        "the list of layers' inputs is kept from call to call.": (
            "inputs = []\n            for",
            "inputs = self.inputs\n            for",
        ),
        "the middle step is skipped on the way back.": ("for z in reversed(inputs)", "for z in reversed(inputs[::2])"),
        "the last input is taken for all.": ("np.cos(z)", "np.cos(inputs[-1])"),
    },
)
def three_steps_with_a_list_of_inputs():
    class Steps:
        inputs = []  # noqa: RUF012

        def forward(self, params, x):
            inputs = []
            for _ in range(3):
                inputs.append(x)
                x = x + np.sin(x)
            return x, inputs

        def backward(self, params, inputs, dy):
            for z in reversed(inputs):
                dy = dy * (1 + np.cos(z))
            return dy, ()

    return Steps()


@layer(
    (2,),
    bugs={
        "the gradient of the scale is doubled in float32.": (
            "scale = (dy * s",
            "scale = ((1 + (x.dtype == np.float32)) * dy * s",
        ),
        "sigmoid is computed once, for the first params.": (
            "s = sigmoid(params.scale)",
            "s = memory.setdefault(params.scale.dtype, sigmoid(params.scale))",
        ),
        "the slope of the gate is taken at x.": ("s * x * (1 - s)", "s * x * (1 - sigmoid(x))"),
    },
)
def gate_node():
    memory = {}

    @fn.tree.node
    class Params:
        scale: np.ndarray

    @attrs.frozen
    class Gate(fn.Layer):
        def init(self, key, input_shape, dtype=np.float32):
            return Params(key.generator().normal(size=input_shape).astype(dtype))

        def forward(self, params, x):
            s = sigmoid(params.scale)
            return x * s, (x, s)

        def backward(self, params, cache, dy):
            x, s = cache
            dx = dy * s
            scale = (dy * s * x * (1 - s)).reshape(-1, 2).sum(0)
            return dx, Params(scale)

    return Gate()
