"""Learn to read handwritten digits: a typical use of funcnet, from data to pictures.

    python examples/digits.py [--seed 0] [--epochs 30] [--hidden 128] [--learning-rate 0.003] [--out digits-out]

A network with one hidden layer is trained on four fifths of 1,797 real digits of 8 x 8 pixels and tested on the rest.
All random numbers come from the seed, so the same seed prints the same results to the last digit. The exit code is 1 if
the network has not learned to do better than guessing.
"""

import math
import sys

import numpy as np
from program import example_parser, exit_with, integer_from, positive, save_figures

import funcnet as fn

try:
    from funcnet import data, metrics, plot
except ImportError as error:
    sys.exit(f'{error}. This program needs an extra: python -m pip install -e ".[examples]"')

LOSS = fn.SoftmaxCrossEntropy()
BATCH_SIZE = 32


def main():
    """Train the network, print the results, draw the pictures."""
    options = parse_options()
    key = fn.Key(options.seed)
    test, train = data.digits().split(key.fold_in("split"), 0.2)
    model = fn.sequential(
        fn.Linear(options.hidden, weight_init=fn.initializers.he_normal), fn.ReLU(), fn.Dropout(0.3), fn.Linear(10)
    )
    print(fn.summary(model, input_shape=(64,)), end="\n\n")

    optimizer = fn.Adam(options.learning_rate)
    with np.errstate(over="ignore", invalid="ignore"):  # a loss that diverges is reported
        params, history = fit(model, optimizer, train, test, options.epochs, key)
    check_better_than_guessing(history, train)

    predictions = model.apply(params, test.x).argmax(axis=-1)
    print(f"test accuracy {metrics.accuracy(test.y, predictions)!r} on {len(test)} digits", end="\n\n")
    print(metrics.classification_report(test.y, predictions), end="\n\n")
    print("confusion matrix: a row for each true digit, a column for each predicted one")
    print(metrics.confusion_matrix(test.y, predictions, n_classes=10), end="\n\n")

    picture(history, params, test, predictions, options.out)


def fit(model, optimizer, train, test, epochs, key):
    """The trained params, and the loss and accuracy on both datasets after each epoch, printed as they come."""
    params = model.init(key.fold_in("init"), train.x.shape[1:])
    state = optimizer.init(params)
    history = {"train loss": [], "test loss": [], "train accuracy": [], "test accuracy": []}
    print("epoch" + "".join(f"{name:>16}" for name in history))
    for epoch in range(epochs):
        for x, y in data.batches(train, BATCH_SIZE, key.fold_in("shuffle"), epoch):
            training = model.training(key.fold_in("dropout").fold_in(state.step))
            _, grads = fn.value_and_grad(training, LOSS, params, x, y)
            params, state = optimizer.update(params, grads, state)
        for name, dataset in ("train", train), ("test", test):
            scores = model.apply(params, dataset.x)
            loss = float(LOSS.forward(scores, dataset.y)[0])
            if not math.isfinite(loss):
                sys.exit(f"the {name} loss is {loss} after epoch {epoch + 1}: try a smaller --learning-rate")
            history[f"{name} loss"].append(loss)
            history[f"{name} accuracy"].append(metrics.accuracy(dataset.y, scores))
        print(f"{epoch + 1:5d}" + "".join(f"{column[-1]:16.6f}" for column in history.values()))
    print()
    return params, history


def check_better_than_guessing(history, train):
    """Exit unless the network has learned more from the digits than how frequent each is."""
    frequencies = np.bincount(train.y) / len(train)
    loss, accuracy = -np.sum(frequencies * np.log(frequencies)), frequencies.max()
    if not (history["train loss"][-1] < loss and history["train accuracy"][-1] > accuracy):
        sys.exit(
            f"no better than guessing: the loss is {history['train loss'][-1]:.4g} (guessing {loss:.4g}) and the "
            f"accuracy {history['train accuracy'][-1]:.3f} (guessing {accuracy:.3f}): try a different --learning-rate"
        )


def picture(history, params, test, predictions, folder):
    """Draw the pictures, save them, and print their paths."""
    weights = params[0].weight.T
    wrong = np.flatnonzero(predictions != test.y)[:96]  # as many as fit on a page
    titles = [f"{true} taken for {taken}" for true, taken in zip(test.y[wrong], predictions[wrong], strict=True)]
    figures = {
        "learning-curve": plot.curves(history),
        "hidden-weights": plot.images(weights[:256], columns=16, symmetric=True),  # more would be too small to see
    }
    if len(wrong):
        figures["mistakes"] = plot.images(test.x[wrong], titles=titles, columns=6)
    save_figures(folder, figures)


def parse_options():
    """The options of the command line."""
    parser = example_parser(__doc__, out="digits-out")
    parser.add_argument("--epochs", type=integer_from(1), help="passes over the data (30, or 2 with --quick)")
    parser.add_argument("--hidden", type=integer_from(1), default=128, help="hidden units (%(default)s)")
    parser.add_argument("--learning-rate", type=positive, default=0.003, help="learning rate of Adam (%(default)s)")
    options = parser.parse_options()
    options.epochs = options.epochs or (2 if options.quick else 30)
    return options


if __name__ == "__main__":
    exit_with(main)
