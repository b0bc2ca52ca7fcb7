"""XOR and MNIST, learned by a loop of ten lines: forward, loss, backward, update.

    python examples/xor_and_mnist.py [--seed 0] [--out xor-and-mnist-out] [--data DIR] [--quick]

The lesson: a network consists of affine maps with nonlinear functions between them. No single affine map separates the
four points of XOR; two with sigmoids between them do. The same ten lines learn to read handwritten digits. `sequential`
calls the backward passes of its layers in reverse order.
"""

import numpy as np
from program import Result, at_least, example_parser, exit_with, print_results, save_figures
from tqdm import tqdm

import funcnet as fn

LOSS = fn.SoftmaxCrossEntropy()  # softmax and cross entropy in one: accurate even where softmax rounds to 0 or 1


def fit(model, optimizer, dataset, batch_size, epochs, key):
    """The trained params, and the mean loss of each epoch."""
    print(f"{len(dataset):,} examples, {epochs} epochs: {model}")
    params, losses = model.init(key.fold_in("init"), dataset.x.shape[1:]), []
    state = optimizer.init(params)
    for epoch in tqdm(range(epochs), unit="epoch", disable=None):
        values = []
        for x, labels in fn.data.batches(dataset, batch_size, key.fold_in("shuffle"), epoch):
            y, cache = model.forward(params, x)
            value, loss_cache = LOSS.forward(y, labels)
            _, grads = model.backward(params, cache, LOSS.backward(loss_cache))
            params, state = optimizer.update(params, grads, state)
            values.append(float(value))
        losses.append(np.mean(values))
    return params, losses


def accuracy(model, params, dataset):
    """The fraction of the examples that the model classifies correctly."""
    return fn.metrics.accuracy(dataset.y, model.apply(params, dataset.x))


def main():
    """Learn both, print the accuracies, draw the losses."""
    options = example_parser(__doc__, out="xor-and-mnist-out", mnist=True).parse_options()
    key = fn.Key(options.seed)
    train, test = fn.data.mnist(options.data)  # first, as it may not be there

    xor = fn.data.xor()
    alone = fn.Linear(2)
    one_layer, _ = fit(alone, fn.Adam(0.1), xor, 4, 300, key.fold_in("one layer"))
    model = fn.sequential(fn.Linear(4), fn.Sigmoid(), fn.Linear(2))
    params, xor_losses = fit(model, fn.Adam(0.1), xor, 4, 300, key.fold_in("xor"))

    train, epochs, bar = (train.take(slice(10000)), 2, 0.85) if options.quick else (train, 12, 0.97)
    reader = fn.sequential(fn.Linear(128), fn.Sigmoid(), fn.Linear(10))
    read, mnist_losses = fit(reader, fn.Adam(0.003), train, 100, epochs, key.fold_in("mnist"))

    save_figures(
        options.out,
        {
            "xor": fn.plot.curves({"loss": xor_losses}),
            "mnist": fn.plot.curves({"loss": mnist_losses}),
            "mnist-units": fn.plot.images(read[0].weight.T, columns=16, symmetric=True),
        },
    )
    return print_results(
        [
            Result("XOR, a single affine map", "-", f"{accuracy(alone, one_layer, xor):.4f}"),
            at_least("XOR, a hidden layer of 4", "1.00", accuracy(model, params, xor), 1),
            at_least("MNIST, test accuracy", "0.97", accuracy(reader, read, test), bar),
        ]
    )


if __name__ == "__main__":
    exit_with(main)
