"""Optimizers whose steps are valid ones of a different kind from what was meant, each with the one that was."""

import numpy as np

import funcnet as fn


class EpsInTheRoot(fn.Adam):
    """sqrt(v + eps) for sqrt(v) + eps."""

    def step(self, t, rate, p, g, m, v):
        m, v = self.means(g, m, v)
        c1, c2 = self.corrections(t)
        return p - rate * (m / c1) / np.sqrt(v / c2 + self.eps), m, v

    def means(self, g, m, v):
        b1, b2 = self.betas
        return b1 * m + (1 - b1) * g, b2 * v + (1 - b2) * g * g

    def corrections(self, t):
        return 1 - self.betas[0] ** t, 1 - self.betas[1] ** t


class PlainAdam(EpsInTheRoot):
    """Adam, a method for each of its parts; right."""

    def step(self, t, rate, p, g, m, v):
        g = g + self.weight_decay * p
        m, v = self.means(g, m, v)
        c1, c2 = self.corrections(t)
        return p - rate * self.direction(g, m, v, c1, c2), m, v

    def direction(self, g, m, v, c1, c2):
        return (m / c1) / (np.sqrt(v / c2) + self.eps)


class EpsBeforeTheCorrection(PlainAdam):
    """The root is corrected after eps was added, as in the paper's remark."""

    def direction(self, g, m, v, c1, c2):
        return (m / c1) / ((np.sqrt(v) + self.eps) / np.sqrt(c2))


class OneCorrection(PlainAdam):
    """v is corrected for its start at 0, m is not."""

    def corrections(self, t):
        return 1, super().corrections(t)[1]


class OneStepAhead(PlainAdam):
    """The corrections are those of the next update."""

    def corrections(self, t):
        return super().corrections(t + 1)


class OneBeta(PlainAdam):
    """Both running means decay at the same rate."""

    def means(self, g, m, v):
        return super().means(g, m, v)[0], self.betas[0] * v + (1 - self.betas[0]) * g * g

    def corrections(self, t):
        return (1 - self.betas[0] ** t,) * 2


class LookingAhead(PlainAdam):
    """Nesterov's momentum in Adam."""

    def direction(self, g, m, v, c1, c2):
        b1 = self.betas[0]
        return (b1 * m + (1 - b1) * g) / c1 / (np.sqrt(v / c2) + self.eps)


class GradientOverRoot(PlainAdam):
    """The gradient itself over the root, without momentum."""

    def direction(self, g, m, v, c1, c2):
        return g / (np.sqrt(v / c2) + self.eps)


class DeviationForRoot(PlainAdam):
    """The second moment is centered once it can be."""

    def direction(self, g, m, v, c1, c2):
        variance = np.maximum(v / c2 - (m / c1) ** 2 / 4, 0)
        return (m / c1) / (np.sqrt(variance) + self.eps)


class LargestSoFar(PlainAdam):
    """The second moment never shrinks."""

    def means(self, g, m, v):
        m, new = super().means(g, m, v)
        return m, np.maximum(v, new)


class DecayLast(fn.AdamW):
    """The params decay after the step."""

    def step(self, t, rate, p, g, *moments):
        p, *moments = self._adam_step(t, rate, p, g, *moments)
        return p * (1 - rate * self.weight_decay), *moments


class DecayWithoutRate(fn.AdamW):
    """The decay is not multiplied by the learning rate."""

    def step(self, t, rate, p, g, *moments):
        return self._adam_step(t, rate, p * (1 - self.weight_decay), g, *moments)


class Dampened(fn.SGD):
    """v = momentum * v + (1 - momentum) * g."""

    def step(self, t, rate, p, g, v):
        v = self.momentum * v + (1 - self.momentum) * g
        return p - rate * v, v


class DampenedLater(fn.SGD):
    """The gradient is dampened from the second update on."""

    def step(self, t, rate, p, g, v):
        v = self.momentum * v + (1 if t == 1 else 0.75) * g
        return p - rate * v, v


class OldVelocity(fn.SGD):
    """Nesterov's step with the velocity before the update."""

    def step(self, t, rate, p, g, v):
        return p - rate * (g + self.momentum * v), self.momentum * v + g


class DecayInTheStep(fn.SGD):
    """The decay moves the params and not the velocity."""

    def step(self, t, rate, p, g, v):
        v = self.momentum * v + g
        return p - rate * (v + self.weight_decay * p), v


class RootInside(fn.RMSProp):
    """sqrt(v + eps) for sqrt(v) + eps."""

    def step(self, t, rate, p, g, v):
        v = self.alpha * v + (1 - self.alpha) * g * g
        return p - rate * g / np.sqrt(v + self.eps), v


class MeanBeforeTheGradient(fn.RMSProp):
    """The running mean learns of the gradient only after the step, but for the first."""

    def step(self, t, rate, p, g, v):
        new = self.alpha * v + (1 - self.alpha) * g * g
        return p - rate * g / (np.sqrt(new if t == 1 else v) + self.eps), new


class RateDecaysAtOnce(fn.Adagrad):
    """The learning rate has decayed once before the first update."""

    def step(self, t, rate, p, g, s):
        return super().step(t + 1, rate, p, g, s)


class MeanOfSquares(fn.Adagrad):
    """The mean of the squares for their sum."""

    def step(self, t, rate, p, g, s):
        s = s + g * g
        return p - rate * g / (np.sqrt(s / t) + self.eps), s


OTHER_STEPS = [
    (EpsInTheRoot(0.1), fn.Adam(0.1)),
    (EpsBeforeTheCorrection(0.1), fn.Adam(0.1)),
    (OneCorrection(0.1), fn.Adam(0.1)),
    (OneStepAhead(0.1), fn.Adam(0.1)),
    (OneBeta(0.1), fn.Adam(0.1)),
    (LookingAhead(0.1), fn.Adam(0.1)),
    (GradientOverRoot(0.1), fn.Adam(0.1)),
    (DeviationForRoot(0.1), fn.Adam(0.1)),
    (LargestSoFar(0.1), fn.Adam(0.1)),
    (fn.AdamW(0.1, weight_decay=0.1), fn.Adam(0.1, weight_decay=0.1)),
    (fn.Adam(0.1, weight_decay=0.1), fn.AdamW(0.1, weight_decay=0.1)),
    (DecayLast(0.1, weight_decay=0.1), fn.AdamW(0.1, weight_decay=0.1)),
    (DecayWithoutRate(0.1, weight_decay=0.1), fn.AdamW(0.1, weight_decay=0.1)),
    (Dampened(0.1, momentum=0.5), fn.SGD(0.1, momentum=0.5)),
    (DampenedLater(0.1, momentum=0.5), fn.SGD(0.1, momentum=0.5)),
    (OldVelocity(0.1, momentum=0.5), fn.SGD(0.1, momentum=0.5, nesterov=True)),
    (fn.SGD(0.1, momentum=0.5, nesterov=True), fn.SGD(0.1, momentum=0.5)),
    (DecayInTheStep(0.1, momentum=0.5, weight_decay=0.1), fn.SGD(0.1, momentum=0.5, weight_decay=0.1)),
    (fn.SGD(lambda step: 0.1 * 0.5 ** (step + 1)), fn.SGD(lambda step: 0.1 * 0.5**step)),
    (RootInside(0.1), fn.RMSProp(0.1)),
    (MeanBeforeTheGradient(0.1), fn.RMSProp(0.1)),
    (RateDecaysAtOnce(0.1, lr_decay=0.1), fn.Adagrad(0.1, lr_decay=0.1)),
    (MeanOfSquares(0.1), fn.Adagrad(0.1)),
]
RIGHT_STEPS = [(PlainAdam(0.1, weight_decay=0.1), fn.Adam(0.1, weight_decay=0.1))]
