"""Generated expressions for the writer's properties, and the values that their names have."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from random import Random
from typing import Any

import numpy as np
from hypothesis import strategies as st

from tinygrad_edu.core.table import OPS
from tinygrad_edu.expression import Node, applied, number, quantity
from tinygrad_edu.expression.walk import quantities

SIZES = (2, 3)
RNG = np.random.default_rng(11)
SHAPES = [(), *((a, b) for a in SIZES for b in SIZES)]
VALUES = {
    f"{letter}{'' if not shape else shape[0] * 10 + shape[1]}": RNG.uniform(0.5, 2.0, shape)
    for letter in "abxy"
    for shape in SHAPES
}
SIGNED = [
    op for op in OPS.values() if op.sign is not None and op.sign.place == "infix" and op.kind == "elementwise"
]
ARITHMETIC = [op for op in SIGNED if not op.sign.booleans and op.pullbacks[0] is not None]
QUESTIONS = [op for op in SIGNED if not op.sign.booleans and op.pullbacks[0] is None]
LOGIC = [op for op in SIGNED if op.sign.booleans]
CALLED = [
    OPS[n]
    for n in (
        "exp",
        "log",
        "tanh",
        "sqrt",
        "absolute",
        "sigmoid",
        "maximum",
        "square",
        "negative",
        "positive",
    )
]
NUMBERS = [-2, -1, 0, 1, 2, 3, -1.5, 0.5, 1.0, 2.0, 1e-9, 1e9]


REFUSING = [op for op in ARITHMETIC if op.sign.text in ("**", "/", "//", "%")]
"""What Python or NumPy may refuse to do with plain numbers: 0 ** -1, 4 ** -2 in whole numbers, 1e9 ** 1e9."""

Choose = Callable[[Sequence[Any]], Any]


def _names(shape: tuple[int, ...]) -> list[Node]:
    return [quantity(name, value.shape) for name, value in VALUES.items() if value.shape == shape]


def made(  # noqa: C901  (one case for each kind)
    choose: Choose, shape: tuple[int, ...], depth: int = 5, *, scalar: bool = False
) -> Node:
    """An expression of that shape: arithmetic, both products, transposes, slices, sums and questions."""
    kinds = (
        ["name", "number"] if depth == 0 else ["name", "number", "arithmetic", "arithmetic", "call", "sign"]
    )
    if depth and not scalar:
        kinds += ["matrix", "transpose", "slice", "question", "sum"] if shape else ["sum"]
    kind = choose(kinds)
    some = lambda s: made(choose, s, depth - 1, scalar=scalar)  # noqa: E731
    if kind == "name":
        return choose(_names(shape))
    if kind == "number":
        return number(choose(NUMBERS)) if not shape else choose(_names(shape))
    if kind == "arithmetic":
        shapes = [shape, choose([shape, ()])]
        if choose([False, True]):
            shapes.reverse()
        ops = ARITHMETIC if not scalar else [op for op in ARITHMETIC if op.sign.text not in ("//", "%")]
        op, (left, right) = choose(ops), map(some, shapes)
        if op in REFUSING and not quantities(left) and not quantities(right):
            left = choose(_names(left.shape))
        return applied(op, left, right)
    if kind == "sign":
        return applied(choose([OPS["negative"], OPS["square"]]), some(shape))
    if kind == "call":
        called = [op for op in CALLED if not scalar or op.name not in ("sigmoid", "maximum", "positive")]
        op = choose(called)
        return applied(op, *(some(shape) for _ in op.parameters))
    if kind == "sum":
        wide = choose([s for s in SHAPES if s])
        total = applied(OPS["sum"], some(wide))
        return total if not shape else applied(OPS["broadcast_to"], total, settings={"shape": shape})
    if kind == "matrix":
        inner = choose(SIZES)
        return applied(OPS["matmul"], some((shape[0], inner)), some((inner, shape[1])))
    if kind == "transpose":
        return applied(OPS["transpose"], some(shape[::-1]))
    if kind == "slice":
        wide = choose([s for s in SHAPES if s and s[0] >= shape[0] and s[1] >= shape[1]])
        return applied(OPS["getitem"], some(wide), settings={"index": tuple(slice(None, n) for n in shape)})
    asked = applied(choose(QUESTIONS), some(shape), some(shape))
    if choose([False, True]):
        asked = applied(choose(LOGIC), asked, applied(choose(QUESTIONS), some(shape), some(shape)))
    return applied(OPS["multiply"], asked, some(shape))


@st.composite
def expressions(draw: st.DrawFn, shape: tuple[int, ...] = (2, 3), *, scalar: bool = False) -> Node:
    """Any of them, which Hypothesis makes smaller where it fails."""
    return made(lambda among: draw(st.sampled_from(among)), shape, scalar=scalar)


def many(count: int, seed: int, *, scalar: bool = False) -> Iterator[Node]:
    """That many, the same for the same seed whatever Hypothesis is installed."""
    choose = Random(seed).choice
    for _ in range(count):
        yield made(choose, () if scalar else choose(SHAPES), scalar=scalar)
