"""`value_and_grad` is the loss, and its gradient with respect to params and nothing else."""

import numpy as np
import pytest

import funcnet as fn
from funcnet import tree

# Models and losses that are smooth, with a batch of each: name: (model, loss, x, target).
DRAW = np.random.default_rng(0)
X = DRAW.standard_normal((5, 3))
NETWORK = fn.sequential(fn.Linear(4), fn.Tanh(), fn.Linear(2))
CASES = {
    "regression": (NETWORK, fn.MeanSquaredError(), X, DRAW.standard_normal((5, 2))),
    "labels": (NETWORK, fn.SoftmaxCrossEntropy(), X, np.array([0, 1, 1, 0, 1])),
    "probabilities": (NETWORK, fn.SoftmaxCrossEntropy("sum"), X, np.full((5, 2), 0.5)),
    "logits": (NETWORK, fn.SigmoidBinaryCrossEntropy("batch"), X, np.eye(5)[:, :2]),
    "sigmoid": (fn.sequential(NETWORK, fn.Sigmoid()), fn.BinaryCrossEntropy(), X, np.eye(5)[:, :2]),
    "one layer": (fn.Linear(2), fn.MeanSquaredError(), X, np.ones((5, 2))),
    "one example": (fn.Linear(2), fn.SoftmaxCrossEntropy(), X[0], np.array(1)),
    "nested": (
        fn.sequential(fn.Softplus(), fn.residual(fn.sequential(fn.Linear(3), fn.GELU())), fn.Flatten()),
        fn.MeanSquaredError(),
        X,
        X[::-1],
    ),
    "in training": (
        fn.sequential(fn.Dropout(0.5), fn.Linear(4), fn.Dropout(0.5)).training(fn.Key(1)),
        fn.MeanSquaredError(),
        X,
        np.ones((5, 4)),
    ),
}
PENALTIES = {"alone": None, "with L2": fn.L2(0.3), "with L2 of biases too": fn.L2(0.3, exclude=())}
cases = pytest.mark.parametrize(("model", "loss", "x", "target"), CASES.values(), ids=CASES)
penalties = pytest.mark.parametrize("penalty", PENALTIES.values(), ids=PENALTIES)


def some_params(model, x, dtype=np.float64):
    """Initial params, moved a little so that no bias is 0."""
    return tree.map(lambda leaf: leaf + leaf.dtype.type(0.1), model.init(fn.Key(0), x.shape[-1:], dtype))


def central_difference(function, vector, step=1e-5):
    steps = step * np.eye(vector.size)
    return np.array([(function(vector + h) - function(vector - h)) / (2 * step) for h in steps])


@cases
@penalties
def test_value_is_loss_plus_penalty(model, loss, x, target, penalty):
    params = some_params(model, x)
    expected = loss.forward(model.apply(params, x), target)[0]
    if penalty is not None:
        weights = [
            leaf for path, leaf in tree.named_leaves(params).items() if penalty.exclude == () or "weight" in path
        ]
        expected += 0.3 / 2 * sum(np.sum(weight**2) for weight in weights)
    assert fn.value_and_grad(model, loss, params, x, target, penalty)[0] == pytest.approx(expected, rel=1e-14)


@cases
@penalties
def test_grads_agree_with_central_differences(model, loss, x, target, penalty):
    params = some_params(model, x)
    vector, unravel = tree.ravel(params)
    expected = central_difference(lambda p: fn.value_and_grad(model, loss, unravel(p), x, target, penalty)[0], vector)
    grads = fn.value_and_grad(model, loss, params, x, target, penalty)[1]
    np.testing.assert_allclose(tree.ravel(grads)[0], expected, rtol=1e-6, atol=1e-9)


@cases
@penalties
@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_grads_have_the_structure_shapes_and_dtypes_of_params(model, loss, x, target, penalty, dtype):
    params = some_params(model, x, dtype)
    value, grads = fn.value_and_grad(model, loss, params, x, target, penalty)
    assert tree.equal(tree.zeros_like(grads), tree.zeros_like(params))
    assert np.shape(value) == ()
    assert value.dtype == loss.forward(model.apply(params, x), target)[0].dtype


@cases
@penalties
def test_single_precision_agrees_with_double_to_rounding(model, loss, x, target, penalty):
    double = some_params(model, x)
    expected = fn.value_and_grad(model, loss, double, x, target, penalty)
    single = fn.value_and_grad(model, loss, tree.cast(double, np.float32), x.astype(np.float32), target, penalty)
    assert tree.allclose(tree.cast(single, np.float64), expected, rtol=1e-4, atol=1e-6)


@cases
def test_a_penalty_adds_its_gradient(model, loss, x, target):
    params = some_params(model, x)
    plain = fn.value_and_grad(model, loss, params, x, target)[1]
    penalized = tree.named_leaves(fn.value_and_grad(model, loss, params, x, target, fn.L2(0.5))[1])
    for path, leaf in tree.named_leaves(params).items():
        added = 0.5 * leaf if path.endswith("weight") else 0 * leaf
        np.testing.assert_allclose(penalized[path], tree.named_leaves(plain)[path] + added, rtol=1e-14)


@pytest.mark.parametrize("strength", [1, 0.5, np.float64(0.5), np.float32(0.5)], ids=lambda value: type(value).__name__)
def test_the_type_of_the_strength_promotes_nothing(strength):
    model, loss, x, target = CASES["regression"]
    value, grads = fn.value_and_grad(model, loss, some_params(model, x, np.float32), x, target, fn.L2(strength))
    assert {leaf.dtype for leaf in tree.leaves((value, grads))} == {np.dtype(np.float32)}


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("kind", [np.float16, np.float64, np.int64, np.uint8, np.bool_, ">f8"])
def test_input_is_converted_to_the_dtype_of_the_params(kind, dtype):
    params = some_params(NETWORK, X, dtype)
    x, target = (np.abs(X) > 0.5).astype(kind), np.array([0, 1, 1, 0, 1])
    converted = fn.value_and_grad(NETWORK, fn.SoftmaxCrossEntropy(), params, x.astype(dtype), target)
    assert {leaf.dtype for leaf in tree.leaves(converted)} == {np.dtype(dtype)}
    assert tree.equal(fn.value_and_grad(NETWORK, fn.SoftmaxCrossEntropy(), params, x, target), converted)


@cases
@penalties
def test_it_is_pure(model, loss, x, target, penalty):
    params, x, target = some_params(model, x), x.copy(), target.copy()
    given = params, x, target
    expected = fn.value_and_grad(model, loss, *given, penalty)
    before = [leaf.tobytes() for leaf in tree.leaves(given)]
    x.flags.writeable = target.flags.writeable = False
    assert tree.equal(fn.value_and_grad(model, loss, *given, penalty), expected)
    assert [leaf.tobytes() for leaf in tree.leaves(given)] == before


@cases
@penalties
def test_grads_are_read_only_and_share_no_memory_with_what_was_given(model, loss, x, target, penalty):
    params = some_params(model, x)
    grads = tree.leaves(fn.value_and_grad(model, loss, params, x, target, penalty)[1])
    assert grads
    assert not any(leaf.flags.writeable for leaf in grads)
    assert not any(np.shares_memory(leaf, other) for leaf in grads for other in [*tree.leaves(params), x, target])


def test_the_gradient_of_a_batch_is_the_mean_over_its_examples():
    model, loss, x, target = CASES["labels"]
    params = some_params(model, x)
    one_by_one = [fn.value_and_grad(model, loss, params, *example) for example in zip(x, target, strict=True)]
    mean = tree.map(lambda *examples: sum(examples) / len(x), *one_by_one)
    assert tree.allclose(fn.value_and_grad(model, loss, params, x, target), mean, rtol=1e-12, atol=1e-14)


def test_a_model_without_params_has_a_value_and_no_grads():
    model = fn.sequential(fn.ReLU(), fn.Flatten())
    params = model.init(fn.Key(0), (3,))
    value, grads = fn.value_and_grad(model, fn.MeanSquaredError(), params, X, np.zeros((5, 3)), fn.L2(0.1))
    assert value == pytest.approx(np.mean(np.maximum(X, 0) ** 2), rel=1e-14)
    assert tree.equal(grads, params)


def test_one_step_against_the_gradient_lowers_the_loss():
    for model, loss, x, target in CASES.values():
        params = some_params(model, x)
        value, grads = fn.value_and_grad(model, loss, params, x, target)
        lower, _ = fn.value_and_grad(model, loss, fn.sgd_step(params, grads, 1e-3), x, target)
        assert lower < value


def test_a_loss_of_ones_own_may_give_a_plain_number():
    class Total:
        def forward(self, y, target):
            return float(y.sum()), y.shape

        def backward(self, cache):
            return np.ones(cache)

    params, x = fn.LinearParams(np.array([[2.0]]), np.array([0.0])), np.array([[3.0]])
    assert fn.value_and_grad(fn.Linear(1), Total(), params, x, None)[0] == 6
    value, grads = fn.value_and_grad(fn.Linear(1), Total(), params, x, None, penalty=fn.L2(1.0))
    assert value == 6 + 1 / 2 * 2**2
    assert grads.weight == 3 + 2


def test_the_gradient_with_respect_to_the_input_is_never_computed():
    class First(fn.Linear):
        def backward(self, params, cache, dy):
            raise AssertionError("nobody asked for dx")

    model = fn.sequential(fn.Flatten(), First(3), fn.ReLU(), fn.Linear(2))
    params, x, target = model.init(fn.Key(0), (2, 2)), np.ones((5, 2, 2)), np.zeros((5, 2))
    _, grads = fn.value_and_grad(model, fn.MeanSquaredError(), params, x, target)
    usual = fn.sequential(fn.Flatten(), fn.Linear(3), fn.ReLU(), fn.Linear(2))
    assert grads == fn.value_and_grad(usual, fn.MeanSquaredError(), params, x, target)[1]


@pytest.mark.parametrize("kind", [np.uint8, np.int64, np.bool_, np.float64])
@pytest.mark.parametrize("batch", [(5,), (), (5, 1)])
def test_of_several_inputs_it_is_the_chain_rule_by_hand(kind, batch):
    model = fn.sequential(fn.parallel(fn.Linear(4), fn.Identity()), fn.Concatenate(), fn.Linear(2))
    params = tree.map(lambda leaf: leaf + 0.1, model.init(fn.Key(0), ((3,), (2,)), np.float64))
    x = tuple(part[: len(X) if batch else 1].reshape(*batch, -1) for part in (X, (np.abs(X[:, :2]) > 0.5).astype(kind)))
    (first, *_), _, last = params
    target = np.linspace(0, 1, 2 * (5 if batch else 1)).reshape(*batch, 2)
    value, grads = fn.value_and_grad(model, fn.MeanSquaredError("sum"), params, x, target)
    a, b = (part.reshape(-1, part.shape[-1]).astype(np.float64) for part in x)
    hidden = np.concatenate([a @ first.weight + first.bias, b], axis=1)
    residual = hidden @ last.weight + last.bias - target.reshape(-1, 2)
    assert value == pytest.approx(np.sum(residual**2), rel=1e-14)
    dy = 2 * residual
    dhidden = (dy @ last.weight.T)[:, :4]
    by_hand = fn.LinearParams(a.T @ dhidden, dhidden.sum(0)), (), fn.LinearParams(hidden.T @ dy, dy.sum(0))
    assert tree.allclose(grads, ((by_hand[0], ()), *by_hand[1:]), rtol=1e-12)


@pytest.mark.parametrize(
    ("model", "loss", "words"),
    [
        (fn.ReLU, fn.MeanSquaredError(), r"^model is the class ReLU: write ReLU\(\.\.\.\)$"),
        (fn.ReLU(), fn.MeanSquaredError, r"^loss is the class MeanSquaredError: write MeanSquaredError\(\.\.\.\)$"),
        (fn.ReLU(), lambda y, target: 1.0, "^loss must have the methods forward and backward, got <function"),
    ],
)
def test_classes_and_functions_in_the_place_of_values_are_told(model, loss, words):
    with pytest.raises(TypeError, match=words):
        fn.value_and_grad(model, loss, (), X, X)
