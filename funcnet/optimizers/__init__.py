"""Optimizers: rules by which gradients change params.

An optimizer is a value with two pure functions, `init(params) -> state` and
`update(params, grads, state) -> (params, state)`. Each is the optimizer of the same name in PyTorch, number for number.
`learning_rate` is a float or a schedule. Leaves whose path matches a pattern of `frozen` stay as they are. Rates and
factors that are negative or NaN raise ValueError.
"""
