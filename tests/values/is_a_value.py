"""What it is to be a value, for the tests of whatever is one."""

import copy
import pickle

import funcnet as fn


def assert_is_a_value(value):
    """It equals its copies, which hash as it does; its repr is the code that makes one."""
    for same in (pickle.loads(pickle.dumps(value)), copy.deepcopy(value), eval(repr(value), vars(fn))):
        assert same == value
        assert hash(same) == hash(value)
