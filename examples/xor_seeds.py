"""What `xor_lab.py` asks of many seeds and of one learning rate: how often a network learns XOR, and at which rates.

Each network has two hidden layers of four units and a sigmoid at the end, weights by He's rule and biases of 0.
"""

import attrs
import numpy as np
from matplotlib.figure import Figure
from program import Result, at_least

import funcnet as fn

SUMMED = fn.BinaryCrossEntropy(reduction="sum")
STEP = 50  # epochs from one look at the points to the next
EDGE_EPOCHS = 1_000
EDGE_RATES = 0.01, 0.1  # with the first the network of the edge learns all points, with the second it does not
HE = fn.initializers.he_normal


@attrs.frozen
class Setting:
    """An activation, a loss, a learning rate that suits both, and the most epochs."""

    activation: type
    loss: object
    rate: float
    epochs: int

    @property
    def model(self):
        """The network."""
        return network(4, self.activation, weight_init=HE)


SETTINGS = {
    "sigmoid, squared error": Setting(fn.Sigmoid, fn.MeanSquaredError(), 2.0, 5_000),
    "ReLU, squared error": Setting(fn.ReLU, fn.MeanSquaredError(), 0.5, 2_500),
    "sigmoid, cross entropy": Setting(fn.Sigmoid, SUMMED, 0.05, 5_000),
    "ReLU, cross entropy": Setting(fn.ReLU, SUMMED, 0.01, 2_500),
}


def network(size, activation=fn.Sigmoid, output=fn.Sigmoid, **options):
    """A network with two hidden layers of `size` units, an activation after each, and one output."""
    hidden = [layer for _ in range(2) for layer in (fn.Linear(size, **options), activation())]
    return fn.sequential(*hidden, fn.Linear(1, **options), output())


@attrs.frozen
class Outcome:
    """The params of a seed, the epoch after which all points are right or None, and the dead units of each layer."""

    params: object
    epoch: int | None
    dead: tuple[int, int]


def outcome(setting, seed, dataset):
    """Train the network of one seed until every point is right."""
    model = setting.model
    params = model.init(fn.Key(seed).fold_in("init"), (2,))
    for epoch in range(1, setting.epochs + 1):
        _, grads = fn.value_and_grad(model, setting.loss, params, dataset.x, dataset.y)
        params = fn.sgd_step(params, grads, setting.rate)
        if epoch % STEP == 0 and all_right(model, params, dataset):
            return Outcome(params, epoch, dead_units(model, params, dataset.x))
    return Outcome(params, None, dead_units(model, params, dataset.x))


def all_right(model, params, dataset):
    """Whether the network puts every point into its class."""
    return np.array_equal(model.apply(params, dataset.x) > 0.5, dataset.y > 0.5)


def dead_units(model, params, x):
    """How many units of each hidden layer are 0 at every point, so that they get no gradient."""
    layers = [fn.sequential(*model.layers[:depth]).apply(params[:depth], x) for depth in (2, 4)]
    return tuple(int((layer == 0).all(axis=0).sum()) for layer in layers)


# --- The edge ---


@attrs.frozen
class ClippedCrossEntropy:
    """The document's loss: binary cross entropy, summed, of probabilities kept away from 0 and 1 by 1e-7.

    The gradient is that of the formula at the clipped probability, also where it is clipped.
    """

    def forward(self, y, target):
        p = np.clip(y, 1e-7, 1 - 1e-7)
        return -np.sum(target * np.log(p) + (1 - target) * np.log(1 - p)), (p, target)

    def backward(self, cache):
        p, target = cache
        return (p - target) / (p * (1 - p))


@attrs.frozen
class Edge:
    """A seed and two learning rates: with the first its network learns all points, with the second it does not."""

    seed: int
    learns: float
    fails: float


def edge(dataset, seed, halvings):
    """The edge of the first seed that has one, found by bisection.

    Numbers are float64, NumPy's default. After some 53 halvings the rates are neighbouring floats.
    """
    learns, fails = EDGE_RATES
    while not curve(seed, dataset, learns)[1] or curve(seed, dataset, fails)[1]:
        seed += 1
    for _ in range(halvings):
        middle = (learns + fails) / 2
        if middle in (learns, fails):
            break
        learns, fails = (middle, fails) if curve(seed, dataset, middle)[1] else (learns, middle)
    return Edge(seed, learns, fails)


def curve(seed, dataset, rate, epochs=EDGE_EPOCHS, to_the_end=False):
    """The losses of the epochs at a learning rate, whether all points are right at some time, and the dead units."""
    model, loss, losses, is_right = Setting(fn.ReLU, None, rate, 0).model, ClippedCrossEntropy(), [], False
    params = model.init(fn.Key(seed).fold_in("init"), (2,), np.float64)
    x, y = dataset.x.astype(np.float64), dataset.y.astype(np.float64)
    with np.errstate(over="ignore", invalid="ignore"):  # a rate may be too high
        for epoch in range(1, epochs + 1):
            value, grads = fn.value_and_grad(model, loss, params, x, y)
            params = fn.sgd_step(params, grads, rate)
            losses.append(float(value))
            is_right = is_right or (epoch % STEP == 0 and all_right(model, params, fn.data.Dataset(x, y)))
            if is_right and not to_the_end:
                break
    return losses, is_right, dead_units(model, params, x)


# --- The results ---


def success_results(outcomes):
    """How many seeds of each setting learn all points, and after how many epochs; and what keeps the others."""
    medians = {}
    for name, found in outcomes.items():
        epochs = [each.epoch for each in found if each.epoch]
        medians[name] = np.median(epochs) if epochs else np.inf
        said = f"{len(epochs)} of {len(found)} seeds, median {medians[name]:,.0f} epochs"
        theirs = "converges" if name.startswith("ReLU") else "-"
        yield Result(f"{name}, rate {SETTINGS[name].rate:g}", theirs, said)
    for loss in ("squared error", "cross entropy"):
        ratio = medians[f"sigmoid, {loss}"] / medians[f"ReLU, {loss}"]
        yield at_least(f"  epochs of the sigmoid over ReLU's, {loss}", "ReLU is faster", ratio, 1)
    relu = [each for name, found in outcomes.items() if name.startswith("ReLU") for each in found]
    for reached, label in ((True, "that learn all points"), (False, "that are stuck")):
        worst = [max(each.dead) for each in relu if bool(each.epoch) == reached]
        said = ", ".join(f"{n}: {worst.count(n)}" for n in range(5))
        yield Result(f"  ReLU's {len(worst)} runs {label}, by dead units in a layer", "-", said)


def edge_results(edge, dataset):
    """The two learning rates beside the document's, whose initial weights are not known; and a run with its rate."""
    _, _, dead = curve(edge.seed, dataset, edge.fails)
    losses, is_right, _ = curve(edge.seed, dataset, 0.001490625, epochs=3_000)
    said = f"all right after {len(losses):,} epochs" if is_right else f"not in {len(losses):,} epochs"
    yield Result(f"ReLU and cross entropy, seed {edge.seed}, learn all points at", "0.001490625", f"{edge.learns!r}")
    yield Result("  and do not at", "0.001490626", f"{edge.fails!r}")
    yield Result("    where of 4 and 4 units so many are dead in the end", "-", "{} and {}".format(*dead))
    yield Result("  at the document's rate (its weights are not known)", "on the edge", said)


# --- The pictures ---


def success_picture(outcomes):
    """For each setting the share of the seeds that learn all points, and after how many epochs each does."""
    figure = Figure(figsize=(10, 4), layout="constrained")
    share, epochs = figure.subplots(1, 2, sharey=True)
    for row, (name, found) in enumerate(outcomes.items()):
        reached = [each.epoch for each in found if each.epoch]
        color = "C1" if name.startswith("ReLU") else "C0"
        share.barh(row, len(reached) / len(found), color=color)
        share.text(0.02, row, f"{len(reached)} of {len(found)}", va="center", color="white", weight="bold")
        epochs.scatter(reached, np.full(len(reached), row), color=color, alpha=0.4)
        if reached:
            epochs.scatter(np.median(reached), row, marker="|", s=400, color="black")
    share.set(title="seeds that learn all 21 points", xlabel="share of the seeds", xlim=(0, 1))
    share.set_yticks(range(len(outcomes)), [f"{name}\nrate {SETTINGS[name].rate:g}" for name in outcomes])
    share.invert_yaxis()
    epochs.set(title="when they do (line: median)", xlabel="epochs", xscale="log")
    return figure


def dead_picture(outcomes):
    """How many units are dead in the layer with more dead units, where ReLU learns all points and where it does not."""
    figure = Figure(figsize=(6, 4), layout="constrained")
    axes, numbers = figure.subplots(), np.arange(5)
    every = [each for name, found in outcomes.items() if name.startswith("ReLU") for each in found]
    for shift, reached, label in ((-0.2, True, "all 21 points learned"), (0.2, False, "stuck")):
        worst = [max(each.dead) for each in every if bool(each.epoch) == reached]
        axes.bar(numbers + shift, np.bincount(worst, minlength=5), 0.4, label=label)
    axes.set(title="dead units in the worse hidden layer, ReLU", xlabel="dead units of 4", ylabel="runs")
    axes.legend()
    return figure


def edge_picture(edge, dataset):
    """The losses with the two learning rates of the edge."""
    figure = Figure(figsize=(7, 4.5), layout="constrained")
    axes = figure.subplots()
    for rate, style in ((edge.learns, "-"), (edge.fails, "--")):
        losses, _, _ = curve(edge.seed, dataset, rate, to_the_end=True)
        axes.plot(np.arange(1, len(losses) + 1), losses, style, linewidth=1, label=f"learning rate {rate!r}")
    axes.set(title="loss on both sides of the edge", xlabel="epoch", ylabel="cross entropy, summed", yscale="log")
    axes.legend()
    return figure
