"""Running statistics in whole models: training moves them by `track` alone, and files keep them."""

import pickle

import attrs
import numpy as np
import pytest
from numpy.testing import assert_allclose

import funcnet as fn
from funcnet import tree
from tests.layers.cases import normal

KEY = fn.Key(0)
MODEL = fn.sequential(fn.Linear(4), fn.BatchNorm(0.3), fn.ReLU(), fn.Linear(2))
PARAMS = MODEL.init(KEY, (3,), np.float64)
X, LABELS, LOSS = normal((7, 3)), np.array([0, 1, 1, 0, 1, 0, 1]), fn.SoftmaxCrossEntropy()
OPTIMIZERS = [fn.AdamW(0.1, weight_decay=0.5), fn.SGD(0.1, momentum=0.9, weight_decay=0.5), fn.Adam(0.1)]


def trained(model, params, steps=3, optimizer=OPTIMIZERS[0], x=X, **options):
    """The params after a few steps on the same batch."""
    state = fn.TrainState(0, params, optimizer.init(params))
    for _ in range(steps):
        state, _ = fn.train_step(model, LOSS, optimizer, state, (x, LABELS), KEY, **options)
    return state.params


def tracked(model, params, x=X, key=KEY):
    in_training = model.training(key)
    return in_training.track(params, in_training.forward(params, x)[1])


def assert_same_buffers(params, others):
    ours, theirs = tree.named_buffers(params), tree.named_buffers(others)
    assert ours.keys() == theirs.keys() != set()
    assert all(tree.equal(ours[path], theirs[path]) for path in ours)


# --- track ---


def test_track_keeps_structure_and_leaves_bit_for_bit():
    before = pickle.dumps(PARAMS)
    new = tracked(MODEL, PARAMS)
    assert pickle.dumps(PARAMS) == before
    assert tree.map(np.subtract, new, PARAMS)  # raises unless the structures are the same
    assert all(map(tree.equal, tree.leaves(new), tree.leaves(PARAMS)))
    assert new[1].running_mean != PARAMS[1].running_mean
    assert new[1].running_var != PARAMS[1].running_var


@pytest.mark.parametrize("optimizer", OPTIMIZERS, ids=lambda optimizer: type(optimizer).__name__)
@pytest.mark.parametrize("penalty", [None, fn.L2(10.0)])
@pytest.mark.parametrize("gradient", [fn.value_and_grad, fn.clipped(1e-9)])
def test_a_step_moves_the_statistics_by_track_alone(optimizer, penalty, gradient):
    params = trained(MODEL, PARAMS, 1, optimizer, penalty=penalty, gradient=gradient)
    assert_same_buffers(params, tracked(MODEL, PARAMS))


def test_penalties_norms_and_vectors_leave_running_statistics_out():
    far = tree.with_buffers(PARAMS, tree.cast(tracked(MODEL, PARAMS, 1e6 * X), np.float64))
    assert fn.L2(1.0).forward(far)[0] == fn.L2(1.0).forward(PARAMS)[0]
    assert tree.norm(far) == tree.norm(PARAMS)
    vector, unravel = tree.ravel(far)
    assert vector.size == 3 * 4 + 4 + 2 * 4 + 4 * 2 + 2
    assert_same_buffers(unravel(0 * vector), far)


def test_in_training_the_gradient_takes_the_statistics_for_functions_of_x():
    model = MODEL.training(KEY)
    vector, unravel = tree.ravel(PARAMS)
    grads = tree.ravel(fn.value_and_grad(model, LOSS, PARAMS, X, LABELS)[1])[0]
    direction = normal(vector.size, 5)

    def value(step):
        return LOSS.forward(model.apply(unravel(vector + step * direction), X), LABELS)[0]

    assert_allclose((value(1e-6) - value(-1e-6)) / 2e-6, grads @ direction, rtol=1e-7)


def test_training_makes_inference_agree_with_training():
    layer = fn.BatchNorm(1.0)
    params = tracked(layer, layer.init(KEY, (3,), float), X)
    biased = tree.with_buffers(params, attrs.evolve(params, running_var=tree.Buffer(X.var(axis=0))))
    assert_allclose(layer.apply(biased, X), layer.training(KEY).apply(params, X), rtol=1e-13)


@pytest.mark.parametrize(
    "model",
    [
        fn.tied(fn.sequential(fn.Linear(2), fn.BatchNorm(), fn.Linear(2)), {"2.bias": "1.bias"}),
        fn.tied(fn.sequential(fn.BatchNorm(), fn.BatchNorm()), {"1.weight": "0.weight"}),
        fn.residual(fn.sequential(fn.BatchNorm(), fn.Linear(3))),
        fn.branches(fn.BatchNorm(), fn.sequential(fn.Tanh(), fn.BatchNorm(affine=False))),
        fn.sequential(fn.branches(fn.Identity(), fn.Tanh()), fn.parallel(fn.BatchNorm(), fn.Tanh())),
    ],
)
def test_every_combinator_tracks_what_is_in_it(model):
    params = model.init(KEY, (3,), np.float64)
    new = tracked(model, params)
    before, after = tree.named_buffers(params), tree.named_buffers(new)
    assert all(not tree.equal(before[path], after[path]) for path in before)
    assert all(map(tree.equal, tree.leaves(params), tree.leaves(new)))


# --- Files ---


@pytest.mark.parametrize("suffix", [".npz", ".safetensors"])
def test_files_and_pickle_keep_running_statistics(tmp_path, suffix):
    if suffix == ".safetensors":
        pytest.importorskip("safetensors")
    params = trained(MODEL, PARAMS)
    fn.save(tmp_path / f"model{suffix}", MODEL, params)
    for back in (fn.load(tmp_path / f"model{suffix}")[1], pickle.loads(pickle.dumps(params))):
        assert tree.equal(back, params)
        assert_same_buffers(back, params)


def test_pytorch_loads_them_by_its_own_names_and_infers_the_same(tmp_path):
    torch, files = pytest.importorskip("torch"), pytest.importorskip("safetensors.torch")
    params = trained(MODEL, PARAMS)
    fn.save(tmp_path / "model.safetensors", MODEL, params)
    layers = torch.nn.Linear(3, 4), torch.nn.BatchNorm1d(4), torch.nn.ReLU(), torch.nn.Linear(4, 2)
    theirs = torch.nn.Sequential(*layers).double()
    odd = theirs.load_state_dict(files.load_file(tmp_path / "model.safetensors"), strict=False)
    assert not odd.unexpected_keys
    assert set(odd.missing_keys) <= {"1.num_batches_tracked"}  # which matters only where momentum is None
    with torch.no_grad():
        assert_allclose(MODEL.apply(params, X), theirs.eval()(torch.tensor(X)).numpy(), rtol=1e-12)


# --- Layers of a user's own ---


@attrs.frozen
class Wrapped(fn.Layer):
    """A combinator of a user's who has not heard of `track`."""

    inner: fn.Layer

    def init(self, key, input_shape, dtype=np.float32):
        return self.inner.init(key, input_shape, dtype)

    def forward(self, params, x):
        return self.inner.forward(params, x)

    def backward(self, params, cache, dy):
        return self.inner.backward(params, cache, dy)


@attrs.frozen
class Tracking(Wrapped):
    """One who has."""

    def track(self, params, cache):
        return self.inner.track(params, cache)


@pytest.mark.parametrize("inner", [fn.BatchNorm(), MODEL, Tracking(fn.BatchNorm()), fn.tied(MODEL, {})])
def test_a_combinator_without_track_that_holds_statistics_is_told_what_to_write(inner):
    for model in (Wrapped(inner), fn.sequential(Wrapped(inner), fn.Linear(2))):
        with pytest.raises(TypeError, match=r"Wrapped must define track\(params, cache\): .* in it tracks statistics"):
            model.training(KEY)


def test_a_combinator_without_track_may_hold_all_else():
    model = Wrapped(fn.sequential(fn.Linear(4), fn.Dropout(0.5)))
    assert model.training(KEY).inner.layers[1].key is not None
    assert Wrapped(fn.LayerNorm()).training(KEY) == Wrapped(fn.LayerNorm())


def test_a_combinator_with_track_is_trained_as_what_it_holds():
    model = fn.sequential(Tracking(fn.sequential(fn.Linear(4), fn.BatchNorm())), fn.Linear(2))
    plain = fn.sequential(fn.sequential(fn.Linear(4), fn.BatchNorm()), fn.Linear(2))
    params = plain.init(KEY, (3,), np.float64)
    assert tree.equal(trained(model, params), trained(plain, params))
    assert trained(model, params)[0][1].running_mean != params[0][1].running_mean


@fn.register
@tree.node
class CountParams:
    scale: np.ndarray
    seen: tree.Buffer


@attrs.frozen
class Count(fn.Layer):
    """Multiplies by a scale, and counts the rows it has been trained on."""

    in_training: bool = False

    def training(self, key):
        return attrs.evolve(self, in_training=True)

    def init(self, key, input_shape, dtype=np.float32):
        return CountParams(np.ones(input_shape, dtype), tree.Buffer(np.array(0)))

    def forward(self, params, x):
        return x * params.scale, x

    def backward(self, params, cache, dy):
        return dy * params.scale, CountParams((dy * cache).sum(axis=0), params.seen)

    def track(self, params, cache):
        return attrs.evolve(params, seen=tree.Buffer(params.seen.value + len(cache) * self.in_training))


@pytest.mark.parametrize("wrap", [fn.sequential, Tracking, lambda layer: fn.sequential(fn.residual(layer))])
def test_a_layer_with_statistics_of_its_own_is_trained(wrap):
    model = fn.sequential(fn.Linear(3), wrap(Count()), fn.Linear(2))
    params = model.init(KEY, (3,), np.float64)
    after = trained(model, params, steps=4)
    (seen,) = tree.named_buffers(after).values()
    assert seen == 4 * 7
    assert all(not tree.equal(a, b) for a, b in zip(tree.leaves(after), tree.leaves(params), strict=True))
