"""Generated expressions for the writer's properties, and the values that their names have."""

from __future__ import annotations

import numpy as np
from hypothesis import strategies as st

from tinygrad_edu.core.table import OPS
from tinygrad_edu.expression import Node, applied, number, quantity

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


def _names(shape: tuple[int, ...]) -> list[Node]:
    return [quantity(name, value.shape) for name, value in VALUES.items() if value.shape == shape]


@st.composite
def expressions(  # noqa: C901  (one case for each kind)
    draw: st.DrawFn, shape: tuple[int, ...] = (2, 3), depth: int = 5, scalar: bool = False
) -> Node:
    """An expression of that shape: arithmetic, both products, transposes, slices, sums and questions."""
    kinds = (
        ["name", "number"] if depth == 0 else ["name", "number", "arithmetic", "arithmetic", "call", "sign"]
    )
    if depth and not scalar:
        kinds += ["matrix", "transpose", "slice", "question", "sum"] if shape else ["sum"]
    kind = draw(st.sampled_from(kinds))
    some = lambda s: draw(expressions(s, depth - 1, scalar))  # noqa: E731
    if kind == "name":
        return draw(st.sampled_from(_names(shape)))
    if kind == "number":
        return number(draw(st.sampled_from(NUMBERS))) if not shape else draw(st.sampled_from(_names(shape)))
    if kind == "arithmetic":
        shapes = [shape, draw(st.sampled_from([shape, ()]))]
        if draw(st.booleans()):
            shapes.reverse()
        ops = ARITHMETIC if not scalar else [op for op in ARITHMETIC if op.sign.text not in ("//", "%")]
        return applied(draw(st.sampled_from(ops)), *map(some, shapes))
    if kind == "sign":
        return applied(draw(st.sampled_from([OPS["negative"], OPS["square"]])), some(shape))
    if kind == "call":
        called = [op for op in CALLED if not scalar or op.name not in ("sigmoid", "maximum", "positive")]
        op = draw(st.sampled_from(called))
        return applied(op, *(some(shape) for _ in op.parameters))
    if kind == "sum":
        wide = draw(st.sampled_from([s for s in SHAPES if s]))
        total = applied(OPS["sum"], some(wide))
        return total if not shape else applied(OPS["broadcast_to"], total, settings={"shape": shape})
    if kind == "matrix":
        inner = draw(st.sampled_from(SIZES))
        return applied(OPS["matmul"], some((shape[0], inner)), some((inner, shape[1])))
    if kind == "transpose":
        return applied(OPS["transpose"], some(shape[::-1]))
    if kind == "slice":
        wide = draw(st.sampled_from([s for s in SHAPES if s and s[0] >= shape[0] and s[1] >= shape[1]]))
        return applied(OPS["getitem"], some(wide), settings={"index": tuple(slice(None, n) for n in shape)})
    asked = applied(draw(st.sampled_from(QUESTIONS)), some(shape), some(shape))
    if draw(st.booleans()):
        asked = applied(
            draw(st.sampled_from(LOGIC)),
            asked,
            applied(draw(st.sampled_from(QUESTIONS)), some(shape), some(shape)),
        )
    return applied(OPS["multiply"], asked, some(shape))
