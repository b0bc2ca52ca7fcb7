"""The networks that are timed: affine maps with ReLU between them and softmax cross entropy, in float32."""

import attrs
import numpy as np

RATE = 0.01


@attrs.frozen
class Network:
    """Sizes of the layers, input first, and the rows of a batch."""

    sizes: tuple[int, ...]
    batch: int

    @property
    def name(self):
        """As in "784-50-10, 100"."""
        return f"{'-'.join(map(str, self.sizes))}, {self.batch}"

    def weights(self):
        """A weight (n_in, n_out) and a bias (n_out,) for each layer, the same for every side."""
        draws = np.random.default_rng(0)
        pairs = zip(self.sizes, self.sizes[1:], strict=False)
        return [
            ((draws.standard_normal((n, m)) / np.sqrt(n)).astype(np.float32), np.zeros(m, np.float32)) for n, m in pairs
        ]

    def data(self):
        """A batch x (n, n_in) and its labels (n,)."""
        draws = np.random.default_rng(1)
        x = draws.standard_normal((self.batch, self.sizes[0])).astype(np.float32)
        return x, draws.integers(0, self.sizes[-1], self.batch)


NETWORKS = (
    Network((2, 4, 4, 2), 20),
    Network((784, 50, 10), 100),
    Network((784, 32, 10), 256),
    Network((400, 25, 10), 5000),
    Network((784, 512, 512, 10), 128),
    Network((1024, 1024, 1024, 1024), 256),
)
