# ruff: noqa: PLW0108, B002
"""The book of identities: each is written once, as two NumPy expressions that are equal.

Run on names they are a pattern and its replacement; run on arrays they are their own test, over the
declared ranges, in float32, float64 and integers, at the edges too (``tests/expression/test_book.py``).
Each says what it is good for. The derivation takes what is shorter, the compiler what is less work or more
accurate, the writer what is exact.

To add one, add a line. A pattern's parameters stand for any part; a keyword-only one is a setting left open.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Literal

import numpy as np

from tinygrad_edu.expression.node import Node, applied, number
from tinygrad_edu.expression.recording import built, op_of, spelled
from tinygrad_edu.expression.walk import match, negated, remade
from tinygrad_edu.ops.networks.activations import (
    leaky_relu,
    log_softmax,
    logsumexp,
    relu,
    sigmoid,
    softmax,
    softplus,
)
from tinygrad_edu.ops.reduction.sums_and_extrema import count

Good = Literal["shorter", "less work", "more accurate", "exact", "signs", "board", "columns", "transposes"]
"""shorter: to read. less work: to compute. more accurate: near the edges. exact: equal to the last
bit, in any dtype. signs: of those, what puts a minus sign where it is read. board: mathematics, in which
a vector is a column. columns: of that, what turns a column into a row. transposes: what moves them to
single names."""

Range = tuple[float, float]
REAL: Range = (-np.inf, np.inf)
POSITIVE: Range = (0.0, np.inf)
SHARE: Range = (0.0, 1.0)


@dataclass(frozen=True, eq=False)
class Identity:
    """``before`` and ``after`` are equal wherever the names lie in their ranges."""

    before: Callable[..., Any]
    after: Callable[..., Any]
    good: frozenset[str]
    ranges: Mapping[str, Range] = field(default_factory=dict)
    """Where a name must lie; by default anywhere."""
    ndim: int = 0
    """The rank of the operands: 0 for what is done entry by entry, which holds for any."""
    when: Callable[..., bool] | None = None
    """What must be known of the parts besides, asked of them as nodes, and of settings, by name."""
    sized: bool = False
    """Whether the replacement asks for sizes; else only for ranks."""

    @property
    def pattern(self) -> Node:
        """What it is found by."""
        over_axes = bool(self.before.__code__.co_kwonlyargcount)
        return spelled(self.before, self.ndim or int(over_axes))

    def found_in(
        self,
        node: Node,
        meaning: Mapping[Node, Node] | None = None,
        *,
        typed: bool = True,
        surely: bool = False,
    ) -> Node | None:
        """What the expression may be replaced by; None where the identity does not apply.

        Args:
            node: the expression.
            meaning: what names in it stand for, so that a part may have been named on the way.
            typed: whether the replacement must have the dtype, too, as it must where it is computed.
            surely: whether it must be known that integers do not wrap and truth values stay apart.

        >>> from tinygrad_edu.expression import quantity
        >>> logistic = built(lambda z: 1 / (1 + np.exp(-z)), [quantity("z", (3,))])
        >>> next(better for identity in good_for("shorter") if (better := identity.found_in(logistic)))
        <sigmoid(z)>
        """
        bound = match(self.pattern, node, meaning)
        return None if bound is None else self.replacement(bound, node, typed=typed, surely=surely)

    def replacement(
        self, bound: Mapping[Any, Any], node: Node, *, typed: bool = True, surely: bool = False
    ) -> Node | None:
        """What comes in place of the expression, where the names of the pattern stand for these parts."""
        operands = {key.called: part for key, part in bound.items() if isinstance(key, Node)}
        whole = {name for name, part in operands.items() if part.dtype.kind in "iub" and part.number is None}
        if surely and any(operands[name].dtype != node.dtype for name in whole - {"mask"}):
            return None
        settings = {key: value for key, value in bound.items() if isinstance(key, str)}
        if self.when is not None and not self.when(**operands, **settings):
            return None
        code = self.before.__code__
        parameters = code.co_varnames[: code.co_argcount]
        try:
            found = built(self.after, [operands[called] for called in parameters], settings, sized=self.sized)
        except TypeError:  # NumPy has no minus for truth values
            return None
        if typed and found.dtype != node.dtype and not found.is_number:
            return None
        return in_shape(found, node.shape, node.dtype)


def in_shape(node: Node, shape: tuple[int, ...], dtype: Any) -> Node:
    """The expression, repeated where it is narrower than it must be: a 1 may stand for an array of ones."""
    if node.shape == shape:
        return node
    if node.is_number:
        node = number(np.asarray(node.value, dtype)[()])
    return applied(op_of(np.broadcast_to), node, settings={"shape": shape}, shape=shape, dtype=dtype)


def good_for(*purposes: Good) -> Iterator[Identity]:
    """The identities that serve one of the purposes, in the book's order."""
    return (identity for identity in BOOK if identity.good & set(purposes))


def rewritten(
    node: Node, *purposes: Good, meaning: Mapping[Node, Node] | None = None, typed: bool = True
) -> Node:
    """The expression with every part replaced that an identity of that purpose applies to, inner parts first.

    >>> from tinygrad_edu.expression import quantity
    >>> rewritten(built(lambda z: np.log(1 / (1 + np.exp(-z))), [quantity("z")]), "shorter", "more accurate")
    <z - (softplus(z))>
    """
    chosen = _by_kernel(purposes)

    def change(one: Node) -> Node:
        found = (i.found_in(one, meaning, typed=typed) for i in chosen.get(one.kernel, ()))
        return next((better for better in found if better is not None), one)

    for _ in range(_PATIENCE):
        before, node = node, remade(node, change)
        if node is before:
            break
    return node


_PATIENCE = 8
"""How many times in a row a part may be replaced."""


@cache
def _by_kernel(purposes: tuple[Good, ...]) -> Mapping[str, list[Identity]]:
    """The identities by the outermost operation of their pattern, so that few are tried."""
    found: dict[str, list[Identity]] = {}
    for identity in good_for(*purposes):
        op = identity.pattern.op
        assert op is not None
        found.setdefault(op.kernel, []).append(identity)
    return found


def _identity(before: Any, after: Any, *good: str, **facts: Any) -> Identity:
    return Identity(before, after, frozenset(good), **facts)


def _is_matrix(**parts: Node) -> bool:
    return all(len(part.shape) == 2 for part in parts.values())


def _are_vectors(**parts: Node) -> bool:
    return all(part.ndim == 1 for part in parts.values())


def _is_row(a: Node, **_: Node) -> bool:
    """Whether it is a vector that stands on the left of a product, and is not turned yet."""
    return a.ndim == 1 and not a.does(op_of(np.transpose))


def _is_share(c: Node, **_: Node) -> bool:
    return c.is_number and 0 <= c.value <= 1


def _is_slope(mask: Node, c: Node, **_: Node) -> bool:
    """Whether it is a choice by truth values, and the number not so large that a 1 beside it is lost."""
    return mask.dtype.kind == "b" and c.is_number and bool(c.value + (1 - c.value) == 1)


def _is_undone(A: Node, axes: Any) -> bool:
    """Whether a permutation is its own inverse, as of a batch of transposes."""
    return isinstance(axes, tuple) and [axes[k] % A.ndim for k in axes] == [*range(A.ndim)]


def _is_precise(x: Node, **_: Any) -> bool:
    """Whether NumPy adds it up in its own dtype."""
    return x.dtype.itemsize >= 4


def _may_be_large(z: Node) -> bool:
    """Whether it is not minus what is never negative."""
    positive = negated(z)
    return positive is None or positive.op is None or (positive.op.range or REAL)[0] < 0


# fmt: off
_FREE = ("exact", "shorter", "less work")
_SHORT = ("shorter", "more accurate")
_BEST = ("shorter", "less work", "more accurate")

BOOK: tuple[Identity, ...] = (
    # What changes no bit: the writer applies these.
    _identity(lambda x: x**1, lambda x: x, *_FREE),
    _identity(lambda x: x**0, lambda x: 1, *_FREE),
    _identity(lambda x: 1 * x, lambda x: x, *_FREE),
    _identity(lambda x: x / 1, lambda x: x, *_FREE),
    _identity(lambda x: -1 * x, lambda x: -x, *_FREE),
    _identity(lambda x: x / -1, lambda x: -x, *_FREE),
    _identity(lambda x: -(-x), lambda x: x, "signs", *_FREE),
    _identity(lambda x, y: (-x) * y, lambda x, y: -(x * y), "signs"),
    _identity(lambda x, y: x * (-y), lambda x, y: -(x * y), "signs"),
    _identity(lambda x, y: (-x) / y, lambda x, y: -(x / y), "signs"),
    _identity(lambda x, y: x / (-y), lambda x, y: -(x / y), "signs"),
    _identity(
        lambda x, *, axis=None, keepdims=False: np.sum(-x, axis=axis, keepdims=keepdims),
        lambda x, *, axis=None, keepdims=False: -np.sum(x, axis=axis, keepdims=keepdims), "signs",
    ),
    _identity(
        lambda x, *, axis=None, keepdims=False: np.mean(-x, axis=axis, keepdims=keepdims),
        lambda x, *, axis=None, keepdims=False: -np.mean(x, axis=axis, keepdims=keepdims), "signs",
    ),
    _identity(lambda A, B: (-A) @ B, lambda A, B: -(A @ B), "signs", ndim=2),
    _identity(lambda A, B: A @ (-B), lambda A, B: -(A @ B), "signs", ndim=2),
    _identity(lambda A: (-A).T, lambda A: -A.T, "signs", ndim=2),
    _identity(lambda x: +x, lambda x: x, *_FREE),
    _identity(lambda x, y: x + (-y), lambda x, y: x - y, "signs", *_FREE),
    _identity(lambda x, y: x - (-y), lambda x, y: x + y, "signs", *_FREE),
    _identity(lambda A: A.T.T, lambda A: A, *_FREE, ndim=2),
    _identity(
        lambda A, *, axes=None: np.transpose(np.transpose(A, axes), axes), lambda A, *, axes=None: A, *_FREE,
        when=_is_undone,
    ),
    # Transposes and scalars out of products and sums.
    _identity(
        lambda A, B: (A.T @ B).T, lambda A, B: B.T @ A, "transposes", "shorter", ndim=2, when=_is_matrix,
    ),
    _identity(
        lambda A, B: (A @ B.T).T, lambda A, B: B @ A.T, "transposes", "shorter", ndim=2, when=_is_matrix,
    ),
    _identity(
        lambda a, b: a @ b, lambda a, b: a.T @ b, "columns", ndim=1, when=_is_row,
    ),
    _identity(
        lambda a, b: np.expand_dims(a, -1) * np.expand_dims(b, -2),
        lambda a, b: np.expand_dims(a, -1) @ np.swapaxes(np.expand_dims(b, -1), -1, -2), "board", ndim=1,
        when=_are_vectors,
    ),
    _identity(
        lambda a, b: np.reshape(a, (-1, 1)) * np.reshape(b, (1, -1)),
        lambda a, b: np.expand_dims(a, -1) @ np.swapaxes(np.expand_dims(b, -1), -1, -2), "board", ndim=1,
        when=_are_vectors,
    ),
    _identity(
        lambda x, *, axis=None, keepdims=False: np.mean(x, axis=axis, keepdims=keepdims),
        lambda x, *, axis=None, keepdims=False: np.sum(x, axis=axis, keepdims=keepdims) / count(x, axis),
        "less work", sized=True, when=_is_precise,
    ),
    # Powers, roots and logarithms.
    _identity(lambda x: x * x, lambda x: np.square(x), "shorter", "less work"),
    _identity(lambda x: x**2, lambda x: np.square(x), "less work"),
    _identity(lambda x: x**3, lambda x: x * np.square(x), "less work"),
    _identity(lambda x: x**0.5, lambda x: np.sqrt(x), "less work"),
    _identity(lambda x: x**-0.5, lambda x: 1 / np.sqrt(x), "less work"),
    _identity(lambda x: x**-1, lambda x: 1 / x, "less work"),
    _identity(lambda x: x**-2, lambda x: 1 / np.square(x), "less work"),
    _identity(lambda x: x**-3, lambda x: 1 / (x * np.square(x)), "less work"),
    _identity(lambda x: np.sqrt(x**2), lambda x: np.abs(x), *_BEST),
    _identity(lambda x: np.log(np.exp(x)), lambda x: x, *_BEST),
    _identity(lambda x: np.exp(np.log(x)), lambda x: x, *_BEST, ranges={"x": POSITIVE}),
    _identity(
        lambda a, b, c: np.log(a**b * c), lambda a, b, c: b * np.log(a) + np.log(c), "shorter",
        ranges={"a": POSITIVE, "c": POSITIVE},
    ),
    _identity(lambda a, b: np.log(a**b), lambda a, b: b * np.log(a), "shorter", ranges={"a": POSITIVE}),
    # The units of networks, written out.
    _identity(lambda z: 1 / (1 + np.exp(-z)), lambda z: sigmoid(z), *_SHORT),
    _identity(lambda z: np.exp(z) / (1 + np.exp(z)), lambda z: sigmoid(z), *_SHORT),
    _identity(lambda z: 1 / (1 + np.exp(z)), lambda z: 1 - sigmoid(z), "shorter"),
    _identity(lambda c, z: c / (1 + np.exp(-z)), lambda c, z: c * sigmoid(z), *_SHORT),
    _identity(lambda z: 1 - sigmoid(-z), lambda z: sigmoid(z), *_BEST),
    _identity(lambda z: np.exp(-z) * sigmoid(z), lambda z: 1 - sigmoid(z), "less work"),
    _identity(lambda z: np.log(sigmoid(z)), lambda z: z - softplus(z), "more accurate"),
    _identity(lambda z: np.log(1 - sigmoid(z)), lambda z: -softplus(z), "more accurate"),
    _identity(lambda z: np.log(1 + np.exp(z)), lambda z: softplus(z), *_SHORT, when=_may_be_large),
    _identity(lambda z: np.log1p(np.exp(z)), lambda z: softplus(z), *_SHORT, when=_may_be_large),
    _identity(lambda z: 2 * sigmoid(2 * z) - 1, lambda z: np.tanh(z), *_BEST),
    _identity(
        lambda z: (np.exp(z) - np.exp(-z)) / (np.exp(z) + np.exp(-z)), lambda z: np.tanh(z), "shorter"
    ),
    _identity(lambda z: np.sinh(z) / np.cosh(z), lambda z: np.tanh(z), "shorter"),
    _identity(lambda z: 1 / np.cosh(z) ** 2, lambda z: 1 - np.tanh(z) ** 2, "shorter"),
    _identity(lambda z: np.maximum(0, z), lambda z: relu(z), "shorter"),
    _identity(lambda z: np.where(z > 0, z, 0), lambda z: relu(z), "shorter"),
    _identity(lambda z: z * (z > 0), lambda z: relu(z), "shorter", "less work"),
    _identity(
        lambda c, z: np.maximum(c * z, z), lambda c, z: leaky_relu(z, slope=c), "shorter",
        ranges={"c": SHARE}, when=_is_share,
    ),
    _identity(
        lambda c, z: np.where(z > 0, z, c * z), lambda c, z: leaky_relu(z, slope=c), "shorter",
        ranges={"c": SHARE}, when=_is_share,
    ),
    # Choices without a branch for each entry.
    _identity(
        lambda z: np.where(z >= 0, 1, np.exp(-np.abs(z))),
        lambda z: np.maximum(np.exp(-np.abs(z)), z >= 0), "less work",
    ),
    _identity(
        lambda mask, g, c: np.where(mask, g, c * g), lambda mask, g, c: g * ((1 - c) * mask + c), "less work",
        when=_is_slope,
    ),
    # Over classes.
    _identity(
        lambda z, *, axis=None: np.exp(z) / np.sum(np.exp(z), axis=axis, keepdims=True),
        lambda z, *, axis=None: softmax(z, axis=axis), *_SHORT,
    ),
    _identity(
        lambda z, *, axis=None: softmax(z - np.max(z, axis=axis, keepdims=True), axis=axis),
        lambda z, *, axis=None: softmax(z, axis=axis), "shorter", "less work",
    ),
    _identity(
        lambda z, *, axis=None: np.log(softmax(z, axis=axis)),
        lambda z, *, axis=None: log_softmax(z, axis=axis), "less work", "more accurate",
    ),
    _identity(
        lambda z, *, axis=None, keepdims=False: np.log(np.sum(np.exp(z), axis=axis, keepdims=keepdims)),
        lambda z, *, axis=None, keepdims=False: logsumexp(z, axis=axis, keepdims=keepdims), *_SHORT,
    ),
)
# fmt: on
