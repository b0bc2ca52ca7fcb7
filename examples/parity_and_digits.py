"""Is a number even, and which digit is in an image? The same kind of network learns both.

    python examples/parity_and_digits.py [--seed 0] [--out parity-and-digits-out] [--data DIR] [--quick]

A network of 10-3-2 sigmoid units with squared error learns from 700 ten-bit numbers whether a number is even, and is
tested on the other 324. The lesson: the network finds the one bit that matters, and the picture of its weights shows
it, the lowest bit in the last column. Then a network of 784-32-10 such units reads MNIST, and reads it in the same way
after its weights were saved and loaded.
"""

import sys
from time import perf_counter

import numpy as np
from matplotlib.figure import Figure
from program import Result, at_least, at_most, example_parser, exit_with, print_results, save_figures

import funcnet as fn

SQUARED_ERROR = fn.MeanSquaredError(reduction="batch")


def main():
    """Learn both, save and load the weights, print the results."""
    options = example_parser(__doc__, out="parity-and-digits-out", mnist=True).parse_options()
    train, test = (fn.data.one_hot(each, 10) for each in fn.data.mnist(options.data))  # first, as it may not be there
    parity, figures = learn_parity(options)
    digits, more_figures = learn_digits(options, train, test)
    save_figures(options.out, {**figures, **more_figures})
    return print_results([*parity, *digits])


@fn.register
def accuracy(targets, outputs):
    """The fraction of the examples whose largest output is at their class."""
    return fn.metrics.accuracy(targets.argmax(axis=-1), outputs)


def learn_parity(options):
    """The results and pictures for the ten-bit numbers."""
    print("is a number even?")
    numbers = fn.data.one_hot(fn.data.parity(10), 2)
    train, test = numbers.take(slice(700)), numbers.take(slice(700, None))
    experiment = fn.Experiment(
        model=fn.sequential(fn.Linear(3), fn.Sigmoid(), fn.Linear(2), fn.Sigmoid()),
        loss=SQUARED_ERROR,
        optimizer=fn.SGD(0.3),
        batch_size=8,
        epochs=100 if options.quick else 1000,
        seed=options.seed,
        metrics=[accuracy],
        evaluate_every=10,
    )
    run = fn.run(experiment, train, test, progress=sys.stderr.isatty())
    weights = run.params[0].weight  # (10, 3)
    bit = 1 + int(np.abs(weights).sum(axis=1).argmax())
    results = [
        at_least("even or odd, accuracy on the 324 others", "1.0", run.history["test accuracy"][-1], 1),
        Result("the bit of the largest weights, of 10", "10", str(bit), "= 10", bit == 10),
    ]
    return results, {"parity-weights": picture(weights)}


def picture(weights):
    """The weights: a row for each unit, a column for each bit."""
    figure = Figure(figsize=(6, 2.5), layout="constrained")
    axes, largest = figure.subplots(), np.abs(weights).max()
    figure.colorbar(axes.imshow(weights.T, cmap="RdBu_r", vmin=-largest, vmax=largest), label="weight")
    bits, units = weights.shape
    axes.set(xlabel=f"bit ({bits} is the lowest)", ylabel="unit")
    axes.set(xticks=range(bits), xticklabels=range(1, 1 + bits), yticks=range(units), yticklabels=range(1, 1 + units))
    return figure


def learn_digits(options, train, test):
    """The results and pictures for MNIST."""
    print("which digit is it?")
    began = perf_counter()
    train, bar = (train.take(slice(10_000)), 0.85) if options.quick else (train, 0.95)
    experiment = fn.Experiment(
        model=fn.sequential(fn.Linear(32), fn.Sigmoid(), fn.Linear(10), fn.Sigmoid()),
        loss=SQUARED_ERROR,
        optimizer=fn.Adam(0.01),
        batch_size=256,
        epochs=12 if options.quick else 40,
        seed=options.seed,
        metrics=[accuracy],
    )
    run = fn.run(experiment, train, test, progress=sys.stderr.isatty())
    path = options.out / "digits.npz"
    fn.save(path, experiment.model, run.params)
    model, params = fn.load(path)
    predicted = model.apply(params, test.x)
    same = np.array_equal(predicted, experiment.model.apply(run.params, test.x))
    results = [
        at_least("MNIST, test accuracy", "0.9259", accuracy(test.y, predicted), bar),
        Result("MNIST, epochs", "300", f"{run.history['epoch'][-1]}"),
        at_most("MNIST, seconds", "-", perf_counter() - began, 60),
        Result("loaded weights predict", "the same", "the same" if same else "otherwise", "=", same),
    ]
    learned = {name: run.history[name] for name in ("loss", "test loss", "accuracy", "test accuracy")}
    return results, {
        "digits": fn.plot.images(test.x[:50], columns=10),
        "digits-history": fn.plot.curves(learned),
    }


if __name__ == "__main__":
    exit_with(main)
