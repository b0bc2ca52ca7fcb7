"""A lab on two hidden layers: what they learn, at which learning rates and sizes, and without an activation.

    python examples/xor_lab.py [--seed 0] [--out xor-lab-out] [--quick]

A network of 2-4-4-1 sigmoid units with squared error learns on which side of a line each of 100 points is, and the 21
points of XOR on the diagonals of a square. Training stops when every point is right, which is checked every 100 epochs.
The lesson: XOR needs a nonlinear hidden layer. Without one the network is a single affine map, and no line separates
the diagonals. ReLU is not suitable as an output function, since it is never negative and has no gradient below 0: the
runs with ReLU between the layers keep the sigmoid at the end. They get stuck with 16 of the 21 points right, also at a
rate of 0.1.
"""

from concurrent.futures import ProcessPoolExecutor
from time import perf_counter

import attrs
import numpy as np
from matplotlib.figure import Figure
from program import Result, at_most, example_parser, exit_with, print_results, save_figures
from tqdm import tqdm

import funcnet as fn

RATES = (1.0, 0.75, 0.5, 0.1, 0.05, 0.01)
ACCURACY = "binary_accuracy"


def main():
    """Answer each question of the lab, print the table, draw the pictures."""
    options = example_parser(__doc__, out="xor-lab-out").parse_options()
    began = perf_counter()
    points, xor = column(fn.data.linearly_separable(100, fn.Key(options.seed))), column(fn.data.xor(21))
    line = experiment(network(4), points, 10_000, options.seed)
    cross = experiment(network(4), xor, 8000 if options.quick else 500_000, options.seed)
    questions = asked_of(cross, RATES[:3] if options.quick else RATES)

    with tqdm(total=1 + len(questions), disable=None) as bar, Pool(bar) as pool:
        ((_, line_run),) = fn.sweep([line], points, executor=pool)
        slowest_first = sorted(set(questions.values()), key=lambda each: each.optimizer.learning_rate)
        runs = dict(fn.sweep(slowest_first, xor, executor=pool))
    below, above, around = edge(questions["no activation"], xor, 6 if options.quick else 28)

    def of(start):
        return [runs[each] for question, each in questions.items() if question.startswith(start)]

    save_figures(
        options.out,
        {
            "line": beside_truth(line.model, line_run.params, points),
            "xor": beside_truth(cross.model, runs[cross].params, xor),
            "learning-rates": on_log_axis(fn.plot.learning_curves(of("learning rate"))),
            "hidden-sizes": on_log_axis(fn.plot.learning_curves(of("hidden"))),
            "activations-and-losses": on_log_axis(
                fn.plot.learning_curves([*of("no"), *of("cross"), *of("ReLU")], ACCURACY)
            ),
            "edge": on_log_axis(fn.plot.learning_curves(around), "y"),
        },
    )
    return print_results(
        [
            answer("a line, 100 points", line_run, "1.0", is_bar=True),
            answer("XOR, 21 points", runs[cross], "1.0", is_bar=True),
            *(answer(question, runs[each]) for question, each in questions.items()),
            Result("without activation converges at", "0.001490625", f"{below:.8g}"),
            Result("  and diverges at", "0.001490626", f"{above:.8g}"),
            at_most("seconds in all", "-", perf_counter() - began, 180),
        ]
    )


def network(size, activation=fn.Sigmoid, output=fn.Sigmoid):
    """A network with two hidden layers of `size` units, an activation after each, and one output."""
    return fn.sequential(fn.Linear(size), activation(), fn.Linear(size), activation(), fn.Linear(1), output())


def column(dataset):
    """The dataset with its labels as numbers of shape (n, 1)."""
    return fn.data.Dataset(dataset.x, dataset.y[:, None].astype(np.float32))


def experiment(model, dataset, epochs, seed):
    """Gradient descent on all of the data until every point is right."""
    return fn.Experiment(
        model=model,
        loss=fn.MeanSquaredError(),
        optimizer=fn.SGD(1.0),
        batch_size=len(dataset),
        epochs=epochs,
        seed=seed,
        metrics=[fn.metrics.binary_accuracy()],
        early_stopping=fn.EarlyStopping(ACCURACY, "max", target=1.0),
        evaluate_every=100,
    )


def asked_of(cross, rates):
    """The questions of the lab, each with the experiment that answers it."""
    short = attrs.evolve(cross, epochs=min(cross.epochs, 50_000))
    flat = attrs.evolve(short, model=network(4, fn.Identity, fn.Identity))
    relu, entropy = network(4, fn.ReLU), fn.BinaryCrossEntropy()
    return {
        **{f"learning rate {rate}": attrs.evolve(cross, optimizer=fn.SGD(rate)) for rate in rates},
        **{f"hidden layers of {size}": attrs.evolve(short, model=network(size)) for size in (4, 6, 8, 16)},
        "no activation": flat,
        "no activation, learning rate 0.1": attrs.evolve(flat, optimizer=fn.SGD(0.1)),
        "cross entropy": attrs.evolve(short, loss=entropy),
        "ReLU between the layers": attrs.evolve(short, model=relu),
        "ReLU, learning rate 0.1": attrs.evolve(short, model=relu, optimizer=fn.SGD(0.1)),
        "ReLU and cross entropy": attrs.evolve(short, model=relu, loss=entropy),
    }


class Pool(ProcessPoolExecutor):
    """Two processes, and a bar that moves whenever a run ends."""

    def __init__(self, bar):
        super().__init__(2)
        self.bar = bar

    def submit(self, *arguments, **options):
        """Submit a call; the bar moves when it ends."""
        future = super().submit(*arguments, **options)
        future.add_done_callback(lambda _: self.bar.update())
        return future


def edge(flat, dataset, halvings):
    """Two learning rates that bisection finds, and the runs with them.

    With the lower rate the loss stays finite for 1,000 epochs, with the upper it does not. After 28 halvings the rates
    are as close as float32 can tell apart.
    """
    below, above = 0.0, 10.0
    brief = attrs.evolve(flat, epochs=1000, early_stopping=None, evaluate_every=1)
    around = {}
    for _ in tqdm(range(halvings), desc="edge", disable=None):
        middle = (below + above) / 2
        ((_, run),) = fn.sweep([attrs.evolve(brief, optimizer=fn.SGD(middle))], dataset)
        below, above = (middle, above) if run.error is None else (below, middle)
        around[run.error is None] = run
    return below, above, list(around.values())


def answer(question, run, theirs="-", is_bar=False):
    """The result of a run, in words."""
    if run.error is not None:
        said = f"diverges: {run.error.value} in epoch {run.error.epoch}"
        return Result(question, "0 %, overflow warnings", said, "= 1" if is_bar else "", not is_bar)
    accuracy, epoch = run.history[ACCURACY][-1], run.history["epoch"][-1]
    said = f"{accuracy:.2f} after {epoch:,} epochs"
    return Result(question, theirs, said, "= 1" if is_bar else "", accuracy == 1 or not is_bar)


def on_log_axis(figure, axis="x"):
    """The figure with a logarithmic axis, which shows numbers of very different sizes."""
    figure.axes[0].set(**{f"{axis}scale": "log"})
    return figure


def beside_truth(model, params, dataset):
    """The points with their true classes, and with the predicted ones over the outputs on the whole square."""
    figure = Figure(figsize=(9, 4), layout="constrained")
    grid = np.linspace(-0.1, 1.1, 100, dtype=np.float32)
    outputs = model.apply(params, np.stack(np.meshgrid(grid, grid), axis=-1))[..., 0]
    predicted = model.apply(params, dataset.x) > 0.5
    truth, prediction = figure.subplots(1, 2)
    prediction.contourf(grid, grid, outputs, levels=20, cmap="RdBu_r", vmin=0, vmax=1, alpha=0.6)
    for axes, title, labels in ((truth, "truth", dataset.y), (prediction, "prediction", predicted)):
        axes.scatter(*dataset.x.T, c=labels[:, 0], cmap="RdBu_r", edgecolors="black", vmin=0, vmax=1)
        axes.set(title=title, xlabel="x0", ylabel="x1", aspect="equal", xlim=(-0.1, 1.1), ylim=(-0.1, 1.1))
    return figure


if __name__ == "__main__":
    exit_with(main)
