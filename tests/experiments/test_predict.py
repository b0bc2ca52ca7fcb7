"""A run predicts, and says of which epoch its params are."""

import attrs
import numpy as np
import pytest

import funcnet as fn
from funcnet.experiments import prediction
from tests.experiments.cases import MOMENTUM, TEST, TRAIN, run

RUN = run(MOMENTUM)
BINARY = fn.data.Dataset(TRAIN.x, (TRAIN.y == 1)[:, None].astype(np.float32))


def binary(loss, *layers):
    model = fn.sequential(fn.Linear(1), *layers)
    return fn.run(attrs.evolve(MOMENTUM, model=model, loss=loss, metrics=()), BINARY)


@pytest.mark.parametrize("rows", [1, 7, 4096])
def test_labels_and_probabilities_are_those_of_the_outputs(rows, monkeypatch):
    y = MOMENTUM.model.apply(RUN.params, TEST.x)
    monkeypatch.setattr(prediction, "_ROWS", rows)
    assert np.array_equal(RUN.predict(TEST.x), y.argmax(axis=1))
    assert np.allclose(RUN.predict_proba(TEST.x), np.exp(y) / np.exp(y).sum(axis=1, keepdims=True))
    assert fn.metrics.accuracy(TEST.y, RUN.predict_proba(TEST.x)) == RUN.history["test accuracy"][-1]


def test_probabilities_of_two_classes():
    logits, probabilities = binary(fn.SigmoidBinaryCrossEntropy()), binary(fn.BinaryCrossEntropy(), fn.Sigmoid())
    for made in (logits, probabilities):
        p = made.predict_proba(BINARY.x)
        assert p.shape == made.predict(BINARY.x).shape == (40, 1)
        assert np.array_equal(made.predict(BINARY.x), p > 0.5)
        assert 0 < p.min() < 0.5 < p.max() < 1
    assert np.allclose(logits.predict_proba(BINARY.x), probabilities.predict_proba(BINARY.x))


def test_a_regression_has_outputs_and_no_probabilities():
    made = binary(fn.MeanSquaredError())
    assert np.array_equal(made.predict(BINARY.x), made.experiment.model.apply(made.params, BINARY.x))
    with pytest.raises(TypeError, match=r"MeanSquaredError\(\) does not say how outputs become probabilities"):
        made.predict_proba(BINARY.x)


def test_lists_are_examples():
    assert np.array_equal(RUN.predict(TEST.x.tolist()), RUN.predict(TEST.x))


def test_examples_of_a_different_shape_are_refused():
    with pytest.raises(fn.ShapeError, match=r"expected x of shape"):
        RUN.predict(TEST.x[:, :5])


# --- Of which epoch ---


@pytest.mark.parametrize("keep", ["last", "best"])
def test_early_stopping_says_which_params_it_gives_back(keep):
    stopping = fn.EarlyStopping("test loss", "min", patience=2, keep=keep)
    experiment = attrs.evolve(MOMENTUM, epochs=60, optimizer=fn.SGD(0.4, momentum=0.9), early_stopping=stopping)
    made = run(experiment)
    best = made.history["test loss"].index(min(made.history["test loss"])) + 1
    last = made.history["epoch"][-1]
    assert last == best + 2 < 60
    of = best if keep == "best" else last
    assert made.params == run(attrs.evolve(experiment, epochs=of)).state.params
    told = f"epoch {best}, the best by test loss" if keep == "best" else "the last epoch"
    assert f"{last} of 60 epochs; params of {told}" in str(made)


def test_keep_best_comes_before_early_stopping():
    stopping = fn.EarlyStopping("loss", "max", patience=60, keep="best")
    made = run(attrs.evolve(MOMENTUM, early_stopping=stopping, keep_best=fn.KeepBest("loss", "min")))
    assert "the best by loss" in str(made)
    assert made.params == made.state.params


def test_the_last_params_are_the_default_and_not_in_the_json():
    assert fn.EarlyStopping("loss", "min", 2) == fn.EarlyStopping("loss", "min", 2, keep="last")
    assert '"keep"' not in attrs.evolve(MOMENTUM, early_stopping=fn.EarlyStopping("loss", "min", 2)).to_json()


def test_a_receipt_prints_on_one_screen(tmp_path):
    text = str(run(attrs.evolve(MOMENTUM, metrics=()), tmp_path).receipt)
    assert len(text.splitlines()) <= 24
    assert all(len(line) <= 100 for line in text.splitlines() if "processor" not in line and "SIMD" not in line)
    assert text.splitlines()[0].split() == ["receipt", run(attrs.evolve(MOMENTUM, metrics=())).receipt.digest]


# --- Names of features and classes ---


@pytest.fixture(scope="module")
def frame():
    pandas = pytest.importorskip("pandas")
    return pandas.DataFrame(TRAIN.x, columns=list("abcdef")), pandas.Series(np.array(["red", "green", "blue"])[TRAIN.y])


@pytest.fixture(params=[False, True], ids=["run", "read"])
def named(request, frame, tmp_path):
    made = fn.run(MOMENTUM, fn.data.Dataset(*frame), directory=tmp_path)
    return fn.read(tmp_path) if request.param else made


def test_predictions_have_the_names_of_the_classes(named, frame):
    x, _ = frame
    found = named.predict(x)
    assert set(found) == {"red", "green", "blue"}
    assert np.array_equal(found, np.array(["blue", "green", "red"])[named.predict_proba(x).argmax(axis=1)])


def test_columns_are_taken_by_their_names(named, frame):
    x, _ = frame
    assert np.array_equal(named.predict(x[list("fedcba")]), named.predict(x))
    with pytest.raises(fn.ShapeError, match="x has no column 'f' and has column 'g', unknown in training"):
        named.predict(x.rename(columns={"f": "g"}))


def test_names_are_not_part_of_the_digest_and_test_data_have_the_same(named, frame):
    x, y = frame
    assert named.receipt == fn.run(MOMENTUM, fn.data.Dataset(TRAIN.x, fn.data.Dataset(*frame).y)).receipt
    with pytest.raises(ValueError, match="test"):
        fn.run(MOMENTUM, fn.data.Dataset(*frame), fn.data.Dataset(x[list("fedcba")], y))


def test_data_that_are_not_finite_are_refused_unless_it_is_asked_for(tmp_path):
    x = np.array(TRAIN.x)
    x[3, 2] = np.nan
    broken = fn.data.Dataset(x, TRAIN.y)
    for data, name in (((broken,), "train"), ((TRAIN, broken), "test")):
        with pytest.raises(ValueError, match=rf"{name}\.x is nan in row 3, column 2"):
            fn.run(MOMENTUM, *data, directory=tmp_path)
    assert not list(tmp_path.iterdir())
    made = fn.run(MOMENTUM, TRAIN, broken, check_data=False)
    assert all(np.isnan(made.history["test loss"]))
    with pytest.raises(ValueError, match="no best epoch to keep"):
        fn.run(attrs.evolve(MOMENTUM, keep_best=fn.KeepBest("test loss", "min")), TRAIN, broken, check_data=False)
    with pytest.raises(fn.NonFiniteError):
        fn.run(MOMENTUM, broken, check_data=False)


def test_one_row_of_a_frame_is_refused_since_nobody_would_check_its_columns():
    pandas = pytest.importorskip("pandas")
    x = pandas.DataFrame(TRAIN.x, columns=list("abcdef"))
    made = fn.run(attrs.evolve(MOMENTUM, metrics=()), fn.data.Dataset(x, TRAIN.y))
    with pytest.raises(fn.ShapeError, match=r"give a frame of one row, such as frame\.iloc\[\[0\]\]"):
        made.predict(x.iloc[0])
    assert made.predict(x.iloc[[0]][list("fedcba")]) == made.predict(x)[:1]
