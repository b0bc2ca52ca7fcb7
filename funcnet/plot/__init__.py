"""Pictures of training and of learned weights, as matplotlib figures: `figure.savefig("curve.png")`.

The figures are made without pyplot, so they need no display and leave no window or figure open. `curves` replaces
`learning_curve`, `learning_curves` and `history`, which are now names for it.
"""

from funcnet.plot.curves import curves
from funcnet.plot.pictures import images

learning_curve = learning_curves = history = curves

__all__ = ["curves", "images"]
