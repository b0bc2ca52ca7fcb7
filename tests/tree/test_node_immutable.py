"""A node is immutable, whoever made it."""

import copy
import pickle
from functools import partial

import attrs
import numpy as np
import pytest

import funcnet as fn
from funcnet import tree
from tests.tree.cases import memory, params_of_two_layers, pickled_with_buffers, unravelled


def set_item(params):
    params[0].weight[0, 0] = 1


def add_in_place(params):
    params[0].weight += 1


def set_field(params):
    params[0].bias = np.ones(3)


def delete_field(params):
    del params[0].bias


def set_new_field(params):
    params[0].gain = np.ones(3)


def set_child(params):
    params[0] = ()


def write_as_out(params):
    np.add(params[0].bias, 1, out=params[0].bias)


def sort_in_place(params):
    params[0].weight.sort(axis=0)


def make_writable(params):
    params[0].weight.flags.writeable = True


def make_writable_by_setflags(params):
    params[0].bias.setflags(write=True)


ATTACKS = [
    set_item,
    add_in_place,
    set_field,
    delete_field,
    set_new_field,
    set_child,
    write_as_out,
    sort_in_place,
    make_writable,
    make_writable_by_setflags,
]


def through_pickle(protocol, params):
    return pickle.loads(pickle.dumps(params, protocol))


def through_buffers(params):
    data, buffers = pickled_with_buffers(params)
    return pickle.loads(data, buffers=buffers)


def updated(optimizer, params):
    return optimizer.update(params, params, optimizer.init(params))


def gradients(params):
    model = fn.sequential(fn.Linear(3), fn.ReLU())
    x, target = np.array([[1.0, 2.0]]), np.zeros((1, 3))
    return model, x, target, fn.MeanSquaredError()


def grads_of_loss(params, penalty=None):
    model, x, target, loss = gradients(params)
    return fn.value_and_grad(model, loss, params, x, target, penalty)[1]


def grads_of_backward(params):
    model, x, target, _ = gradients(params)
    return model.backward(params, model.forward(params, x)[1], target)[1]


WAYS = {
    "init": lambda params: params,
    **{f"pickle{n}": partial(through_pickle, n) for n in range(pickle.HIGHEST_PROTOCOL + 1)},
    "pickle5 with buffers": through_buffers,
    "deepcopy": copy.deepcopy,
    "copy": lambda params: tuple(map(copy.copy, params)),
    "evolve": lambda params: (attrs.evolve(params[0], bias=np.zeros(3)), ()),
    "map": lambda params: tree.map(np.negative, params),
    "map to the leaf itself": lambda params: tree.map(lambda leaf: leaf, params),
    "cast": lambda params: tree.cast(params, np.float32),
    "cast to the same dtype": lambda params: tree.cast(params, np.float64),
    "zeros_like": tree.zeros_like,
    "unravel": unravelled,
    "sgd_step": lambda params: fn.sgd_step(params, params, 0.1),
    "clip_by_global_norm": lambda params: fn.clip_by_global_norm(params, 1e9),
    "SGD": lambda params: updated(fn.SGD(0.1, momentum=0.9), params)[0],
    "Adam": lambda params: updated(fn.Adam(0.1), params)[0],
    "backward": grads_of_backward,
    "value_and_grad": grads_of_loss,
    "value_and_grad with a penalty": lambda params: grads_of_loss(params, fn.L2(0.1)),
}


@pytest.mark.parametrize("attack", ATTACKS)
@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)
def test_params_can_not_be_changed(way, attack):
    params = way(params_of_two_layers())
    before = memory(params)
    with pytest.raises((AttributeError, TypeError, ValueError)):
        attack(params)
    assert memory(params) == before


@pytest.mark.parametrize(
    "way", [way for name, way in WAYS.items() if name.startswith(("init", "pickle", "deep", "copy"))]
)
def test_copies_are_equal(way):
    params = params_of_two_layers()
    assert tree.equal(way(params), params)


@pytest.mark.parametrize("optimizer", [fn.SGD(0.1, momentum=0.9), fn.Adam(0.1), fn.RMSProp(0.1), fn.Adagrad(0.1)])
def test_optimizer_states_are_read_only(optimizer):
    params = params_of_two_layers()
    leaves = tree.leaves((optimizer.init(params), updated(optimizer, params)[1]))
    assert leaves
    assert not any(leaf.flags.writeable for leaf in leaves)
