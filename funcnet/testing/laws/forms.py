"""Laws of the form in training, and of the statistics that it tracks."""

from __future__ import annotations

import numpy as np

from funcnet import tree
from funcnet.layers.layer import Layer
from funcnet.random import Key
from funcnet.testing.cases.case import Case, Results, leaves, needs, over_batch, parts, take
from funcnet.testing.reports.comparing import Difference, close, same_bits
from funcnet.tree import Flow, Tree, has_buffers, leaves_like, map_flow, named_buffers


def training(case: Case) -> None:
    """In training the same key gives the same bits, and a different key different draws."""
    layer, key = case.needs_layer(), Key(0)
    trained = layer.training(key)
    if not isinstance(trained, Layer):
        raise Difference("training(key)", type(trained).__name__, "a layer")
    needs(case.batch != () or not over_batch(trained))  # statistics need rows
    x = case.x
    if not case.is_given and case.batch:  # enough numbers for one to be dropped, and one kept
        x = map_flow(lambda part: np.concatenate([part, np.ones((64, *part.shape[1:]), part.dtype)]), x)

    def y_of(form: Layer) -> Flow:
        return map_flow(np.asarray, form.forward(case.params, x)[0])

    y, first = y_of(layer), y_of(trained)
    same_bits(parts("y", y_of(layer.training(key))), parts("y", first), "the first training(key)")
    needs(case.batch != () and not over_batch(trained))
    needs(not tree.equal(y, first), "it is the same in training")
    if all(tree.equal(y_of(layer.training(Key(seed))), first) for seed in range(1, 9)):
        raise Difference("y", "the same with nine keys", "other draws with another key", diagnosis=_DRAWS_NOTHING)


_DRAWS_NOTHING = (
    'a layer that takes statistics over the batch declares statistics = "batch"; any other that differs in training '
    'but draws nothing is right: exempt={"training": "it draws nothing"}'
)


def statistics(case: Case) -> None:
    """`track` keeps the leaves; statistics do not depend on the order of rows, and an empty batch changes none."""
    layer = case.needs_layer()
    needs(has_buffers(case.params), "params hold no buffer")
    _, cache = layer.forward(case.params, case.x)
    tracked = layer.track(case.params, cache)
    leaves_like(case.params, tracked, "the tracked params")
    same_bits(leaves("params", tracked), leaves("params", case.params), "the params before `track`")
    _, grads = layer.backward(case.params, cache, case.dy)
    same_bits(_buffers("grads", grads), _buffers("grads", case.params), "the buffers of params")
    needs(case.batch != ())
    close(_tracked(layer, case, slice(None, None, -1)), _buffers("params", tracked), case.rounding, "the rows in order")
    needs("batch.empty" not in case.exempt)
    same_bits(_tracked(layer, case, slice(0)), _buffers("params", case.params), "the statistics before an empty batch")


def _tracked(layer: Layer, case: Case, rows: slice) -> Results:
    """The buffers after a pass of these rows."""
    _, cache = layer.forward(case.params, take(case.x, rows))
    return _buffers("params", layer.track(case.params, cache))


def _buffers(name: str, params: Tree) -> Results:
    return {f"{name}.{path}": array for path, array in named_buffers(params).items()}
