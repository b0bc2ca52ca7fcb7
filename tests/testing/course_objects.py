"""Layers as textbooks write them: objects that keep what they saw, right, with whatever they are bad at."""

import numpy as np


class Relu:
    def __init__(self):
        self.mask = None

    def forward(self, x):
        self.mask = x <= 0
        out = x.copy()
        out[self.mask] = 0
        return out

    def backward(self, dout):
        dout = dout.copy()
        dout[self.mask] = 0
        return dout


class Sigmoid:
    def __init__(self):
        self.out = None

    def forward(self, x):
        self.out = 1 / (1 + np.exp(-x))
        return self.out

    def backward(self, dout):
        return dout * (1.0 - self.out) * self.out


class Affine:
    """Of an x of any shape, which is made a matrix."""

    def __init__(self, W, b):
        self.W = W
        self.b = b
        self.x = None
        self.original_x_shape = None
        self.dW = None
        self.db = None

    def forward(self, x):
        self.original_x_shape = x.shape
        self.x = x.reshape(x.shape[0], -1)
        return np.dot(self.x, self.W) + self.b

    def backward(self, dout):
        dx = np.dot(dout, self.W.T)
        self.dW = np.dot(self.x.T, dout)
        self.db = np.sum(dout, axis=0)
        return dx.reshape(*self.original_x_shape)


class MatMul:
    """Params and gradients are in lists, and a gradient is written into the list's array."""

    def __init__(self, W):
        self.params = [W]
        self.grads = [np.zeros_like(W)]
        self.x = None

    def forward(self, x):
        (W,) = self.params
        self.x = x
        return np.dot(x, W)

    def backward(self, dout):
        (W,) = self.params
        self.grads[0][...] = np.dot(self.x.T, dout)
        return np.dot(dout, W.T)


def im2col(x, height, width, stride, pad):
    n, c, h, w = x.shape
    out_h, out_w = (h + 2 * pad - height) // stride + 1, (w + 2 * pad - width) // stride + 1
    img = np.pad(x, [(0, 0), (0, 0), (pad, pad), (pad, pad)], "constant")
    col = np.zeros((n, c, height, width, out_h, out_w))
    for y in range(height):
        for z in range(width):
            col[:, :, y, z] = img[:, :, y : y + stride * out_h : stride, z : z + stride * out_w : stride]
    return col.transpose(0, 4, 5, 1, 2, 3).reshape(n * out_h * out_w, -1)


def col2im(col, shape, height, width, stride, pad):
    n, c, h, w = shape
    out_h, out_w = (h + 2 * pad - height) // stride + 1, (w + 2 * pad - width) // stride + 1
    col = col.reshape(n, out_h, out_w, c, height, width).transpose(0, 3, 4, 5, 1, 2)
    img = np.zeros((n, c, h + 2 * pad + stride - 1, w + 2 * pad + stride - 1))
    for y in range(height):
        for z in range(width):
            img[:, :, y : y + stride * out_h : stride, z : z + stride * out_w : stride] += col[:, :, y, z]
    return img[:, :, pad : h + pad, pad : w + pad]


class Convolution:
    """By im2col."""

    def __init__(self, W, b, stride=1, pad=0):
        self.W, self.b, self.stride, self.pad = W, b, stride, pad
        self.x = self.col = self.col_W = self.dW = self.db = None

    def forward(self, x):
        f, c, height, width = self.W.shape
        n, c, h, w = x.shape
        out_h = 1 + (h + 2 * self.pad - height) // self.stride
        out_w = 1 + (w + 2 * self.pad - width) // self.stride
        col = im2col(x, height, width, self.stride, self.pad)
        col_W = self.W.reshape(f, -1).T
        self.x, self.col, self.col_W = x, col, col_W
        return (np.dot(col, col_W) + self.b).reshape(n, out_h, out_w, -1).transpose(0, 3, 1, 2)

    def backward(self, dout):
        f, c, height, width = self.W.shape
        dout = dout.transpose(0, 2, 3, 1).reshape(-1, f)
        self.db = np.sum(dout, axis=0)
        self.dW = np.dot(self.col.T, dout).transpose(1, 0).reshape(f, c, height, width)
        return col2im(np.dot(dout, self.col_W.T), self.x.shape, height, width, self.stride, self.pad)


class Layer:
    """As in a course for coders: called like a function, with the gradients on the arrays' owner."""

    def __init__(self, w, b):
        self.w, self.b = w, b

    def forward(self, inp):
        self.inp = inp
        return inp @ self.w + self.b

    def backward(self, dout):
        self.dw = (self.inp[:, :, None] * dout[:, None, :]).sum(0)
        self.db = dout.sum(0)
        return dout @ self.w.T


class Mse:
    def forward(self, y, target):
        if y.shape != target.shape:
            raise ValueError("shapes")
        return ((y - target) ** 2).mean(), (y, target)

    def backward(self, cache):
        y, target = cache
        return 2.0 * (y - target) / y.size


class SoftmaxWithLoss:
    """A loss of rows of scores and of labels."""

    def forward(self, x, t):
        if t.shape != x.shape[:1]:
            raise ValueError("a label for each row")
        x = x - np.max(x, axis=1, keepdims=True)
        y = np.exp(x) / np.sum(np.exp(x), axis=1, keepdims=True)
        return -np.sum(np.log(y[np.arange(len(t)), t] + 1e-7)) / len(t), (y, t)

    def backward(self, cache):
        y, t = cache
        dx = y.copy()
        dx[np.arange(len(t)), t] -= 1
        return dx / len(t)


class SoftmaxLoss:
    """By log-probabilities."""

    def forward(self, x, y):
        shifted = x - np.max(x, axis=1, keepdims=True)
        log_probs = shifted - np.log(np.sum(np.exp(shifted), axis=1, keepdims=True))
        n = x.shape[0]
        return -np.sum(log_probs[np.arange(n), y]) / n, (np.exp(log_probs), y)

    def backward(self, cache):
        probs, y = cache
        dx = probs.copy()
        n = dx.shape[0]
        dx[np.arange(n), y] -= 1
        dx /= n
        return dx
