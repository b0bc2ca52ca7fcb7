"""Layers as courses hand them out: functions of arrays with a cache, right, with whatever they are bad at."""

import numpy as np


def affine_forward(x, w, b):
    n = x.shape[0]
    return x.reshape(n, -1) @ w + b, (x, w, b)


def affine_backward(dout, cache):
    x, w, b = cache
    n = x.shape[0]
    return (dout @ w.T).reshape(x.shape), x.reshape(n, -1).T @ dout, np.sum(dout, axis=0)


def relu_forward(x):
    out = np.maximum(0, x)
    return out, x


def relu_backward(dout, cache):
    return dout * (cache > 0)


def affine_relu_forward(x, w, b):
    a, fc_cache = affine_forward(x, w, b)
    out, relu_cache = relu_forward(a)
    return out, (fc_cache, relu_cache)


def affine_relu_backward(dout, cache):
    fc_cache, relu_cache = cache
    return affine_backward(relu_backward(dout, relu_cache), fc_cache)


def conv_forward_naive(x, w, b, conv_param):
    stride, pad = conv_param["stride"], conv_param["pad"]
    n, c, h, width = x.shape
    f, _, hh, ww = w.shape
    padded = np.pad(x, ((0, 0), (0, 0), (pad, pad), (pad, pad)))
    out = np.zeros((n, f, 1 + (h + 2 * pad - hh) // stride, 1 + (width + 2 * pad - ww) // stride))
    for i in range(n):
        for k in range(f):
            for p in range(out.shape[2]):
                for q in range(out.shape[3]):
                    window = padded[i, :, p * stride : p * stride + hh, q * stride : q * stride + ww]
                    out[i, k, p, q] = np.sum(window * w[k]) + b[k]
    return out, (x, w, b, conv_param)


def conv_backward_naive(dout, cache):
    x, w, b, conv_param = cache
    stride, pad = conv_param["stride"], conv_param["pad"]
    padded = np.pad(x, ((0, 0), (0, 0), (pad, pad), (pad, pad)))
    dpadded, dw = np.zeros_like(padded), np.zeros_like(w)
    db = dout.sum(axis=(0, 2, 3))
    for i, k, p, q in np.ndindex(*dout.shape):
        rows = slice(p * stride, p * stride + w.shape[2])
        columns = slice(q * stride, q * stride + w.shape[3])
        dw[k] += padded[i, :, rows, columns] * dout[i, k, p, q]
        dpadded[i, :, rows, columns] += w[k] * dout[i, k, p, q]
    return dpadded[:, :, pad : pad + x.shape[2], pad : pad + x.shape[3]], dw, db


def max_pool_forward_naive(x, pool_param):
    height, width, stride = pool_param["pool_height"], pool_param["pool_width"], pool_param["stride"]
    n, c, h, w = x.shape
    out = np.zeros((n, c, 1 + (h - height) // stride, 1 + (w - width) // stride))
    for p in range(out.shape[2]):
        for q in range(out.shape[3]):
            window = x[:, :, p * stride : p * stride + height, q * stride : q * stride + width]
            out[:, :, p, q] = np.max(window, axis=(2, 3))
    return out, (x, pool_param)


def max_pool_backward_naive(dout, cache):
    x, pool_param = cache
    height, width, stride = pool_param["pool_height"], pool_param["pool_width"], pool_param["stride"]
    dx = np.zeros_like(x)
    for i, k, p, q in np.ndindex(*dout.shape):
        window = x[i, k, p * stride : p * stride + height, q * stride : q * stride + width]
        r, s = np.unravel_index(np.argmax(window), window.shape)
        dx[i, k, p * stride + r, q * stride + s] += dout[i, k, p, q]
    return dx


def batchnorm_forward(x, gamma, beta, bn_param):
    eps, momentum = bn_param.get("eps", 1e-5), bn_param.get("momentum", 0.9)
    mean, var = x.mean(axis=0), x.var(axis=0)
    std = np.sqrt(var + eps)
    xhat = (x - mean) / std
    bn_param["running_mean"] = momentum * bn_param.get("running_mean", 0) + (1 - momentum) * mean
    return gamma * xhat + beta, (xhat, gamma, std)


batchnorm_forward.statistics = "batch"


def batchnorm_backward(dout, cache):
    xhat, gamma, std = cache
    n = dout.shape[0]
    dbeta, dgamma = dout.sum(axis=0), np.sum(dout * xhat, axis=0)
    dxhat = dout * gamma
    dx = (n * dxhat - dxhat.sum(axis=0) - xhat * np.sum(dxhat * xhat, axis=0)) / (n * std)
    return dx, dgamma, dbeta


def layernorm_forward(x, gamma, beta, ln_param):
    eps = ln_param.get("eps", 1e-5)
    mean, var = x.mean(axis=1, keepdims=True), x.var(axis=1, keepdims=True)
    std = np.sqrt(var + eps)
    xhat = (x - mean) / std
    return gamma * xhat + beta, (xhat, gamma, std)


def layernorm_backward(dout, cache):
    xhat, gamma, std = cache
    d = dout.shape[1]
    dxhat = dout * gamma
    sums = dxhat.sum(axis=1, keepdims=True), np.sum(dxhat * xhat, axis=1, keepdims=True)
    return (d * dxhat - sums[0] - xhat * sums[1]) / (d * std), np.sum(dout * xhat, axis=0), dout.sum(axis=0)


def dropout_forward(x, dropout_param):
    p = dropout_param["p"]
    if "seed" in dropout_param:
        np.random.seed(dropout_param["seed"])
    mask = (np.random.rand(*x.shape) < p) / p if dropout_param["mode"] == "train" else None
    out = x if mask is None else x * mask
    return out.astype(x.dtype, copy=False), (dropout_param, mask)


def dropout_backward(dout, cache):
    dropout_param, mask = cache
    return dout if mask is None else dout * mask


def rnn_step_forward(x, prev_h, Wx, Wh, b):
    next_h = np.tanh(x @ Wx + prev_h @ Wh + b)
    return next_h, (x, prev_h, Wx, Wh, next_h)


def rnn_step_backward(dnext_h, cache):
    x, prev_h, Wx, Wh, next_h = cache
    da = dnext_h * (1 - next_h**2)
    return da @ Wx.T, da @ Wh.T, x.T @ da, prev_h.T @ da, da.sum(axis=0)


def rnn_forward(x, h0, Wx, Wh, b):
    n, t, d = x.shape
    h, caches = np.zeros((n, t, h0.shape[1])), []
    prev_h = h0
    for i in range(t):
        prev_h, cache = rnn_step_forward(x[:, i, :], prev_h, Wx, Wh, b)
        h[:, i, :] = prev_h
        caches.append(cache)
    return h, caches


def rnn_backward(dh, cache):
    n, t, _ = dh.shape
    x, h0, Wx, Wh, _ = cache[0]
    dx, dprev_h = np.zeros((n, t, x.shape[1])), np.zeros_like(h0)
    dWx, dWh, db = np.zeros_like(Wx), np.zeros_like(Wh), np.zeros(Wh.shape[1])
    for i in reversed(range(t)):
        dx[:, i, :], dprev_h, dWx_t, dWh_t, db_t = rnn_step_backward(dh[:, i, :] + dprev_h, cache[i])
        dWx += dWx_t
        dWh += dWh_t
        db += db_t
    return dx, dprev_h, dWx, dWh, db


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def lstm_step_forward(x, prev_h, prev_c, Wx, Wh, b):
    a = x @ Wx + prev_h @ Wh + b
    ai, af, ao, ag = np.split(a, 4, axis=1)
    i, f, o, g = sigmoid(ai), sigmoid(af), sigmoid(ao), np.tanh(ag)
    next_c = f * prev_c + i * g
    next_h = o * np.tanh(next_c)
    return (next_h, next_c), (i, f, o, g, x, prev_h, prev_c, Wx, Wh, next_c)


def lstm_step_backward(dnext, cache):
    dnext_h, dnext_c = dnext
    i, f, o, g, x, prev_h, prev_c, Wx, Wh, next_c = cache
    t = np.tanh(next_c)
    dc = dnext_c + dnext_h * o * (1 - t**2)
    of_gates = dc * g * i * (1 - i), dc * prev_c * f * (1 - f), dnext_h * t * o * (1 - o), dc * i * (1 - g**2)
    da = np.hstack(of_gates)
    return da @ Wx.T, da @ Wh.T, dc * f, x.T @ da, prev_h.T @ da, da.sum(axis=0)


def word_embedding_forward(x, W):
    return W[x], (x, W)


word_embedding_forward.takes_integers = True


def word_embedding_backward(dout, cache):
    x, W = cache
    dW = np.zeros_like(W)
    np.add.at(dW, x, dout)
    return None, dW
