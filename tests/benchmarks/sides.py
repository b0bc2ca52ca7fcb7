"""The sides: each makes of a network a function that takes a training step, and gives the weights when called for.

`side(network) -> (step, weights)`; `step()` trains once, `weights()` is the list of (weight, bias) that has come of it.
"""

import numpy as np

import funcnet as fn
from tests.benchmarks.networks import RATE


def funcnet(network):
    """`value_and_grad` and `sgd_step`."""
    x, labels = network.data()
    layers = [layer for n in network.sizes[1:] for layer in (fn.Linear(n), fn.ReLU())][:-1]
    model, loss = fn.sequential(*layers), fn.SoftmaxCrossEntropy()
    linear = [fn.LinearParams(*pair) for pair in network.weights()]
    params = tuple(linear[i // 2] if i % 2 == 0 else () for i in range(len(layers)))

    def step():
        nonlocal params
        _, grads = fn.value_and_grad(model, loss, params, x, labels)
        params = fn.sgd_step(params, grads, RATE)

    return step, lambda: [(layer.weight, layer.bias) for layer in params[::2]]


def handwritten(network):
    """As a good NumPy programmer would write it: straight down, weights changed in place."""
    x, labels = network.data()
    weights, biases = map(list, zip(*network.weights(), strict=True))
    last, rows = len(weights) - 1, np.arange(len(x))

    def step():
        inputs, y = [], x
        for i in range(last):
            inputs.append(y)
            y = np.maximum(y @ weights[i] + biases[i], 0)
        inputs.append(y)
        logits = y @ weights[last] + biases[last]
        logits -= logits.max(axis=1, keepdims=True)
        exponentials = np.exp(logits)
        sums = exponentials.sum(axis=1, keepdims=True)
        _ = np.mean(np.log(sums[:, 0]) - logits[rows, labels])
        dy = exponentials / sums
        dy[rows, labels] -= 1
        dy /= len(x)
        for i in reversed(range(last + 1)):
            weight_grad, bias_grad = inputs[i].T @ dy, dy.sum(axis=0)
            if i:
                dy = (dy @ weights[i].T) * (inputs[i] > 0)
            weights[i] -= RATE * weight_grad
            biases[i] -= RATE * bias_grad

    return step, lambda: list(zip(weights, biases, strict=True))


def products(network):
    """The matrix products alone, into arrays that are ready: no step in NumPy is faster."""
    weights = [weight for weight, _ in network.weights()]
    draws = np.random.default_rng(2)
    values = [draws.standard_normal((network.batch, n)).astype(np.float32) for n in network.sizes]
    outputs, grads = [np.empty_like(value) for value in values], [np.empty_like(weight) for weight in weights]

    def step():
        for i, weight in enumerate(weights):
            np.matmul(values[i], weight, out=outputs[i + 1])
        for i in reversed(range(len(weights))):
            np.matmul(values[i].T, values[i + 1], out=grads[i])
            if i:
                np.matmul(values[i + 1], weights[i].T, out=outputs[i])

    return step, None


def jax(network):
    """One jitted function of value, gradient and new weights."""
    import jax as library
    import jax.numpy as jnp

    x, labels = map(jnp.asarray, network.data())
    params = [(jnp.asarray(weight), jnp.asarray(bias)) for weight, bias in network.weights()]

    def loss(params):
        y = x
        for weight, bias in params[:-1]:
            y = library.nn.relu(y @ weight + bias)
        weight, bias = params[-1]
        logits = library.nn.log_softmax(y @ weight + bias)
        return -jnp.take_along_axis(logits, labels[:, None], axis=1).mean()

    @library.jit
    def update(params):
        value, grads = library.value_and_grad(loss)(params)
        return value, library.tree.map(lambda p, g: p - RATE * g, params, grads)

    def step():
        nonlocal params
        _, params = library.block_until_ready(update(params))

    return step, lambda: params


def torch(network):
    """PyTorch, eagerly, as its tutorials have it."""
    import torch as library

    library.set_num_threads(2)
    x, labels = map(library.from_numpy, network.data())
    layers = []
    for weight, bias in network.weights():
        linear = library.nn.Linear(*weight.shape)
        linear.weight.data, linear.bias.data = library.from_numpy(weight.T.copy()), library.from_numpy(bias.copy())
        layers += [linear, library.nn.ReLU()]
    model, loss = library.nn.Sequential(*layers[:-1]), library.nn.CrossEntropyLoss()
    optimizer = library.optim.SGD(model.parameters(), lr=RATE)

    def step():
        optimizer.zero_grad()
        loss(model(x), labels).backward()
        optimizer.step()

    return step, lambda: [(each.weight.detach().numpy().T, each.bias.detach().numpy()) for each in layers[::2]]


def autograd(network):
    """autograd, the NumPy that differentiates itself."""
    import autograd as library
    import autograd.numpy as anp

    x, labels = network.data()
    params, rows = [tuple(pair) for pair in network.weights()], np.arange(len(x))

    def loss(params):
        y = x
        for weight, bias in params[:-1]:
            y = anp.maximum(anp.dot(y, weight) + bias, 0)
        logits = anp.dot(y, params[-1][0]) + params[-1][1]
        logits = logits - anp.max(logits, axis=1, keepdims=True)
        return anp.mean(anp.log(anp.sum(anp.exp(logits), axis=1)) - logits[rows, labels])

    gradient = library.value_and_grad(loss)

    def step():
        nonlocal params
        _, grads = gradient(params)
        params = [(w - RATE * dw, b - RATE * db) for (w, b), (dw, db) in zip(params, grads, strict=True)]

    return step, lambda: params


SIDES = {
    "funcnet": funcnet,
    "handwritten": handwritten,
    "products": products,
    "jax": jax,
    "torch": torch,
    "autograd": autograd,
}
