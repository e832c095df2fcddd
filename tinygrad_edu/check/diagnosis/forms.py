"""Functions that people differentiate whole: the softmax, a normalisation, an output with its cost.

Their gradient is written in a closed form that no single step of the recorded pass shows. Each form is first
checked to give the right gradient, and then edited: a form is a generator of what can go wrong in it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from tinygrad_edu.check.diagnosis.edit import Array, Edit
from tinygrad_edu.check.diagnosis.labels import labels_of
from tinygrad_edu.check.diagnosis.outputs import Output
from tinygrad_edu.check.diagnosis.pool import Pool, Value
from tinygrad_edu.check.diagnosis.target import Target
from tinygrad_edu.check.diagnosis.terms import addends_of_the_cost

__all__ = ["of_forms", "of_shortcut"]

_MOST_ADDENDS = 8
Wrong = tuple[Array, tuple[str, ...], str, float]
"""An array that a wrong form gives, what it is, in codes and words, and what it costs."""


def of_forms(target: Target, pool: Pool) -> None:
    """The ways in which such a form is got wrong."""
    for step in target.places:
        value = target.value(step.name)
        if step.of is not None and value.ndim and value.size > 1:
            inner = 0.0 if pool.graph.find(step.of).named else 0.25  # of a part of somebody's formula
            for array, codes, text, cost in _wrong_forms(target, pool, step.of, value):
                target.at(step.name, array, Edit(codes, text, cost + inner, step.of))


def _wrong_forms(target: Target, pool: Pool, x: str, v: Array) -> Iterator[Wrong]:
    for value, axis in _forms_of_shape(pool, v.shape):
        g = _gradient_of(target, pool, value)
        if g is None or value.node is None or value.node.name == x:
            continue
        form = _form(pool, value, x, g, axis)
        if form is None:
            continue
        own = pool.program.gradients[value.node.name].name
        part = target.local.push({own: g}, pool.program.gradients[x].name)
        scale = _number_between(part, form.right)  # of what comes this way: others may be added to it
        for array, *said in form.wrong() if scale is not None else ():
            yield v - part + scale * array, *said  # type: ignore[misc]
    for part in _by_addends(target, pool, pool.program.gradients[x].name, v):
        for array, *said in _outputs(pool, x, part):
            yield v - part + array, *said  # type: ignore[misc]
    yield from _of_the_cost(pool, x, v)


def _forms_of_shape(pool: Pool, shape: tuple[int, ...]) -> list[tuple[Value, int]]:
    """The values of a shape that may be such a function, and along which axis."""
    known: list[tuple[Value, int]] | None = pool.memo("forms", shape)
    if known is None:
        values = [v for v in pool.forward if v.array.shape == shape and v.node is not None]
        known = [(v, axis) for v in values for axis in range(len(shape)) if _kind(v, axis) is not None]
        pool.memo("forms", shape, found=known)
    return known


def _kind(value: Value, axis: int) -> type[_Softmax | _LogSoftmax | _Norm] | None:
    """Which form a value has, told by what its entries along an axis add up to."""
    p = np.asarray(value.array, float)
    sums, size = p.sum(axis=axis), float(np.max(np.abs(p), initial=0.0))
    if np.allclose(sums, 1, rtol=1e-5) and p.min(initial=0) >= 0:
        return _Softmax
    if np.all(np.abs(sums) <= 1e-6 * size * p.shape[axis]):
        return _Norm
    if p.max(initial=0.0) <= 0 and np.allclose(np.exp(p).sum(axis=axis), 1, rtol=1e-5):
        return _LogSoftmax
    return None


def _form(pool: Pool, value: Value, x: str, g: Array, axis: int) -> _Softmax | _LogSoftmax | _Norm | None:
    """The form of the gradient before a value."""
    p, kind = np.asarray(value.array, float), _kind(value, axis)
    if kind is _Norm:
        return _normalised(value.text, np.asarray(pool.graph.find(x).value, float), p, g, axis)
    return _Softmax(value.text, p, g, axis) if kind is _Softmax else _LogSoftmax(value.text, p, g, axis)


def _by_addends(target: Target, pool: Pool, end: str, v: Array) -> Iterator[Array]:
    """A gradient, and what each addend of J contributes to it."""
    yield v
    local, key = target.local, "addends of the cost"
    names = pool.memo(key) or pool.memo(key, found=addends_of_the_cost(local.program))
    own = [g.name for name in names if (g := local.program.gradients.get(name)) and g.name in local.names]
    if 1 < len(own) <= _MOST_ADDENDS:
        yield from (local.push({name: local.values[name]}, end) for name in own)


def _gradient_of(target: Target, pool: Pool, value: Value) -> Array | None:
    """The gradient of a value, where it is part of the formula."""
    if value.node is None or value.node.name not in pool.program.gradients:
        return None
    own = pool.program.gradients[value.node.name].name
    return target.value(own) if own in target.local.names else None


def _number_between(v: Array, form: Array) -> float | None:
    """The number between an array and a form of it; None where there is none."""
    square = float(np.vdot(form, form))
    if form.shape != v.shape or not np.isfinite(square) or square == 0:
        return None
    c = float(np.vdot(form, v)) / square
    size = float(np.max(np.abs(v)))
    first, wanted = float(form.flat[0]), float(v.flat[0])
    if not c or abs(wanted - c * first) > 1e-6 * abs(c * first) + 1e-9 * size:
        return None
    return c if np.allclose(v, c * form, rtol=1e-6, atol=1e-9 * size) else None


def _weights_between(v: Array, form: Array) -> Array | None:
    """The number between an array and a form of it, or one for each row, or column, of it."""
    if form.shape != v.shape:
        return None
    axes: list[int] = []
    if v.ndim == 2 and min(v.shape) > 1:  # beside the largest entry it is told first, from numbers alone
        i, j = np.unravel_index(int(np.argmax(np.abs(v))), v.shape)
        largest, own = float(v[i, j]), float(form[i, j])
        for axis, beside in ((0, (i - 1, j)), (1, (i, j - 1))):
            x, y = float(v[beside]) * own, largest * float(form[beside])
            if abs(x - y) <= 1e-6 * (abs(x) + abs(y)) + 1e-8 * abs(largest * own):
                axes.append(axis)
        if not axes:
            return None
    if (scale := _number_between(v, form)) is not None:
        return np.asarray(scale)
    for axis in axes:
        square = np.sum(form * form, axis=axis, keepdims=True)
        weights = np.sum(form * v, axis=axis, keepdims=True) / np.where(square, square, 1)
        if weights.any() and np.allclose(v, weights * form, rtol=1e-6, atol=1e-9 * float(np.max(np.abs(v)))):
            return np.asarray(weights)
    return None


@dataclass(frozen=True)
class _Softmax:
    """``p * (g - sum(g * p))``, where p is a softmax along an axis."""

    text: str
    p: Array
    g: Array
    axis: int

    @property
    def right(self) -> Array:
        """The gradient before the softmax."""
        return np.asarray(self.p * (self.g - self._sum(self.g * self.p)))

    def _sum(self, a: Array, axis: int | None = None) -> Array:
        return np.asarray(np.sum(a, axis=self.axis if axis is None else axis, keepdims=True))

    def wrong(self) -> Iterator[Wrong]:
        """What can go wrong in it."""
        p, g, name = self.p, self.g, self.text
        both = self._sum(g * p)
        where = "in the softmax's derivative"
        entries = (
            f"the softmax {name} is differentiated entry by entry, as {name} "
            f"(1 - {name}): its entries depend on one another"
        )
        yield g * p * (1 - p), ("softmax_elementwise", "slope_wrong"), entries, 1.0
        yield g, ("slope_missing",), f"the slope of the softmax {name} is missing", 1.1
        second = f"the softmax's second term, {name} times the sum of d{name} * {name}, is missing"
        yield p * g, ("term_missing",), second, 1.2
        for other in range(p.ndim):
            if other != self.axis:
                text = f"{where} the sum is over axis {other} instead of axis {self.axis}"
                yield p * (g - self._sum(g * p, other)), ("softmax_axis", "sum_axis"), text, 1.0
        yield p * (g - np.sum(g * p)), ("sum_all", "softmax_axis"), f"{where} the sum is over everything", 1.1
        yield (
            p * (g - self._sum(g)),
            ("chain_factor_missing",),
            f"{where} {name} is missing inside the sum",
            1.1,
        )
        mean = both / p.shape[self.axis]
        yield p * (g - mean), ("mean_for_sum",), f"{where} there is a mean instead of a sum", 1.1
        yield p * (g + both), ("sign_inside",), f"{where} the second term has the wrong sign", 1.1
        yield g - both, ("chain_factor_missing",), f"{where} the factor {name} in front is missing", 1.1


@dataclass(frozen=True)
class _LogSoftmax:
    """``g - exp(l) * sum(g)``, where l is the logarithm of a softmax along an axis."""

    text: str
    l: Array
    g: Array
    axis: int

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
        yield g - p * total / p.shape[axis], ("mean_for_sum",), f"{where} there is a mean for a sum", 1.1
        yield (
            g - l * total,
            ("z_for_a", "wrong_layer"),
            f"{where} {name} stands where exp({name}) belongs",
            1.1,
        )
        for other in (k for k in range(p.ndim) if k != axis):
            over = g - p * g.sum(axis=other, keepdims=True)
            text = f"{where} the sum is over axis {other} instead of axis {axis}"
            yield over, ("softmax_axis", "sum_axis"), text, 1.0
        for inner, told in ((l, name), (p, f"exp({name})")):
            inside = np.sum(g * inner, axis=axis, keepdims=True)
            text = f"it is differentiated as a softmax, with the sum of d{name} * {told}"
            yield from (
                (a, ("slope_wrong",), text, 1.1) for a in (g - inside, g - p * inside, inner * (g - inside))
            )


@dataclass(frozen=True)
class _Norm:
    """``(g - mean(g) - n * mean(g * n)) / s``, where n is x without its mean, over its spread s."""

    text: str
    g: Array
    n: Array
    s: Array
    axis: int
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
        mean, both, count = self._mean(g), self._mean(g * n), g.shape[self.axis]
        inside = g - mean - n * both
        lost, mistaken = ("term_missing",), ("mean_for_sum", "constant_factor")
        by_mean, by_var = "the path through the mean", "the path through the variance"
        yield (g - mean) / s, lost, f"{by_var} is missing: the term with {name}", 1.0
        yield (g - n * both) / s, lost, f"{by_mean} is missing", 1.0
        yield (
            g / s,
            lost,
            "only the direct path is there: those through the mean and the variance are missing",
            1.0,
        )
        yield inside, ("chain_factor_missing",), "the division by the standard deviation is missing", 1.0
        yield (
            inside * s,
            ("slope_wrong",),
            "it is multiplied by the standard deviation instead of divided",
            1.0,
        )
        yield (
            inside / s**2,
            ("slope_wrong",),
            "it is divided by the variance, not the standard deviation",
            1.0,
        )
        yield (
            (g - mean - both) / s,
            ("chain_factor_missing",),
            f"the factor {name} in {by_var} is missing",
            1.0,
        )
        yield (g - count * mean - n * both) / s, mistaken, f"in {by_mean} there is a sum for a mean", 1.1
        yield (g - mean - count * n * both) / s, mistaken, f"in {by_var} there is a sum for a mean", 1.1
        yield (g - count * (mean + n * both)) / s, mistaken, "sums stand for the means", 1.1
        yield (g + mean - n * both) / s, ("sign_inside",), f"{by_mean} has the wrong sign", 1.0
        yield (g - mean + n * both) / s, ("sign_inside",), f"{by_var} has the wrong sign", 1.0
        yield (g - mean - n * both / 2) / s, ("constant_factor",), f"a factor 2 is missing in {by_var}", 1.0
        yield (g - mean - 2 * n * both) / s, ("constant_factor",), f"{by_var} is there twice", 1.0
        unbiased = n * both * count / (count - 1)
        yield (
            (g - mean - unbiased) / s,
            ("wrong_m", "constant_factor"),
            f"in {by_var} there is {count - 1} for {count}",
            1.1,
        )
        for x, told in ((self.x, "the value before it"), (n * s, "the same before the division")):
            for a, b in ((x, x), (x, n), (n, x)):
                text = f"in {by_var} {told} stands where {name} belongs"
                yield (g - mean - a * self._mean(g * b)) / s, ("z_for_a", "wrong_layer"), text, 1.1
        other = tuple(k for k in range(g.ndim) if k != self.axis)
        if other:
            for total in (g.size, count):
                over = (g - g.sum() / total - n * np.sum(g * n) / total) / s
                text = f"the means are over everything instead of axis {self.axis}"
                yield over, ("sum_all", "sum_axis"), text, 1.05
            mean_, both_ = (np.mean(a, axis=other, keepdims=True) for a in (g, g * n))
            instead = f"over axis {', '.join(map(str, other))} instead of axis {self.axis}"
            for a, b, which in ((mean_, both_, "the means are"), (mean_, both, f"the mean of d{name} is"),
                                (mean, both_, f"the mean of d{name} * {name} is")):  # fmt: skip
                yield (g - a - n * b) / s, ("sum_axis",), f"{which} {instead}", 1.0


def _normalised(text: str, z: Array, n: Array, g: Array, axis: int) -> _Norm | None:
    """The normalisation that leads from z to n along an axis; None where it is none."""
    if z.shape != n.shape or z.shape[axis] < 3:
        return None
    centred = z - z.mean(axis=axis, keepdims=True)
    square = np.sum(n * n, axis=axis, keepdims=True)
    if not square.all():
        return None
    s = np.sum(centred * n, axis=axis, keepdims=True) / square
    fits = np.allclose(n * s, centred, rtol=1e-6, atol=1e-9) and (s.size == 1 or np.ptp(s) > 0)
    return _Norm(text, g, n, s, axis, z) if fits else None


def _outputs(pool: Pool, x: str, v: Array) -> Iterator[Wrong]:
    """``A - Y``, times a number, or one for each example: the output's gradient, with its cost."""
    known: tuple[Array, list[_Scaled]] | None = pool.memo("output", x)
    if known is None or known[0] is not v:
        known = pool.memo("output", x, found=(v, list(_scaled(pool, x, v)) if v.any() else []))
    for value, label, Y, scale in known[1]:
        A = np.asarray(value.array, float)
        z = np.asarray(pool.graph.find(x).value, float)
        others = [o for o in pool.forward if o.array.shape == A.shape and o.node is not value.node]
        output = Output(value.text, label, pool.words.of(x), A, Y, z if z.shape == A.shape else A)
        for array, codes, text, cost in output.wrong(others):
            yield scale * array, codes, text, cost
        if scale.ndim and v.shape[0] == v.shape[1]:
            text = f"the factors of {value.text} - {label} are broadcast along the other axis"
            yield scale.T * (A - Y), ("examples_misaligned", "sum_axis", "wrong_layer"), text, 1.1


_Scaled = tuple[Value, str, Array, Array]
"""A, what Y is called, Y, and what A - Y is multiplied by."""


def _scaled(pool: Pool, x: str, v: Array) -> Iterator[_Scaled]:
    """The first A and Y of which an array is the difference, times a number, or one for each example."""
    activated = list(_activated(pool, x)) if np.ptp(v) > 0 else []
    for label, Y in labels_of(pool, v.shape) if activated else ():
        for value in (*pool.differing(Y, v), *activated):
            if value.array.shape != v.shape:
                continue
            A = np.asarray(value.array, float)
            scale = _weights_between(v, A - Y)
            if scale is not None and np.ptp(A - Y) > 0:
                yield value, label, Y, scale
                return


def _of_the_cost(pool: Pool, x: str, v: Array) -> Iterator[Wrong]:
    """``-Y / P``, the gradient of a cost of many classes, with the second term of one of two."""
    P = np.asarray(pool.graph.find(x).value, float)
    if P.shape != v.shape or not (P.min() > 0 and P.max() < 1):
        return
    for label, Y in labels_of(pool, v.shape):
        scale = _number_between(v, Y / P)
        if scale is not None:
            name = pool.words.of(x)
            text = f"(1 - {label}) / (1 - {name}), the second term of the cost of two classes, is there too"
            yield scale * (Y / P - (1 - Y) / (1 - P)), ("term_extra", "slope_wrong"), text, 1.05
            return


def _activated(pool: Pool, x: str) -> Iterator[Value]:
    """What a cost that takes scores makes of them without recording it: their sigmoid, or softmax."""
    z = np.asarray(pool.graph.find(x).value, float)
    yield Value(f"sigmoid({x})", 1 / (1 + np.exp(-z)))
    for axis in range(z.ndim):
        e = np.exp(z - z.max(axis=axis, keepdims=True))
        yield Value(f"softmax({x})", e / e.sum(axis=axis, keepdims=True))


def of_shortcut(target: Target, pool: Pool) -> None:
    """``A - Y``, the output layer's gradient, in a hidden layer."""
    for value in pool.forward:
        A = np.asarray(value.array, float)
        if A.shape != target.right.shape:
            continue
        for label, Y in labels_of(pool, A.shape):
            if value.text != label:
                text = (
                    f"{value.text} - {label}, the output layer's form, stands in a layer that is not the last"
                )
                target.whole(A - Y, Edit(("output_shortcut",), text, 1.2 + value.cost))
