"""A lab on two hidden layers: what they learn, at which learning rates and sizes, and with which activation.

    python examples/xor_lab.py [--seed 0] [--out xor-lab-out] [--quick]

A network of 2-4-4-1 sigmoid units with squared error learns on which side of a line each of 100 points is, and the 21
points of XOR on the diagonals of a square. Training stops when every point is right, which is checked every 100 epochs.
The lesson: XOR needs a nonlinear hidden layer. Without one the network is a single affine map, and no line separates
the diagonals. ReLU is not suitable as an output function, since it is never negative and has no gradient below 0: the
runs with ReLU between the layers keep the sigmoid at the end. ReLU learns faster than the sigmoid, if it learns at all:
its units can die, which means that they are 0 at every point and get no gradient. The runs that get stuck have more
dead units than those that learn; where all four of a layer are dead, every point has the same output. So 50 seeds
tell more than one. At last, bisection finds two neighbouring floats: with the one as the learning rate the network
learns all points, with the other it does not.
"""

import signal
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import active_children
from time import perf_counter, sleep

import attrs
import numpy as np
import xor_seeds
from matplotlib.figure import Figure
from program import Result, at_most, example_parser, exit_with, print_results, save_figures
from tqdm import tqdm
from xor_seeds import SETTINGS, network

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

    seeds = range(options.seed, options.seed + (8 if options.quick else 50))
    with tqdm(total=2 + len(questions) + len(SETTINGS) * len(seeds), disable=None) as bar, Pool(bar) as pool:
        line_run = pool.submit(run_of, line, points)
        slowest_first = sorted(set(questions.values()), key=lambda each: each.optimizer.learning_rate)
        runs = {each: pool.submit(run_of, each, xor) for each in slowest_first}
        border = pool.submit(xor_seeds.edge, xor, options.seed, 6 if options.quick else 64)
        outcomes = outcomes_of(pool, seeds, xor)
        print(f"a line, XOR and {len(questions)} questions; {len(SETTINGS)} settings with {len(seeds)} seeds; the edge")
        runs = {each: made.result() for each, made in runs.items()}
        outcomes = {name: [each.result() for each in futures] for name, futures in outcomes.items()}
        edge, line_run = border.result(), line_run.result()

    def of(start):
        return [runs[each] for question, each in questions.items() if question.startswith(start)]

    name, best = fastest_relu(outcomes)
    save_figures(
        options.out,
        {
            "line": beside_truth(line.model, line_run.params, points),
            "xor": beside_truth(cross.model, runs[cross].params, xor),
            "relu": beside_truth(SETTINGS[name].model, best.params, xor),
            "learning-rates": on_log_axis(fn.plot.curves(of("learning rate"))),
            "hidden-sizes": on_log_axis(fn.plot.curves(of("hidden"))),
            "activations-and-losses": on_log_axis(fn.plot.curves([*of("no"), *of("cross")], ACCURACY)),
            "success": xor_seeds.success_picture(outcomes),
            "dead-units": xor_seeds.dead_picture(outcomes),
            "edge": xor_seeds.edge_picture(edge, xor),
        },
    )
    return print_results(
        [
            answer("a line, 100 points", line_run, "1.0", is_bar=True),
            answer("XOR, 21 points", runs[cross], "1.0", is_bar=True),
            *(answer(question, runs[each]) for question, each in questions.items()),
            *xor_seeds.success_results(outcomes),
            *xor_seeds.edge_results(edge, xor),
            at_most("seconds in all", "-", perf_counter() - began, 180),
        ]
    )


def outcomes_of(pool, seeds, dataset):
    """For each setting the outcomes of the seeds, which the pool computes."""
    return {
        name: [pool.submit(xor_seeds.outcome, setting, seed, dataset) for seed in seeds]
        for name, setting in SETTINGS.items()
    }


def fastest_relu(outcomes):
    """The setting and the outcome of the ReLU network that was the first to learn all points."""
    relu = [(name, each) for name, found in outcomes.items() if "ReLU" in name for each in found if each.epoch]
    return min(relu, key=lambda pair: pair[1].epoch)


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
    return {
        **{f"learning rate {rate}": attrs.evolve(cross, optimizer=fn.SGD(rate)) for rate in rates},
        **{f"hidden layers of {size}": attrs.evolve(short, model=network(size)) for size in (4, 6, 8, 16)},
        "no activation": flat,
        "no activation, learning rate 0.1": attrs.evolve(flat, optimizer=fn.SGD(0.1)),
        "cross entropy": attrs.evolve(short, loss=fn.BinaryCrossEntropy()),
    }


def run_of(experiment, dataset):
    """The run of an experiment, also of one that diverges; a worker calls it."""
    ((_, run),) = fn.sweep([experiment], dataset)
    return run


class Pool(ProcessPoolExecutor):
    """Two processes, and a bar that moves whenever a run ends. After an error or Ctrl-C they do not go on."""

    def __init__(self, bar):
        super().__init__(2, initializer=signal.signal, initargs=(signal.SIGINT, signal.SIG_IGN))
        self.bar = bar

    def __exit__(self, kind, error, traceback):
        """Wait for the processes or, where there is an error, end them."""
        if kind:
            own_thread = self._executor_manager_thread  # which `shutdown` forgets, so that nobody would wait for it
            self.shutdown(wait=False, cancel_futures=True)
            sleep(0.2)  # the pool's own thread forgets what has not begun, or else it fails when the processes end
            for worker in active_children():
                worker.terminate()
            if own_thread is not None:
                own_thread.join()
        return super().__exit__(kind, error, traceback)

    def submit(self, *arguments, **options):
        """Submit a call; the bar moves when it ends."""
        future = super().submit(*arguments, **options)
        future.add_done_callback(lambda _: self.bar.update())
        return future


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
