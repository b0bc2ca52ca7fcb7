"""Tied weights: one array in several places, with the sum of the gradients of its places."""

import pickle

import attrs
import numpy as np
import pytest
from numpy.testing import assert_allclose

import funcnet as fn
from funcnet import tree
from funcnet.values import from_json, to_json
from tests.layers.cases import normal
from tests.passes import dropout_keys, passes

KEY = fn.Key(0)
PLAIN = fn.sequential(fn.Linear(2), fn.Tanh(), fn.Linear(5))
AUTOENCODER = fn.tied(PLAIN, {"2.weight": "0.weight.T"})
# The output's weight is the table of words transposed, as Press and Wolf have it.
WORDS = fn.sequential(fn.Embedding(7, 3), fn.Linear(3), fn.Tanh(), fn.Linear(7))
LANGUAGE = fn.tied(WORDS, {"3.weight": "0.weight.T"})
SQUARES = fn.sequential(fn.Linear(3), fn.Tanh(), fn.Linear(3), fn.Tanh(), fn.Linear(3), fn.Linear(3))
THREE = fn.tied(SQUARES, {"2.weight": "0.weight", "4.weight": "0.weight.T", "5.weight": "0.weight", "5.bias": "2.bias"})
IDS = np.array([[3, 3, 0], [6, 1, 3]])
CASES = {
    "autoencoder": (AUTOENCODER, (5,), normal((4, 5))),
    "language model": (LANGUAGE, (3,), IDS),
    "three places": (THREE, (3,), normal((4, 3))),
}
every_case = pytest.mark.parametrize(("model", "shape", "x"), CASES.values(), ids=CASES)


def filled(params, ties):
    """The params of the model without ties: a copy of the array in each place."""
    leaves = tree.named_leaves(params)
    copies = {
        place: leaves[source.removesuffix(".T")].T if ".T" in source else leaves[source] for place, source in ties
    }
    return with_leaves(params, leaves | copies)


def with_leaves(params, leaves):
    nodes = []
    for index, node in enumerate(params):
        mine = {path.split(".")[1]: leaf for path, leaf in leaves.items() if path.startswith(f"{index}.")}
        nodes.append(attrs.evolve(node, **mine) if mine else node)
    return tuple(nodes)


# --- The passes ---


@every_case
def test_y_and_dx_are_those_of_the_model_with_copies(model, shape, x):
    params = model.init(KEY, shape, np.float64)
    dy = normal(model.apply(params, x).shape, 1)
    y, dx, _ = passes(model, params, x, dy)
    theirs = passes(model.model, filled(params, model.ties), x, dy)
    assert_allclose(y, theirs[0], rtol=1e-13, atol=1e-15)
    assert (dx is None and theirs[1] is None) or np.allclose(dx, theirs[1], rtol=1e-13, atol=1e-15)
    assert tree.equal(model.apply(params, x), y)


@every_case
def test_the_gradient_of_the_array_is_the_sum_of_those_of_its_places(model, shape, x):
    params = model.init(KEY, shape, np.float64)
    y, cache = model.forward(params, x)
    dy = normal(y.shape, 1)
    _, grads = model.backward(params, cache, dy)
    expected = dict(tree.named_leaves(passes(model.model, filled(params, model.ties), x, dy)[2]))
    for place, source in model.ties:
        path, gradient = source.removesuffix(".T"), expected.pop(place)
        expected[path] = expected[path] + (gradient.T if source.endswith(".T") else gradient)
    got = tree.named_leaves(grads)
    assert got.keys() == expected.keys() == tree.named_leaves(params).keys()
    for path, leaf in expected.items():
        assert_allclose(got[path], leaf, rtol=1e-12, atol=1e-14)
    assert tree.equal(model.params_backward(params, cache, dy), grads)


@every_case
def test_a_step_along_any_direction_changes_the_loss_as_the_gradient_says(model, shape, x):
    params = model.init(KEY, shape, np.float64)
    loss, target = fn.MeanSquaredError("sum"), normal(model.apply(params, x).shape, 2)
    vector, unravel = tree.ravel(params)
    grads = tree.ravel(fn.value_and_grad(model, loss, params, x, target)[1])[0]
    direction = normal(vector.size, 3)
    ahead, behind = (loss.forward(model.apply(unravel(vector + h * direction), x), target)[0] for h in (1e-6, -1e-6))
    assert_allclose((ahead - behind) / 2e-6, grads @ direction, rtol=1e-7)


def test_a_linear_autoencoder_by_hand():
    """y = x W W', so the gradient of <dy, y> is (x' dy + dy' x) W."""
    model = fn.tied(fn.sequential(fn.Linear(2, bias=False), fn.Linear(5, bias=False)), {"1.weight": "0.weight.T"})
    params = model.init(KEY, (5,), np.float64)
    weight, x, dy = params[0].weight, normal((4, 5)), normal((4, 5), 1)
    y, dx, grads = passes(model, params, x, dy)
    assert_allclose(y, x @ weight @ weight.T, rtol=1e-13)
    assert_allclose(dx, dy @ weight @ weight.T, rtol=1e-13)
    assert_allclose(grads[0].weight, (x.T @ dy + dy.T @ x) @ weight, rtol=1e-13)


def test_integers_become_floats_for_a_layer_of_ones_own():
    @attrs.frozen
    class Square(fn.Layer):
        def init(self, key, input_shape, dtype=np.float32):
            return np.ones(input_shape, dtype), np.ones(input_shape, dtype)

        def forward(self, params, x):
            return x**2 * params[0] + params[1], x

        def backward(self, params, cache, dy):
            return 2 * cache * dy * params[0], (dy * cache**2, dy + 0)

    model, x = fn.tied(Square(), {"1": "0"}), np.array([200], np.uint8)
    params = model.init(KEY, (1,))
    for outer, theirs in ((model, params), (fn.sequential(model), (params,))):
        y, dx, grads = passes(outer, theirs, x, np.ones(1, np.float32))
        assert y == outer.apply(theirs, x) == 200**2 + 1
        assert dx is None
        assert tree.leaves(grads) == [[200**2 + 1]]


# --- One copy ---


@every_case
def test_the_params_and_a_file_have_the_array_once(model, shape, x, tmp_path):
    params = model.init(KEY, shape)
    tied_places = {place for place, _ in model.ties}
    everywhere = tree.named_leaves(model.model.init(KEY, shape))
    assert tree.named_leaves(params).keys() == everywhere.keys() - tied_places
    assert all(tree.equal(everywhere[path], leaf) for path, leaf in tree.named_leaves(params).items())
    fn.save(tmp_path / "model.npz", model, params)
    assert not tied_places & set(np.load(tmp_path / "model.npz").files)
    back, loaded = fn.load(tmp_path / "model.npz")
    assert (back, loaded) == (model, params)
    assert tree.equal(back.apply(loaded, x), model.apply(params, x))


@every_case
def test_json_pickle_and_repr_are_of_the_whole_value(model, shape, x):
    assert from_json(to_json(model)) == model
    assert pickle.loads(pickle.dumps(model)) == model
    assert eval(repr(model), vars(fn)) == model


@pytest.mark.parametrize("optimizer", [fn.AdamW(0.01, weight_decay=0.1), fn.SGD(0.1, momentum=0.9)])
def test_ties_hold_through_training(optimizer):
    params = AUTOENCODER.init(KEY, (5,), np.float64)
    state, x = fn.TrainState(0, params, optimizer.init(params)), normal((8, 5)) @ normal((5, 5))
    losses = []
    for _ in range(100):
        state, value = fn.train_step(AUTOENCODER, fn.MeanSquaredError(), optimizer, state, (x, x), KEY)
        losses.append(value)
    assert losses[-1] < 0.9 * losses[0]
    assert tree.named_leaves(state.params).keys() == {"0.weight", "0.bias", "2.bias"}


def test_an_experiment_with_ties_runs_and_resumes_to_the_same_receipt(tmp_path):
    data = fn.data.Dataset(IDS.repeat(4, axis=0), IDS[:, ::-1].repeat(4, axis=0).copy())
    experiment = fn.Experiment(LANGUAGE, fn.SoftmaxCrossEntropy(), fn.AdamW(0.05), batch_size=3, epochs=4)
    assert fn.Experiment.from_json(experiment.to_json()) == experiment
    once = fn.run(experiment, data)
    kept = fn.run(experiment, data, directory=tmp_path)
    assert fn.run(experiment, data, directory=tmp_path).receipt == kept.receipt == once.receipt
    untied = fn.run(attrs.evolve(experiment, model=WORDS), data)
    assert untied.receipt.digest != once.receipt.digest
    assert "3.weight" not in tree.named_leaves(once.params)


# --- Models in models ---


def test_training_keeps_the_ties_and_draws_as_the_model_does():
    inner = fn.sequential(fn.Linear(2), fn.Dropout(0.5), fn.Linear(5), fn.Dropout(0.5))
    model = fn.tied(inner, {"2.weight": "0.weight.T"})
    trained = model.training(KEY)
    assert trained.ties == model.ties
    assert len(set(dropout_keys(trained))) == 2
    assert None not in dropout_keys(trained)
    params = model.init(KEY, (5,), np.float64)
    assert not tree.equal(trained.apply(params, normal((4, 5))), model.apply(params, normal((4, 5))))
    assert fn.tied(PLAIN, {}).training(KEY) == fn.tied(PLAIN, {})


def test_ties_inside_ties():
    model = fn.sequential(AUTOENCODER, fn.Tanh(), fn.Linear(2))
    outer = fn.tied(model, {"2.weight": "0.0.weight"})
    params = outer.init(KEY, (5,), np.float64)
    assert [*tree.named_leaves(params)] == ["0.0.weight", "0.0.bias", "0.2.bias", "2.bias"]
    weight, x, dy = params[0][0].weight, normal((4, 5)), normal((4, 2), 1)
    h = np.tanh(x @ weight) @ weight.T
    y, _, grads = passes(outer, params, x, dy)
    assert_allclose(y, np.tanh(h) @ weight, rtol=1e-12)
    untied = fn.sequential(PLAIN, fn.Tanh(), fn.Linear(2))
    copies = (filled(params[0], AUTOENCODER.ties), (), fn.LinearParams(weight, params[2].bias))
    theirs = passes(untied, copies, x, dy)[2]
    expected = theirs[0][0].weight + theirs[0][2].weight.T + theirs[2].weight
    assert_allclose(grads[0][0].weight, expected, rtol=1e-12)


# --- Errors ---

DOWN, UP = "0.weight", "2.weight"
AT_INIT = {
    "an unknown place": ({"7.weight": DOWN}, r"7\.weight in tied.* is not a leaf .* they are 0\.weight, 0\.bias, 2\."),
    "an unknown source": ({UP: "0.wait"}, r"0\.wait in tied.* is not a leaf of the params"),
    "a node": ({"2": DOWN}, r"2 in tied.* is not a leaf"),
    "another shape": ({UP: DOWN}, r"2\.weight of shape \(2, 5\) cannot be tied to 0\.weight of shape \(5, 2\)"),
    "another shape transposed": (
        {"2.bias": "0.weight.T"},
        r"2\.bias of shape \(5,\) .* 0\.weight\.T of shape \(2, 5\)",
    ),
}


@pytest.mark.parametrize("name", AT_INIT)
def test_ties_that_do_not_fit_are_an_error_at_init(name):
    ties, words = AT_INIT[name]
    with pytest.raises(fn.TreeError, match=words):
        fn.tied(PLAIN, ties).init(KEY, (5,))


def test_an_outer_tie_to_a_place_that_is_tied_inside_is_an_error_at_init():
    with pytest.raises(fn.TreeError, match=r"0\.2\.weight in tied.* is not a leaf"):
        fn.tied(fn.sequential(AUTOENCODER, fn.Linear(2)), {"1.weight": "0.2.weight"}).init(KEY, (5,))


@pytest.mark.parametrize(
    ("model", "ties", "error", "words"),
    [
        (SQUARES, {UP: DOWN, "4.weight": UP}, ValueError, r"4\.weight is tied to 2\.weight, which is tied itself"),
        (SQUARES, {UP: DOWN, "4.weight": "2.weight.T"}, ValueError, "which is tied itself: tie both to the same array"),
        (SQUARES, {DOWN: DOWN}, ValueError, r"0\.weight is tied to 0\.weight, which is tied itself"),
        (SQUARES, {DOWN: UP, UP: DOWN}, ValueError, "which is tied itself"),
        (SQUARES, [(UP, DOWN)], TypeError, "ties must map paths to paths"),
        (SQUARES, {UP: 0}, TypeError, "each tie must be two paths"),
        (SQUARES, {"": DOWN}, TypeError, "each tie must be two paths"),
        (fn.Linear, {}, TypeError, r"write Linear\(\)"),
        (None, {}, TypeError, "model must be a layer"),
    ],
)
def test_ties_that_cannot_be(model, ties, error, words):
    with pytest.raises(error, match=words):
        fn.tied(model, ties)


PARAMS = AUTOENCODER.init(KEY, (5,), np.float64)
WRONG_PARAMS = {
    "none": (),
    "too few": PARAMS[:2],
    "untied ones": PLAIN.init(KEY, (5,), np.float64),
    "nothing to tie to": (fn.LinearParams(None, np.ones(2)), (), PARAMS[2]),
    "of a different model": (PARAMS[2], (), PARAMS[0]),
}


@pytest.mark.parametrize("name", WRONG_PARAMS)
def test_wrong_params_are_a_tree_error_in_every_pass(name):
    params, x = WRONG_PARAMS[name], normal((4, 5))
    _, cache = AUTOENCODER.forward(PARAMS, x)
    uses = AUTOENCODER.backward, AUTOENCODER.params_backward
    for use in (lambda: AUTOENCODER.forward(params, x), *(lambda use=use: use(params, cache, x) for use in uses)):
        with pytest.raises(fn.TreeError, match=r"2\.weight"):
            use()
