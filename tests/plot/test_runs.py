"""The figures of runs: a panel for each metric, a line for each run, as far as it went."""

import io

import attrs
import pytest

import funcnet as fn
from tests.experiments.sweep_cases import ADAM, DIVERGING, EXPERIMENT, MODEL, MOMENTUM, TEST, TRAIN, Stumbling, of

pytest.importorskip("matplotlib")
from funcnet.plot import curves

pytestmark = pytest.mark.slow  # figures are drawn

RUN = fn.run(EXPERIMENT, TRAIN, TEST)
UNTRAINED = fn.run(attrs.evolve(EXPERIMENT, epochs=0), TRAIN, TEST)
(FAILED,) = (run for _, run in fn.sweep([DIVERGING], TRAIN, TEST))
(HOPELESS,) = (run for _, run in fn.sweep([of(Stumbling("unpicklable"))], TRAIN, TEST))


def panels(figure):
    """What is to be seen: of each panel the label, and of each of its lines the label and the points."""
    assert figure_bytes(figure).startswith(b"\x89PNG")
    return {
        panel.get_ylabel(): {line.get_label(): (list(line.get_xdata()), list(line.get_ydata())) for line in panel.lines}
        for panel in figure.axes
    }


def figure_bytes(figure):
    file = io.BytesIO()
    figure.savefig(file, dpi=30)
    return file.getvalue()


def legends(figure):
    """The legends in the panels or beside them."""
    return [each for each in [*(panel.get_legend() for panel in figure.axes), *figure.legends] if each]


def words(figure):
    return [[text.get_text() for text in legend.get_texts()] for legend in legends(figure)]


def column(run, name):
    return list(run.history["epoch"]), list(run.history[name])


def test_the_history_has_a_panel_for_each_metric_with_the_test_data_in_it():
    assert panels(curves(RUN)) == {
        "learning_rate": {"learning_rate": column(RUN, "learning_rate")},
        "loss": {name: column(RUN, name) for name in ("loss", "test loss")},
        "accuracy": {name: column(RUN, name) for name in ("accuracy", "test accuracy")},
    }
    assert words(curves(RUN)) == [["loss", "test loss"], ["accuracy", "test accuracy"]]


def test_the_history_of_rare_evaluations_stands_at_their_epochs():
    run = fn.run(attrs.evolve(EXPERIMENT, epochs=5, evaluate_every=2), TRAIN)
    assert panels(curves(run))["loss"]["loss"][0] == [2, 4, 5]


def test_a_history_without_learning_rates_has_no_panel_of_them():
    row = {"epoch": 1, "step": 5, "learning_rate": None, "loss": 1.0, "params": "", "leaves": (), "seconds": 0.1}
    run = attrs.evolve(RUN, history=RUN.history.of([row]))
    assert panels(curves(run)) == {"loss": {"loss": ([1], [1.0])}}


def test_metrics_of_ones_own_have_panels():
    run = attrs.evolve(RUN, history=RUN.history.of([{"epoch": 1, "my metric": 3.0, "seconds": 0.1}]))
    assert panels(curves(run)) == {"metric": {"my metric": ([1], [3.0])}}


def test_a_failed_run_has_the_history_until_then():
    assert FAILED.error is not None
    assert panels(curves(FAILED))["loss"]["test loss"] == column(FAILED, "test loss")
    assert column(FAILED, "loss")[0] == [1, 2]


def test_curves_have_a_line_for_each_run_with_what_tells_it_apart():
    runs = [run for _, run in fn.sweep(fn.grid(EXPERIMENT, optimizer=[MOMENTUM, ADAM], seed=range(2)), TRAIN, TEST)]
    figure = curves(runs)
    names = [f"optimizer={optimizer!r}, seed={seed}" for optimizer in (MOMENTUM, ADAM) for seed in range(2)]
    assert panels(figure) == {
        "test loss": {name: column(run, "test loss") for name, run in zip(names, runs, strict=True)}
    }
    assert words(figure) == [names]


@pytest.mark.parametrize("metric", ["loss", "accuracy", "test accuracy", "learning_rate"])
def test_curves_of_a_different_metric(metric):
    other = fn.run(attrs.evolve(EXPERIMENT, seed=1), TRAIN, TEST)
    assert panels(curves([RUN, other], metric)) == {
        metric: {"seed=0": column(RUN, metric), "seed=1": column(other, metric)}
    }


def test_without_test_data_for_all_the_loss_is_drawn():
    runs = [RUN, fn.run(attrs.evolve(EXPERIMENT, seed=1), TRAIN)]
    assert list(panels(curves(runs))) == ["loss"]


def test_failed_runs_are_drawn_as_far_as_they_went():
    found = panels(curves(iter([RUN, FAILED, HOPELESS, UNTRAINED])))["test loss"]
    assert sorted(len(epochs) for epochs, _ in found.values()) == [2, 4]
    assert list(found.values()) == [column(RUN, "test loss"), column(FAILED, "test loss")]


def test_one_run_needs_no_legend():
    assert words(curves([RUN])) == []


def test_equal_runs_are_drawn_each():
    assert len(curves([RUN, RUN]).axes[0].lines) == 2


@pytest.mark.parametrize("runs", [[], [HOPELESS], [UNTRAINED, HOPELESS]], ids=["none", "hopeless", "untrained"])
def test_no_runs_with_a_history_make_no_figure(runs):
    with pytest.raises(ValueError, match="runs must include one with a history, got none"):
        curves(runs)


@pytest.mark.parametrize(
    ("run", "why"),
    [(HOPELESS, "it failed with UnpicklableError: <function"), (UNTRAINED, "it has 0 epochs$")],
    ids=["hopeless", "untrained"],
)
def test_a_run_without_a_history_has_no_figure(run, why):
    with pytest.raises(ValueError, match=f"^the run has no history: {why}"):
        curves(run)


def test_a_metric_that_a_run_has_not_is_an_error_that_lists_those_it_has():
    with pytest.raises(
        KeyError, match="has no column 'f1'; its columns are epoch, step, learning_rate, loss, accuracy"
    ):
        curves([RUN], "f1")


@pytest.mark.parametrize("n", [2, 13])
def test_long_labels_leave_room_for_the_curves(n):
    models = [fn.sequential(*MODEL.layers[:2], *(n % 3) * MODEL.layers[2:3], fn.Linear(2)) for n in range(2)]
    experiments = fn.grid(EXPERIMENT, model=models, seed=range(n // 2))
    runs = [attrs.evolve(RUN, experiment=experiment) for experiment in experiments]
    figure = curves(runs)
    assert figure_bytes(figure).startswith(b"\x89PNG")  # and without a warning, which would be an error here
    (panel,), (legend,) = figure.axes, legends(figure)
    inside = legend.get_window_extent()
    assert figure.bbox.x0 <= inside.x0 < inside.x1 <= figure.bbox.x1
    assert figure.bbox.y0 <= inside.y0 < inside.y1 <= figure.bbox.y1
    assert min(panel.bbox.width, panel.bbox.height) > 2 * figure.dpi  # inches
    assert inside.width * inside.height < 0.5 * panel.bbox.width * panel.bbox.height or not inside.overlaps(panel.bbox)


def test_several_runs_are_compared_on_their_validation_data():
    runs = [fn.run(attrs.evolve(EXPERIMENT, seed=seed), TRAIN, TEST, test=TRAIN) for seed in range(2)]
    assert curves(runs).axes[0].get_ylabel() == "validation loss"
