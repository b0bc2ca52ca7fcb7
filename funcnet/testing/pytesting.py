"""`layer_tests`, `loss_tests` and `optimizer_tests`: a test for pytest of each law, under the law's name."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from funcnet.errors import needs
from funcnet.testing.budgets import made
from funcnet.testing.layers import check_layer
from funcnet.testing.losses import check_loss
from funcnet.testing.optimizers import check_optimizer
from funcnet.testing.reports.holding import hold


def layer_tests(layer: Any, input_shape: Any = None, *, budget: str | None = None, **options: Any) -> Any:
    """Make a test of each law of layers, for pytest.

    In a test module, ``test_mine = layer_tests(MyLayer(), (4,))`` gives the tests ``test_mine[coordinates]`` and so on.
    A law that does not apply is skipped, and an exempt one that is broken is an expected failure.

    Parameters
    ----------
    layer : Layer, object or tuple of two functions
        A layer as `check_layer` takes it.
    input_shape : tuple of int, or tuple of shapes, optional
        Shape of one example; by default that of the rows of `x`.
    budget : str, optional
        Time such as "1s" or "2min", in which each test draws cases one after another, see `report`; by default the
        number of cases of `check_layer`.
    **options
        The options of `check_layer`.

    Returns
    -------
    function
        A test with the parameter `law`.

    Raises
    ------
    TypeError, ValueError
        For what `check_layer` refuses.
    MissingExtraError
        If pytest is not installed.

    Examples
    --------
    >>> import funcnet as fn
    >>> test_tanh = layer_tests(fn.Tanh(), (4,))
    >>> test_tanh("coordinates")
    """
    return _tests(check_layer, layer, {"input_shape": input_shape, **options}, budget)


def loss_tests(loss: Any, *, budget: str | None = None, **options: Any) -> Any:
    """Make a test of each law of losses, for pytest, see `layer_tests`.

    Parameters
    ----------
    loss : Loss or object
        A loss as `check_loss` takes it.
    budget : str, optional
        Time of each test, as for `layer_tests`.
    **options
        The options of `check_loss`.

    Returns
    -------
    function
        A test with the parameter `law`.

    Raises
    ------
    TypeError, ValueError
        For what `check_loss` refuses.
    MissingExtraError
        If pytest is not installed.

    Examples
    --------
    >>> import funcnet as fn
    >>> test_mse = loss_tests(fn.MeanSquaredError())
    >>> test_mse("coordinates")
    """
    return _tests(check_loss, loss, options, budget)


def optimizer_tests(optimizer: Any, *, budget: str | None = None, **options: Any) -> Any:
    """Make a test of each law of optimizers, for pytest, see `layer_tests`.

    Parameters
    ----------
    optimizer : Optimizer or object
        An optimizer as `check_optimizer` takes it.
    budget : str, optional
        Time of each test, as for `layer_tests`.
    **options
        The options of `check_optimizer`.

    Returns
    -------
    function
        A test with the parameter `law`.

    Raises
    ------
    TypeError, ValueError
        For what `check_optimizer` refuses.
    MissingExtraError
        If pytest is not installed.

    Examples
    --------
    >>> import funcnet as fn
    >>> test_adam = optimizer_tests(fn.Adam(0.1))
    >>> test_adam("zero")
    """
    return _tests(check_optimizer, optimizer, options, budget)


def _tests(check: Callable[..., None], subject: Any, options: dict[str, Any], budget: str | None) -> Any:
    with needs("pytest", extra="testing"):
        import pytest
    laws = made(check, subject, options, budget).kind.laws  # a wrong option is told here, not by each test

    @pytest.mark.parametrize("law", list(laws))
    def test(law: str) -> None:
        __tracebackhide__ = True
        asked = made(check, subject, options, budget).of_law(law)
        tally = hold(asked)[law]
        if tally.broken:
            pytest.xfail(asked.exempt[law])
        if not tally.cases:
            pytest.skip(tally.reason)

    return test
