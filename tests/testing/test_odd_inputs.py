"""What checks say of odd inputs: params and shapes that fit nothing, numbers that are none."""

import numpy as np
import pytest

import funcnet as fn
from funcnet.testing import LawViolation, check_gradients, check_layer, report


def scaled(params, x):
    return params["w"] * x + params["b"], x


def blame_of(grads, params):
    def backward(params, x, dy):
        return params["w"] * dy, grads

    with pytest.raises(LawViolation) as caught:
        check_layer((scaled, backward), (3,), params=params)
    return caught.value.got


# --- Grads ---


@pytest.mark.parametrize(
    ("grads", "said"),
    [
        ({"w": np.zeros(())}, "a dict of ['w']"),
        ({"w": np.zeros(()), "b": np.zeros(()), "c": np.zeros(())}, "a dict of ['w', 'b', 'c']"),
        ([np.zeros(())], "a list of 1"),
        (None, "None"),
    ],
    ids=["a key is missing", "a key too many", "a list", "None"],
)
def test_grads_of_other_keys_are_told_by_the_keys(grads, said):
    got = blame_of(grads, {"w": np.ones(()), "b": np.ones(())})
    assert f"expected a dict of ['w', 'b'] at the root, got {said}" in got


# --- x, params and shapes ---


def sine(params, x):
    return np.sin(x), x


def wrong(params, x, dy):
    return np.sin(x) * dy, ()


def right(params, x, dy):
    return np.cos(x) * dy, ()


@pytest.mark.parametrize("number", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("backward", [right, wrong])
def test_an_x_without_a_finite_number_is_refused_as_no_gradient_could_be_told_wrong(number, backward):
    with pytest.raises(ValueError, match="x must have a finite number"):
        check_layer((sine, backward), x=np.full((2, 2), number))


def test_a_nan_beside_finite_numbers_hides_no_wrong_gradient():
    with pytest.raises(LawViolation):
        check_layer((sine, wrong), x=np.array([[1.0, np.nan]]))


@pytest.mark.parametrize("x", [np.array([[object()]]), np.array([[1.0, None]])])
def test_objects_in_x_are_refused(x):
    with pytest.raises(TypeError, match=r"x must hold real numbers, got object: write x.astype\(float\)"):
        check_layer((sine, right), x=x)


@pytest.mark.parametrize("shape", [(-1,), (4.0,), ("4",), ((4,), (-1,)), (4, (3,))])
def test_a_shape_is_of_sizes(shape):
    with pytest.raises(TypeError, match=r"input_shape must be a tuple such as \(4,\), of sizes of at least 0"):
        check_layer((sine, right), shape)


def test_a_report_says_that_no_reference_was_given():
    found = report((sine, right), (2,), examples=1)
    assert (found["like"].status, found["like"].reason) == ("not asked", "no reference is given: like=")


@pytest.mark.parametrize("grads", [None, {}])
def test_grads_of_no_params_are_told_to_be_an_empty_tuple(grads):
    with pytest.raises(LawViolation) as caught:
        check_layer((sine, lambda params, x, dy: (np.cos(x) * dy, grads)), (2,))
    assert f"end backward with `return dx, ()`, or say params={grads}" in caught.value.diagnosis


# --- check_gradients ---


@pytest.mark.parametrize(
    ("model", "sample", "said"),
    [
        ((sine, right), None, "model must be an instance with the methods forward and backward; check_layer takes two"),
        (fn.Tanh(), 1.5, "sample must be an integer, got 1.5"),
        (fn.Tanh(), True, "sample must be an integer, got True"),
    ],
)
def test_what_is_no_model_or_no_sample_is_refused(model, sample, said):
    with pytest.raises(TypeError, match=said):
        check_gradients(model, fn.MeanSquaredError(), (), np.ones((2, 3)), np.ones((2, 3)), sample=sample)


# --- Floats and settings among params ---


def times(params, x):
    return x * params["w"] * params["layers"][0], x


def times_backward(of):
    def backward(params, x, dy):
        w, (a,) = params["w"], params["layers"]
        return dy * w * a, {"layers": [of((dy * x * w).sum())], "w": of((dy * x * a).sum())}

    return backward


@pytest.mark.parametrize("of", [float, np.asarray, np.float64], ids=["float", "array", "float64"])
def test_floats_are_params_and_gradients_of_params(of):
    for dtypes in (("float64",), ("float32",)):
        params = {"w": 2.0, "layers": [-0.5]}
        exempt = {"dtype": "grads are in float64"} if of is np.float64 and dtypes == ("float32",) else {}
        check_layer((times, times_backward(of)), (3,), params=params, dtypes=dtypes, exempt=exempt, examples=14)


def test_a_wrong_gradient_of_a_float_is_told_by_its_name():
    with pytest.raises(LawViolation) as caught:
        check_layer((times, times_backward(lambda dw: 2 * float(dw))), (3,), params={"w": 2.0, "layers": [-0.5]})
    assert caught.value.at == "grads.w"
    assert "params = {'w': np.array(" in caught.value.case


@pytest.mark.parametrize(
    ("params", "said"),
    [
        ({"w": "same"}, r"params\['w'\] must be an array or a float, got 'same': write a setting into forward"),
        ([1.0, (b"a",)], r"params\[1\]\[0\] must be an array or a float, got b'a'"),
        ("same", "params must be an array or a float, got 'same'"),
        ({"w": {"n": 3}}, r"params\['w'\]\['n'\] must be an array or a float, got 3: write 3.0 for a param"),
        ({"w": True}, r"params\['w'\] must be an array or a float, got True"),
    ],
    ids=["text", "bytes", "text alone", "int", "bool"],
)
def test_settings_are_not_params(params, said):
    with pytest.raises(TypeError, match=said):
        check_layer((sine, right), (3,), params=params)


# --- Laws that a right layer may be exempt from ---


def rows_of_two(params, x):
    n, _ = x.shape
    return 2 * x[:n], None


@pytest.mark.parametrize("law", ["batch.single", "batch.axes"])
def test_a_form_of_batch_that_is_not_taken_is_told_with_its_exemption(law):
    exempt = dict.fromkeys({"batch.single", "batch.axes"} - {law}, "rows alone")
    with pytest.raises(LawViolation) as caught:
        check_layer((rows_of_two, lambda params, cache, dy: (2 * dy, ())), (3,), exempt=exempt)
    assert caught.value.law == law
    assert f'is not meant to be taken, say so: exempt={{"{law}": "why"}}' in caught.value.diagnosis
