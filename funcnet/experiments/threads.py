"""The number of threads that BLAS uses in a run."""

from __future__ import annotations

from importlib.util import find_spec

from funcnet.experiments.receipt import Receipt
from funcnet.tree import Tree, leaves
from funcnet.values import integer

_LARGE = 2**25  # multiplications of a product from which a second thread gains more than it costs

_MOST = 2**31 - 1  # an int of C


def threads_of(receipt: Receipt) -> int | None:
    """The number of BLAS threads with which a run began; None if it is unknown or cannot be set."""
    known = [dict(facts).get("BLAS threads", "") for _, facts in receipt.environments][:1]
    is_count = known and known[0].isdecimal() and 0 < int(known[0]) < 1000
    return int(known[0]) if is_count and find_spec("threadpoolctl") else None


def threads_for(params: Tree, batch_size: int, asked: int | None, receipt: Receipt) -> int | None:
    """The number of threads of a run: the one asked for, or that of a run that resumes, or one for small products.

    None leaves BLAS as it is: products are large, or threadpoolctl is not installed.
    """
    if asked is not None:
        return integer(asked, "threads", 1, _MOST)
    if find_spec("threadpoolctl") is None:
        return None
    largest = max((leaf.size for leaf in leaves(params) if leaf.ndim > 1), default=0)
    return threads_of(receipt) or (1 if largest * batch_size < _LARGE else None)
