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
DROPPED = {"exempt": PLACES, "is_random": True}
UNCHANGED = {"of_number": (lambda x: x, lambda x: 1), "limits": ((-INF, INF), (1, 1)), "twin": lambda torch, x: x * 1}
KINKED = {"symmetries": (("homogeneous", 1),)}


@fn.register
def doubled(x):
    return 2 * x


def linear(torch, x, weight, bias=None):
    return torch.nn.functional.linear(x, weight.T, bias)


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
    Row(fn.Identity(), NUMBERS, **KINKED, **UNCHANGED, keeps_integers=True),
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


# fmt: off
NORMALIZATION = [
    Row(fn.LayerNorm(), ((4,), (2, 3), (1,), (0,)), twin=layer_norm),
    Row(fn.LayerNorm(0.5, affine=False), ((3,),),
        twin=lambda torch, x: torch.nn.functional.layer_norm(x, (3,), eps=0.5)),
    Row(fn.RMSNorm(), ((4,), (2, 3), (1,), (0,)),
        twin=lambda torch, x, w: torch.nn.functional.rms_norm(x, x.shape[-1:], w, eps=1e-6)),
    Row(fn.GroupNorm(2), ((4,), (2, 3, 4), (0,)), twin=group_norm(2, 1)),
    Row(fn.GroupNorm(3), ((2, 2, 6),), twin=group_norm(3, 3)),
    Row(fn.BatchNorm(), ((3,), (2, 3), (0,)), twin=batch_norm),
    Row(fn.BatchNorm(0.25, epsilon=0.5, affine=False), ((3,),)),
    Row(fn.BatchNorm().training(fn.Key(0)), ((3,), (2, 3), (0,)), twin=batch_norm_in_training,
        name="BatchNorm in training", is_training_form=True),
]
# fmt: on
MERGING = [
    Row(fn.Sum(), (((3,), (3,)), ((2, 3),) * 3, ((),)), twin=lambda torch, *xs: sum(xs), **KINKED),
    Row(
        fn.Multiply(),
        (((3,), (3,)), ((2, 3),) * 3, ((3,),)),
        twin=lambda torch, *xs: math.prod(xs),
        is_bounded=False,
        symmetries=(("homogeneous", 2),),
    ),
    Row(
        fn.Concatenate(),
        (((3,), (2,)), ((2, 3), (2, 1), (2, 0))),
        **KINKED,
        twin=lambda torch, *xs: torch.cat(xs, -1),
        keeps_integers=True,
    ),
    Row(
        fn.Concatenate(-2),
        (((3, 2), (1, 2)),),
        **KINKED,
        twin=lambda torch, *xs: torch.cat(xs, -2),
        keeps_integers=True,
    ),
    Row(fn.Select(1), (((3,), (2,)), ((3,), ())), twin=lambda torch, a, b: b * 1, keeps_integers=True),
    Row(fn.Select(-1), (((3,), ((2,), (2,))),), keeps_integers=True),
]
RESHAPING = [
    Row(fn.Flatten(), ((2, 3), (3,), (), (0, 2)), twin=lambda torch, x: torch.flatten(x, -2), keeps_integers=True),
]
DROPPING = [
    Row(fn.Dropout(0.0), ((3,),), **UNCHANGED, is_random=True),
    Row(fn.Dropout(0.3), ((3,), (), (2, 3)), **UNCHANGED, **DROPPED),
    Row(
        fn.Dropout(1.0),
        ((3,),),
        **UNCHANGED,
        is_random=True,
        exempt={"training": "there is nothing to draw: all is dropped"},
    ),
    Row(
        fn.Dropout(0.3).training(fn.Key(2**100).fold_in("name").fold_in(3)),
        ((3,), (), (2, 3)),
        **DROPPED,
        name="Dropout in training",
        is_training_form=True,
    ),
]
SEQUENTIAL = [
    Row(
        fn.sequential(fn.Linear(4), fn.Tanh(), fn.Linear(2)),
        ((3,),),
        name="sequential",
        twin=lambda torch, x, w, b, v, c: torch.tanh(x @ w + b) @ v + c,
    ),
    Row(fn.sequential(), NUMBERS, name="sequential of nothing", twin=lambda torch, x: x * 1, keeps_integers=True),
    Row(
        fn.sequential(fn.Tanh(), fn.Softmax()),
        ((3,),),
        name="sequential without params",
        twin=lambda torch, x: torch.softmax(torch.tanh(x), dim=-1),
    ),
    Row(
        fn.sequential(fn.Sigmoid(), fn.Linear(2), fn.LogSoftmax()),
        ((3,),),
        name="sequential, params inside",
        twin=lambda torch, x, w, b: torch.log_softmax(torch.sigmoid(x) @ w + b, dim=-1),
    ),
    Row(
        fn.sequential(fn.sequential(fn.Tanh(), fn.Linear(4)), fn.sequential(fn.Linear(2))),
        ((3,),),
        name="sequential of sequentials",
        twin=lambda torch, x, w, b, v, c: (torch.tanh(x) @ w + b) @ v + c,
    ),
    Row(fn.sequential(fn.Tanh(), fn.Flatten(), fn.Linear(2)), ((2, 3),), name="sequential with Flatten"),
    Row(
        fn.sequential(fn.Linear(4), fn.GELU(), fn.Dropout(0.5), fn.Linear(2), fn.LogSoftmax()),
        ((3,), (0,)),
        name="sequential with Dropout",
        **DROPPED,
    ),
    Row(
        fn.sequential(fn.Linear(4), fn.Dropout(0.5), fn.Linear(2)).training(fn.Key(3)),
        ((3,),),
        name="sequential in training",
        **DROPPED,
        is_training_form=True,
    ),
]
ADD = [
    Row(
        fn.add(fn.Linear(3), fn.Tanh(), fn.Linear(3)),
        ((3,),),
        name="add",
        twin=lambda torch, x, w, b, v, c: x @ w + b + torch.tanh(x) + x @ v + c,
    ),
    Row(fn.add(fn.Linear(2)), ((3,),), name="add of one", twin=linear),
    Row(fn.add(fn.Identity(), fn.Identity()), ((3,),), name="add of identities", twin=lambda torch, x: x + x),
]
CONCATENATE = [
    Row(
        fn.concatenate(fn.Linear(2), fn.Tanh(), fn.Linear(1)),
        ((3,),),
        name="concatenate",
        twin=lambda torch, x, w, b, v, c: torch.cat([x @ w + b, torch.tanh(x), x @ v + c], -1),
    ),
    Row(
        fn.concatenate(fn.Linear(2), fn.Identity()),
        ((2, 3),),
        name="concatenate of matrices",
        twin=lambda torch, x, w, b: torch.cat([x @ w + b, x], -1),
    ),
]
RESIDUAL = [
    Row(
        fn.residual(fn.sequential(fn.Linear(4), fn.Tanh(), fn.Linear(3))),
        ((3,),),
        name="residual",
        twin=lambda torch, x, w, b, v, c: x + torch.tanh(x @ w + b) @ v + c,
    ),
    Row(fn.sequential(fn.residual(fn.Linear(3)), fn.Tanh(), fn.residual(fn.Linear(3))), ((3,),), name="residual first"),
    Row(
        fn.sequential(fn.Linear(3), fn.add(fn.concatenate(fn.Identity(), fn.SiLU()), fn.Linear(6))),
        ((2,),),
        name="sequential of all",
    ),
]
# fmt: on

COMBINATORS = {fn.sequential: SEQUENTIAL, fn.add: ADD, fn.concatenate: CONCATENATE, fn.residual: RESIDUAL}
LAYERS = [*LINEAR, *ACTIVATIONS, *SOFTMAX, *NORMALIZATION, *MERGING, *RESHAPING, *DROPPING]
MODELS = [row for rows in COMBINATORS.values() for row in rows]
ROWS = [*LAYERS, *MODELS]
FIRST = [*{type(row.layer): row for row in reversed(LAYERS)}.values(), SEQUENTIAL[0]]

every_layer = every(ROWS)
every_model = every(MODELS)
