"""What operations say of their axes, tried at their samples: shuffle an axis of the operands, and the axis
that it is said to become is shuffled alike; one that is said to end may be shuffled at will.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from tinygrad_edu.core.axes import PICKED, SUMMED, Flow, New, Piece, Regroup, each, ending, selected
from tinygrad_edu.core.op import Op
from tinygrad_edu.core.samples import Sample
from tinygrad_edu.core.table import OPS

Array = Any
SILENT = {  # of decompositions the parts have bases of their own: their axes are new
    "cholesky", "orthogonal_factor", "cofactors", "regular", "second_cofactors", "distinct", "eigvalsh",
    "eigenvectors", "eigenvalues", "svdvals", "left_vectors", "right_vectors", "singular_values",
}  # fmt: skip


def problems(op: Op) -> list[str]:
    """What is wrong with what an operation says of its axes, at its samples."""
    found = []
    for k, sample in enumerate(op.samples):
        if sample.arrange is not None or "rng" in op.settings:
            continue
        xs = list(sample.draw(np.random.default_rng(k)))
        with np.errstate(all="ignore"):
            y = np.asarray(op.forward(*xs, **sample.settings))
        assert op.axes is not None
        flow = op.axes([x.shape for x in xs], sample.settings)
        if isinstance(flow, Regroup):
            found += [f"shape {flow.shape}, is {y.shape}"] * (flow.shape != y.shape)
        elif isinstance(flow, Flow):
            found += misfits(flow, xs, y) or unmoved(op, sample, flow, xs, y)
    return found


def misfits(flow: Flow, xs: list[Array], y: Array) -> list[str]:
    """Ranks and lengths that are not those of the arrays."""
    ranks = [len(letters) for letters in flow.operands]
    if ranks != [x.ndim for x in xs] or len(flow.result) != y.ndim:
        return [f"ranks {ranks} to {len(flow.result)}, are {[x.ndim for x in xs]} to {y.ndim}"]
    lengths: dict[Any, int] = {}
    held = [*zip(flow.operands, xs, strict=True), *((letters, array) for array, letters in flow.indices)]
    for letters, x in held:
        for letter, n in zip(letters, np.shape(x), strict=True):
            if letter is None:
                continue
            lengths[letter] = n if lengths.get(letter, 1) == 1 else lengths[letter]
            if n not in (1, lengths[letter]):
                return [f"{letter} has lengths {n} and {lengths[letter]}"]
    for part, n in zip(flow.result, y.shape, strict=True):
        if part is None:
            want = 1
        elif isinstance(part, New):
            continue
        else:
            want = len(range(*part.cut)) if isinstance(part, Piece) else lengths[part]
        if want != n:
            return [f"{part} has length {want}, the result {n}"]
    return []


def unmoved(op: Op, sample: Sample, flow: Flow, xs: list[Array], y: Array) -> list[str]:
    """Axes that do not go where they are said to."""
    taken = {letter for _, letters in flow.indices for letter in letters}
    parts = [p for p in flow.result if isinstance(p, (New, Piece))]
    taken |= {letter for p in parts for letter in (p.parents if isinstance(p, New) else (p.of,))}
    taken |= flow.meets | {letter for letter, how in flow.ended.items() if how == PICKED}
    found = []
    for letter in {x for letters in flow.operands for x in letters} - taken:
        n = max(
            x.shape[k]
            for letters, x in zip(flow.operands, xs, strict=True)
            for k, own in enumerate(letters)
            if own == letter
        )
        order = np.roll(np.arange(n), 1)
        moved = [shuffled(x, letters, letter, order) for letters, x in zip(flow.operands, xs, strict=True)]
        with np.errstate(all="ignore"):
            got = np.asarray(op.forward(*moved, **sample.settings))
        want = shuffled(y, flow.result, letter, order)
        if got.shape != want.shape or not np.allclose(got, want, rtol=1e-9, equal_nan=True):
            found.append(f"{letter} of {flow.operands} with {dict(sample.settings)}")
    return found


def shuffled(x: Array, letters: tuple[Any, ...], letter: Any, order: Array) -> Array:
    for k, own in enumerate(letters):
        if own == letter and x.shape[k] == len(order):
            x = np.take(x, order, axis=k)
    return x


def telling() -> list[Op]:
    return [op for op in OPS.values() if op.axes is not None]


def test_every_operation_says_how_axes_go_through_it() -> None:
    assert {op.name for op in OPS.values() if op.axes is None} <= SILENT


@pytest.mark.parametrize("op", telling(), ids=lambda op: str(op.name))
def test_axes_go_where_they_are_said_to(op: Op) -> None:
    assert problems(op) == []


@pytest.mark.parametrize(
    ("name", "wrong"),
    [
        ("matmul", each),
        ("sum", each),
        ("softmax", each),
        ("transpose", each),
        ("cumsum", lambda shapes, settings: each(shapes, {})),
        ("max", lambda shapes, settings: ending(SUMMED)(shapes, {"axis": 0})),
        ("expand_dims", lambda shapes, settings: Flow((tuple(range(2)),), (0, 1, None))),
    ],
)
def test_a_wrong_claim_is_found(name: str, wrong: Any) -> None:
    if name == "softmax":  # along which the entries meet, it is entry by entry: nothing to find
        assert problems(replace(OPS[name], axes=wrong)) == []
    else:
        assert problems(replace(OPS[name], axes=wrong))


@pytest.mark.parametrize(
    ("shape", "index"),
    [
        ((5, 3), (np.arange(5), np.array([0, 2, 1, 1, 0]))),
        ((5, 3), (slice(1, 4), None, 2)),
        ((5, 3, 4), (slice(None), 1, np.array([0, 3]))),
        ((5, 3, 4), (1, slice(None), np.array([0, 3]))),
        ((5, 3, 4), (Ellipsis, np.array([[0, 3], [1, 1]]))),
        ((5, 3, 4), (np.array([0, 1]), slice(None), np.array([1, 1]))),
        ((5, 3, 4), (np.arange(5)[:, None], np.arange(3), np.zeros((5, 3), int))),
        ((6, 2), np.array([[1, 2, 3]])),
        ((6, 2), (slice(None, None, -1),)),
        ((6, 2), [0, 0, 5]),
        ((6, 2), range(3)),
        ((6, 2), -1),
    ],
)
def test_what_an_index_leaves_has_the_right_lengths(shape: tuple[int, ...], index: Any) -> None:
    x = np.zeros(shape)
    flow = selected([shape], {"index": index})
    assert flow is not None
    assert misfits(flow, [x], x[index]) == []


def test_counting_an_axis_through_keeps_it() -> None:
    labels = np.array([0, 2, 1, 1, 0])
    flow = selected([(5, 3)], {"index": (np.arange(5), labels)})
    assert flow is not None
    assert flow.result == (0,)
    assert flow.ended == {1: PICKED}
    both = selected([(3, 3)], {"index": (np.arange(3), np.arange(3))})
    assert both is not None
    assert both.result == (("index", 0),)


def test_a_mask_says_nothing() -> None:
    assert selected([(3,)], {"index": np.array([True, False, True])}) is None
