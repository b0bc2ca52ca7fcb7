"""Optimizers against the published updates, against PyTorch, and against the laws that all of them obey."""

import math
import pickle
from copy import deepcopy

import attrs
import numpy as np
import pytest

import funcnet as fn
from funcnet.tree import equal, leaves, named_leaves, ravel

STEPS = 20


def some_tree(seed, dtype=np.float64):
    """Leaves of different shapes, one of them 0-d, in tuples and a node."""
    draw = np.random.default_rng(seed).standard_normal
    return fn.LinearParams(draw((3, 2)).astype(dtype), draw(2).astype(dtype)), ((), np.array(draw(), dtype))


def some_grads(step, dtype=np.float64):
    """Other gradients at each step, over five orders of magnitude, and one number whose gradient is always 0."""
    layer, rest = fn.tree.map(lambda leaf: leaf * leaf.dtype.type(10.0 ** (step % 5 - 2)), some_tree(step + 1, dtype))
    return attrs.evolve(layer, bias=layer.bias * np.array([0, 1], dtype)), rest


PARAMS = some_tree(0)
GRADIENTS = [some_grads(step) for step in range(STEPS)]


def trajectory(optimizer, params, gradients, state=None):
    """(params, state) after each update."""
    state = state or optimizer.init(params)
    for grads in gradients:
        params, state = optimizer.update(params, grads, state)
        yield params, state


def numbers(trees):
    """All numbers of each tree, (len(trees), size)."""
    return np.array([ravel(tree)[0] for tree in trees])


# --- The published updates, for a single number p and its gradients, with the names and defaults of torch.optim.
# Transcribed from the boxes "algorithm" of https://docs.pytorch.org/docs/2.13/optim.html, which give the papers. ---


def sgd(p, gradients, lr=1e-3, momentum=0.0, nesterov=False, weight_decay=0.0):
    b = None
    for g in gradients:
        g = g + weight_decay * p
        if momentum != 0:
            b = g if b is None else momentum * b + g
            g = g + momentum * b if nesterov else b
        p = p - lr * g
        yield p


def adam(p, gradients, lr=1e-3, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.0):
    m = v = 0.0
    for t, g in enumerate(gradients, start=1):
        g = g + weight_decay * p
        m = betas[0] * m + (1 - betas[0]) * g
        v = betas[1] * v + (1 - betas[1]) * g**2
        m_hat = m / (1 - betas[0] ** t)
        v_hat = v / (1 - betas[1] ** t)
        p = p - lr * m_hat / (math.sqrt(v_hat) + eps)
        yield p


def adamw(p, gradients, lr=1e-3, betas=(0.9, 0.999), eps=1e-8, weight_decay=1e-2):
    m = v = 0.0
    for t, g in enumerate(gradients, start=1):
        p = p - lr * weight_decay * p
        m = betas[0] * m + (1 - betas[0]) * g
        v = betas[1] * v + (1 - betas[1]) * g**2
        m_hat = m / (1 - betas[0] ** t)
        v_hat = v / (1 - betas[1] ** t)
        p = p - lr * m_hat / (math.sqrt(v_hat) + eps)
        yield p


def rmsprop(p, gradients, lr=1e-2, alpha=0.99, eps=1e-8, weight_decay=0.0, momentum=0.0, centered=False):
    v = mean = b = 0.0
    for g in gradients:
        g = g + weight_decay * p
        v = alpha * v + (1 - alpha) * g**2
        v_tilde = v
        if centered:
            mean = alpha * mean + (1 - alpha) * g
            v_tilde = v - mean**2
        if momentum > 0:
            b = momentum * b + g / (math.sqrt(v_tilde) + eps)
            p = p - lr * b
        else:
            p = p - lr * g / (math.sqrt(v_tilde) + eps)
        yield p


def adagrad(p, gradients, lr=1e-2, lr_decay=0.0, weight_decay=0.0, initial_accumulator_value=0.0, eps=1e-10):
    state_sum = initial_accumulator_value
    for t, g in enumerate(gradients, start=1):
        lr_tilde = lr / (1 + (t - 1) * lr_decay)
        g = g + weight_decay * p
        state_sum = state_sum + g**2
        p = p - lr_tilde * g / (math.sqrt(state_sum) + eps)
        yield p


PUBLISHED = {"SGD": sgd, "Adam": adam, "AdamW": adamw, "RMSprop": rmsprop, "Adagrad": adagrad}

# An optimizer, and PyTorch's name and options for the same.
SAME_AS_TORCH = [
    (fn.SGD(0.1), "SGD", {"lr": 0.1}),
    (fn.SGD(0.1, weight_decay=0.3), "SGD", {"lr": 0.1, "weight_decay": 0.3}),
    (fn.SGD(0.1, momentum=0.9), "SGD", {"lr": 0.1, "momentum": 0.9}),
    (fn.SGD(0.1, momentum=1.5), "SGD", {"lr": 0.1, "momentum": 1.5}),
    (fn.SGD(0.1, momentum=0.9, nesterov=True), "SGD", {"lr": 0.1, "momentum": 0.9, "nesterov": True}),
    (
        fn.SGD(0.1, momentum=0.8, nesterov=True, weight_decay=0.3),
        "SGD",
        {"lr": 0.1, "momentum": 0.8, "nesterov": True, "weight_decay": 0.3},
    ),
    (fn.Adam(), "Adam", {}),
    (fn.Adam(0.1, weight_decay=0.3), "Adam", {"lr": 0.1, "weight_decay": 0.3}),
    (fn.Adam(0.1, beta1=0.7, beta2=0.9, eps=0.01), "Adam", {"lr": 0.1, "betas": (0.7, 0.9), "eps": 0.01}),
    (fn.Adam(0.1, beta1=0.0, beta2=0.0, eps=0.01), "Adam", {"lr": 0.1, "betas": (0.0, 0.0), "eps": 0.01}),
    (fn.AdamW(), "AdamW", {}),
    (fn.AdamW(0.1, weight_decay=0.0), "AdamW", {"lr": 0.1, "weight_decay": 0.0}),
    (
        fn.AdamW(0.1, beta1=0.7, beta2=0.9, eps=0.01, weight_decay=0.3),
        "AdamW",
        {"lr": 0.1, "betas": (0.7, 0.9), "eps": 0.01, "weight_decay": 0.3},
    ),
    (fn.RMSProp(), "RMSprop", {}),
    (
        fn.RMSProp(0.1, alpha=0.8, eps=0.01, weight_decay=0.3),
        "RMSprop",
        {"lr": 0.1, "alpha": 0.8, "eps": 0.01, "weight_decay": 0.3},
    ),
    (fn.RMSProp(0.1, momentum=0.9), "RMSprop", {"lr": 0.1, "momentum": 0.9}),
    (fn.RMSProp(0.1, centered=True), "RMSprop", {"lr": 0.1, "centered": True}),
    (
        fn.RMSProp(0.1, alpha=0.8, eps=0.01, momentum=0.9, centered=True, weight_decay=0.3),
        "RMSprop",
        {"lr": 0.1, "alpha": 0.8, "eps": 0.01, "momentum": 0.9, "centered": True, "weight_decay": 0.3},
    ),
    (fn.Adagrad(), "Adagrad", {}),
    (fn.Adagrad(0.1, rate_decay=0.5), "Adagrad", {"lr": 0.1, "lr_decay": 0.5}),
    (fn.Adagrad(0.1, initial_sum=2.0), "Adagrad", {"lr": 0.1, "initial_accumulator_value": 2.0}),
    (
        fn.Adagrad(0.1, rate_decay=0.5, weight_decay=0.3, initial_sum=0.2, eps=0.01),
        "Adagrad",
        {"lr": 0.1, "lr_decay": 0.5, "weight_decay": 0.3, "initial_accumulator_value": 0.2, "eps": 0.01},
    ),
]
same_as_torch = pytest.mark.parametrize(("optimizer", "name", "options"), SAME_AS_TORCH, ids=repr)


@same_as_torch
def test_20_steps_are_those_of_the_published_update(optimizer, name, options):
    columns = zip(ravel(PARAMS)[0].tolist(), numbers(GRADIENTS).T.tolist(), strict=True)
    expected = np.array([list(PUBLISHED[name](p, gradients, **options)) for p, gradients in columns]).T
    got = numbers(params for params, _ in trajectory(optimizer, PARAMS, GRADIENTS))
    np.testing.assert_allclose(got, expected, rtol=1e-12, atol=0)


@same_as_torch
def test_20_steps_are_those_of_torch(optimizer, name, options):
    torch = pytest.importorskip("torch", reason="the other implementation to compare with is not installed")
    tensors = [torch.tensor(leaf.tolist(), dtype=torch.float64) for leaf in leaves(PARAMS)]
    theirs = getattr(torch.optim, name)(tensors, **options)
    for grads, (params, _) in zip(GRADIENTS, trajectory(optimizer, PARAMS, GRADIENTS), strict=True):
        for tensor, gradient in zip(tensors, leaves(grads), strict=True):
            tensor.grad = torch.tensor(gradient.tolist(), dtype=torch.float64)
        theirs.step()
        for tensor, leaf in zip(tensors, leaves(params), strict=True):
            np.testing.assert_allclose(leaf, tensor.numpy(), rtol=1e-12, atol=0)


# --- Laws ---

WITHOUT_DECAY = [
    fn.SGD(0.1),
    fn.SGD(0.1, momentum=0.9),
    fn.SGD(0.1, momentum=0.9, nesterov=True),
    fn.Adam(0.1),
    fn.AdamW(0.1, weight_decay=0.0),
    fn.RMSProp(0.1),
    fn.RMSProp(0.1, momentum=0.9, centered=True),
    fn.Adagrad(0.1),
    fn.Adagrad(0.1, rate_decay=0.5, initial_sum=0.5),
]
OPTIMIZERS = [*WITHOUT_DECAY, *(attrs.evolve(optimizer, weight_decay=0.01) for optimizer in WITHOUT_DECAY)]
every_optimizer = pytest.mark.parametrize("optimizer", OPTIMIZERS, ids=repr)
DTYPES = [np.float16, np.float32, np.float64]


def after(optimizer, params=PARAMS, gradients=GRADIENTS, state=None):
    """(params, state) after the last update."""
    return list(trajectory(optimizer, params, gradients, state))[-1]


@pytest.mark.parametrize("optimizer", WITHOUT_DECAY, ids=repr)
@pytest.mark.parametrize("dtype", DTYPES)
def test_zero_grads_on_a_fresh_state_are_the_identity(optimizer, dtype):
    limits = np.finfo(dtype)
    edges = np.array([0.0, -0.0, limits.smallest_subnormal, limits.tiny, limits.max, limits.min], dtype)
    params = (*some_tree(0, dtype), edges)
    moved, _ = optimizer.update(params, fn.tree.zeros_like(params), optimizer.init(params))
    assert equal(moved, params)


@every_optimizer
def test_the_order_of_children_does_not_matter(optimizer):
    params, state = after(optimizer)
    backwards, backwards_state = after(optimizer, PARAMS[::-1], [grads[::-1] for grads in GRADIENTS])
    assert equal(backwards[::-1], params)
    assert equal(tuple(moment[::-1] for moment in backwards_state.moments), state.moments)


@every_optimizer
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("grads_dtype", DTYPES)
def test_params_and_state_keep_the_dtype_of_params(optimizer, dtype, grads_dtype):
    gradients = [some_grads(step, grads_dtype) for step in range(2, 4)]
    for tree in after(optimizer, some_tree(0, dtype), gradients):
        assert {leaf.dtype for leaf in leaves(tree)} <= {np.dtype(dtype)}


@every_optimizer
def test_leaves_of_different_dtypes_keep_each_its_own(optimizer):
    params = (np.ones(2, np.float32), np.ones(2, np.float64), np.array(1, np.float32))
    new, _ = after(optimizer, params, [params])
    assert [leaf.dtype for leaf in new] == [np.float32, np.float64, np.float32]
    assert all(isinstance(leaf, np.ndarray) for leaf in new)


@every_optimizer
def test_a_numpy_scalar_as_an_option_is_the_number_it_is(optimizer):
    numeric = {name: value for name, value in attrs.asdict(optimizer).items() if isinstance(value, float)}
    same = attrs.evolve(optimizer, **{name: np.float64(value) for name, value in numeric.items()})
    params, gradients = some_tree(0, np.float32), [some_grads(step, np.float32) for step in range(STEPS)]
    assert same == optimizer
    assert equal(after(same, params, gradients), after(optimizer, params, gradients))


@every_optimizer
@pytest.mark.parametrize("frozen", [(), ("1",)])
def test_inputs_stay_as_they_were_and_share_no_memory_with_outputs(optimizer, frozen):
    optimizer = attrs.evolve(optimizer, frozen=frozen)
    params, grads = (np.ones(3), np.full(2, 2.0)), (np.full(3, 0.5), np.ones(2))
    state = after(optimizer, params, [grads])[1]
    before = deepcopy((params, grads, state))
    outputs = optimizer.update(params, grads, state)
    assert equal((params, grads, state), before)
    assert not any(np.shares_memory(a, b) for a in leaves(outputs) for b in (*params, *grads))


@every_optimizer
def test_updated_params_are_read_only(optimizer):
    for leaf in leaves(after(optimizer, gradients=GRADIENTS[:1])):
        with pytest.raises(ValueError, match="read-only"):
            leaf[...] = 0


@every_optimizer
def test_the_same_updates_give_the_same_bits(optimizer):
    assert equal(after(optimizer), after(optimizer))


@every_optimizer
def test_a_pickled_state_goes_on_as_the_straight_run(optimizer):
    *_, (params, state) = trajectory(optimizer, PARAMS, GRADIENTS[:7])
    saved = pickle.loads(pickle.dumps((optimizer, params, state)))
    assert saved == (optimizer, params, state)
    assert equal(after(*saved[:2], GRADIENTS[7:], saved[2]), after(optimizer))


@every_optimizer
@pytest.mark.parametrize("params", [(), ((), None, ((),)), None])
def test_a_tree_without_leaves_works(optimizer, params):
    new, state = optimizer.update(params, params, optimizer.init(params))
    assert equal(new, params)
    assert state.step == 1


@every_optimizer
def test_leaves_of_size_zero_and_a_bare_leaf_work(optimizer):
    for params in (np.zeros((0, 3)), np.array(2.0), np.float64(2.0)):
        new, _ = optimizer.update(params, params, optimizer.init(params))
        assert new.shape == params.shape


# --- Values ---

VALUES = [
    *OPTIMIZERS,
    fn.Adam(fn.schedules.warmup(5, fn.schedules.cosine(0.1, steps=20)), frozen="0.*"),
    fn.SGD(0.1, frozen=["0.*", "*.bias"]),
]


@pytest.mark.parametrize("optimizer", VALUES, ids=repr)
def test_an_optimizer_is_a_value(optimizer):
    for same in (pickle.loads(pickle.dumps(optimizer)), eval(repr(optimizer), vars(fn))):
        assert same == optimizer
        assert hash(same) == hash(optimizer)


def test_optimizers_with_other_options_are_not_equal():
    assert len(set(VALUES)) == len(VALUES)


def test_an_optimizer_is_frozen():
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        fn.SGD(0.1).learning_rate = 0.2


# --- frozen ---


@every_optimizer
@pytest.mark.parametrize(
    ("frozen", "still"),
    [
        ("0.weight", {"0.weight"}),
        (("*.bias", "1.*"), {"0.bias", "1.1"}),
        ("0.*", {"0.weight", "0.bias"}),
        ("*", {"0.weight", "0.bias", "1.1"}),
    ],
)
def test_frozen_leaves_keep_their_bits_and_the_others_learn(optimizer, frozen, still):
    start, free = named_leaves(PARAMS), named_leaves(after(optimizer)[0])
    for path, leaf in named_leaves(after(attrs.evolve(optimizer, frozen=frozen))[0]).items():
        assert equal(leaf, start[path] if path in still else free[path])
        assert (path in still) == equal(leaf, start[path])


def test_a_frozen_leaf_has_its_own_memory():
    base = np.ones(3)
    view = base[:]
    view.flags.writeable = False
    optimizer = fn.SGD(0.1, frozen="0")
    new, _ = optimizer.update((view,), (view,), optimizer.init((view,)))
    base[:] = 5
    assert new[0].tolist() == [1, 1, 1]


def test_a_pattern_that_matches_nothing_lists_the_paths():
    with pytest.raises(ValueError, match=r"no path matches frozen='1\.weight'; there are 0\.weight, 0\.bias, 1\.1"):
        fn.Adam(frozen=("0.weight", "1.weight")).init(PARAMS)


# --- Learning rates ---


@every_optimizer
def test_a_schedule_is_asked_for_the_rate_of_steps_0_1_2(optimizer):
    asked = []
    after(attrs.evolve(optimizer, learning_rate=lambda step: asked.append(step) or 0.1))
    assert asked == list(range(STEPS))


@every_optimizer
def test_a_schedule_is_its_rate_at_each_step(optimizer):
    schedule = fn.schedules.exponential(0.1, decay=0.5)
    params, state = PARAMS, optimizer.init(PARAMS)
    for step, (scheduled, scheduled_state) in enumerate(
        trajectory(attrs.evolve(optimizer, learning_rate=schedule), PARAMS, GRADIENTS)
    ):
        fixed = attrs.evolve(optimizer, learning_rate=0.1 * 0.5**step)
        params, state = fixed.update(params, GRADIENTS[step], state)
        assert equal((scheduled, scheduled_state), (params, state))


@every_optimizer
@pytest.mark.parametrize("rate", [-0.5, math.nan])
def test_a_schedule_that_gives_a_bad_rate_is_an_error_at_that_step(optimizer, rate):
    optimizer = attrs.evolve(optimizer, learning_rate=lambda step: rate if step == 2 else 0.1)
    with pytest.raises(ValueError, match=f"expected a learning rate >= 0, got {rate} at step 2"):
        after(optimizer)


FACTORS = {
    fn.SGD: ["learning_rate", "momentum", "weight_decay"],
    fn.Adam: ["learning_rate", "beta1", "beta2", "eps", "weight_decay"],
    fn.AdamW: ["learning_rate", "beta1", "beta2", "eps", "weight_decay"],
    fn.RMSProp: ["learning_rate", "alpha", "eps", "weight_decay", "momentum"],
    fn.Adagrad: ["learning_rate", "rate_decay", "weight_decay", "initial_sum", "eps"],
}


@pytest.mark.parametrize(
    ("kind", "option"), [(kind, option) for kind, options in FACTORS.items() for option in options]
)
@pytest.mark.parametrize("value", [-0.1, -math.inf, math.nan])
def test_negative_and_nan_options_are_refused(kind, option, value):
    with pytest.raises(ValueError, match=option):
        kind(**{"learning_rate": 0.1, option: value})


@pytest.mark.parametrize(
    ("kind", "option"),
    [(kind, name) for kind, options in FACTORS.items() for name in options if name in ("alpha", "beta1", "beta2")],
)
def test_the_decay_of_a_running_mean_is_below_1(kind, option):
    with pytest.raises(ValueError, match=option):
        kind(**{option: 1.0})


def test_nesterov_needs_momentum():
    with pytest.raises(ValueError, match="nesterov needs a momentum"):
        fn.SGD(0.1, nesterov=True)


# --- Wrong trees ---


@every_optimizer
@pytest.mark.parametrize(
    ("grads", "message"),
    [
        ((np.ones(2),), r"grads of another structure: at the root expected a tuple of 2, got a tuple of 1"),
        ((np.ones(2), ()), r"grads of another structure: at 1 expected an array, got a tuple of 0"),
        ((np.ones(2), np.ones((3, 1))), r"grads of another structure: at 1 expected .*\(3,\), got .*\(3, 1\)"),
        ((np.ones(()), np.ones(3)), r"grads of another structure: at 0 expected .*\(2,\), got .*\(\)"),
    ],
)
def test_grads_of_another_structure_or_shape_are_refused(optimizer, grads, message):
    params = (np.ones(2), np.ones(3))
    with pytest.raises(fn.TreeError, match=message):
        optimizer.update(params, grads, optimizer.init(params))


@pytest.mark.parametrize("optimizer", [o for o in OPTIMIZERS if o.init(()).moments], ids=repr)
@pytest.mark.parametrize("other", [(np.ones(2),), (np.ones(2), np.ones((1, 3))), fn.LinearParams(np.ones((2, 3)))])
def test_the_state_of_another_model_is_refused(optimizer, other):
    params = (np.ones(2), np.ones(3))
    with pytest.raises(fn.TreeError, match="optimizer state of another structure: at"):
        optimizer.update(params, params, optimizer.init(other))


@pytest.mark.parametrize(
    ("optimizer", "other", "message"),
    [
        (fn.SGD(0.1), fn.SGD(0.1, momentum=0.9), r"a state of SGD\(learning_rate=0\.1\) with 0 moments, got 1"),
        (fn.Adam(), fn.SGD(0.1), r"a state of Adam\(\) with 2 moments, got 0"),
        (fn.RMSProp(centered=True), fn.RMSProp(), r"a state of RMSProp\(centered=True\) with 2 moments, got 1"),
    ],
    ids=repr,
)
def test_the_state_of_another_optimizer_is_refused(optimizer, other, message):
    with pytest.raises(fn.TreeError, match=message):
        optimizer.update(PARAMS, GRADIENTS[0], other.init(PARAMS))


# --- sgd_step ---


@pytest.mark.parametrize("dtype", DTYPES)
def test_sgd_step_is_params_minus_learning_rate_times_grads(dtype):
    params, grads = some_tree(0, dtype), some_grads(2, dtype)
    new = fn.sgd_step(params, grads, 0.25)
    assert equal(new, fn.tree.map(lambda p, g: p - dtype(0.25) * g, params, grads))


def test_sgd_step_refuses_grads_that_would_broadcast():
    with pytest.raises(fn.TreeError, match=r"at 0 expected an array of shape \(3,\), got an array of shape \(3, 1\)"):
        fn.sgd_step((np.ones(3),), (np.ones((3, 1)),), 0.1)


@pytest.mark.parametrize("rate", [-0.1, math.nan])
def test_sgd_step_refuses_a_bad_learning_rate(rate):
    with pytest.raises(ValueError, match="learning_rate"):
        fn.sgd_step(PARAMS, PARAMS, rate)


# --- clip_by_global_norm ---


def global_norm(tree):
    return math.sqrt(math.fsum(number**2 for number in ravel(tree)[0].tolist()))


@pytest.mark.parametrize("limit", [1e-3, 1.0, global_norm(PARAMS)])
@pytest.mark.parametrize("scale", [1.001, 3.0, 1e100, 1e300])
def test_clipped_grads_have_the_limit_for_norm_and_the_same_direction(limit, scale):
    grads = some_tree(0)
    clipped = fn.clip_by_global_norm(fn.tree.map(lambda g: g * scale, grads), limit)
    assert global_norm(clipped) == pytest.approx(limit, rel=1e-14)
    np.testing.assert_allclose(ravel(clipped)[0], ravel(grads)[0] * (limit / global_norm(grads)), rtol=1e-14)


@pytest.mark.parametrize("limit", [global_norm(PARAMS) * 1.001, 1e300, math.inf])
def test_grads_below_the_limit_keep_their_bits(limit):
    assert equal(fn.clip_by_global_norm(PARAMS, limit), PARAMS)


@pytest.mark.parametrize("grads", [fn.tree.zeros_like(PARAMS), (), (np.zeros((0, 3)),)])
@pytest.mark.parametrize("limit", [0.0, 1.0])
def test_grads_of_norm_0_are_never_scaled(grads, limit):
    assert equal(fn.clip_by_global_norm(grads, limit), grads)


def test_a_limit_of_0_gives_zeros():
    assert not ravel(fn.clip_by_global_norm(PARAMS, 0.0))[0].any()


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("limit", [0.5, np.float64(0.5), np.float32(0.5), 1])
def test_clipped_grads_keep_structure_and_dtype(dtype, limit):
    clipped = fn.clip_by_global_norm(some_tree(0, dtype), limit)
    assert {path: (leaf.shape, leaf.dtype) for path, leaf in named_leaves(clipped).items()} == {
        path: (leaf.shape, dtype) for path, leaf in named_leaves(PARAMS).items()
    }


@pytest.mark.parametrize("limit", [-1.0, math.nan])
def test_a_bad_limit_is_refused(limit):
    with pytest.raises(ValueError, match="expected a limit >= 0"):
        fn.clip_by_global_norm(PARAMS, limit)
