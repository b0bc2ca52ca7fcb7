"""Optimizers: rules by which gradients change params.

An optimizer is a value with two pure functions, `init(params) -> state` and
`update(params, grads, state) -> (params, state)`. Each is the optimizer of the same name in PyTorch, number for number,
but for numbers below the smallest normal one: every 256 updates they become 0, where `eps` is not 0.
`learning_rate` is a float or a schedule. Leaves whose path matches a pattern of `frozen` stay as they are. Rates and
factors that are negative or NaN raise ValueError.
"""
