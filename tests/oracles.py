"""What layers and losses are compared with: the formulas of textbooks, in as many digits as it takes."""

from decimal import Decimal, getcontext, localcontext
from functools import cache

import numpy as np

MOST_DIGITS = 500  # what cancels deeper than the least float rounds to 0; ln(1 - sigmoid(1000)) loses 435
ROUNDING = 1e-15  # relative, of a handful of operations in float64


def exactly(f, *numbers):
    """f of these floats (or lists of them), worked out in more digits than it loses, and rounded once, to float64."""
    with localcontext(prec=_digits(numbers)):
        return _floats(f(*map(_decimals, numbers)))


def _digits(numbers):
    """P(Z <= x) loses x**2 / 2 / ln(10) digits, the other formulas fewer; 1 - p loses the zeros that p begins with."""
    sizes = [abs(Decimal(float(n))) for number in numbers for n in np.ravel(number) if np.isfinite(n) and n]
    lost = max((max(size * size / 4, -size.adjusted()) for size in sizes), default=0)
    return min(MOST_DIGITS, 60 + int(lost))


def _decimals(number):
    return [Decimal(float(n)) for n in number] if np.ndim(number) else Decimal(float(number))


def _floats(number):
    return [float(n) for n in number] if isinstance(number, list) else float(number)


# --- The textbook's formulas, for Decimals. Cancellation and overflow are no concern here. ---


def sigmoid(x):
    return 1 / (1 + (-x).exp())


def sigmoid_derivative(x):
    return sigmoid(x) * (1 - sigmoid(x))


def tanh(x):
    return (x.exp() - (-x).exp()) / (x.exp() + (-x).exp())


def tanh_derivative(x):
    return 1 - tanh(x) ** 2


def softplus(x):
    return (1 + x.exp()).ln()


def silu(x):
    return x * sigmoid(x)


def silu_derivative(x):
    return sigmoid(x) + x * sigmoid_derivative(x)


def elu(x, alpha=1):
    return x if x > 0 else alpha * (x.exp() - 1)


def elu_derivative(x, alpha=1):
    return Decimal(1) if x > 0 else alpha * x.exp()


def gelu(x):
    return x * normal_distribution(x)


def gelu_derivative(x):
    return normal_distribution(x) + x * normal_density(x)


def normal_density(x):
    return (-x * x / 2).exp() / (2 * pi()).sqrt()


def normal_distribution(x):
    """P(Z <= x) = 1/2 + density(x) * (x + x**3 / 3 + x**5 / (3 * 5) + ...): Abramowitz, Stegun, 26.2.11."""
    if abs(x) > 60:
        return Decimal(int(x > 0))  # off by less than 1e-780
    total, term, k = x, x, 1
    while abs(term) > Decimal(10) ** -getcontext().prec:
        k += 2
        term = term * x * x / k
        total += term
    return Decimal(1) / 2 + normal_density(x) * total


@cache
def pi():
    """Machin's formula, 16 arctan(1/5) - 4 arctan(1/239), to all digits."""

    def arctan_of_one_over(n):
        terms = (Decimal((-1) ** k) / ((2 * k + 1) * Decimal(n) ** (2 * k + 1)) for k in range(MOST_DIGITS))
        return sum(terms, Decimal(0))

    with localcontext(prec=MOST_DIGITS):
        return 16 * arctan_of_one_over(5) - 4 * arctan_of_one_over(239)


def softmax(x):
    exponentials = [number.exp() for number in x]
    return [e / sum(exponentials) for e in exponentials]


def log_softmax(x):
    return [number - log_sum_exp(x) for number in x]


def log_sum_exp(x):
    return sum(number.exp() for number in x).ln()


def softmax_cross_entropy(logits, targets):
    return -sum(t * p.ln() for p, t in zip(softmax(logits), targets, strict=True) if t != 0)


def softmax_cross_entropy_gradient(logits, targets):
    return [sum(targets) * p - t for p, t in zip(softmax(logits), targets, strict=True)]


def binary_cross_entropy(p, t):
    return -sum(weight * q.ln() for weight, q in ((t, p), (1 - t, 1 - p)) if weight != 0)


def binary_cross_entropy_gradient(p, t):
    return (1 - t) / (1 - p) - t / p


def sigmoid_binary_cross_entropy(z, t):
    return binary_cross_entropy(sigmoid(z), t)


def sigmoid_binary_cross_entropy_gradient(z, t):
    return sigmoid(z) - t
