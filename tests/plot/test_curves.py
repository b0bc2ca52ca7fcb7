"""`curves` draws whatever holds a history: runs by name, sweeps, data frames; and says what it cannot draw."""

import attrs
import numpy as np
import pytest

import funcnet as fn
from tests.experiments.sweep_cases import EXPERIMENT, TEST, TRAIN
from tests.plot.test_runs import FAILED, HOPELESS, RUN, column, panels, words

pytest.importorskip("matplotlib")
from matplotlib.backends.backend_agg import FigureCanvasAgg

from funcnet import plot
from funcnet.plot import curves, images

pytestmark = pytest.mark.slow  # figures are drawn

OTHER = fn.run(attrs.evolve(EXPERIMENT, seed=1, epochs=2), TRAIN, TEST)


def title(figure):
    return figure.get_suptitle().replace("\n", " ")


def test_a_history_is_drawn_as_its_run():
    assert panels(curves(RUN.history)) == panels(curves(RUN)) == panels(curves(dict(RUN.history)))


@pytest.mark.parametrize("metric", ["loss", "test accuracy", "seconds", "step"])
def test_one_column_is_drawn_alone(metric):
    assert panels(curves(RUN, metric)) == {metric.rpartition(" ")[2]: {metric: column(RUN, metric)}}


def test_runs_of_different_lengths_may_have_names():
    expected = {"long": column(RUN, "test loss"), "short": column(OTHER, "test loss")}
    assert panels(curves({"long": RUN, "short": OTHER, "hopeless": HOPELESS})) == {"test loss": expected}


def test_a_sweep_is_drawn_as_its_runs():
    experiments = fn.grid(EXPERIMENT, **{"optimizer.learning_rate": [0.1, 0.05]})
    runs = [run for _, run in fn.sweep(experiments, TRAIN, TEST)]
    assert panels(curves(fn.sweep(experiments, TRAIN, TEST))) == panels(curves(runs)) == panels(curves(iter(runs)))
    assert words(curves(runs)) == [["learning_rate=0.1", "learning_rate=0.05"]]


def test_a_value_that_varies_is_told_where_it_is_the_default():
    experiments = fn.grid(attrs.evolve(EXPERIMENT, optimizer=fn.Adam()), **{"optimizer.learning_rate": [0.01, 0.001]})
    assert repr(experiments[1].optimizer) == "Adam()"
    assert fn.labels(experiments) == ["learning_rate=0.01", "learning_rate=0.001"]
    assert words(curves([attrs.evolve(RUN, experiment=each) for each in experiments])) == [fn.labels(experiments)]


def test_runs_of_one_experiment_have_numbers():
    assert words(curves([RUN, RUN])) == [["(run 1)", "(run 2)"]]
    assert words(curves([RUN, OTHER, RUN]))[0][1] == "epochs=2, seed=1"
    assert words(curves([RUN, OTHER, RUN]))[0][2] == "epochs=4, seed=0 (run 3)"


def test_a_data_frame_is_drawn_as_its_columns():
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame({name: RUN.history[name] for name in RUN.history})
    assert panels(curves(frame)) == panels(curves(frame.set_index("epoch"))) == panels(curves(RUN))
    assert list(panels(curves(frame[["loss"]]))) == ["loss"]


def test_gaps_in_a_series_are_gaps_in_its_line():
    _, gaps = panels(curves({"loss": [3.0, 2.0, 1.0], "test loss": [None, 2.0, np.nan]}))["loss"]["test loss"]
    assert np.isnan(gaps).tolist() == [True, False, True]


TITLES = [
    (RUN, "SoftmaxCrossEntropy, SGD(learning_rate=0.1, momentum=0.9), batch size 10, seed 0"),
    (RUN.history, "learning_rate, loss, accuracy by epoch"),
    ({"loss": [1.0]}, "loss by epoch"),
    ([RUN, OTHER], "test loss of 2 runs"),
    ([RUN], "test loss"),
]


@pytest.mark.parametrize(("given", "expected"), TITLES, ids=["run", "history", "dict", "runs", "one run"])
def test_every_figure_has_a_title(given, expected):
    assert title(curves(given)) == expected
    assert title(curves(given, title="of one's own")) == "of one's own"


def test_a_failed_run_says_where_it_failed():
    assert title(curves(FAILED)).endswith(f"; failed at {FAILED.error.place}")
    assert title(curves(attrs.evolve(RUN, error=ValueError("for a reason")))).endswith(
        "; failed with ValueError('for a reason')"
    )


@pytest.mark.parametrize(
    ("given", "error", "message"),
    [
        ("runs/digits", TypeError, "runs must be a Run, several Runs, or a history such as run.history .*, got a str$"),
        (EXPERIMENT, TypeError, "got a Experiment$"),
        (None, TypeError, "got a NoneType$"),
        ([RUN, 3.0], TypeError, "got a float among them$"),
        ({"a": RUN, "b": [1.0]}, TypeError, "got a list among them$"),
        ([{"loss": 1.0}], TypeError, "got a dict among them$"),
        ({"loss": ["low"]}, TypeError, "the series 'loss' must have numbers: could not convert string"),
        ({"loss": 3.0}, TypeError, r"the series 'loss' must have one number for each epoch, got shape \(\)"),
        ({"loss": np.ones((2, 2))}, TypeError, r"one number for each epoch, got shape \(2, 2\)"),
        ({"loss": [np.nan]}, ValueError, "history must have numbers, got only NaN or None in loss"),
        ({"epoch": [1], "loss": [1.0, 2.0]}, ValueError, "got {'loss': 2, 'epoch': 1}"),
        ({"epoch": [1], "step": [1]}, ValueError, "got no series"),
        ({}, ValueError, "got no series"),
    ],
)
def test_what_is_not_a_history_is_told_in_a_line(given, error, message):
    with pytest.raises(error, match=message):
        curves(given)


def test_a_column_that_is_not_there_is_told_with_those_that_are():
    with pytest.raises(KeyError, match="the history has no column 'f1'; its columns are loss, accuracy"):
        curves({"loss": [1.0], "accuracy": [1.0]}, "f1")


def test_the_names_of_before_are_names_for_it():
    assert plot.learning_curve is plot.learning_curves is plot.history is curves


@pytest.mark.parametrize("titles", [None, ["a"] * 7])
@pytest.mark.parametrize("symmetric", [False, True])
def test_a_title_and_a_colour_bar_stand_beside_the_images(titles, symmetric):
    x = np.random.default_rng(0).standard_normal((7, 4, 4))
    figure = images(x, titles, columns=3, symmetric=symmetric, title="all weights of the first of the layers, in order")
    FigureCanvasAgg(figure).draw()
    (heading,) = figure.texts
    boxes = [axes.get_tightbbox() for axes in figure.axes if axes.axison or axes.images]
    pictures, bars = boxes[:7], boxes[7:]
    assert len(bars) == symmetric
    for box in (heading.get_window_extent(), *bars):
        assert not any(box.overlaps(picture) for picture in pictures)
        assert figure.bbox.x0 <= box.x0 < box.x1 <= figure.bbox.x1
        assert figure.bbox.y0 <= box.y0 < box.y1 <= figure.bbox.y1 + 1
