"""Gradient descent on a^2 + b^2: seven steps from (10, 10), each 0.3 times the gradient.

    python examples/gradient_descent.py [--out gradient-descent-out]

Nothing here is random or slow, so --seed and --quick have no effect.
The lesson: params can be any tree of arrays, and a step is a function from params and gradients to new params. The
gradient of a^2 + b^2 is (2a, 2b), so each step leaves 1 - 2 * 0.3 = 0.4 of a and b, and 0.16 of the error.
"""

import numpy as np
from matplotlib.figure import Figure
from program import Result, example_parser, exit_with, print_results, save_figures
from tqdm import tqdm

import funcnet as fn

RATE = 0.3
THEIRS = [  # the point after each step, 10 * 0.4^n (the original prints the first four), and the error before it
    ("(4.0, 4.0)", "200"),
    ("(1.6, 1.6)", "32"),
    ("(0.64, 0.64)", "5.12"),
    ("(0.256, 0.256)", "0.8192"),
    ("(0.1024, 0.1024)", "0.13107"),
    ("(0.04096, 0.04096)", "0.020972"),
    ("(0.016384, 0.016384)", "0.0033554"),
]


@fn.tree.node
class Point:
    """A point (a, b)."""

    a: np.ndarray
    b: np.ndarray


def error(point):
    """The error to minimize, a^2 + b^2."""
    return float(point.a**2 + point.b**2)


def gradient(point):
    """The derivatives of the error with respect to a and b, as a tree like the point."""
    return Point(2 * point.a, 2 * point.b)


def main():
    """Take the steps, print the table, draw the path."""
    options = example_parser(__doc__, out="gradient-descent-out").parse_options()
    path = [Point(np.array(10.0), np.array(10.0))]
    for _ in tqdm(THEIRS, unit="step", disable=None):
        path.append(fn.sgd_step(path[-1], gradient(path[-1]), RATE))

    results = []
    for step, (place, theirs) in enumerate(THEIRS):
        there = f"({round(float(path[step + 1].a), 9)}, {round(float(path[step + 1].b), 9)})"
        ours = f"{error(path[step]):.5g}"
        results.append(Result(f"error before the step to {there}", theirs, ours, "=", (there, ours) == (place, theirs)))
    save_figures(options.out, {"path": picture(path)})
    return print_results(results)


def picture(path):
    """The path, drawn over lines of equal error."""
    figure = Figure(figsize=(5, 5), layout="constrained")
    axes = figure.subplots()
    grid = np.linspace(-11, 11, 200)
    axes.contour(grid, grid, grid**2 + grid[:, None] ** 2, levels=20, alpha=0.5)
    axes.plot([float(p.a) for p in path], [float(p.b) for p in path], marker="o")
    axes.set(xlabel="a", ylabel="b", title=f"steps of {RATE} times the gradient", aspect="equal")
    return figure


if __name__ == "__main__":
    exit_with(main)
