"""Time a training step of funcnet beside other ways to make it; a table, and JSON and a picture of it.

    python -m tests.benchmarks [--out benchmarks-out] [--rounds 15] [--quick]

It needs the extra: python -m pip install -e ".[bench]". Read tests/benchmarks/README.md first.
"""

import json
import platform

from matplotlib.figure import Figure

from examples.program import example_parser, exit_with, integer_from
from funcnet.experiments.environment import blas_threads, facts
from funcnet.values.table import aligned
from tests.benchmarks import beyond
from tests.benchmarks.measuring import medians
from tests.benchmarks.networks import NETWORKS
from tests.benchmarks.sides import SIDES

# funcnet's time over the other's, at most
BARS = {
    "2-4-4-2, 20": {"jax": 0.6, "torch": 0.35, "handwritten": 2.0},
    "784-50-10, 100": {"jax": 0.65, "torch": 0.65, "handwritten": 1.15},
    "784-32-10, 256": {"jax": 0.65, "torch": 0.65, "handwritten": 1.15},
    "400-25-10, 5000": {"jax": 0.9, "torch": 1.1, "handwritten": 1.05},
    "784-512-512-10, 128": {"jax": 1.15, "torch": 1.15, "handwritten": 1.0, "products": 1.3},
    "1024-1024-1024-1024, 256": {"jax": 1.15, "torch": 1.15, "handwritten": 1.0, "products": 1.25},
}


def main():
    """Measure, print, write."""
    parser = example_parser(__doc__, out="benchmarks-out")
    parser.add_argument("--rounds", type=integer_from(1), default=15, help="of all sides in turn (%(default)s)")
    options = parser.parse_options()
    rounds, networks = (1, NETWORKS[:2]) if options.quick else (options.rounds, NETWORKS)
    with blas_threads(2):
        measured = {network.name: times(network, rounds) for network in networks}
        more = {} if options.quick else more_figures(rounds)
    print(f"{platform.processor() or facts()['processor']}: microseconds, and funcnet's time over the other's (bar)")
    print(table(measured))
    for name, value in more.items():
        print(f"{name}: {value}")
    results = {"machine": facts(), "microseconds": measured, "more": more}
    (options.out / "benchmarks.json").write_text(json.dumps(results, indent=1) + "\n")
    picture(measured).savefig(options.out / "benchmarks.png")
    print(options.out.resolve())


def times(network, rounds):
    """The microseconds of a step of each side that is installed."""
    steps = {}
    for name, side in SIDES.items():
        try:
            steps[name], _ = side(network)
        except ImportError as error:
            print(f"{error}: left out")
    found = medians(list(steps.values()), rounds)
    return {name: 1e6 * time for name, time in zip(steps, found, strict=True)}


def table(measured):
    """A row for each network: times, then ratios beside their bars."""
    rows = [("network, batch", *SIDES)]
    for network, own in measured.items():
        cells = [f"{own['funcnet']:,.0f}"]
        for side in list(SIDES)[1:]:
            bar = BARS[network].get(side)
            ratio = own["funcnet"] / own[side] if side in own else None
            cells.append("" if ratio is None else f"{own[side]:,.0f}  {ratio:.2f}" + (f" ({bar})" if bar else ""))
        rows.append((network, *cells))
    return aligned(rows)


def more_figures(rounds):
    """The figures beside those of a step."""
    figures = {f"peak memory, {network.name}": round(beyond.peak_memory(network), 3) for network in NETWORKS[-3:]}
    figures["microseconds per layer, by depth"] = beyond.per_layer(rounds)
    figures["microseconds per leaf, by leaves"] = beyond.per_leaf(rounds)
    figures["step over MLPClassifier's, 784-50-10"] = round(beyond.against_scikit_learn(rounds), 3)
    figures["inference over PyTorch's, 10,000 rows"] = round(beyond.inference(rounds), 3)
    return figures


def picture(measured):
    """funcnet's time over each other's, a group of bars for each network."""
    figure = Figure(figsize=(9, 4), layout="constrained")
    axes = figure.subplots()
    sides = [side for side in SIDES if side != "funcnet"]
    for offset, side in enumerate(sides):
        ratios = [own["funcnet"] / own[side] if side in own else 0 for own in measured.values()]
        axes.bar([i + 0.15 * offset for i in range(len(measured))], ratios, width=0.15, label=side)
    axes.axhline(1, color="black", linewidth=0.5)
    axes.set_xticks(
        [i + 0.3 for i in range(len(measured))], [name.replace(", ", "\n") for name in measured], fontsize=7
    )
    axes.set(ylabel="funcnet's time over the other's")
    axes.legend()
    return figure


if __name__ == "__main__":
    exit_with(main)
