"""Losses, which training minimizes.

A loss is a value with two pure functions, `forward(y, target) -> (value, cache)` and `backward(cache) -> dy`; `value`
is a scalar of the dtype of y. `reduction` chooses N, by which the sum of all losses is divided: "mean", the number of
elements of y (of examples for `SoftmaxCrossEntropy` and `CosineSimilarity`); "batch", the number of examples, which are
the rows along the last axis; "sum", 1. Averaging over an empty batch raises ValueError.

References
----------
C. M. Bishop, *Pattern Recognition and Machine Learning*, 2006, chapters 4 and 5.
"""
