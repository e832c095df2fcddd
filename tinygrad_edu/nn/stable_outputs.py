"""The notes' two steps, A = σ(Z) and J of A, exact where A rounds to 0 or 1.

The notes' operations are recorded, so that pictures, derivations and comparisons have A[L] and dA[L].
Two things are computed differently from these operations, without changing a formula. The value of J comes
from Z, by the identity J(σ(Z)) = J_logits(Z). In dA[L] a denominator of 0 is replaced by a tiny number, so
that dA[L] · σ'(Z) is right also where both have underflowed.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from tinygrad_edu.core.application import apply
from tinygrad_edu.core.op import Op, Pullback
from tinygrad_edu.core.symbol import Symbol
from tinygrad_edu.core.tensor import Tensor
from tinygrad_edu.ops.elementwise.arithmetic import positive
from tinygrad_edu.ops.networks import activations, costs

Array = Any


def _changed(op: Op, **fields: Any) -> Op:
    """A copy of the operation with another kernel or other pullbacks; its facts are the same."""
    other = object.__new__(Op)  # not by the constructor, whose analysis is too slow for every step
    other.__dict__.update(op.__dict__, ufunc=None, quick=None, **fields)
    return other


def _nonzero(x: Array) -> Array:
    """x, or where it is nearer to 0 than about the square root of the least float, that."""
    least = 8 * np.sqrt(np.finfo(x.dtype).tiny)
    return apply(_NONZERO, (x,), {}) if isinstance(x, Tensor) else np.maximum(x, least)


_NONZERO = _changed(positive, forward=_nonzero)


def _exact(formula: Pullback, rule: Pullback) -> Pullback:
    """A rule that computes with arrays as given, and gives the operation's own formula for names."""

    def pullback(g: Array, y: Array, *xs: Array) -> Array:
        if type(g) is not Symbol:
            return rule(g, y, *xs)
        with np.errstate(all="ignore"):  # what it gives where it underflows is not taken
            dx = formula(g, y, *xs)
        dx._data = rule(g._data, y._data, *(x._data if isinstance(x, Tensor) else x for x in xs))
        return dx

    return pullback


def _through_sigmoid(g: Array, y: Array, _: Array) -> Array:
    return g * _nonzero(y) * _nonzero(1 - y)


def _through_softmax(g: Array, y: Array, _: Array) -> Array:
    y = _nonzero(y)
    return y * (g - np.sum(g * y, axis=0, keepdims=True))


def _to_two(g: Array, _: Array, A: Array, Y: Array) -> Array:
    return g * ((1 - Y) / _nonzero(1 - A) - Y / _nonzero(A)) / A.shape[-1]


def _to_many(g: Array, _: Array, A: Array, Y: Array) -> Array:
    return -g * (Y / _nonzero(A)) / A.shape[-1]


def _activation(op: Op, rule: Pullback) -> Op:
    (formula,) = op.pullbacks
    assert formula is not None
    return _changed(op, pullbacks=(_exact(formula, rule),))


def _cost(op: Op, rule: Pullback) -> Op:
    formula, by_labels = op.pullbacks
    assert formula is not None
    return _changed(op, pullbacks=(_exact(formula, rule), by_labels))


_RULES: dict[str, tuple[Op, Op, Op]] = {
    "sigmoid": (
        _activation(activations.sigmoid, _through_sigmoid),
        _cost(costs.binary_cross_entropy, _to_two),
        costs.binary_cross_entropy_with_logits,
    ),
    "softmax": (
        _activation(activations.softmax, _through_softmax),
        _cost(costs.categorical_cross_entropy, _to_many),
        costs.softmax_cross_entropy,
    ),
}
"""For each output: the activation, the cost as a function of A[L], and the same cost as one of Z[L]."""


def cost_of_logits(output: str, Z: Tensor, Y: Tensor) -> tuple[Tensor, Tensor]:
    """A[L] and J computed from Z[L], for the output sigmoid or softmax, recorded as in the notes.

    >>> Z = Tensor([[1000.0, -1000.0]])
    >>> A, J = cost_of_logits("sigmoid", Z, Tensor([[0.0, 0.0]], requires_grad=False))
    >>> J.backward()
    >>> A.tolist(), J.item(), Z.grad.tolist()[0][0]
    ([[1.0, 0.0]], 500.0, 0.5)
    """
    activation, cost, from_logits = _RULES[output]
    A = apply(activation, (Z,), {})
    shares, scores = A._data, Z._data

    def value(A: Array, Y: Array) -> Array:
        # Of these shares the scores are known. A reader may run the operation on others, or on names.
        return from_logits.forward(scores, Y) if A is shares else cost.forward(A, Y)

    return A, apply(_changed(cost, forward=value), (A, Y), {})
