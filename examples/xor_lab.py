"""A lab on two hidden layers: what they learn, at which learning rates, of which sizes, and without an activation.

    python examples/xor_lab.py [--seed 0] [--out xor-lab-out] [--quick]

2-4-4-1 sigmoid units with squared error learn which side of a line 100 points are on, and the 21 points of XOR on the
diagonals of a square. The lesson: XOR needs a hidden layer with something bent in it, since without one the network is
a single affine map, and no line parts the diagonals. ReLU makes no output function: it is never below 0 and has no
gradient where it is 0, so here it stands between the layers and a sigmoid at the end.
"""

from concurrent.futures import ProcessPoolExecutor
from time import perf_counter

import attrs
import numpy as np
from matplotlib.figure import Figure
from tqdm import tqdm

import funcnet as fn
from funcnet.program import Result, at_most, example_parser, exit_with, print_results, save_figures

RATES = (1.0, 0.75, 0.5, 0.1, 0.05, 0.01)


def network(*hidden, activation=fn.Sigmoid, output=fn.Sigmoid):
    """An affine map and an activation for each hidden layer, then one for the output, a number."""
    layers = [layer for size in hidden for layer in (fn.Linear(size), activation())]
    return fn.sequential(*layers, fn.Linear(1), output())


def main():
    """Ask each question of the lab, print the table, draw the pictures."""
    options = example_parser(__doc__, out="xor-lab-out").parse_options()
    began, key = perf_counter(), fn.Key(options.seed)
    points, xor = column(fn.data.linearly_separable(100, key)), column(fn.data.xor(21))
    epochs = 8000 if options.quick else 500_000
    line = experiment(network(4, 4), points, 10_000, options.seed)
    cross = experiment(network(4, 4), xor, epochs, options.seed)
    rates = fn.grid(cross, **{"optimizer.learning_rate": RATES[:3] if options.quick else RATES})
    short = attrs.evolve(cross, epochs=min(epochs, 50_000))
    sizes = fn.grid(short, model=[network(size, size) for size in (4, 6, 8, 16)])
    others = fn.grid(short, model=[network(4, 4, activation=fn.Identity, output=fn.Identity)])
    others += fn.grid(short, loss=[fn.BinaryCrossEntropy()])
    others += fn.grid(short, model=[network(4, 4, activation=fn.ReLU)])
    others += fn.grid(others[-1], loss=[fn.BinaryCrossEntropy()])

    with ProcessPoolExecutor(2) as pool, tqdm(total=1 + len(rates + sizes + others), disable=None) as bar:
        slowest_first = sorted(rates, key=lambda each: each.optimizer.learning_rate)
        runs = dict(swept([*slowest_first, *sizes, *others], xor, pool, bar))
        runs.update(swept([line], points, pool, bar))
    below, above = edge(others[0], xor, 6 if options.quick else 40)

    save_figures(
        options.out,
        {
            "line": beside_truth(line.model, runs[line].params, points),
            "xor": beside_truth(cross.model, runs[cross].params, xor),
            "learning-rates": fn.plot.learning_curves(runs[each] for each in rates),
            "hidden-sizes": fn.plot.learning_curves(runs[each] for each in sizes),
            "others": fn.plot.learning_curves(runs[each] for each in others[1:]),
        },
    )
    return print_results(
        [
            asked("a line, 100 points", runs[line], "= 1"),
            asked("XOR, 21 points", runs[cross], "= 1"),
            *(asked(f"XOR, learning rate {each.optimizer.learning_rate}", runs[each]) for each in rates),
            *(asked(f"XOR, hidden layers of {each.model.layers[0].n_out}", runs[each]) for each in sizes),
            *map(asked, ("no activation", "cross entropy", "ReLU", "ReLU, cross entropy"), map(runs.get, others)),
            Result("edge of divergence, no activation", "0.001490625", f"{below:.12g}"),
            Result("  diverges at", "0.001490626", f"{above:.12g}"),
            at_most("seconds in all", "-", perf_counter() - began, 180),
        ]
    )


def column(dataset):
    """The dataset with targets (n, 1), numbers."""
    return fn.data.Dataset(dataset.x, dataset.y[:, None].astype(np.float32))


def experiment(model, dataset, epochs, seed):
    """Descend on all of the data until every point is right."""
    return fn.Experiment(
        model=model,
        loss=fn.MeanSquaredError(),
        optimizer=fn.SGD(1.0),
        batch_size=len(dataset),
        epochs=epochs,
        seed=seed,
        metrics=[fn.metrics.binary_accuracy()],
        early_stopping=fn.EarlyStopping("binary_accuracy", "max", target=1.0),
        evaluate_every=100,
    )


def swept(experiments, dataset, pool, bar):
    """Each experiment and its run."""
    for each, run in fn.sweep(experiments, dataset, executor=pool):
        bar.update()
        yield each, run


def edge(linear, dataset, times):
    """Learning rates below and above which the network without activation converges and diverges, by bisection."""
    below, above = 0.0, 10.0
    brief = attrs.evolve(linear, epochs=1000, early_stopping=None, evaluate_every=1000)
    for _ in tqdm(range(times), desc="edge", disable=None):
        middle = (below + above) / 2
        tried = attrs.evolve(brief, optimizer=fn.SGD(middle))
        ((_, run),) = fn.sweep([tried], dataset)
        below, above = (middle, above) if run.error is None else (below, middle)
    return below, above


def asked(question, run, bar=""):
    """What came of a run, in words."""
    if run.error is not None:
        return Result(question, "-", f"diverges: {run.error.value} in epoch {run.error.epoch}", bar, not bar)
    accuracy, epoch = run.history["binary_accuracy"][-1], run.history["epoch"][-1]
    return Result(
        question, "1.0" if bar else "-", f"{accuracy:.2f} after {epoch} epochs", bar, not bar or accuracy == 1
    )


def beside_truth(model, params, dataset):
    """The points as they are, and as the network has them over its outputs on the whole square."""
    figure = Figure(figsize=(9, 4), layout="constrained")
    grid = np.linspace(-0.1, 1.1, 100, dtype=np.float32)
    square = np.stack(np.meshgrid(grid, grid), axis=-1)
    outputs = model.apply(params, square)[..., 0]
    predicted = model.apply(params, dataset.x) > 0.5
    for axes, title, labels in zip(figure.subplots(1, 2), ("truth", "prediction"), (dataset.y, predicted), strict=True):
        if title == "prediction":
            axes.contourf(grid, grid, outputs, levels=20, cmap="RdBu_r", vmin=0, vmax=1)
        axes.scatter(*dataset.x.T, c=labels[:, 0], cmap="RdBu_r", edgecolors="black", vmin=0, vmax=1)
        axes.set(title=title, xlabel="x0", ylabel="x1", aspect="equal")
    return figure


if __name__ == "__main__":
    exit_with(main)
