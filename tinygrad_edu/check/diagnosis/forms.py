"""Functions that people differentiate whole: the softmax, a normalisation, an output with its cost.

Their gradient is written in a closed form that no single step of the recorded pass shows. Each form is first
checked to give the right gradient, and then edited.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TypeAlias

import numpy as np

from tinygrad_edu.check.diagnosis.closed import (
    Axes,
    LogSoftmax,
    LogSumExp,
    Norm,
    Softmax,
    Wrong,
    axes_of_shape,
    normalised,
)
from tinygrad_edu.check.diagnosis.edit import Array, Edit
from tinygrad_edu.check.diagnosis.labels import labels_of
from tinygrad_edu.check.diagnosis.outputs import Output
from tinygrad_edu.check.diagnosis.pool import Pool, Value, remembered
from tinygrad_edu.check.diagnosis.target import Target
from tinygrad_edu.check.diagnosis.terms import addends_of_the_cost
from tinygrad_edu.graph import GraphNode

_MOST_ADDENDS = 8
_Form: TypeAlias = Softmax | LogSoftmax | Norm
_FormOf: TypeAlias = Callable[[Array, Array], _Form | None]
"""Of what a value is computed from, and of its gradient."""


def of_forms(target: Target, pool: Pool) -> None:
    """The ways in which such a form is got wrong."""
    for step in target.places:
        value = target.value(step.name)
        if step.of is not None and value.ndim and value.size > 1:
            inner = 0.0 if pool.graph.find(step.of).named else 0.25  # of a part of somebody's formula
            for array, codes, text, cost in _wrong_forms(target, pool, step.of, value):
                target.at(step.name, array, Edit(codes, text, cost + inner))


def _wrong_forms(target: Target, pool: Pool, x: str, v: Array) -> Iterator[Wrong]:
    for node, form in (*_functions(target, pool, x, v.shape), *_sums_of_exponentials(target, pool, x)):
        own = pool.program.gradients[node.name].name
        part = target.local.push({own: target.value(own)}, pool.program.gradients[x].name)
        scale = _number_between(part, form.right)  # of what comes this way: others may be added to it
        for array, *said in form.wrong() if scale is not None else ():
            yield v - part + scale * array, *said  # type: ignore[misc]
    for part in _by_addends(target, pool, pool.program.gradients[x].name, v):
        for array, *said in _outputs(pool, x, part):
            yield v - part + array, *said  # type: ignore[misc]
    yield from _of_the_cost(pool, x, v)


def _functions(
    target: Target, pool: Pool, x: str, shape: tuple[int, ...]
) -> Iterator[tuple[GraphNode, _Form]]:
    """The values that are such a function of x, and the form of the gradient before each."""
    start = pool.graph.find(x)
    for node, form_of in _forms_of_shape(pool, shape):
        g = _gradient_of(target, pool, node) if pool.depends(node, start) else None
        form = None if g is None else form_of(np.asarray(start.value, float), g)
        if form is not None:
            yield node, form


def _sums_of_exponentials(target: Target, pool: Pool, x: str) -> Iterator[tuple[GraphNode, LogSumExp]]:
    """The values that are the logarithm of the sum of the exponentials of x, along some axes."""
    for node, axes in _logarithms(pool, x):
        g = _gradient_of(target, pool, node)
        if g is not None:
            X = np.asarray(pool.graph.find(x).value, float)
            wide = g if g.ndim == X.ndim else np.expand_dims(g, axes)
            yield node, LogSumExp(pool.words.of(x), X, wide, axes)


@remembered
def _logarithms(pool: Pool, x: str) -> list[tuple[GraphNode, Axes]]:
    node, found = pool.graph.find(x), list[tuple[GraphNode, Axes]]()
    X = np.asarray(node.value, float)
    for axes in axes_of_shape(X.ndim):
        top = X.max(axis=axes, keepdims=True)
        told = top + np.log(np.exp(X - top).sum(axis=axes, keepdims=True))
        for one in (told, np.squeeze(told, axes)):
            same = (other for other in pool.of_shape(one.shape) if pool.depends(other, node))
            found += [(other, axes) for other in same if np.allclose(other.value, one, rtol=1e-9)]
    return found


@remembered
def _forms_of_shape(pool: Pool, shape: tuple[int, ...]) -> list[tuple[GraphNode, _FormOf]]:
    """The values of a shape that may be such a function along some axes, and of which form."""
    values = [v for v in pool.forward_of_shape(shape)[0] if v.node is not None]
    told = ((v.node, _form_of(v, axis)) for v in values for axis in axes_of_shape(len(shape)))
    return [(node, form) for node, form in told if node is not None and form is not None]


def _form_of(value: Value, axis: Axes) -> _FormOf | None:
    """The form of the gradient before a value, told by what its entries along some axes add up to."""
    p, name = np.asarray(value.array, float), value.text
    sums, size = p.sum(axis=axis), float(np.max(np.abs(p), initial=0.0))
    if np.allclose(sums, 1, rtol=1e-5) and p.min(initial=0) >= 0:
        return lambda x, g: Softmax(name, p, g, axis)
    if np.all(np.abs(sums) <= 1e-6 * size * p.size / max(np.size(sums), 1)):
        return lambda x, g: normalised(name, x, p, g, axis)
    if p.max(initial=0.0) <= 0 and np.allclose(np.exp(p).sum(axis=axis), 1, rtol=1e-5):
        return lambda x, g: LogSoftmax(name, p, g, axis)
    return None


def _by_addends(target: Target, pool: Pool, end: str, v: Array) -> Iterator[Array]:
    """A gradient, and what each addend of J contributes to it."""
    yield v
    local = target.local
    gradients = (local.program.gradients.get(name) for name in _addends(pool))
    own = [g.name for g in gradients if g is not None and g.name in local.names]
    if 1 < len(own) <= _MOST_ADDENDS:
        yield from (local.push({name: local.values[name]}, end) for name in own)


@remembered
def _addends(pool: Pool) -> list[str]:
    return addends_of_the_cost(pool.program)


def _gradient_of(target: Target, pool: Pool, node: GraphNode) -> Array | None:
    """The gradient of a value, where it is part of the formula."""
    if node.name not in pool.program.gradients:
        return None
    own = pool.program.gradients[node.name].name
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
    if (scale := _number_between(v, form)) is not None:
        return np.asarray(scale)
    for axis in (0, 1) if v.ndim == 2 and min(v.shape) > 1 else ():
        square = np.sum(form * form, axis=axis, keepdims=True)
        weights = np.sum(form * v, axis=axis, keepdims=True) / np.where(square, square, 1)
        if weights.any() and np.allclose(v, weights * form, rtol=1e-6, atol=1e-9 * float(np.max(np.abs(v)))):
            return np.asarray(weights)
    return None


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
        for array, codes, text, cost in output.wrong(others, labels_of(pool, A.shape)):
            yield scale * array, codes, text, cost
        if scale.ndim and v.shape[0] == v.shape[1]:
            text = f"the factors of {value.text} - {label} are broadcast along the other axis"
            yield scale.T * (A - Y), ("examples_misaligned", "sum_axis", "wrong_layer"), text, 1.1


_Scaled = tuple[Value, str, Array, Array]
"""A, what Y is called, Y, and what A - Y is multiplied by."""


def _scaled(pool: Pool, x: str, v: Array) -> Iterator[_Scaled]:
    """The first A and Y of which an array is the difference, times a number, or one for each example."""
    if not np.ptp(v) > 0:
        return
    values, rows = pool.forward_of_shape(v.shape)
    activated = [value for value in _activated(pool, x) if value.array.shape == v.shape]
    values, rows = [*values, *activated], np.stack([*rows, *(value.array.ravel() for value in activated)])
    labels = labels_of(pool, v.shape)
    for j, k in _differences_along(v, rows, np.reshape([Y for _, Y in labels], (len(labels), v.size))):
        (label, Y), A = labels[k], np.asarray(values[j].array, float)
        scale = _weights_between(v, A - Y)
        if scale is not None and np.ptp(A - Y) > 0:
            yield values[j], label, Y, scale
            return


def _differences_along(v: Array, As: Array, Ys: Array) -> Iterator[tuple[int, int]]:
    """For which of several A and Y the difference may be an array, times a number, or one for each example.

    Told from the row, and the column, of the largest entry alone, by two random functionals of it.
    """
    places = np.arange(v.size).reshape(v.shape)
    i, *j = np.unravel_index(int(np.argmax(np.abs(v))), v.shape)
    parts = [places[i], places[:, j[0]]] if v.ndim == 2 and min(v.shape) > 1 else [places.ravel()]
    fit = np.zeros((len(Ys), len(As)), bool)
    for part in parts:
        u = np.random.default_rng(0).standard_normal((len(part), 2))
        t0, t1 = v.ravel()[part] @ u
        d = As[:, part] @ u - (Ys[:, part] @ u)[:, None]
        a, b = t0 * d[..., 1], t1 * d[..., 0]
        size = np.abs(a) + np.abs(b)
        rounding = np.abs(u).sum() * np.hypot(t0, t1) * float(np.max(np.abs(As[:, part]), initial=1.0))
        fit |= (np.abs(a - b) <= 1e-5 * size + 1e-12 * rounding) & (size > 0)
    for k, j in np.argwhere(fit):
        yield int(j), int(k)


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
                form = f"{value.text} - {label}, the output layer's form"
                edit = Edit(
                    ("output_shortcut",), f"{form}, stands in a layer that is not the last", 1.2 + value.cost
                )
                target.whole(A - Y, edit)
