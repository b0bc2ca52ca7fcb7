"""What a network is trained to make small.

A loss is a value with two pure functions, `forward(y, target) -> (value, cache)` and `backward(cache) -> dy`.
`reduction` says over what losses are averaged: "mean", every element (every example for `SoftmaxCrossEntropy`);
"batch", every example, the feature axis summed; "sum", nothing. In the formulas N is how many losses that averages: 1
for "sum". `value` is a scalar of the dtype of y. The mean over an empty batch raises ValueError.

References
----------
C. M. Bishop, *Pattern Recognition and Machine Learning*, 2006, chapters 4 and 5.
"""
