"""Gradients of a softmax, its logarithm, a normalisation in closed form, and what can go wrong in them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from tinygrad_edu.check.diagnosis.edit import Array

Wrong = tuple[Array, tuple[str, ...], str, float]
"""An array that a wrong form gives, what it is, in codes and words, and what it costs."""
Axes = tuple[int, ...]


def axes_of_shape(ndim: int) -> Iterator[Axes]:
    """What may be summed over: each set of axes."""
    for count in range(1, ndim + 1):
        yield from combinations(range(ndim), count)


def _told(axes: Axes) -> str:
    return f"axis {axes[0]}" if len(axes) == 1 else f"axes {axes}"


def _others(ndim: int, own: Axes) -> Iterator[Axes]:
    """The other axes, and sets of them, but for all."""
    return (axes for axes in axes_of_shape(ndim) if axes != own and len(axes) < ndim)


def _count(a: Array, axes: Axes) -> int:
    return int(np.prod([a.shape[k] for k in axes]))


@dataclass(frozen=True)
class Softmax:
    """``p * (g - sum(g * p))``, where p is a softmax along an axis."""

    text: str
    p: Array
    g: Array
    axis: Axes

    @property
    def right(self) -> Array:
        """The gradient before the softmax."""
        return np.asarray(self.p * (self.g - self._sum(self.g * self.p)))

    def _sum(self, a: Array, axis: Axes | None = None) -> Array:
        return np.asarray(np.sum(a, axis=self.axis if axis is None else axis, keepdims=True))

    def wrong(self) -> Iterator[Wrong]:
        """What can go wrong in it."""
        p, g, name = self.p, self.g, self.text
        both, where, lost = self._sum(g * p), "in the softmax's derivative", ("chain_factor_missing",)
        entries = f"the softmax {name} is differentiated entry by entry, as {name} (1 - {name})"
        entries += ": its entries depend on one another"
        yield g * p * (1 - p), ("softmax_elementwise", "slope_wrong"), entries, 1.0
        yield g, ("slope_missing",), f"the slope of the softmax {name} is missing", 1.1
        second = f"the softmax's second term, {name} times the sum of d{name} * {name}, is missing"
        yield p * g, ("term_missing",), second, 1.2
        for other in _others(p.ndim, self.axis):
            text = f"{where} the sum is over {_told(other)} instead of {_told(self.axis)}"
            yield p * (g - self._sum(g * p, other)), ("softmax_axis", "sum_axis"), text, 1.0
        yield p * (g - np.sum(g * p)), ("sum_all", "softmax_axis"), f"{where} the sum is over everything", 1.1
        yield p * (g - self._sum(g)), lost, f"{where} {name} is missing inside the sum", 1.1
        mean = both / _count(p, self.axis)
        yield p * (g - mean), ("mean_for_sum",), f"{where} there is a mean instead of a sum", 1.1
        yield p * (g + both), ("sign_inside",), f"{where} the second term has the wrong sign", 1.1
        yield g - both, lost, f"{where} the factor {name} in front is missing", 1.1


@dataclass(frozen=True)
class LogSoftmax:
    """``g - exp(l) * sum(g)``, where l is the logarithm of a softmax along an axis."""

    text: str
    l: Array
    g: Array
    axis: Axes

    @property
    def right(self) -> Array:
        """The gradient before the logarithm of the softmax."""
        return np.asarray(self.g - np.exp(self.l) * self.g.sum(axis=self.axis, keepdims=True))

    def wrong(self) -> Iterator[Wrong]:
        """What can go wrong in it."""
        name, l, g, axis = self.text, self.l, self.g, self.axis
        p, where = np.exp(l), "in the derivative of the log-softmax"
        total = g.sum(axis=axis, keepdims=True)
        yield g, ("term_missing",), f"{where} the term exp({name}) * sum(d{name}) is missing", 1.1
        yield g - p * g, ("sum_missing", "softmax_elementwise"), f"{where} d{name} is not summed", 1.1
        yield g - total, ("chain_factor_missing",), f"{where} the factor exp({name}) is missing", 1.1
        yield g + p * total, ("sign_inside",), f"{where} the second term has the wrong sign", 1.1
        yield g - p * total / _count(p, axis), ("mean_for_sum",), f"{where} there is a mean for a sum", 1.1
        taken = f"{where} {name} stands where exp({name}) belongs"
        yield g - l * total, ("z_for_a", "wrong_layer"), taken, 1.1
        for other in _others(p.ndim, axis):
            over = g - p * g.sum(axis=other, keepdims=True)
            text = f"{where} the sum is over {_told(other)} instead of {_told(axis)}"
            yield over, ("softmax_axis", "sum_axis"), text, 1.0
        for inner, told in ((l, name), (p, f"exp({name})")):
            inside = np.sum(g * inner, axis=axis, keepdims=True)
            text = f"it is differentiated as a softmax, with the sum of d{name} * {told}"
            for a in (g - inside, g - p * inside, inner * (g - inside)):
                yield a, ("slope_wrong",), text, 1.1


@dataclass(frozen=True)
class LogSumExp:
    """``softmax(x) * g``, the gradient before the logarithm of a sum of exponentials along an axis."""

    text: str
    x: Array
    g: Array
    axis: Axes

    def _softmax(self, axes: Axes) -> Array:
        e = np.exp(self.x - self.x.max(axis=axes, keepdims=True))
        return np.asarray(e / e.sum(axis=axes, keepdims=True))

    @property
    def right(self) -> Array:
        """The gradient before the logarithm."""
        return self._softmax(self.axis) * self.g

    def wrong(self) -> Iterator[Wrong]:
        """What can go wrong in it."""
        p, g, x = self._softmax(self.axis), self.g, self.text
        where = f"in the derivative of the log-sum-exp of {x}"
        for other in (*_others(p.ndim, self.axis), tuple(range(p.ndim))):
            if other != self.axis:
                text = f"{where} the softmax is over {_told(other)} instead of {_told(self.axis)}"
                yield self._softmax(other) * g, ("softmax_axis", "sum_axis"), text, 1.0
        full = np.broadcast_to(g, p.shape)
        yield full, ("chain_factor_missing", "slope_missing"), f"{where} the softmax is missing", 1.1
        yield p, ("chain_factor_missing",), f"{where} the gradient above is missing", 1.1
        yield full / _count(p, self.axis), ("mean_for_sum", "slope_wrong"), f"{where} there is a mean", 1.2
        yield np.exp(x_ := self.x) * g, ("chain_factor_missing",), f"{where} the sum is not divided by", 1.1
        hot = (x_ == x_.max(axis=self.axis, keepdims=True)) * g
        yield hot, ("slope_wrong",), f"{where} only the largest entry gets the gradient, as of a maximum", 1.1
        yield p * (1 - p) * g, ("slope_wrong", "softmax_elementwise"), f"{where} 1 - p is a factor too", 1.1


@dataclass(frozen=True)
class Norm:
    """``(g - mean(g) - n * mean(g * n)) / s``, where n is x without its mean, over its spread s."""

    text: str
    g: Array
    n: Array
    s: Array
    axis: Axes
    x: Array

    def _mean(self, a: Array) -> Array:
        return np.asarray(np.mean(a, axis=self.axis, keepdims=True))

    @property
    def right(self) -> Array:
        """The gradient before the normalisation."""
        return np.asarray((self.g - self._mean(self.g) - self.n * self._mean(self.g * self.n)) / self.s)

    def wrong(self) -> Iterator[Wrong]:
        """What can go wrong in it."""
        g, n, s, name = self.g, self.n, self.s, self.text
        mean, both, count = self._mean(g), self._mean(g * n), _count(g, self.axis)
        inside = g - mean - n * both
        lost, factor = ("term_missing",), ("chain_factor_missing",)
        mistaken, deviation = ("mean_for_sum", "constant_factor"), "standard deviation"
        by_mean, by_var = "the path through the mean", "the path through the variance"
        yield (g - mean) / s, lost, f"{by_var} is missing: the term with {name}", 1.0
        yield (g - n * both) / s, lost, f"{by_mean} is missing", 1.0
        direct = "only the direct path is there: those through the mean and the variance are missing"
        yield g / s, lost, direct, 1.0
        yield inside, factor, f"the division by the {deviation} is missing", 1.0
        yield inside * s, ("slope_wrong",), f"it is multiplied by the {deviation} instead of divided", 1.0
        yield inside / s**2, ("slope_wrong",), f"it is divided by the variance, not the {deviation}", 1.0
        yield (g - mean - both) / s, factor, f"the factor {name} in {by_var} is missing", 1.0
        yield (g - count * mean - n * both) / s, mistaken, f"in {by_mean} there is a sum for a mean", 1.1
        yield (g - mean - count * n * both) / s, mistaken, f"in {by_var} there is a sum for a mean", 1.1
        yield (g - count * (mean + n * both)) / s, mistaken, "sums stand for the means", 1.1
        yield (g + mean - n * both) / s, ("sign_inside",), f"{by_mean} has the wrong sign", 1.0
        yield (g - mean + n * both) / s, ("sign_inside",), f"{by_var} has the wrong sign", 1.0
        yield (g - mean - n * both / 2) / s, ("constant_factor",), f"a factor 2 is missing in {by_var}", 1.0
        yield (g - mean - 2 * n * both) / s, ("constant_factor",), f"{by_var} is there twice", 1.0
        unbiased, fewer = n * both * count / (count - 1), f"in {by_var} there is {count - 1} for {count}"
        yield (g - mean - unbiased) / s, ("wrong_m", "constant_factor"), fewer, 1.1
        for x, told in ((self.x, "the value before it"), (n * s, "the same before the division")):
            for a, b in ((x, x), (x, n), (n, x)):
                text = f"in {by_var} {told} stands where {name} belongs"
                yield (g - mean - a * self._mean(g * b)) / s, ("z_for_a", "wrong_layer"), text, 1.1
        yield from self._over_others()

    def _over_others(self) -> Iterator[Wrong]:
        """Means over other axes than its own, or sums over these divided by the count of its own."""
        g, n, s, name, own = self.g, self.n, self.s, self.text, self.axis
        mean, both, count = self._mean(g), self._mean(g * n), _count(g, own)
        if len(own) < g.ndim:
            for total in (g.size, count):
                over = (g - g.sum() / total - n * np.sum(g * n) / total) / s
                text = f"the means are over everything instead of {_told(own)}"
                yield over, ("sum_all", "sum_axis"), text, 1.05
        for other in _others(g.ndim, own):
            mean_, both_ = (np.mean(a, axis=other, keepdims=True) for a in (g, g * n))
            instead = f"over {_told(other)} instead of {_told(own)}"
            for a, b, which in ((mean_, both_, "the means are"), (mean_, both, f"the mean of d{name} is"),
                                (mean, both_, f"the mean of d{name} * {name} is")):  # fmt: skip
                yield (g - a - n * b) / s, ("sum_axis",), f"{which} {instead}", 1.0
            share = _count(g, other) / count
            text = f"the sums are {instead}"
            yield (g - share * (mean_ + n * both_)) / s, ("sum_axis",), text, 1.0


def normalised(text: str, z: Array, n: Array, g: Array, axis: Axes) -> Norm | None:
    """The normalisation that leads from z to n along an axis, or several; None where it is none."""
    if z.shape != n.shape or _count(z, axis) < 3:
        return None
    centred = z - z.mean(axis=axis, keepdims=True)
    square = np.sum(n * n, axis=axis, keepdims=True)
    if not square.all():
        return None
    s = np.sum(centred * n, axis=axis, keepdims=True) / square
    fits = np.allclose(n * s, centred, rtol=1e-6, atol=1e-9) and (s.size == 1 or np.ptp(s) > 0)
    return Norm(text, g, n, s, axis, z) if fits else None
