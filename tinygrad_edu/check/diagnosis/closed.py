"""Functions that people differentiate whole: the softmax, a normalisation, an output with its cost.

Their gradient is written in a closed form that no single step of the recorded pass shows. Each form is checked
to give the right gradient, and then edited.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from tinygrad_edu.check.diagnosis.edit import Array, Edit
from tinygrad_edu.check.diagnosis.pool import Pool, Value
from tinygrad_edu.check.diagnosis.target import Target

__all__ = ["of_closed_forms"]


def of_closed_forms(target: Target, pool: Pool) -> None:
    """The ways in which such a form is got wrong."""
    with np.errstate(all="ignore"):
        for step in target.local.steps:
            v = np.asarray(target.local.values[step.name], float)
            if step.of is None or v.ndim == 0 or v.size < 2:
                continue
            _softmax(target, pool, step.name, step.of, v)
            _difference(target, pool, step.name, step.of, v)
            _normalised(target, pool, step.name, step.of, v)


def _softmax(target: Target, pool: Pool, name: str, x: str, v: Array) -> None:
    """``p * (g - sum(g * p))``, where p is a softmax of x."""
    for value in pool.forward:
        p = np.asarray(value.array, float)
        if p.shape != v.shape or value.node is None or value.node.name not in pool.program.gradients:
            continue
        axis = next((k for k in range(p.ndim) if np.allclose(p.sum(axis=k), 1, rtol=1e-5)), None)
        if axis is None or p.min(initial=0) < 0:
            continue
        own = pool.program.gradients[value.node.name].name
        if own not in target.local.names:
            continue
        g = np.asarray(target.local.values[own], float)
        right = p * (g - np.sum(g * p, axis=axis, keepdims=True))
        scale = _scale(v, right)
        if scale is None:
            continue
        text = pool.words.of(value.node.name)
        target.at(name, scale * g * p * (1 - p), Edit(("softmax_elementwise", "slope_wrong"), f"the softmax {text} is differentiated entry by entry, as {text} (1 - {text}): its entries depend on one another", 1.0, x))
        target.at(name, scale * g, Edit(("slope_missing",), f"the slope of the softmax {text} is missing", 1.1, x))
        target.at(name, scale * p * g, Edit(("term_missing",), f"the softmax's second term, {text} times the sum of d{text} * {text}, is missing", 1.2, x))
        for other in range(p.ndim):
            if other != axis:
                summed = np.sum(g * p, axis=other, keepdims=True)
                target.at(name, scale * p * (g - summed), Edit(("softmax_axis", "sum_axis"), f"in the softmax's derivative the sum is over axis {other} instead of axis {axis}", 1.0, x))
        target.at(name, scale * p * (g - np.sum(g * p)), Edit(("sum_all", "softmax_axis"), "in the softmax's derivative the sum is over everything", 1.1, x))
        target.at(name, scale * p * (g - np.sum(g, axis=axis, keepdims=True)), Edit(("chain_factor_missing",), f"in the softmax's derivative {text} is missing inside the sum", 1.1, x))
        target.at(name, scale * p * (g - np.mean(g * p, axis=axis, keepdims=True)), Edit(("mean_for_sum",), "in the softmax's derivative there is a mean instead of a sum", 1.1, x))
        target.at(name, scale * p * (g + np.sum(g * p, axis=axis, keepdims=True)), Edit(("sign_inside",), "in the softmax's derivative the second term has the wrong sign", 1.1, x))
        target.at(name, scale * (g - np.sum(g * p, axis=axis, keepdims=True)), Edit(("chain_factor_missing",), f"in the softmax's derivative the factor {text} in front is missing", 1.1, x))
        return


def _scale(v: Array, form: Array) -> float | None:
    """The number between an array and a form of it; None where there is none."""
    square = float(np.vdot(form, form))
    if not np.isfinite(square) or square == 0:
        return None
    c = float(np.vdot(form, v)) / square
    size = float(np.max(np.abs(v)))
    return c if c and np.allclose(v, c * form, rtol=1e-6, atol=1e-9 * size) else None


def _labels(pool: Pool, shape: tuple[int, ...]) -> Iterator[tuple[str, Array]]:
    """Arrays that may be subtracted: data, and the one-hot of integer labels."""
    for node in pool.graph.inputs:
        if not node.requires_grad and node.value.size > 1 and node.value.ndim <= len(shape):
            try:
                yield node.name, np.broadcast_to(np.asarray(node.value, float), shape)
            except ValueError:
                continue
    if len(shape) != 2:
        return
    for axis in (0, 1):
        for index in _indices(pool):
            if index.size == shape[1 - axis] and index.min() >= 0 and index.max() < shape[axis]:
                hot = np.zeros(shape)
                where = (index, np.arange(index.size)) if axis == 0 else (np.arange(index.size), index)
                hot[where] = 1.0
                yield "the one-hot label", hot


def _indices(pool: Pool) -> Iterator[Array]:
    seen: list[Array] = []
    for node in pool.graph:
        index = node.settings.get("index")
        for part in index if isinstance(index, tuple) else (index,):
            if isinstance(part, np.ndarray) and part.ndim == 1 and part.dtype.kind in "iu" and part.size > 1:
                counting = np.array_equal(part, np.arange(part.size))
                if not counting and not any(np.array_equal(part, other) for other in seen):
                    seen.append(part)
                    yield part


def _difference(target: Target, pool: Pool, name: str, x: str, v: Array) -> None:
    """``A - Y``, times a number: the output layer's gradient, with its cost."""
    candidates = [value for value in pool.forward if value.array.shape == v.shape]
    for label, Y in _labels(pool, v.shape):
        for value in candidates:
            A = np.asarray(value.array, float)
            scale = _scale(v, A - Y)
            if scale is None or np.ptp(A - Y) == 0:
                continue
            _output(target, pool, name, x, scale, value, label, Y)
            return


def _output(
    target: Target, pool: Pool, name: str, x: str, scale: float, right: Value, label: str, Y: Array
) -> None:
    """The form ``scale * (A - Y)``, edited: what stands for A, what for Y."""
    A = np.asarray(right.array, float)
    z = np.asarray(pool.graph.find(x).value, float)
    told = right.text
    if z.shape == A.shape:
        target.at(name, scale * (z - Y), Edit(("z_for_a",), f"{x} stands where {told} belongs, in {told} - {label}", 1.0, x))
        mixed = np.where(np.arange(z.shape[-1]) == 0, A, z)
        target.at(name, scale * (mixed - Y), Edit(("z_for_a",), f"{x} stands where {told} belongs, in all examples but the first", 1.4, x))
        for axis in range(z.ndim):
            e = np.exp(z)
            over = e / e.sum(axis=axis, keepdims=True)
            target.at(name, scale * (over - Y), Edit(("softmax_axis", "sum_axis"), f"{told} is normalised over axis {axis}, the wrong one", 1.1, x))
        target.at(name, scale * (np.exp(z) / np.exp(z).sum() - Y), Edit(("softmax_axis", "sum_all"), f"{told} is normalised over everything", 1.15, x))
        for f, text in ((np.exp, "exp"), (np.tanh, "tanh"), (lambda t: 1 / (1 + np.exp(-t)), "sigmoid"), (lambda t: np.maximum(t, 0), "relu")):
            target.at(name, scale * (np.asarray(f(z)) - Y), Edit(("slope_wrong_activation", "unknown"), f"{text}({x}) stands where {told} belongs", 1.15, x))
            target.at(name, scale * (np.asarray(f(A)) - Y), Edit(("slope_at_a", "unknown"), f"{text}({told}) stands where {told} belongs", 1.2, x))
    target.at(name, scale * (A + Y), Edit(("sign_inside", "sign"), f"{label} is added instead of subtracted", 1.05, x))
    target.at(name, scale * A, Edit(("term_missing",), f"{label} is missing: it is not subtracted from {told}", 1.05, x))
    target.at(name, -scale * Y, Edit(("term_missing",), f"{told} is missing: only {label} is there", 1.1, x))
    target.at(name, scale * (A - 1), Edit(("labels_swapped", "unknown"), f"1 stands where {label} belongs: it is subtracted everywhere", 1.2, x))
    target.at(name, scale * (A - (1 - Y)), Edit(("labels_swapped",), f"1 - {label} stands where {label} belongs", 1.05, x))
    target.at(name, scale * ((A > 0.5) - Y), Edit(("unknown", "z_for_a"), f"the prediction ({told} > 0.5) stands where {told} belongs", 1.15, x))
    target.at(name, scale * np.sign(A - Y), Edit(("slope_wrong", "unknown"), f"only the sign of {told} - {label} is there", 1.2, x))
    target.at(name, scale * (A - Y) ** 2, Edit(("slope_wrong", "unknown"), f"{told} - {label} is squared: the cost stands where its slope belongs", 1.2, x))
    target.at(name, scale * np.abs(A - Y), Edit(("sign", "slope_wrong"), f"the absolute value of {told} - {label} is taken", 1.2, x))
    target.at(name, scale * (A - Y) * Y, Edit(("unknown", "term_missing"), f"{told} - {label} is multiplied by {label}", 1.3, x))
    target.at(name, scale * (A - Y) * z if z.shape == A.shape else A, Edit(("constant_factor", "unknown"), f"it is multiplied by {x} once too often", 1.35, x))
    if A.ndim == 2 and right.node is not None:
        target.at(name, scale * A * (1 - A) * (A - Y), Edit(("slope_extra", "slope_doubled"), f"the slope {told} (1 - {told}) is in {told} - {label} already: it is applied once too often", 1.0, x))
    moves = [("the next", 1), ("the previous", -1), ("the next but one", 2), ("the previous but one", -2)]
    for axis in range(Y.ndim):
        for what, shift in moves:
            for B, C, who in ((A, np.roll(Y, shift, axis), label), (np.roll(A, shift, axis), Y, told)):
                target.at(name, scale * (B - C), Edit(("examples_misaligned", "labels_swapped"), f"{who} is shifted by {abs(shift)} along axis {axis}: {what} example's stands there, out of step", 1.1, x))
        target.at(name, scale * (A - np.flip(Y, axis)), Edit(("examples_misaligned", "labels_swapped"), f"{label} is in reverse order along axis {axis}, another example's stands there", 1.15, x))
    if Y.ndim == 2 and Y.shape[0] == Y.shape[1]:
        target.at(name, scale * (A - Y.T), Edit(("inner_transpose", "labels_swapped"), f"{label} is transposed", 1.1, x))
    for value in pool.forward:
        if value.array.shape == A.shape and value.node is not right.node:
            B = np.asarray(value.array, float)
            target.at(name, scale * (B - Y), Edit(("wrong_layer", "z_for_a"), f"{value.text} stands where {told} belongs", 1.15 + value.cost, x))


def of_shortcut(target: Target, pool: Pool, labels_shape: tuple[int, ...]) -> None:
    """``A - Y``, the output layer's gradient, in a hidden layer."""
    R = target.right
    node = next((n for n in pool.graph if pool.program.gradients.get(n.name) is not None
                 and pool.program.gradients[n.name].name == target.local.root), None)  # fmt: skip
    for value in pool.forward:
        A = np.asarray(value.array, float)
        if A.shape != R.shape or node is None:
            continue
        for label, Y in _labels(pool, A.shape):
            if Y.size and value.text != label:
                text = f"{value.text} - {label}, the output layer's form, stands in a layer that is not the last"
                target.whole(A - Y, Edit(("output_shortcut",), text, 1.2 + value.cost))


def _normalised(target: Target, pool: Pool, name: str, x: str, v: Array) -> None:
    """``(g - mean(g) - n * mean(g * n)) / s``, where n is x without its mean, over its spread s."""
    z = np.asarray(pool.graph.find(x).value, float)
    for axis in range(v.ndim):
        if z.shape != v.shape or z.shape[axis] < 2:
            continue
        centred = z - z.mean(axis=axis, keepdims=True)
        for value in pool.forward:
            n = np.asarray(value.array, float)
            if n.shape != v.shape or value.node is None or value.node.name not in pool.program.gradients:
                continue
            s = np.sum(centred * n, axis=axis, keepdims=True) / np.sum(n * n, axis=axis, keepdims=True)
            if not np.allclose(n * s, centred, rtol=1e-6, atol=1e-9) or np.ptp(s) == 0 and s.size > 1:
                continue
            own = pool.program.gradients[value.node.name].name
            if own not in target.local.names or own == name:
                continue
            g = np.asarray(target.local.values[own], float)
            _edited_norm(target, pool, name, x, v, g, n, s, axis, value)
            return


def _edited_norm(
    target: Target, pool: Pool, name: str, x: str, v: Array, g: Array, n: Array, s: Array, axis: int, value: Value
) -> None:
    mean, both = g.mean(axis=axis, keepdims=True), np.mean(g * n, axis=axis, keepdims=True)
    right = (g - mean - n * both) / s
    if _scale(v, right) is None:
        return
    told = value.text
    count = v.shape[axis]
    other = tuple(k for k in range(v.ndim) if k != axis)
    for wrong, codes, text in (
        ((g - mean) / s, ("term_missing",), f"the path through the variance is missing: the term with {told}"),
        ((g - n * both) / s, ("term_missing",), "the path through the mean is missing"),
        (g / s, ("term_missing",), "only the direct path is there: those through the mean and the variance are missing"),
        ((g - mean - n * both), ("chain_factor_missing",), "the division by the standard deviation is missing"),
        ((g - mean - n * both) * s, ("slope_wrong",), "it is multiplied by the standard deviation instead of divided"),
        ((g - mean - n * both) / s**2, ("slope_wrong",), "it is divided by the variance instead of the standard deviation"),
        ((g - mean - both) / s, ("chain_factor_missing",), f"the factor {told} in the path through the variance is missing"),
        ((g - count * mean - n * both) / s, ("mean_for_sum", "constant_factor"), "in the path through the mean there is a sum for a mean"),
        ((g - mean - count * n * both) / s, ("mean_for_sum", "constant_factor"), "in the path through the variance there is a sum for a mean"),
        ((g - count * mean - count * n * both) / s, ("mean_for_sum", "constant_factor"), "sums stand for the means"),
        ((g + mean - n * both) / s, ("sign_inside",), "the path through the mean has the wrong sign"),
        ((g - mean + n * both) / s, ("sign_inside",), "the path through the variance has the wrong sign"),
        ((g - mean - n * both / 2) / s, ("constant_factor",), "a factor 2 is missing in the path through the variance"),
        ((g - mean - 2 * n * both) / s, ("constant_factor",), "the path through the variance is there twice"),
        ((g - mean - n * both * count / (count - 1)) / s, ("wrong_m", "constant_factor"), f"in the path through the variance there is {count - 1} for {count}"),
        ((g - g.mean(axis=other, keepdims=True) - n * np.mean(g * n, axis=other, keepdims=True)) / s, ("sum_axis",), f"the means are over axis {other} instead of axis {axis}"),
    ):
        target.at(name, wrong, Edit(codes, text, 1.0 if len(codes) == 1 else 1.1, x))
    for other_value in pool.shaped(v.shape):
        scaled = right * np.asarray(other_value.array, float)
        target.at(name, scaled, Edit(("slope_extra", "chain_factor_missing"), f"the factor {other_value.text} is there once too often", 1.3 + other_value.cost, x))


