"""Users' code as it is: in one form of batches or one dtype, as plain objects and pairs, with tuples and integers."""

import numpy as np
import pytest

import funcnet as fn
from funcnet.testing import LawViolation, check_layer, check_layer_law, check_loss, report

MATRICES = {
    "batch.single": "x is a matrix",
    "batch.axes": "x is a matrix",
    "batch.empty": "no rows can't be reshaped to (0, -1)",
}


def blame(*arguments, check=check_layer, **options):
    with pytest.raises(LawViolation) as caught:
        check(*arguments, **options)
    return caught.value


# --- Batches of one form ---


def affine(params, x):
    n = len(x)
    return x.reshape(n, -1) @ params["w"] + params["b"], x


def affine_backward(params, x, dy):
    grads = {"w": x.reshape(len(x), -1).T @ dy, "b": dy.sum(axis=0)}
    return (dy @ params["w"].T).reshape(x.shape), grads


W = {"w": np.linspace(-1, 1, 12).reshape(6, 2), "b": np.array([0.5, -1.0])}


@pytest.mark.parametrize("law", ["batch.single", "batch.axes", "batch.empty"])
def test_a_form_of_batches_that_a_layer_does_not_take_is_told_by_its_own_law(law):
    others = {name: why for name, why in MATRICES.items() if name != law}
    assert blame((affine, affine_backward), (2, 3), params=W, exempt=others).law == law


def test_no_law_is_asked_about_a_form_of_batches_that_is_exempt():
    check_layer((affine, affine_backward), (2, 3), params=W, exempt=MATRICES)


def test_every_combination_of_batch_dtype_and_numbers_is_drawn_of_the_forms_that_are_left():
    seen = set()

    def forward(params, x):
        seen.add((x.shape[:-1], x.dtype))
        return 2 * x, None

    def backward(params, cache, dy):
        return 2 * dy, ()

    needless = blame((forward, backward), (3,), exempt=MATRICES)
    assert "holds" in needless.got  # such batches were made for their own laws alone
    dtypes = np.dtype(np.float64), np.dtype(np.float32)
    assert seen >= {((n,), dtype) for n in (2, 1, 3, 40) for dtype in dtypes}


def test_exempt_forms_of_batches_that_are_never_asked_are_exempt_in_a_report():
    found = report((affine, affine_backward), (2, 3), params=W, exempt=MATRICES, examples=14)
    assert found.ok
    assert {found[law].status for law in MATRICES} == {"exempt"}


def test_an_exempt_form_that_a_layer_takes_is_needless():
    found = blame(fn.Tanh(), (2,), exempt={"batch.single": "I was not sure"}, examples=7)
    assert (found.law, found.got) == ("batch.single", "holds")


def test_statistics_are_not_asked_about_no_rows_where_these_are_exempt():
    class Standardized:
        statistics = "batch"

        def forward(self, params, x):
            if not len(x):
                raise ValueError("no rows")
            std = np.sqrt(x.var(axis=0) + 1e-2).astype(x.dtype)
            y = (x - x.mean(axis=0)) / std
            return y, (y, std)

        def backward(self, params, cache, dy):
            y, std = cache
            return (dy - dy.mean(axis=0) - y * (dy * y).mean(axis=0)) / std, ()

    forms = dict.fromkeys(["batch.empty", "batch.axes"], "statistics over the first axis")
    check_layer(Standardized(), (3,), exempt=forms, examples=28)
    Standardized.statistics = None
    assert blame(Standardized(), (3,), exempt=forms, examples=28).law == "batch.rows"


# --- One dtype ---


def doubled(params, x):
    return np.asarray(2 * x, np.float64), None


def doubled_backward(params, cache, dy):
    return np.asarray(2 * dy, np.float64), ()


def test_a_layer_in_float64_alone_is_checked_in_float64_alone():
    found = blame((doubled, doubled_backward), (3,))
    assert (found.law, found.at, found.got) == ("dtype", "y", "dtype float64")
    assert 'dtypes=("float64",)' in found.diagnosis
    check_layer((doubled, doubled_backward), (3,), dtypes=("float64",))


def test_the_mathematics_come_before_dtypes():
    assert blame((doubled, lambda params, cache, dy: (3 * dy, ())), (3,)).law == "coordinates"


def cosine_in_float32(params, x):
    x = np.asarray(x, np.float32)
    return np.sin(x), np.cos(x)


def times_in_float32(params, slope, dy):
    return np.asarray(dy, np.float32) * slope, ()


def cosine_inside_float32(params, x):
    return np.sin(x.astype(np.float32)).astype(x.dtype), np.cos(x.astype(np.float32))


def times_inside_float32(params, slope, dy):
    return (dy.astype(np.float32) * slope).astype(dy.dtype), ()


@pytest.mark.parametrize(
    ("layer", "options"),
    [
        ((cosine_in_float32, times_in_float32), {}),
        ((cosine_in_float32, times_in_float32), {"dtypes": ("float32",)}),
        ((cosine_inside_float32, times_inside_float32), {"dtypes": ("float32",)}),
    ],
)
def test_layers_that_compute_in_float32_whatever_comes_are_judged_by_its_precision(layer, options):
    check_layer(layer, (3,), **options)


def test_digits_lost_inside_are_blamed_unless_the_dtype_is_declared_also_where_the_case_is_pasted():
    wrong = cosine_inside_float32, lambda params, slope, dy: (2 * times_inside_float32(params, slope, dy)[0], ())
    assert "narrow dtype" in blame((cosine_inside_float32, times_inside_float32), (3,)).diagnosis
    found = blame(wrong, (3,), dtypes=("float32",))
    assert found.law == "coordinates"
    assert "dtypes=('float32',))" in found.case


def test_a_gradient_that_is_narrower_than_y_is_blamed():
    found = blame((lambda params, x: (2 * x, None), lambda params, cache, dy: (np.float32(2 * dy), ())), (3,))
    assert (found.law, found.at, found.got) == ("dtype", "dx", "dtype float32")


def test_a_gradient_in_float16_is_blamed_at_once():
    found = blame((lambda params, x: (2 * x, None), lambda params, cache, dy: (np.float16(2 * dy), ())), (3,))
    assert (found.law, found.at, found.got) == ("structure", "dx", "dtype float16")


@pytest.mark.parametrize("dtypes", ["float64", (), ("float16",), (int,)])
def test_dtypes_are_float64_and_float32(dtypes):
    for check in (lambda **options: check_layer(fn.Tanh(), (2,), **options), check_loss_of_ours):
        with pytest.raises(ValueError, match='dtypes must be \\("float64",\\), \\("float32",\\) or both'):
            check(dtypes=dtypes)


def check_loss_of_ours(**options):
    check_loss(fn.MeanSquaredError(), **options)


# --- Complex numbers ---


@pytest.mark.parametrize(
    ("name", "check"),
    [
        ("x", lambda z: check_layer(fn.Tanh(), x=z)),
        ("params", lambda z: check_layer((doubled, doubled_backward), (1,), params=z)),
        ("params.w", lambda z: check_layer((doubled, doubled_backward), (1,), params={"w": z})),
        ("x", lambda z: check_layer_law("purity", fn.Tanh(), (), z, np.ones((1, 1)))),
        ("dy", lambda z: check_layer_law("purity", fn.Tanh(), (), np.ones((1, 1)), z)),
        ("outputs", lambda z: check_loss(fn.MeanSquaredError(), outputs=z, targets=np.ones((1, 1)))),
        ("targets", lambda z: check_loss(fn.MeanSquaredError(), targets=z)),
    ],
)
def test_complex_numbers_are_refused(name, check):
    with pytest.raises(TypeError, match=f"{name} must hold real numbers, got complex128: give the real"):
        check(np.array([[1 + 1j]]))


def test_a_complex_y_is_blamed():
    found = blame((lambda params, x: (x + 1j, None), lambda params, cache, dy: (dy.real, ())), (2,))
    assert (found.law, found.at, found.got) == ("structure", "y", "dtype complex128")


# --- Plain objects and pairs ---


def centred(params, x):
    axes = tuple(range(x.ndim - 1))
    return x - x.sum(axis=axes, keepdims=True) / max(x[..., 0].size, 1), None


def centred_backward(params, cache, dy):
    return centred(params, dy)[0], ()


TABLE = np.linspace(0, 1, 8).reshape(4, 2)


def declared(function, **attributes):
    """The function with attributes, which does not change the function itself."""

    def declared(*arguments):
        return function(*arguments)

    vars(declared).update(attributes)
    return declared


def test_statistics_over_the_batch_can_be_declared_of_a_pair():
    assert blame((centred, centred_backward), (2,)).law == "batch.rows"
    check_layer((declared(centred, statistics="batch"), centred_backward), (2,))


@pytest.mark.parametrize("params", [TABLE, {"w": TABLE}])
def test_integers_can_be_declared_of_a_pair(params):
    of_dict = isinstance(params, dict)

    def forward(params, ids):
        return (params["w"] if of_dict else params)[ids], ids

    def backward(params, ids, dy):
        grads = np.zeros_like(TABLE, dtype=dy.dtype)
        np.add.at(grads, ids, dy)
        return None, {"w": grads} if of_dict else grads

    layer = declared(forward, takes_integers=True), backward
    check_layer(layer, (), params=params, x=np.array([0, 3, 3]))
    with pytest.raises(LawViolation, match="IndexError"):
        check_layer((forward, backward), (), params=params, x=np.array([0, 3, 3]))


class Product:
    """x is a tuple of two, and params are a dict."""

    def forward(self, params, x):
        a, b = x
        return params["scale"] * a * b, x

    def backward(self, params, x, dy):
        a, b = x
        grads = {"scale": np.sum(dy * a * b, axis=tuple(range(dy.ndim - 1)))}
        return (dy * params["scale"] * b, dy * params["scale"] * a), grads


def test_a_plain_object_may_take_a_tuple():
    check_layer(Product(), ((2,), (2,)), params={"scale": np.array([2.0, -1.0])})
