"""Replaces operations by equal forms that NumPy computes several times faster.

Row sums as a product with a column of ones (BLAS, five times as fast as ``np.sum``), sums over many short
rows as one with a row of ones, ``max(z, 0)`` against a row of zeros instead of the number (NumPy's loop for
two arrays is vectorised, that for a number is not), and one product of tall matrices instead of many small
ones that are added up. Of few entries, whose operations cost a call of NumPy each, log(1 + e^z) in one.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from math import prod

from tinygrad_edu.compiler.instructions import is_ufunc
from tinygrad_edu.compiler.sheet import Sheet
from tinygrad_edu.expression.arithmetic import (
    ABSOLUTE,
    ADD,
    COPYSIGN,
    EXP,
    LOG1P,
    LOGADDEXP,
    MATMUL,
    MAXIMUM,
    MINIMUM,
    MULTIPLY,
    NEGATIVE,
    RESHAPE,
    SUBTRACT,
    SUM,
    TRANSPOSE,
)
from tinygrad_edu.expression.node import Node
from tinygrad_edu.expression.walk import in_order
from tinygrad_edu.ops.indexing.gather_scatter import getitem
from tinygrad_edu.ops.reduction.sums_and_extrema import broadcast_axes, sum_to

LONGEST = 16_384
"""Entries of a row that may be added up in their own dtype."""
FEWEST = 256
"""Entries from which on it matters."""
FEW = 2048
"""Entries up to which calling NumPy costs more than the work."""
SHORT = 64
"""Entries of a row up to which NumPy's loop costs more to begin than to run."""
FEWEST_ROWS = 4
"""Rows from which on one more is no memory to speak of."""


def in_fast_forms(outputs: Sequence[Node], sheet: Sheet) -> list[Node]:
    """The same outputs, each operation in its fastest form."""
    readers = Counter(a for node in in_order(*outputs) for a in node.args)
    return sheet.rebuilt(outputs, lambda node, args: _fast(node, args, sheet, readers))


def _fast(node: Node, args: tuple[Node, ...], sheet: Sheet, readers: Mapping[Node, int]) -> Node | None:
    if node.dtype.kind != "f" or node.dtype.itemsize < 4 or not args:
        return None
    if node.does(SUM):
        return (
            _row_sums(node, args[0], sheet)
            or _summed_products(node, args[0], sheet)
            or _column_sums(node, args[0], sheet)
        )
    if node.does(sum_to):
        return _column_sums(node, args[0], sheet)
    if node.does(MATMUL) and args[0].ndim > 2 and args[1].ndim == 2 and args[0].dtype == args[1].dtype:
        product = _product(_tall(args[0], sheet), args[1], sheet)
        return sheet.node(RESHAPE, [product], {"shape": node.shape}, shape=node.shape, dtype=node.dtype)
    return _entrywise(node, args, sheet, readers) if is_ufunc(node) else None


def _entrywise(node: Node, args: tuple[Node, ...], sheet: Sheet, readers: Mapping[Node, int]) -> Node | None:
    if node.entries < FEW:
        found = _of_few(node, args, sheet, readers)
        if found is not None:
            return found
    if node.does(MAXIMUM, MINIMUM) and node.ndim and node.entries >= FEWEST:
        x, other = args
        row = _row_of(node)
        if row is not None and other.number is not None and (x.dtype, x.shape) == (node.dtype, node.shape):
            zeros = sheet.constant(float(other.number), row, node.dtype)
            return sheet.node(node.rule, [x, zeros], shape=node.shape, dtype=node.dtype)
    if len(args) == 2 and node.entries >= FEW and node.shape[-1] < SHORT:
        return _wider(node, args, sheet)
    return None


def _of_few(node: Node, args: tuple[Node, ...], sheet: Sheet, readers: Mapping[Node, int]) -> Node | None:
    """An operation entry by entry, of few entries, in fewer calls."""
    if node.does(NEGATIVE) and args[0].does(ABSOLUTE) and args[0].args[0].dtype == node.dtype:
        return sheet.node(COPYSIGN, [args[0].args[0], sheet.constant(-1.0)], dtype=node.dtype)
    if node.does(ADD) and node.entries < FEWEST:
        found = _log_of_sum(node, args, sheet, readers)
        if found is not None:
            return found
    return _beside_a_number(node, args, sheet) if len(args) == 2 and node.entries > 1 else None


def _log_of_sum(node: Node, args: Sequence[Node], sheet: Sheet, readers: Mapping[Node, int]) -> Node | None:
    """max(z, 0) - y z + log(1 + e^-|z|) is log(e^-yz + e^(1-y)z), where nothing else needs e^-|z|.

    Both are exact where the cost is small beside z, as log(1 + e^z) - y z is not.
    """
    for k in (0, 1):
        rest, log = args[k], args[1 - k]
        largest, less = (rest.args[0], rest.args[1]) if rest.does(SUBTRACT) else (rest, None)
        if not (log.does(LOG1P) and log.args[0].does(EXP) and largest.does(MAXIMUM)):
            continue
        z, zero = largest.args
        shared = readers[node.args[1 - k]] + readers[node.args[1 - k].args[0]] > 2
        if shared or zero.number != 0 or not _is_minus_size(log.args[0].args[0], z):
            continue
        if less is None:
            return sheet.node(LOGADDEXP, [z, zero], shape=node.shape, dtype=node.dtype)
        if less.does(MULTIPLY) and z in less.args and all(a.dtype == node.dtype for a in less.args):
            y = less.args[less.args[0] is z]
            no, yes = sheet.node(NEGATIVE, [y]), sheet.node(SUBTRACT, [sheet.constant(1), y])
            terms = [sheet.node(MULTIPLY, [by, z], dtype=node.dtype) for by in (no, yes)]
            return sheet.node(LOGADDEXP, terms, shape=node.shape, dtype=node.dtype)
    return None


def _is_minus_size(node: Node, z: Node) -> bool:
    """Whether a node is -|z|, as it is written for few entries."""
    return node.does(COPYSIGN) and node.args[0] is z and node.args[1].number == -1


def _beside_a_number(node: Node, args: Sequence[Node], sheet: Sheet) -> Node | None:
    """One entry beside few, as the bias of one unit, is a number: to repeat an array takes NumPy as long."""
    for x, one in (args, args[::-1]):
        if x.shape == node.shape and one.ndim and one.entries == 1 and one.number is None:
            number = sheet.node(getitem, [one], {"index": (0,) * one.ndim}, shape=(), dtype=one.dtype)
            operands = [number if a is one else a for a in args]
            return sheet.node(node.rule, operands, node.settings, shape=node.shape, dtype=node.dtype)
    return None


def _row_of(node: Node) -> tuple[int, ...] | None:
    """The shape of a row of entries that is long enough to be walked along; None where few rows are left."""
    k = node.ndim - 1
    while k and prod(node.shape[k:]) < SHORT:
        k -= 1
    row = (*(1,) * k, *node.shape[k:])
    return row if node.entries >= FEWEST_ROWS * prod(row) else None


def _wider(node: Node, args: Sequence[Node], sheet: Sheet) -> Node | None:
    """A short row beside many, as the bias of a few filters: repeated first, so that NumPy walks far."""
    row = _row_of(node)
    for x, short in (args, args[::-1]):
        fits = row is not None and x.shape == node.shape and short.shape[-1:] == node.shape[-1:]
        if fits and row is not None and short.entries == node.shape[-1] > 1 and short.dtype == node.dtype:
            repeated = sheet.node(MULTIPLY, [short, sheet.constant(1.0, row, node.dtype)], shape=row)
            operands = [repeated if a is short else a for a in args]
            return sheet.node(node.rule, operands, node.settings, shape=node.shape, dtype=node.dtype)
    return None


def _row_sums(node: Node, x: Node, sheet: Sheet) -> Node | None:
    """Σ over the columns is X 1."""
    rows = x.ndim == 2 and node.settings.get("axis") in (1, -1) and node.settings.get("keepdims") is True
    if not rows or x.dtype != node.dtype:
        return None
    if (x.entries < FEWEST or x.shape[0] < FEWEST_ROWS) and not 1 < x.shape[1] <= x.entries <= FEW:
        return None
    if node.dtype.itemsize < 8 and x.shape[1] > LONGEST:
        return None
    ones = sheet.constant(1.0, (x.shape[1], 1), node.dtype)
    return sheet.node(MATMUL, [x, ones], shape=node.shape, dtype=node.dtype)


def _column_sums(node: Node, x: Node, sheet: Sheet) -> Node | None:
    """Σ over many short rows is 1 X; of very many narrow ones a part at a time, as they lie."""
    axes, width = (*range(x.ndim - 1),), x.shape[-1] if x.ndim else 0
    over = broadcast_axes(x.shape, node.shape) if node.does(sum_to) else node.settings.get("axis")
    if over not in (axes, *axes[: len(axes) == 1]) or not 1 < width < SHORT or node.entries != width:
        return None
    rows = prod(x.shape[:-1])
    longest = LONGEST if node.dtype.itemsize < 8 else rows
    parts = next((n for n in range(1, FEWEST) if rows % n == 0 and rows <= n * longest), 0)
    if x.dtype != node.dtype or rows < FEWEST or not parts or (parts > 1 and x.ndim == 2):  # there by tiles
        return None
    shape = (parts, rows // parts, width)[parts == 1 :]
    lying = sheet.node(RESHAPE, [x], {"shape": shape}, shape=shape, dtype=x.dtype) if x.shape != shape else x
    ones = sheet.constant(1.0, (1, rows // parts), node.dtype)
    sums = sheet.node(MATMUL, [ones, lying], shape=(*shape[:-2], 1, width), dtype=node.dtype)
    if parts > 1:
        sums = sheet.node(SUM, [sums], {"axis": 0, "keepdims": True}, shape=(1, 1, width), dtype=node.dtype)
    if sums.shape == node.shape:
        return sums
    return sheet.node(RESHAPE, [sums], {"shape": node.shape}, shape=node.shape, dtype=node.dtype)


def _summed_products(node: Node, x: Node, sheet: Sheet) -> Node | None:
    """Σ over the examples of AᵀB, each a matrix, is one product: of all their rows, one below the other."""
    batch = tuple(range(x.ndim - 2))
    axis = node.settings.get("axis")
    if not batch or not x.does(MATMUL) or node.shape != x.shape[-2:] or axis not in (batch, *batch[:1]):
        return None
    left, B = x.args
    A = left.args[0] if left.does(TRANSPOSE) else left
    if left.settings.get("axes") != (*batch, x.ndim - 1, x.ndim - 2) or not x.dtype == A.dtype == B.dtype:
        return None
    if A.shape[:-2] != x.shape[:-2] or B.shape[:-2] != x.shape[:-2] or x.dtype != node.dtype:
        return None
    rows, shape = _tall(A, sheet), (A.shape[-1], prod(A.shape[:-1]))
    transposed = sheet.node(TRANSPOSE, [rows], {"axes": (1, 0)}, shape=shape, dtype=A.dtype)
    return _product(transposed, _tall(B, sheet), sheet)


def _tall(x: Node, sheet: Sheet) -> Node:
    """Matrices one below the other."""
    shape = (prod(x.shape[:-1]), x.shape[-1])
    return sheet.node(RESHAPE, [x], {"shape": shape}, shape=shape, dtype=x.dtype)


def _product(a: Node, b: Node, sheet: Sheet) -> Node:
    return sheet.node(MATMUL, [a, b], shape=(a.shape[0], b.shape[1]), dtype=a.dtype)
