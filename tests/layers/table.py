"""Every layer and combinator of the library: a row for each, which all tests that go through the layers read.

A new layer needs its rows here, and no other line of the tests.
"""

import math

import numpy as np

import funcnet as fn
from tests import oracles
from tests.layers.row import Row, every

NUMBERS = (3,), (), (2, 3), (0,)  # shapes for what acts on each number by itself
VECTORS = (4,), (1,), (2, 3), (0,)
INF = float("inf")
BIAS = fn.initializers.normal(1.0)
PLACES = dict.fromkeys(("batch.permutation", "batch.sum"), "what is dropped depends on the place in the batch")
DROPPED = {"exempt": PLACES, "differs_in_training": True}
UNCHANGED = {"of_number": (lambda x: x, lambda x: 1), "limits": ((-INF, INF), (1, 1)), "twin": lambda torch, x: x * 1}
KINKED = {"symmetries": (("homogeneous", 1),)}


@fn.register
def doubled(x):
    return 2 * x


def linear(torch, x, weight, bias=None):
    return torch.nn.functional.linear(x, weight.T, bias)


def batch_norm_in_training(torch, x, weight=None, bias=None):
    rows = x.reshape(-1, x.shape[-1])
    return torch.nn.functional.batch_norm(rows, None, None, weight, bias, training=True).reshape(x.shape)


def batch_norm(torch, x, weight=None, bias=None):
    rows, ones = x.reshape(-1, x.shape[-1]), torch.ones(x.shape[-1], dtype=x.dtype)
    return torch.nn.functional.batch_norm(rows, 0 * ones, ones, weight, bias).reshape(x.shape)


def layer_norm(torch, x, weight=None, bias=None):
    return torch.nn.functional.layer_norm(x, x.shape[-1:], weight, bias)


def group_norm(groups, axes):
    def twin(torch, x, weight, bias):
        rows = x.reshape(-1, *x.shape[x.ndim - axes :]).movedim(-1, 1)
        return torch.nn.functional.group_norm(rows, groups, weight, bias).movedim(1, -1).reshape(x.shape)

    return twin


def simple_cell(f):
    def twin(torch, x, state, w, v, b):
        y = f(torch)(x @ w + state @ v + b)
        return y, y * 1

    return twin


def simple_recurrence(f, reverse=False, last_only=False):
    def twin(torch, x, w, v, b):
        state, ys = torch.zeros(*x.shape[:-2], len(v), dtype=x.dtype), []
        for x_t in reversed(x.unbind(-2)) if reverse else x.unbind(-2):
            state = f(torch)(x_t @ w + state @ v + b)
            ys.append(state)
        return ys[-1] if last_only else torch.stack(ys[::-1] if reverse else ys, -2)

    return twin


def tanh(torch):
    return torch.tanh


def relu(torch):
    return torch.relu


# fmt: off
LINEAR = [
    Row(fn.Linear(4), ((3,),), twin=linear),
    Row(fn.Linear(4, bias=False), ((3,), (0,)), twin=linear),
    Row(fn.Linear(2, bias_init=BIAS), ((2, 3), (3,), (0,)), twin=linear, name="Linear with bias_init"),
    Row(fn.Linear(4, weight_init=fn.initializers.he_normal, bias_init=BIAS), ((3,),), twin=linear,
        name="Linear with weight_init"),
    Row(fn.Linear(0), ((3,),), twin=linear),
]
ACTIVATIONS = [
    Row(fn.ReLU(), NUMBERS, **KINKED, twin=lambda torch, x: torch.relu(x),
        of_number=(lambda x: max(x, 0), lambda x: int(x > 0)), limits=((0, INF), (0, 1))),
    Row(fn.LeakyReLU(), NUMBERS, **KINKED, twin=lambda torch, x: torch.nn.functional.leaky_relu(x),
        of_number=(lambda x: max(x, x / 100), lambda x: 1 if x > 0 else 1 / 100), limits=((-INF, INF), (0.01, 1))),
    Row(fn.LeakyReLU(0.125), NUMBERS, **KINKED, twin=lambda torch, x: torch.nn.functional.leaky_relu(x, 0.125),
        of_number=(lambda x: max(x, x / 8), lambda x: 1 if x > 0 else 1 / 8), limits=((-INF, INF), (0.125, 1))),
    Row(fn.ELU(), NUMBERS, twin=lambda torch, x: torch.nn.functional.elu(x),
        of_number=(oracles.elu, oracles.elu_derivative), limits=((-1, INF), (0, 1))),
    Row(fn.ELU(2.0), NUMBERS, twin=lambda torch, x: torch.nn.functional.elu(x, alpha=2.0),
        of_number=(lambda x: oracles.elu(x, 2), lambda x: oracles.elu_derivative(x, 2)), limits=((-2, INF), (0, 1))),
    Row(fn.GELU(), NUMBERS, twin=lambda torch, x: torch.nn.functional.gelu(x),
        of_number=(oracles.gelu, oracles.gelu_derivative), limits=((0, INF), (0, 1))),
    Row(fn.SiLU(), NUMBERS, twin=lambda torch, x: torch.nn.functional.silu(x),
        of_number=(oracles.silu, oracles.silu_derivative), limits=((0, INF), (0, 1))),
    Row(fn.Sigmoid(), NUMBERS, twin=lambda torch, x: torch.sigmoid(x),
        of_number=(oracles.sigmoid, oracles.sigmoid_derivative), limits=((0, 1), (0, 0))),
    Row(fn.Tanh(), NUMBERS, twin=lambda torch, x: torch.tanh(x),
        of_number=(oracles.tanh, oracles.tanh_derivative), limits=((-1, 1), (0, 0))),
    # torch's own softplus is x from 20 on, if not told otherwise
    Row(fn.Softplus(), NUMBERS, twin=lambda torch, x: torch.nn.functional.softplus(x, threshold=1e6),
        of_number=(oracles.softplus, oracles.sigmoid), limits=((0, INF), (0, 1))),
    Row(fn.Identity(), (*NUMBERS, ((3,), ((), (2,)))), **KINKED, **UNCHANGED, keeps_integers=True),
    Row(fn.Elementwise(np.sin, np.cos), NUMBERS, name="Elementwise sine", twin=lambda torch, x: torch.sin(x)),
    Row(fn.Elementwise(np.square, doubled), NUMBERS, name="Elementwise square", twin=lambda torch, x: torch.square(x),
        of_number=(lambda x: x * x, doubled), is_bounded=False, symmetries=(("homogeneous", 2),)),
]
SOFTMAX = [
    Row(fn.Softmax(), VECTORS, twin=lambda torch, x: torch.softmax(x, dim=-1),
        of_row=oracles.softmax, symmetries=("shift-invariant",)),
    Row(fn.LogSoftmax(), VECTORS, twin=lambda torch, x: torch.log_softmax(x, dim=-1),
        of_row=oracles.log_softmax, symmetries=("shift-invariant",)),
]
NORMALIZATION = [
    Row(fn.LayerNorm(), ((4,), (2, 3), (1,), (0,)), twin=layer_norm),
    Row(fn.LayerNorm(0.5, affine=False), ((3,),),
        twin=lambda torch, x: torch.nn.functional.layer_norm(x, (3,), eps=0.5)),
    Row(fn.RMSNorm(), ((4,), (2, 3), (1,), (0,)),
        twin=lambda torch, x, w: torch.nn.functional.rms_norm(x, x.shape[-1:], w, eps=1e-6)),
    Row(fn.GroupNorm(2), ((4,), (2, 3, 4), (0,)), twin=group_norm(2, 1)),
    Row(fn.GroupNorm(3), ((2, 2, 6),), twin=group_norm(3, 3)),
    Row(fn.Standardize((0.5, -2.0, 7.0), (1.0, 3.0, 2.5)), ((3,), (2, 3)), name="Standardize",
        twin=lambda torch, x: (x - torch.tensor([0.5, -2.0, 7.0])) / torch.tensor([1.0, 3.0, 2.5])),
    Row(fn.Standardize((1.0,), (0.25,)), ((1,),), name="Standardize one", is_bounded=False),
    Row(fn.BatchNorm(), ((3,), (2, 3), (0,)), twin=batch_norm, differs_in_training=True),
    Row(fn.BatchNorm(0.25, epsilon=0.5, affine=False), ((3,),), name="BatchNorm, not affine", differs_in_training=True),
    Row(fn.BatchNorm().training(fn.Key(0)), ((3,), (2, 3), (0,)), twin=batch_norm_in_training,
        name="BatchNorm in training", is_training_form=True),
]
IDS = [
    Row(fn.Embedding(5, 3), ((4,), (), (2, 3)), twin=lambda torch, ids, w: w[ids], n_ids=5),
    Row(fn.Embedding(1, 2, weight_init=BIAS), ((2,),), twin=lambda torch, ids, w: w[ids], n_ids=1),
    Row(fn.sequential(fn.Embedding(7, 4), fn.LayerNorm(), fn.Linear(2)), ((3,),), name="Embedding first", n_ids=7),
]
CELLS = [
    Row(fn.SimpleCell(2), (((3,), (2,)), ((0,), (2,))), twin=simple_cell(tanh)),
    Row(fn.SimpleCell(3, fn.ReLU(), bias_init=BIAS), (((2,), (3,)),), twin=simple_cell(relu), name="SimpleCell, ReLU"),
]
MERGING = [
    Row(fn.Sum(), (((3,), (3,)), ((2, 3),) * 3, ((),)), twin=lambda torch, *xs: sum(xs), **KINKED),
    Row(fn.Multiply(), (((3,), (3,)), ((2, 3),) * 3, ((3,),)), twin=lambda torch, *xs: math.prod(xs), is_bounded=False),
    Row(fn.Concatenate(), (((3,), (2,)), ((2, 3), (2, 1), (2, 0))), **KINKED,
        twin=lambda torch, *xs: torch.cat(xs, -1), keeps_integers=True),
    Row(fn.Concatenate(-2), (((3, 2), (1, 2)),), **KINKED, twin=lambda torch, *xs: torch.cat(xs, -2),
        keeps_integers=True),
    Row(fn.Select(1), (((3,), (2,)), ((3,), ())), twin=lambda torch, a, b: b * 1, keeps_integers=True),
    Row(fn.Select(-1), (((3,), ((2,), (2,))),), keeps_integers=True, twin=lambda torch, a, b, c: (b * 1, c * 1)),
]
RESHAPING = [
    Row(fn.Flatten(), ((2, 3), (3,), (), (0, 2)), twin=lambda torch, x: torch.flatten(x, -2), keeps_integers=True),
]
DROPPING = [
    Row(fn.Dropout(0.0), ((3,),), **UNCHANGED, differs_in_training=True),
    Row(fn.Dropout(0.3), ((3,), (), (2, 3)), **UNCHANGED, **DROPPED),
    Row(fn.Dropout(1.0), ((3,),), **UNCHANGED, differs_in_training=True,
        exempt={"training": "there is nothing to draw: all is dropped"}),
    Row(fn.Dropout(0.3).training(fn.Key(2**100).fold_in("name").fold_in(3)), ((3,), (), (2, 3)), **DROPPED,
        name="Dropout in training", is_training_form=True),
]
SEQUENTIAL = [
    Row(fn.sequential(fn.Linear(4), fn.Tanh(), fn.Linear(2)), ((3,),), name="sequential",
        twin=lambda torch, x, w, b, v, c: torch.tanh(x @ w + b) @ v + c),
    Row(fn.sequential(), (*NUMBERS, ((3,), (2,))), name="sequential of nothing",
        twin=lambda torch, x: x * 1, keeps_integers=True),
    Row(fn.sequential(fn.Tanh(), fn.Softmax()), ((3,),), name="sequential without params",
        twin=lambda torch, x: torch.softmax(torch.tanh(x), dim=-1)),
    Row(fn.sequential(fn.Sigmoid(), fn.Linear(2), fn.LogSoftmax()), ((3,),), name="sequential, params inside",
        twin=lambda torch, x, w, b: torch.log_softmax(torch.sigmoid(x) @ w + b, dim=-1)),
    Row(fn.sequential(fn.sequential(fn.Tanh(), fn.Linear(4)), fn.sequential(fn.Linear(2))), ((3,),),
        name="sequential of sequentials", twin=lambda torch, x, w, b, v, c: (torch.tanh(x) @ w + b) @ v + c),
    Row(fn.sequential(fn.Tanh(), fn.Flatten(), fn.Linear(2)), ((2, 3),), name="sequential with Flatten"),
    Row(fn.sequential(fn.Linear(4), fn.GELU(), fn.Dropout(0.5), fn.Linear(2), fn.LogSoftmax()), ((3,), (0,)),
        name="sequential with Dropout", **DROPPED),
    Row(fn.sequential(fn.Linear(4), fn.Dropout(0.5), fn.Linear(2)).training(fn.Key(3)), ((3,),),
        name="sequential in training", **DROPPED, is_training_form=True),
]
ADD = [
    Row(fn.add(fn.Linear(3), fn.Tanh(), fn.Linear(3)), ((3,),), name="add",
        twin=lambda torch, x, w, b, v, c: x @ w + b + torch.tanh(x) + x @ v + c),
    Row(fn.add(fn.Linear(2)), ((3,),), name="add of one", twin=linear),
    Row(fn.add(fn.Identity(), fn.Identity()), ((3,),), name="add of identities", twin=lambda torch, x: x + x),
]
CONCATENATE = [
    Row(fn.concatenate(fn.Linear(2), fn.Tanh(), fn.Linear(1)), ((3,),), name="concatenate",
        twin=lambda torch, x, w, b, v, c: torch.cat([x @ w + b, torch.tanh(x), x @ v + c], -1)),
    Row(fn.concatenate(fn.Linear(2), fn.Identity()), ((2, 3),), name="concatenate of matrices",
        twin=lambda torch, x, w, b: torch.cat([x @ w + b, x], -1)),
]
RESIDUAL = [
    Row(fn.residual(fn.sequential(fn.Linear(4), fn.Tanh(), fn.Linear(3))), ((3,),), name="residual",
        twin=lambda torch, x, w, b, v, c: x + torch.tanh(x @ w + b) @ v + c),
    Row(fn.sequential(fn.residual(fn.Linear(3)), fn.Tanh(), fn.residual(fn.Linear(3))), ((3,),), name="residual first"),
    Row(fn.sequential(fn.Linear(3), fn.add(fn.concatenate(fn.Identity(), fn.SiLU()), fn.Linear(6))), ((2,),),
        name="sequential of all"),
]
BRANCHES = [
    Row(fn.branches(fn.Linear(2), fn.Tanh(), fn.Identity()), ((3,),), name="branches",
        twin=lambda torch, x, w, b: (x @ w + b, torch.tanh(x), x * 1), keeps_integers=True),
    Row(fn.branches(fn.Linear(2)), ((3,),), name="branches of one", twin=lambda torch, x, w, b: (x @ w + b,)),
    Row(fn.branches(fn.branches(fn.Tanh(), fn.Linear(1)), fn.Sigmoid()), ((3,),), name="branches of branches",
        twin=lambda torch, x, w, b: (torch.tanh(x), x @ w + b, torch.sigmoid(x))),
    Row(fn.sequential(fn.branches(fn.Linear(3), fn.Sigmoid()), fn.Multiply()), ((3,),), name="branches, Multiply",
        twin=lambda torch, x, w, b: (x @ w + b) * torch.sigmoid(x)),
    Row(fn.sequential(fn.branches(fn.Identity(), fn.ReLU()), fn.Multiply()), ((3,), ()), is_bounded=False,
        name="branches, Multiply of x", twin=lambda torch, x: x * torch.relu(x), symmetries=(("homogeneous", 2),)),
    Row(fn.sequential(fn.branches(fn.Identity(), fn.Linear(2), fn.Tanh()), fn.Select(1)), ((3,),),
        name="branches, Select", twin=lambda torch, x, w, b: x @ w + b),
    Row(fn.branches(fn.Sum(), fn.Select(0)), (((3,), (3,)),), name="branches of two inputs",
        twin=lambda torch, x, z: (x + z, x * 1), **KINKED, keeps_integers=True),
    Row(fn.sequential(fn.branches(fn.Linear(4), fn.Dropout(0.5)), fn.Concatenate(), fn.Dropout(0.5)), ((3,),),
        name="branches with Dropout", **DROPPED),
]
PARALLEL = [
    Row(fn.parallel(fn.Linear(2), fn.Tanh()), (((3,), (2,)), ((0,), ())), name="parallel",
        twin=lambda torch, x, z, w, b: (x @ w + b, torch.tanh(z))),
    Row(fn.parallel(fn.Identity()), (((3,),),), name="parallel of one", twin=lambda torch, x: (x * 1,),
        keeps_integers=True, **KINKED),
    Row(fn.parallel(fn.Linear(2), fn.parallel(fn.Identity(), fn.ReLU())), (((3,), ((2,), ())),),
        name="parallel of parallel", twin=lambda torch, x, y, z, w, b: (x @ w + b, y * 1, torch.relu(z)),
        keeps_integers=True),
    Row(fn.sequential(fn.parallel(fn.Linear(4), fn.Identity()), fn.Concatenate(), fn.Tanh(), fn.Linear(1)),
        (((3,), (2,)), ((3,), (0,))), name="parallel, Concatenate",
        twin=lambda torch, x, z, w, b, v, c: torch.tanh(torch.cat([x @ w + b, z], -1)) @ v + c),
    Row(fn.sequential(fn.parallel(fn.Linear(2), fn.Linear(2)), fn.Sum()), (((3,), (4,)),), name="parallel, Sum",
        twin=lambda torch, x, z, w, b, v, c: x @ w + b + z @ v + c),
    Row(fn.sequential(fn.parallel(fn.Flatten(), fn.Softmax()), fn.Concatenate()), (((2, 2), (3,)),),
        name="parallel with Flatten", twin=lambda torch, x, z: torch.cat([x.flatten(-2), torch.softmax(z, -1)], -1)),
    Row(fn.sequential(fn.parallel(fn.Linear(3), fn.branches(fn.Dropout(0.5), fn.Tanh())),
                      fn.parallel(fn.Dropout(0.5), fn.Sum()), fn.Sum()), (((2,), (3,)),),
        name="parallel with Dropout", **DROPPED),
]
TIED = [
    Row(fn.tied(fn.sequential(fn.Linear(2), fn.Tanh(), fn.Linear(3)), {"2.weight": "0.weight.T"}), ((3,),), name="tied",
        twin=lambda torch, x, w, b, c: torch.tanh(x @ w + b) @ w.T + c),
    Row(fn.tied(fn.add(fn.Linear(3), fn.Linear(3, bias=False), fn.Linear(3)), {"1.weight": "0.weight", "2.weight":
        "0.weight.T", "2.bias": "0.bias"}), ((3,),), name="tied thrice",
        twin=lambda torch, x, w, b: x @ w + b + x @ w + x @ w.T + b),
]
RECURRENT = [
    Row(fn.recurrent(fn.SimpleCell(2)), ((4, 3), (1, 3), (2, 0)), name="recurrent", twin=simple_recurrence(tanh)),
    Row(fn.recurrent(fn.SimpleCell(2, fn.ReLU(), bias_init=BIAS), reverse=True), ((3, 2),), name="recurrent, reverse",
        twin=simple_recurrence(relu, reverse=True)),
    Row(fn.recurrent(fn.SimpleCell(2), last_only=True), ((3, 2),), name="recurrent, the last step",
        twin=simple_recurrence(tanh, last_only=True)),
    Row(fn.sequential(fn.BatchNorm(), fn.recurrent(fn.SimpleCell(2), True, True), fn.Linear(1)), ((3, 2),),
        name="BatchNorm before recurrent", differs_in_training=True),
]
# fmt: on

COMBINATORS = {
    fn.sequential: SEQUENTIAL,
    fn.add: ADD,
    fn.concatenate: CONCATENATE,
    fn.residual: RESIDUAL,
    fn.branches: BRANCHES,
    fn.parallel: PARALLEL,
    fn.tied: TIED,
    fn.recurrent: RECURRENT,
}
LAYERS = [*LINEAR, *ACTIVATIONS, *SOFTMAX, *NORMALIZATION, *CELLS, *MERGING, *RESHAPING, *DROPPING]
MODELS = [row for rows in COMBINATORS.values() for row in rows]
ROWS = [*LAYERS, *MODELS]  # that take floating-point numbers
ALL = [*ROWS, *IDS]
FIRST = [*{type(row.layer): row for row in reversed([*LAYERS, IDS[0]])}.values(), SEQUENTIAL[0], PARALLEL[0]]

every_layer = every(ROWS)
every_model = every(MODELS)
