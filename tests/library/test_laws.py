"""Every layer, combinator, loss and optimizer of the library passes every law, in inference and in training."""

import attrs
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import funcnet as fn
from funcnet.testing import check_layer, check_layer_law, check_loss, check_optimizer, strategies
from funcnet.testing.cases.case import over_batch
from tests.layers.table import ALL, FIRST
from tests.losses.cases import LOSSES, REDUCTIONS
from tests.optimizers.cases import DECAYING, NAMED


def case(row, shape):
    """Slow, unless it is the usual shape of the first row of a layer."""
    is_usual = row in FIRST and shape == row.shapes[0]
    return pytest.param(row, shape, id=f"{row.name}-{shape}", marks=() if is_usual else pytest.mark.slow)


@pytest.mark.parametrize(
    ("row", "shape"), [case(row, shape) for row in ALL if not row.is_training_form for shape in row.shapes]
)
def test_layers(row, shape):
    x = None if row.n_ids is None else row.x((6,), shape)
    # Of less usual shapes, and of compositions, every batch and dtype is asked once.
    examples = 56 if row in FIRST and shape == row.shapes[0] else 14
    check_layer(row.layer, shape, x=x, symmetries=row.symmetries, exempt=row.exempt, examples=examples)


SLOW_BUT_ONE = [REDUCTIONS[0], *(pytest.param(reduction, marks=pytest.mark.slow) for reduction in REDUCTIONS[1:])]
every_reduction = pytest.mark.parametrize("reduction", SLOW_BUT_ONE)


@every_reduction
@pytest.mark.parametrize("loss", LOSSES)
def test_losses(loss, reduction):
    symmetries = ["shift-invariant"] if isinstance(loss, fn.SoftmaxCrossEntropy) else []
    check_loss(attrs.evolve(loss, reduction=reduction), symmetries=symmetries)


@every_reduction
def test_cross_entropy_takes_probabilities_that_do_not_sum_to_1(reduction):
    check_loss(fn.SoftmaxCrossEntropy(reduction), targets="probabilities")


@pytest.mark.parametrize(
    "optimizer",
    [
        *(pytest.param(optimizer, id=name) for name, optimizer in NAMED.items()),
        *(pytest.param(optimizer, id=name, marks=pytest.mark.slow) for name, optimizer in DECAYING.items()),
    ],
)
def test_optimizers(optimizer):
    check_optimizer(optimizer)


@pytest.mark.slow
@pytest.mark.parametrize("schedule", [fn.schedules.cosine, fn.schedules.exponential, fn.schedules.step])
def test_optimizers_with_schedules(schedule):
    made = {"cosine": lambda: schedule(0.1, 10), "exponential": lambda: schedule(0.1, 0.9)}
    check_optimizer(fn.Adam(made.get(schedule.__name__, lambda: schedule(0.1, 3, 0.5))()))


@pytest.mark.slow
@given(st.data())
@settings(max_examples=100)
def test_random_compositions_pass_adjointness_and_every_coordinate(data):
    model = data.draw(strategies.models((3,), depth=6))
    dtype = data.draw(st.sampled_from([np.float64, np.float32]))
    params = data.draw(strategies.params(model, (3,), dtype))
    x = data.draw(strategies.inputs((3,), dtype))
    trained = model.training(data.draw(strategies.keys()))
    has_rows = not over_batch(trained) or x[..., 0].size != 1  # one row has no variance
    for form in (model, trained) if has_rows else (model,):
        y = np.asarray(form.forward(params, x)[0])
        dy = data.draw(strategies.arrays(y.shape, y.dtype))
        for law in ("coordinates", "adjointness", "structure"):
            check_layer_law(law, form, params, x, dy, input_shape=(3,))


@pytest.mark.slow
@given(strategies.models((2, 2), depth=3))
@settings(max_examples=20)
def test_random_compositions_pass_every_law(model):
    check_layer(_without_dropout(model), (2, 2), examples=7)


def _without_dropout(model):
    """The model with Dropout(0), which is deterministic in training too, in place of other rates."""
    if isinstance(model, fn.Dropout):
        return fn.Dropout(0.0)
    fields = {field.alias: getattr(model, field.name) for field in attrs.fields(type(model))}
    layers = fields.get("layers")
    return model if layers is None else attrs.evolve(model, layers=tuple(map(_without_dropout, layers)))
