"""A network with an L2 penalty reads digits, trained by SciPy's truncated Newton method on one long vector of params.

    python examples/regularized_digits.py [--seed 0] [--out regularized-digits-out] [--data DIR] [--quick]

The network has 400-25-10 sigmoid units. The loss is the cross entropy, summed over the outputs and averaged over the
m = 5,000 digits, plus lambda / 2m times the sum of the squared weights, without the biases. The lesson: an optimizer of
another library needs a vector, a value and a gradient; `value_and_grad` and `tree.ravel` give them for any network.
"""

from time import perf_counter

import numpy as np
from program import at_least, at_most, example_parser, exit_with, print_results, save_figures
from scipy.optimize import minimize
from tqdm import tqdm

import funcnet as fn
from funcnet.testing import check_gradients

UNIFORM = fn.initializers.uniform(0.12)
MODEL = fn.sequential(fn.Linear(25, weight_init=UNIFORM), fn.Sigmoid(), fn.Linear(10, weight_init=UNIFORM))
LOSS = fn.SigmoidBinaryCrossEntropy(reduction="batch")  # takes logits: the sigmoids of the output are part of the loss
LAMBDA = 1.0


def main():
    """Check the gradient, train the network, print the results."""
    options = example_parser(__doc__, out="regularized-digits-out", mnist=True).parse_options()
    began, key = perf_counter(), fn.Key(options.seed)
    digits = some_of_each(fn.data.mnist(options.data)[0], 50 if options.quick else 500)
    targets = fn.data.one_hot(digits, 10).y
    penalty = fn.L2(LAMBDA / len(digits))
    params = MODEL.init(key.fold_in("init"), (400,), np.float64)

    few = digits.y.argsort(kind="stable").reshape(10, -1)[:, :10].ravel()  # ten of each digit
    results = gradients(params, digits.x[few], targets[few], sample=50 if options.quick else None)
    params = fit(params, digits.x, targets, penalty, evaluations=400)

    outputs = MODEL.apply(params, digits.x)
    print(fn.metrics.classification_report(digits.y, outputs), end="\n\n")
    hundred = key.fold_in("pictures").generator().choice(len(digits), 100, replace=False)
    save_figures(
        options.out,
        {
            "digits": fn.plot.images(digits.x[hundred]),
            "hidden-units": fn.plot.images(params[0].weight.T, columns=5, symmetric=True),
        },
    )
    return print_results(
        [
            *results,
            at_least("training accuracy", "-", fn.metrics.accuracy(digits.y, outputs), 0.995),
            at_most("seconds in all", "-", perf_counter() - began, 60),
        ]
    )


def some_of_each(dataset, count):
    """The first `count` examples of each digit, the middle 20 x 20 of their 28 x 28 pixels, in float64."""
    rows = np.concatenate([np.flatnonzero(dataset.y == digit)[:count] for digit in range(10)])
    middle = dataset.x[rows].reshape(-1, 28, 28)[:, 4:24, 4:24].reshape(-1, 400)
    return fn.data.Dataset(middle.astype(np.float64), dataset.y[rows])


def gradients(params, x, target, sample):
    """||n - a|| / (||n|| + ||a||), with a by backpropagation and n by each of two oracles."""
    for method, bar in (("exact", 1e-12), ("richardson", 1e-9)):
        print(f"gradients by the {method} oracle")
        report = check_gradients(MODEL, LOSS, params, x, target, fn.L2(LAMBDA / len(x)), method=method, sample=sample)
        yield at_most(f"gradient, {method}", "1.026e-08", report.relative, bar)


def fit(params, x, target, penalty, evaluations):
    """The params with the smallest loss that the truncated Newton method finds."""
    vector, unravel = fn.tree.ravel(params)
    print(f"up to {evaluations} gradients of the truncated Newton method")
    with tqdm(unit="gradient", disable=None) as bar:

        def objective(vector):
            value, grads = fn.value_and_grad(MODEL, LOSS, unravel(vector), x, target, penalty)
            bar.set_postfix(loss=f"{value:.4g}", refresh=False)
            bar.update()
            return value, fn.tree.ravel(grads)[0]

        # TNC has no maxiter.
        found = minimize(objective, vector, jac=True, method="TNC", options={"maxfun": evaluations})
    return unravel(found.x)


if __name__ == "__main__":
    exit_with(main)
