"""Hypothesis strategies for your own property tests: keys, arrays, params, layers, whole networks and the rest.

Drawn values are valid by construction and shrink to values that print briefly: numbers to 0, then 1, then small
fractions; options to their defaults or 0; networks to `sequential()`. A test file that uses them:

>>> import funcnet as fn
>>> from hypothesis import given
>>> from hypothesis import strategies as st
>>> from funcnet.testing import strategies
>>> @given(strategies.models((3,)), strategies.inputs((3,)), st.data())
... def test_sequential_of_one_model_is_the_model(model, x, data):
...     params = data.draw(strategies.params(model, (3,)))
...     assert fn.tree.equal(fn.sequential(model).apply((params,), x), model.apply(params, x))
>>> test_sequential_of_one_model_is_the_model()
"""

from funcnet.errors import needs

with needs("hypothesis", extra="testing"):
    from funcnet.testing.strategies.arrays import arrays, batches, inputs, keys, labels, shapes
    from funcnet.testing.strategies.networks import layers, losses, models, optimizers, params

# fmt: off
__all__ = [
    "arrays", "batches", "inputs", "keys", "labels", "layers", "losses", "models", "optimizers", "params", "shapes",
]
# fmt: on
