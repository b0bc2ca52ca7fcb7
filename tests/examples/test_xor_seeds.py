"""What the XOR lab counts over seeds, and the edge that it finds."""

import math

import numpy as np
import pytest
import xor_seeds

import funcnet as fn

XOR = fn.data.xor(21)
XOR = fn.data.Dataset(XOR.x, XOR.y[:, None].astype(np.float32))
RELU = xor_seeds.SETTINGS["ReLU, squared error"]


def with_bias(params, layer, bias):
    layers = [*params]
    layers[layer] = fn.LinearParams(params[layer].weight, np.array(bias, np.float32))
    return tuple(layers)


def test_units_that_are_0_at_every_point_are_dead():
    params = with_bias(RELU.model.init(fn.Key(4), (2,)), 2, [99] * 4)
    assert xor_seeds.dead_units(RELU.model, with_bias(params, 0, [9] * 4), XOR.x) == (0, 0)
    params = with_bias(params, 0, [-9, -9, 9, 9])
    assert xor_seeds.dead_units(RELU.model, params, XOR.x) == (2, 0)
    assert xor_seeds.dead_units(RELU.model, with_bias(params, 2, [-99] * 4), XOR.x) == (2, 4)


@pytest.mark.parametrize(("seed", "learns"), [(0, True), (5, False)])
def test_an_outcome_is_the_epoch_at_which_all_points_are_right(seed, learns):
    found = xor_seeds.outcome(RELU, seed, XOR)
    assert (found.epoch is not None) == learns == xor_seeds.all_right(RELU.model, found.params, XOR)


def test_the_loss_of_the_document_is_the_librarys_where_nothing_is_clipped():
    y, target = np.array([[0.25], [0.5], [0.9]]), np.array([[1.0], [0.0], [1.0]])
    ours, theirs = xor_seeds.SUMMED, xor_seeds.ClippedCrossEntropy()
    (value, cache), (expected, expected_cache) = theirs.forward(y, target), ours.forward(y, target)
    assert value == pytest.approx(expected, rel=1e-14)
    np.testing.assert_allclose(theirs.backward(cache), ours.backward(expected_cache), rtol=1e-14)


def test_the_loss_of_the_document_is_finite_where_it_clips():
    value, cache = xor_seeds.ClippedCrossEntropy().forward(np.array([[0.0], [1.0]]), np.array([[1.0], [0.0]]))
    assert value == pytest.approx(-2 * math.log(1e-7), rel=1e-7)
    assert np.isfinite(xor_seeds.ClippedCrossEntropy().backward(cache)).all()


@pytest.mark.slow
def test_the_edge_is_between_neighbouring_floats():
    edge = xor_seeds.edge(XOR, 0, 64)
    assert edge.fails == math.nextafter(edge.learns, 1)
    assert [xor_seeds.curve(edge.seed, XOR, rate)[1] for rate in (edge.learns, edge.fails)] == [True, False]
