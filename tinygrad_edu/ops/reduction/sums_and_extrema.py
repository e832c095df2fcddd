"""Operations that take axes away. ``axis`` is None (all), an int or a tuple; ``keepdims`` leaves length 1."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from tinygrad_edu.core.axes import AVERAGED, SUMMED, Flow, Settings, Shapes, ending
from tinygrad_edu.core.kinds import composed, over_axes, reduction
from tinygrad_edu.core.samples import Sample
from tinygrad_edu.core.table import RECORD
from tinygrad_edu.ops.movement.shapes import astype, axis_of, dtype_of

__all__ = ["max", "mean", "min", "prod", "ptp", "sum", "sum_to"]

Array = Any
Axis = int | tuple[int, ...] | None
NARROW = (np.dtype(np.float16), np.dtype(np.float32))
MANY = 1024
TOGETHER = 1 << 16
"""Entries that are widened at a time: they stay in the cache."""


def axes_of(x: Array, axis: Axis) -> tuple[int, ...]:
    """The axes that are taken away, counted from the front; an AxisError where x has no such axis."""
    if axis is None:
        return tuple(range(np.ndim(x)))
    if isinstance(axis, int):
        return (axis_of(x, axis),)
    return np.lib.array_utils.normalize_axis_tuple(axis, np.ndim(x))


def expanded(g: Array, x: Array, axis: Axis, keepdims: bool) -> Array:
    """A reduced array with the axes that were taken away put back, of length 1."""
    if keepdims or not x.ndim:  # NumPy lets a number be summed along its axis 0, which it does not have
        return g
    if axis is None:
        return np.reshape(g, (1,) * x.ndim)
    return np.expand_dims(g, axes_of(x, axis))


def count(x: Array, axis: Axis) -> int:
    """How many entries each result was made from."""
    return int(np.prod([np.shape(x)[a] for a in axes_of(x, axis)])) if np.ndim(x) else 1


def gathered(x: Array, axis: Axis) -> Array:
    """The axes that are to be taken away as one, the last."""
    taken = axes_of(x, axis)
    kept = tuple(a for a in range(np.ndim(x)) if a not in taken)
    shape = tuple(np.shape(x)[a] for a in kept)
    return np.reshape(_in_order(x, kept + taken), (*shape, count(x, axis)))


def spread(rows: Array, x: Array, axis: Axis) -> Array:
    """Puts back what :func:`gathered` gathered from x."""
    taken = axes_of(x, axis)
    order = tuple(a for a in range(np.ndim(x)) if a not in taken) + taken
    return _in_order(np.reshape(rows, tuple(np.shape(x)[a] for a in order)), tuple(np.argsort(order)))


def _in_order(x: Array, order: tuple[int, ...]) -> Array:
    return x if order == tuple(range(len(order))) else np.transpose(x, order)


def _rows(x: Array, axis: Axis) -> int:
    """How many numbers are added one after another, and not pairwise."""
    if not x.ndim or (axis is None and x.flags.forc):
        return 1
    taken = axes_of(x, axis)
    return int(np.prod([x.shape[a] for a in taken if a != x.ndim - 1]))


def _accurately(add_up: Callable[..., Array], x: Array, axis: Axis, keepdims: bool) -> Array:
    """A sum or mean; of very many rows of narrow floats in float64.

    Along the last axis NumPy adds pairwise. Along the others it adds row by row, and a million float32 rows
    would be 1 % off.
    """
    if getattr(x, "dtype", None) in NARROW and _rows(x, axis) > MANY:
        return _added_wide(add_up, x, axis, keepdims).astype(x.dtype)
    return add_up(x, axis=axis, keepdims=keepdims)


def _added_wide(add_up: Callable[..., Array], x: Array, axis: Axis, keepdims: bool) -> Array:
    """The same in float64. Rows that lie together are added up by a product with ones, some at a time."""
    taken = axes_of(x, axis)
    if taken != tuple(range(len(taken))) or not (x.size and x.flags.c_contiguous):
        return add_up(x, axis=axis, dtype=np.float64, keepdims=keepdims)
    kept = x.shape[len(taken) :]
    rows = np.reshape(x, (-1, math.prod(kept)))
    some = TOGETHER // rows.shape[1] or 1
    total, ones = np.zeros(rows.shape[1]), np.ones(some)
    wide = np.empty((some, rows.shape[1]))
    for start in range(0, len(rows), some):
        n = len(rows[start : start + some])
        wide[:n] = rows[start : start + some]
        total += ones[:n] @ wide[:n]
    total = total if add_up is np.sum else total / len(rows)
    return np.reshape(total, (1,) * len(taken) * keepdims + kept)


def chosen(name: str, x: Array, where: Array, otherwise: Array) -> Array:
    """The entries that ``where`` chooses, and another value in the place of the rest."""
    if where is True:
        return x
    if np.broadcast_shapes(np.shape(where), np.shape(x)) != np.shape(x):
        raise ValueError(f"{name}: where= of shape {np.shape(where)} does not fit shape {np.shape(x)}")
    return np.where(where, x, otherwise)


def _generally(name: str, neutral: float, joined: Callable[[Array, Array], Array]) -> Callable[..., Array]:
    """NumPy's ``dtype``, ``initial`` and ``where``: a cast, one operand more, a neutral value elsewhere."""

    def general(
        x: Array,
        *,
        axis: Axis = None,
        keepdims: bool = False,
        dtype: Any = None,
        initial: Array = None,
        where: Array = True,
    ) -> Array:
        if dtype is not None and np.dtype(dtype).kind == "b":
            raise TypeError(f"{name}: 'dtype' is not supported with bool; ask np.any or np.all")
        x = x if dtype is None else astype(x, dtype=dtype)
        y = RECORD[name](
            chosen(name, x, where, astype(neutral, dtype=dtype_of(x))), axis=axis, keepdims=keepdims
        )
        return y if initial is None else joined(y, _start(name, initial, dtype_of(y)))

    return general


def _start(name: str, initial: Array, dtype: Any) -> Array:
    """The value to start from, in the dtype of the result."""
    if np.isscalar(initial) and dtype.kind != "f" and not np.isfinite(initial):
        raise ValueError(f"{name}: initial={initial!r} is no value of dtype {dtype}")
    return astype(initial, dtype=dtype)


def _extreme(name: str, neutral: float, joined: Callable[[Array, Array], Array]) -> Callable[..., Array]:
    """NumPy's ``initial`` and ``where`` of max and min; where nothing is chosen, what nothing exceeds."""

    def general(
        x: Array, *, axis: Axis = None, keepdims: bool = False, initial: Array = None, where: Array = True
    ) -> Array:
        if where is not True and initial is None:
            raise ValueError(f"{name}: where= needs initial=, for the places where nothing is chosen")
        dtype = dtype_of(x)
        if initial is not None and count(x, axis) == 0:  # the sum of nothing is 0, and has a slope for x
            y = np.sum(x, axis=axis, keepdims=keepdims)
            return astype(y, dtype=dtype) + _start(name, initial, dtype)
        x = chosen(name, x, where, least(dtype) if neutral < 0 else _most(dtype))
        y = RECORD[name](x, axis=axis, keepdims=keepdims)
        return y if initial is None else astype(joined(y, _start(name, initial, dtype)), dtype=dtype)

    return general


def least(dtype: np.dtype[Any]) -> Any:
    """What is below every value of a dtype, or is the smallest."""
    if dtype.kind == "f":
        return dtype.type(-np.inf)
    return dtype.type(False if dtype.kind == "b" else np.iinfo(dtype).min)


def _most(dtype: np.dtype[Any]) -> Any:
    """What is above every value of a dtype, or is the largest."""
    if dtype.kind == "f":
        return dtype.type(np.inf)
    return dtype.type(True if dtype.kind == "b" else np.iinfo(dtype).max)


def wide(*xs: Array) -> tuple[Array, ...]:
    """Half precision in single: 70,000 is beyond it, and so is a sum of squares. Others as they are."""
    return tuple(astype(x, dtype=np.float32) if dtype_of(x) == np.float16 else x for x in xs)


def float_dtype(name: str, x: Array, dtype: Any) -> np.dtype[Any]:
    """The dtype of a mean: the one asked for, that of x, or float64 for integers."""
    if dtype is None:
        return dtype_of(x) if dtype_of(x).kind == "f" else np.dtype(float)
    to: np.dtype[Any] = np.dtype(dtype)
    if to.kind != "f":
        raise TypeError(f"{name}: 'dtype' is not supported with {to}; give a float dtype")
    return to


def number(x: Array, axis: Axis, keepdims: bool, where: Array) -> Array:
    """How many entries each result is made from; where only some are chosen, in the precision of x."""
    if where is True:
        return count(x, axis)
    chosen = np.sum(np.broadcast_to(where, np.shape(x)), axis=axis, keepdims=keepdims)
    return astype(chosen, dtype=dtype_of(x)) if dtype_of(x).kind == "f" else chosen


def _mean_of_some(
    x: Array, *, axis: Axis = None, keepdims: bool = False, dtype: Any = None, where: Array = True
) -> Array:
    to = float_dtype("mean", x, dtype)
    (x,) = wide(astype(x, dtype=to))
    y = np.sum(x, axis=axis, keepdims=keepdims, where=where) / number(x, axis, keepdims, where)
    return astype(y, dtype=to)


@reduction(
    axes=ending(SUMMED),
    pullback=lambda g, y, x, *, axis=None, keepdims=False: np.broadcast_to(
        expanded(g, x, axis, keepdims), x.shape
    ),
    general=_generally("sum", 0, np.add), latex=r"\sum{settings} {x}", label="Σ", onnx="ReduceSum",
    monotone=1, linear=((0,),),
)  # fmt: skip
def sum(x: Array, *, axis: Axis = None, keepdims: bool = False) -> Array:
    """Sum over axes: https://numpy.org/doc/stable/reference/generated/numpy.sum.html.

    Also takes NumPy's ``dtype``, ``initial`` and ``where``, as ``prod``, ``max``, ``min`` and ``mean`` do.
    Very many rows of narrow floats are added up in float64, and the result is narrow.

    >>> import tinygrad_edu as tg
    >>> tg.sum(tg.Tensor([[1.0, 2.0], [3.0, 4.0]]), axis=1, keepdims=True).tolist()
    [[3.0], [7.0]]
    """
    return _accurately(np.sum, x, axis, keepdims)


@reduction(
    axes=ending(AVERAGED),
    pullback=lambda g, y, x, *, axis=None, keepdims=False: np.broadcast_to(
        wide(expanded(g, x, axis, keepdims))[0] / count(x, axis), x.shape
    ),
    latex=r"\operatorname{{mean}}{settings} {x}", label="mean", onnx="ReduceMean", empty=False,
    general=_mean_of_some, monotone=1, linear=((0,),),
)  # fmt: skip
def mean(x: Array, *, axis: Axis = None, keepdims: bool = False) -> Array:
    """Mean over axes.

    >>> import tinygrad_edu as tg
    >>> tg.mean(tg.Tensor([[1.0, 2.0], [3.0, 4.0]]), axis=0).tolist()
    [2.0, 3.0]
    """
    return _accurately(np.mean, x, axis, keepdims)


def _product_of_the_others(rows: Array) -> Array:
    """For each entry the product of the others along the last axis. Nothing is divided: zeros may occur."""
    ones = np.ones((*rows.shape[:-1], 1), rows.dtype)
    before = np.cumprod(np.concatenate([ones, rows[..., :-1]], axis=-1), axis=-1)
    after = np.cumprod(np.concatenate([ones, rows[..., :0:-1]], axis=-1), axis=-1)
    return before * after[..., ::-1]


def _slope_of_product(g: Array, y: Array, x: Array, *, axis: Axis = None, keepdims: bool = False) -> Array:
    axis = axis if x.ndim else None
    others = spread(_product_of_the_others(gathered(x, axis)), x, axis) if x.size else x
    return expanded(g, x, axis, keepdims) * others


@reduction(
    pullback=_slope_of_product, latex=r"\prod{settings} {x}", label="Π",
    general=_generally("prod", 1, np.multiply), onnx="ReduceProd",
    samples=[
        *over_axes(),
        Sample(((3, 4),), {"axis": 1}, make=lambda rng: (rng.normal(size=(3, 4)) * np.tri(3, 4, 1),)),
    ],
    rounding=np.inf,
)  # fmt: skip
def prod(x: Array, *, axis: Axis = None, keepdims: bool = False) -> Array:
    """Product over axes. The slope of each entry is the product of the others, exact with zeros among them.

    >>> import tinygrad_edu as tg
    >>> x = tg.Tensor([0.0, 2.0, 3.0])
    >>> y = tg.prod(x)
    >>> y.backward()
    >>> y.item(), x.grad.tolist()
    (0.0, [6.0, 0.0, 0.0])
    """
    return np.prod(x, axis=axis, keepdims=keepdims)


def _to_the_extremes(g: Array, y: Array, x: Array, *, axis: Axis = None, keepdims: bool = False) -> Array:
    chosen = np.equal(x, expanded(y, x, axis, keepdims))
    return expanded(g, x, axis, keepdims) * chosen / np.sum(chosen * 1.0, axis=axis, keepdims=True)


def _gap(sign: int) -> Callable[..., Array]:
    """How far each entry is from a tie: the largest from the second, the others from the largest."""

    def kink(x: Array, *, axis: Axis = None, keepdims: bool = False) -> Array:
        rows = gathered(sign * x, axis)
        first = np.max(rows, axis=-1, keepdims=True)
        second = np.sort(rows, axis=-1)[..., -2:-1] if rows.shape[-1] > 1 else -np.inf
        return spread(np.where(rows == first, first - second, first - rows), x, axis)

    return kink


@reduction(
    pullback=_to_the_extremes, latex=r"\max{settings} {x}", numpy=(np.max, np.amax),
    general=_extreme("max", -np.inf, np.maximum), onnx="ReduceMax", empty=False, monotone=1, rounding=0.0,
    kink=_gap(1), moves=True,
)  # fmt: skip
def max(x: Array, *, axis: Axis = None, keepdims: bool = False) -> Array:
    """Largest entry over axes; entries that tie share the gradient equally.

    >>> import tinygrad_edu as tg
    >>> tg.max(tg.Tensor([[1.0, 2.0], [3.0, 4.0]]), axis=0).tolist()
    [3.0, 4.0]
    """
    return np.max(x, axis=axis, keepdims=keepdims)


@reduction(
    pullback=_to_the_extremes, latex=r"\min{settings} {x}", numpy=(np.min, np.amin),
    general=_extreme("min", np.inf, np.minimum), onnx="ReduceMin", empty=False, monotone=1, rounding=0.0,
    kink=_gap(-1), moves=True,
)  # fmt: skip
def min(x: Array, *, axis: Axis = None, keepdims: bool = False) -> Array:
    """Smallest entry over axes; entries that tie share the gradient equally.

    >>> import tinygrad_edu as tg
    >>> tg.min(tg.Tensor([[1.0, 2.0], [3.0, 4.0]]), axis=0).tolist()
    [1.0, 2.0]
    """
    return np.min(x, axis=axis, keepdims=keepdims)


@composed(samples=over_axes(empty=False))
def ptp(x: Array, axis: Axis = None, *, keepdims: bool = False) -> Array:
    """Peak to peak: the largest less the smallest entry over axes.

    >>> import tinygrad_edu as tg
    >>> tg.ptp(tg.Tensor([1.0, 5.0, 2.0])).item()
    4.0
    """
    return np.max(x, axis=axis, keepdims=keepdims) - np.min(x, axis=axis, keepdims=keepdims)


def broadcast_axes(wide: tuple[int, ...], narrow: tuple[int, ...]) -> tuple[int, ...]:
    """The axes along which ``narrow`` was repeated to become ``wide``."""
    lead = len(wide) - len(narrow)
    return (*range(lead), *(lead + k for k, n in enumerate(narrow) if n == 1 and wide[lead + k] != 1))


def _narrowed(shapes: Shapes, settings: Settings) -> Flow:
    wide, narrow = shapes[0], settings["shape"]
    before = len(wide) - len(narrow)
    gone = {k for k, n in enumerate(wide) if k < before or n != narrow[k - before]}
    kept = tuple(None if k in gone else k for k in range(before, len(wide)))
    return Flow((tuple(range(len(wide))),), kept, dict.fromkeys(gone, SUMMED))


def _as_sum(settings: Mapping[str, Any], x: Any) -> Any:
    """Source of ``sum_to``: NumPy's sum over the axes that were repeated, in float64 where x is narrow."""
    shape = tuple(settings["shape"])
    axes = broadcast_axes(x.shape, shape)
    lead = len(x.shape) - len(shape)
    repeated = len(axes) > lead
    if not axes:
        return x
    narrow = x.dtype.kind == "f" and x.dtype.itemsize < 8
    over = f", axis={axes[0] if len(axes) == 1 else axes}" * bool(shape or len(axes) < len(x.shape))
    text = f"np.sum({x}{over}{', keepdims=True' * repeated}{', dtype=np.float64' * narrow})"
    text += f".reshape({shape})" * bool(lead and repeated)
    return f"{text}.astype(np.{x.dtype})" if narrow else text


def _summed_to(x: Array, *, shape: tuple[int, ...], out: Array = None) -> Array:
    total = np.reshape(_accurately(np.sum, x, broadcast_axes(x.shape, shape), True), shape)
    if out is None:
        return total
    out[...] = total
    return out


@reduction(
    axes=_narrowed, into=_summed_to,
    pullback=lambda g, y, x, *, shape: np.broadcast_to(g, x.shape), latex=r"\sum{settings} {x}", label="Σ",
    samples=[Sample(((3, 4),), {"shape": s}) for s in ((4,), (3, 1), (1, 4), (), (1, 1), (3, 4))],
    monotone=1, linear=((0,),), source=_as_sum,
)  # fmt: skip
def sum_to(x: Array, *, shape: tuple[int, ...]) -> Array:
    """Sum over the axes along which an array of ``shape`` was broadcast: what undoes broadcasting.

    >>> import tinygrad_edu as tg
    >>> tg.sum_to(tg.Tensor([[1.0, 2.0], [3.0, 4.0]]), shape=(2, 1)).tolist()
    [[3.0], [7.0]]
    """
    return _summed_to(x, shape=shape)
