"""Operations that give the entries other places or another shape, and change none."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal

import numpy as np
from numpy.typing import DTypeLike

from tinygrad_edu.core.axes import Flow, New, Regroup, Settings, Shapes, positions
from tinygrad_edu.core.facts import ATOM, postfix
from tinygrad_edu.core.kinds import composed, elementwise, movement
from tinygrad_edu.core.samples import Sample

__all__ = [
    "astype", "atleast_1d", "atleast_2d", "atleast_3d", "broadcast_arrays", "broadcast_to", "copy",
    "expand_dims", "meshgrid", "moveaxis", "ravel", "reshape", "rollaxis", "squeeze",
    "swapaxes", "transpose",
]  # fmt: skip

Array = Any
Axes = int | tuple[int, ...]


def _regrouped(shapes: Shapes, settings: Settings) -> Regroup:
    given, order = settings["shape"], settings.get("order", "C")
    return Regroup(np.broadcast_to(0, shapes[0]).reshape(given).shape, order)


@movement(
    axes=_regrouped,
    pullback=lambda g, y, x, *, shape, order="C": np.reshape(g, x.shape, order=order),
    latex=r"\operatorname{{reshape}}({x})", onnx="Reshape",
    samples=[
        *(Sample(((3, 4),), {"shape": s}) for s in ((12,), (2, 6), (-1,), (4, 1, 3))),
        Sample(((1,),), {"shape": ()}),
        Sample(((3, 4),), {"shape": (2, 6), "order": "F"}),
    ],
    source="np.reshape({x}, {shape}{settings})", silent=True,
)  # fmt: skip
def reshape(x: Array, *, shape: Axes, order: Literal["C", "F"] = "C") -> Array:
    """The same entries, row by row (``order="F"``: column by column), in another shape.

    Raises:
        ValueError: the sizes differ, or an order that depends on the layout in memory ("A", "K").

    >>> import tinygrad_edu as tg
    >>> tg.reshape(tg.Tensor([1.0, 2.0, 3.0, 4.0]), (2, 2)).tolist()
    [[1.0, 2.0], [3.0, 4.0]]
    """
    if order not in ("C", "F"):
        raise ValueError(
            f'expected order "C" or "F", which do not depend on the layout in memory, got {order!r}'
        )
    return np.reshape(x, shape, order=order)


def _shaped_by(function: Callable[..., Any], x: Array, *settings: Any) -> Array:
    """The entries in the shape that NumPy's function gives an array of the same shape."""
    return np.reshape(x, function(np.broadcast_to(0.0, np.shape(x)), *settings).shape)


@composed(samples=[Sample(((3, 4),)), Sample(((),)), Sample(((3, 4),), {"order": "F"})])
def ravel(x: Array, order: Literal["C", "F"] = "C") -> Array:
    """The entries as one axis, row by row (``order="F"``: column by column).

    >>> import tinygrad_edu as tg
    >>> tg.ravel(tg.Tensor([[1.0, 2.0], [3.0, 4.0]])).tolist()
    [1.0, 2.0, 3.0, 4.0]
    """
    return np.reshape(x, (-1,), order=order)


def _permuted(shapes: Shapes, settings: Settings) -> Flow:
    rank = len(shapes[0])
    axes = settings.get("axes")
    given = range(rank)[::-1] if axes is None else positions(tuple(np.atleast_1d(axes)), rank)
    return Flow((tuple(range(rank)),), tuple(given))


def _reversed(settings: Mapping[str, Any], x: Any) -> str | None:
    """Source of the transpose: ``X.T`` where the axes are reversed, however that was said."""
    axes, n = settings.get("axes"), len(x.shape)
    order = np.arange(n)[::-1] if axes is None else np.atleast_1d(axes) % n
    return f"{x.subject}.T" if order.tolist() == list(range(n))[::-1] else None


@movement(
    axes=_permuted,
    pullback=lambda g, y, x, *, axes=None: np.transpose(
        g, axes and tuple(np.argsort([a % x.ndim for a in axes]))
    ),
    latex=r"{x}^\top", label="T", onnx="Transpose",
    samples=[
        Sample(((3, 4),)),
        Sample(((2, 3, 4),), {"axes": (1, 2, 0)}),
        Sample(((2, 3, 4),), {"axes": (0, -1, 1)}),
        Sample(((),)),
    ],
    sign=postfix(".T", ATOM, label="ᵀ", latex=r"^{\top}"),
    source=_reversed,
)  # fmt: skip
def transpose(x: Array, *, axes: tuple[int, ...] | None = None) -> Array:
    """Axes reversed, or in the given order.

    >>> import tinygrad_edu as tg
    >>> tg.transpose(tg.Tensor([[1.0, 2.0]])).tolist()
    [[1.0], [2.0]]
    """
    return np.transpose(x, axes)


def _permuted_by(function: Callable[..., Any], x: Array, *settings: Any) -> Array:
    """The axes in the order in which NumPy's function puts them."""
    sizes = function(
        np.broadcast_to(0.0, range(np.ndim(x))), *settings
    ).shape  # each axis as long as its number
    return np.transpose(x, sizes)


@composed(samples=[Sample(((2, 3, 4),), {"axis1": 0, "axis2": -1})])
def swapaxes(x: Array, axis1: int, axis2: int) -> Array:
    """Two axes exchanged.

    >>> import tinygrad_edu as tg
    >>> tg.swapaxes(tg.Tensor([[1.0, 2.0]]), 0, 1).tolist()
    [[1.0], [2.0]]
    """
    return _permuted_by(np.swapaxes, x, axis1, axis2)


@composed(
    samples=[
        Sample(((2, 3, 4),), {"source": 0, "destination": -1}),
        Sample(((2, 3, 4),), {"source": (0, 1), "destination": (2, 0)}),
    ]
)
def moveaxis(x: Array, source: Axes, destination: Axes) -> Array:
    """Axes moved to other places; the others keep their order.

    >>> import tinygrad_edu as tg
    >>> tg.moveaxis(tg.Tensor([[1.0, 2.0]]), 0, 1).tolist()
    [[1.0], [2.0]]
    """
    return _permuted_by(np.moveaxis, x, source, destination)


@composed(samples=[Sample(((2, 3, 4),), {"axis": 2}), Sample(((2, 3, 4),), {"axis": 0, "start": 2})])
def rollaxis(x: Array, axis: int, start: int = 0) -> Array:
    """An axis moved backwards until it lies at ``start``.

    >>> import tinygrad_edu as tg
    >>> tg.rollaxis(tg.Tensor([[1.0, 2.0]]), 1).tolist()
    [[1.0], [2.0]]
    """
    return _permuted_by(np.rollaxis, x, axis, start)


def _repeated(shapes: Shapes, settings: Settings) -> Flow:
    shape, wide = shapes[0], settings["shape"]
    wide = (wide,) if isinstance(wide, (int, np.integer)) else tuple(wide)
    before = len(wide) - len(shape)
    kept = (k if n == wide[before + k] else New(how="repeated") for k, n in enumerate(shape))
    return Flow((tuple(range(len(shape))),), (*[New(how="repeated")] * before, *kept))


@movement(
    axes=_repeated,
    pullback=lambda g, y, x, *, shape: g, latex=r"\operatorname{{broadcast}}({x})", onnx="Expand",
    samples=[
        Sample(((3, 1),), {"shape": (3, 4)}),
        Sample(((4,),), {"shape": (2, 3, 4)}),
        Sample(((),), {"shape": (2,)}),
    ],
    source="np.broadcast_to({x}, {shape}{settings})", silent=True,
)  # fmt: skip
def broadcast_to(x: Array, *, shape: tuple[int, ...]) -> Array:
    """Repeated along axes of length 1, and along new leading ones, without copying.

    Raises:
        ValueError: a shape to which x does not broadcast.

    >>> import tinygrad_edu as tg
    >>> tg.broadcast_to(tg.Tensor([1.0, 2.0]), (2, 2)).tolist()
    [[1.0, 2.0], [1.0, 2.0]]
    """
    return np.broadcast_to(x, shape)


@composed(samples=[Sample(((3, 1), (4,))), Sample(((2, 3), ()))])
def broadcast_arrays(*xs: Array) -> tuple[Array, ...]:
    """Each array repeated to the shape that all of them have together.

    >>> import tinygrad_edu as tg
    >>> [x.tolist() for x in tg.broadcast_arrays(tg.Tensor([1.0, 2.0]), 3.0)]
    [[1.0, 2.0], [3.0, 3.0]]
    """
    shape = np.broadcast_shapes(*map(np.shape, xs))
    return tuple(np.broadcast_to(x, shape) for x in xs)


@composed(
    samples=[
        Sample(((3,), (2,))),
        Sample(((3,), (2,), (4,)), {"indexing": "ij"}),
        Sample(((3,), (2,)), {"sparse": True}),
        Sample(((3,),)),
    ]
)
def meshgrid(*xs: Array, indexing: str = "xy", sparse: bool = False, copy: bool = True) -> tuple[Array, ...]:
    """The coordinates of a grid, from those along each axis; ``indexing`` "xy" or "ij", as in NumPy.

    Raises:
        ValueError: another indexing than "xy" and "ij".

    >>> import tinygrad_edu as tg
    >>> tg.meshgrid(tg.Tensor([1.0, 2.0]), [3.0])[0].tolist()
    [[1.0, 2.0]]
    """
    if indexing not in ("xy", "ij"):
        raise ValueError(f'meshgrid: expected indexing "xy" or "ij", got {indexing!r}')
    place = list(range(len(xs)))
    if indexing == "xy" and len(xs) > 1:
        place[:2] = 1, 0
    lines = tuple(
        np.reshape(x, tuple(-1 if k == axis else 1 for k in range(len(xs))))
        for x, axis in zip(xs, place, strict=True)
    )
    return lines if sparse else np.broadcast_arrays(*lines)


def _inserted(shapes: Shapes, settings: Settings) -> Flow:
    rank, axis = len(shapes[0]), settings["axis"]
    more = len(axis) if isinstance(axis, (tuple, list)) else 1
    gaps, own = positions(axis, rank + more), iter(range(rank))
    return Flow((tuple(range(rank)),), tuple(None if k in gaps else next(own) for k in range(rank + more)))


@movement(
    axes=_inserted,
    pullback=lambda g, y, x, *, axis: np.reshape(g, x.shape), latex=r"{x}", onnx="Unsqueeze",
    samples=[Sample(((3, 4),), {"axis": a}) for a in (0, -1, (0, 2))],
    source="np.expand_dims({x}, {axis}{settings})", silent=True,
)  # fmt: skip
def expand_dims(x: Array, *, axis: int | tuple[int, ...]) -> Array:
    """New axes of length 1 at the given places.

    >>> import tinygrad_edu as tg
    >>> tg.expand_dims(tg.Tensor([1.0, 2.0]), 1).tolist()
    [[1.0], [2.0]]
    """
    return np.expand_dims(x, axis)


@composed(
    samples=[Sample(((1, 3, 1),)), Sample(((1, 3, 1),), {"axis": 0}), Sample(((1, 3, 1),), {"axis": (0, -1)})]
)
def squeeze(x: Array, axis: Axes | None = None) -> Array:
    """Axes of length 1 taken away: all, or the given ones.

    Raises:
        ValueError: an axis whose length is not 1.

    >>> import tinygrad_edu as tg
    >>> tg.squeeze(tg.Tensor([[1.0, 2.0]])).tolist()
    [1.0, 2.0]
    """
    return _shaped_by(np.squeeze, x, axis)


def _each_shaped_by(function: Callable[..., Any], xs: tuple[Array, ...]) -> Any:
    """Each in the shape that NumPy's function gives it; what has that already is given back, as by NumPy."""
    fits = (np.ndim(x) > 0 and np.ndim(function(np.broadcast_to(0.0, np.shape(x)))) == np.ndim(x) for x in xs)
    shaped = tuple(array(x) if same else _shaped_by(function, x) for x, same in zip(xs, fits, strict=True))
    return shaped[0] if len(shaped) == 1 else shaped


_SMALL = [Sample((s,)) for s in ((), (3,), (2, 3), (2, 2, 2))] + [Sample(((3,), ()))]


@composed(samples=_SMALL)
def atleast_1d(*xs: Array) -> Any:
    """Numbers become vectors of one entry; of several arrays, a tuple.

    >>> import tinygrad_edu as tg
    >>> tg.atleast_1d(tg.Tensor(1.0)).tolist()
    [1.0]
    """
    return _each_shaped_by(np.atleast_1d, xs)


@composed(samples=_SMALL)
def atleast_2d(*xs: Array) -> Any:
    """Numbers and vectors become matrices of one row; of several arrays, a tuple.

    >>> import tinygrad_edu as tg
    >>> tg.atleast_2d(tg.Tensor([1.0, 2.0])).tolist()
    [[1.0, 2.0]]
    """
    return _each_shaped_by(np.atleast_2d, xs)


@composed(samples=_SMALL)
def atleast_3d(*xs: Array) -> Any:
    """Axes of length 1 added, before and behind, up to three; of several arrays, a tuple.

    >>> import tinygrad_edu as tg
    >>> tg.atleast_3d(tg.Tensor([1.0, 2.0])).shape
    (1, 2, 1)
    """
    return _each_shaped_by(np.atleast_3d, xs)


def _cast(settings: Mapping[str, Any], x: Any) -> str:
    """A number is called with its dtype: Python's have no methods of an array."""
    dtype = f"np.{np.dtype(settings['dtype'])}"
    return f"{x.subject}.astype({dtype})" if x.shape else f"{dtype}({x.text})"


@elementwise(
    pullback=lambda g, y, x, *, dtype: g, latex=r"{x}", onnx="Cast",
    samples=[Sample(((3, 4),), {"dtype": np.float64})],
    general=lambda x, *, dtype, casting="unsafe": in_dtype("astype", [x], dtype, casting)[0],
    source=_cast, silent=True,
)  # fmt: skip
def astype(x: Array, *, dtype: DTypeLike) -> Array:
    """The same values in another floating-point precision.

    >>> import tinygrad_edu as tg
    >>> tg.astype(tg.Tensor([1.0]), "float32").dtype
    dtype('float32')
    """
    y = array(x).astype(dtype)
    if y.dtype.kind not in "fiub":
        raise TypeError(f"astype: expected a dtype of real numbers, got {y.dtype}")
    return y


def in_dtype(name: str, xs: Sequence[Array], dtype: DTypeLike | None, casting: Any) -> list[Array]:
    """Arrays cast to one dtype, as far as NumPy's rule of that name allows; without a dtype, as they are."""
    to: Any = np.result_type(*map(dtype_of, xs)) if dtype is None else np.zeros((), dtype).dtype
    for x in xs:
        if np.can_cast(dtype_of(x), to, casting) is False:
            raise TypeError(f"{name}: {dtype_of(x)} is not cast to {to} with casting={casting!r}")
    return list(xs) if dtype is None else [astype(x, dtype=to) for x in xs]


def axis_of(x: Array, axis: int) -> int:
    """The axis counted from the front; an AxisError where x has no such axis."""
    place: int = np.lib.array_utils.normalize_axis_index(axis, np.ndim(x))
    return place


def length(x: Array, axis: int) -> int:
    """How many entries lie along an axis; an AxisError where x has no such axis."""
    return int(np.shape(x)[axis_of(x, axis)])


def array(x: Array) -> Array:
    """An array or Tensor as it is; of a number, or a list of them, the array."""
    return x if hasattr(x, "dtype") else np.asarray(x)


def dtype_of(x: Array) -> np.dtype[Any]:
    """The dtype of an array, Tensor, or list of numbers."""
    dtype: np.dtype[Any] = array(x).dtype
    return dtype


def floating(x: Array) -> Array:
    """Floats as they are, integers as float64: what NumPy computes with where a result is no integer."""
    return x if dtype_of(x).kind == "f" else astype(x, dtype=np.float64)


@composed(samples=[Sample(((3, 4),))])
def copy(x: Array) -> Array:
    """The same value as a new node of the graph.

    >>> import tinygrad_edu as tg
    >>> tg.copy(tg.Tensor([1.0, 2.0])).tolist()
    [1.0, 2.0]
    """
    return itself(x)


def itself(x: Array) -> Array:
    """The same entries, as a result of their own; NumPy's ``positive`` knows no booleans."""
    return np.reshape(x, np.shape(x)) if dtype_of(x).kind == "b" else np.positive(x)
