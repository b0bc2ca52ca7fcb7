"""Initial weights: functions `(key, shape, dtype) -> array`, and classes whose values are such functions.

Numbers are drawn in float64 and cast, so networks of different precision with the same key agree to rounding.
"""

# fmt: off
from funcnet.initializers.distributions import Initializer, constant, normal, uniform, zeros
from funcnet.initializers.scaled import glorot_normal, glorot_uniform, he_normal, he_uniform, lecun_normal, orthogonal

__all__ = [
    "Initializer", "constant", "glorot_normal", "glorot_uniform", "he_normal", "he_uniform", "lecun_normal", "normal",
    "orthogonal", "uniform", "zeros",
]
