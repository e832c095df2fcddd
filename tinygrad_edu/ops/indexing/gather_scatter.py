"""Operations that pick entries by position, or by a condition."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from tinygrad_edu.core.axes import PICKED, Flow, New, Settings, Shapes, selected, unselected
from tinygrad_edu.core.data_indices import check_index
from tinygrad_edu.core.kinds import composed, indexing
from tinygrad_edu.core.samples import Sample
from tinygrad_edu.ops.movement.shapes import array, astype, axis_of

__all__ = [
    "add_along_axis", "choose", "compress", "extract", "getitem", "piecewise", "scatter_add", "select",
    "take", "take_along_axis",
]  # fmt: skip

Array = Any
MODES = ("raise", "wrap", "clip")
CASES = np.array([[True, False, True, False], [True, True, False, False], [False, True, False, False]])
_INDICES = [
    1, -1, slice(None, None, 2), (slice(None), 1), (Ellipsis, 0), (None, 2), ([0, 0, 2],), ([0, 0], [1, 1]),
    (slice(1, None), [0, 0, 3]), np.array([True, False, True]), (slice(None, None, -1), None, [1, -1]),
]  # fmt: skip


def _names_each_place_once(index: Any) -> bool:
    """Whether nothing can be added twice, so that writing is enough: slices, numbers and masks."""
    return all(
        part is None or part is Ellipsis or isinstance(part, (slice, int, np.integer)) or _is_mask(part)
        for part in (index if isinstance(index, tuple) else (index,))
    )


def _added_up(x: Array, index: Any, shape: tuple[int, ...]) -> Array:
    """Zeros with x added at the index; of narrow floats in float64, for they are added one by one."""
    x = np.asarray(x)
    wide = np.promote_types(x.dtype, np.float64) if x.dtype.kind == "f" else x.dtype
    total = np.zeros(shape, wide)
    np.add.at(total, index, x.astype(wide))
    return total.astype(x.dtype)


def _is_mask(part: Any) -> bool:
    return isinstance(part, np.ndarray) and part.dtype == np.bool_


@indexing(
    axes=unselected,
    pullback=lambda g, y, x, *, index, shape: g[index],
    latex=r"\operatorname{{scatter}}_{{{settings}}}({x})", label="scatter", opaque=True,
    samples=[
        Sample(((3,),), {"index": ([0, 0, 2],), "shape": (4,)}),
        Sample(((2, 2),), {"index": (slice(1, 3), [0, 0]), "shape": (4, 3)}),
    ],
    moves=False, stops=True, rounding=1.0,
)  # fmt: skip
def scatter_add(x: Array, *, index: Any, shape: tuple[int, ...]) -> Array:
    """Zeros of ``shape`` with x added at ``index``; places named twice receive both.

    >>> import tinygrad_edu as tg
    >>> tg.scatter_add(tg.Tensor([1.0, 2.0]), index=[0, 0], shape=(3,)).tolist()
    [3.0, 0.0, 0.0]
    """
    if not _names_each_place_once(index):
        return _added_up(x, index, shape)
    total = np.zeros(shape, np.result_type(x))
    total[index] = x
    return total


@indexing(
    axes=selected,
    pullback=lambda g, y, x, *, index: scatter_add(g, index=index, shape=x.shape),
    latex=r"{x}_{{{settings}}}", label="[ ]", numpy=(),
    samples=[Sample(((3, 4),), {"index": index}) for index in _INDICES],
    source="{x}[{index}]",
)  # fmt: skip
def getitem(x: Array, *, index: Any) -> Array:
    """``x[index]``, basic, advanced and boolean: https://numpy.org/doc/stable/user/basics.indexing.html.

    Raises:
        IndexError: a place out of bounds, or one number, which has no axes.

    >>> import tinygrad_edu as tg
    >>> tg.Tensor([1.0, 2.0, 3.0])[[0, 0, 2]].tolist()
    [1.0, 1.0, 3.0]
    """
    try:
        return x[index]
    except IndexError:
        if not x.ndim:
            raise IndexError(
                "one number has no axes, and no entries to pick; write t.item() for it"
            ) from None
        for part in index if isinstance(index, tuple) else (index,):
            check_index(part)
        raise


@composed(
    samples=[
        Sample(((3, 4),), {"indices": [0, 0, -1], "axis": 1}),
        Sample(((3, 4),), {"indices": np.array([[0, 5], [11, 5]])}),
        Sample(((3, 4),), {"indices": 1, "axis": 0}),
        Sample(((3, 4),), {"indices": [-5, 7], "axis": 0, "mode": "wrap"}),
        Sample(((3, 4),), {"indices": [-5, 7], "axis": 0, "mode": "clip"}),
    ]
)
def take(x: Array, indices: Any, axis: int | None = None, *, mode: str = "raise") -> Array:
    """The entries, or slices along an axis, at the given places; ``mode`` says what is done beyond the ends.

    Raises:
        IndexError: a place out of bounds, with ``mode="raise"``.
        ValueError: another mode.

    >>> import tinygrad_edu as tg
    >>> tg.take(tg.Tensor([1.0, 2.0, 3.0]), [0, 0, 2]).tolist()
    [1.0, 1.0, 3.0]
    """
    if axis is None:
        x, axis = np.ravel(x), 0
    places = indices if getattr(indices, "of_any_value", False) else np.asarray(indices)
    n = np.shape(x)[axis_of(x, axis)]
    if places.dtype == np.bool_ or not places.size:  # places 0 and 1, as in NumPy: no mask
        places = places.astype(np.intp)
    if mode not in MODES:
        raise ValueError(f"take: expected a mode of {MODES}, got {mode!r}")
    if mode != "raise":
        places = places % n if mode == "wrap" else np.clip(places, 0, n - 1)
    return array(x)[(slice(None),) * axis_of(x, axis) + (places,)]


def _along(indices: Array, axis: int) -> tuple[Array, ...]:
    """The index that picks along one axis, and at the same place along the others."""
    grid = np.ogrid[tuple(slice(0, n) for n in indices.shape)]
    return tuple(indices if k == axis % indices.ndim else line for k, line in enumerate(grid))


def _places(shape: tuple[int, ...], axis: int) -> Callable[[np.random.Generator], Any]:
    return lambda rng: (rng.normal(size=shape), rng.integers(-shape[axis], shape[axis], shape))


def _put_back(g: Array, y: Array, x: Array, indices: Array, *, axis: int | None = -1) -> Array:
    if axis is None:
        return np.reshape(add_along_axis(g, indices, axis=0, length=x.size), x.shape)
    if np.shape(indices) != np.shape(g):  # x and the indices are broadcast against each other
        indices = np.broadcast_to(indices, np.shape(g))
    return add_along_axis(g, indices, axis=axis, length=x.shape[axis])


def _taken(shapes: Shapes, settings: Settings) -> Flow:
    own = list(range(len(shapes[0])))
    k = own[settings.get("axis", -1)]
    places = tuple("i" if j == k else j for j in own)
    return Flow((tuple(own), places), places, {k: PICKED})


def _scattered(shapes: Shapes, settings: Settings) -> Flow:
    own = tuple(range(len(shapes[0])))
    k = own[settings["axis"]]
    return Flow((own, own), tuple(New((j,), "placed") if j == k else j for j in own))


@indexing(
    axes=_taken,
    pullback=(_put_back, None), latex=r"{x}_{{{indices}}}", label="take along axis", onnx="GatherElements",
    samples=[Sample(((3, 4), (3, 4)), {"axis": axis}, make=_places((3, 4), axis)) for axis in (0, 1, -1)],
)  # fmt: skip
def take_along_axis(x: Array, indices: Array, *, axis: int | None = -1) -> Array:
    """Along each line of an axis the entries at that line's own places, as from ``argsort``.

    Without an axis, places among all entries in a row. The other axes are broadcast.

    >>> import tinygrad_edu as tg
    >>> tg.take_along_axis(tg.Tensor([[1.0, 2.0], [3.0, 4.0]]), [[1, 1], [0, 1]], axis=1).tolist()
    [[2.0, 2.0], [3.0, 4.0]]
    """
    return np.take_along_axis(np.asarray(x), np.asarray(indices), axis=axis)


def _added(shape: tuple[int, ...], axis: int) -> Sample:
    return Sample((shape, shape), {"axis": axis, "length": shape[axis]}, make=_places(shape, axis))


@indexing(
    axes=_scattered,
    pullback=(lambda g, y, x, indices, *, axis, length: np.take_along_axis(g, indices, axis=axis), None),
    latex=r"\operatorname{{scatter}}_{{{indices}}}({x})", label="add along axis", opaque=True,
    samples=[_added((3, 4), 0), _added((3, 4), -1)], moves=False, stops=True, rounding=1.0,
)  # fmt: skip
def add_along_axis(x: Array, indices: Array, *, axis: int, length: int) -> Array:
    """Zeros, ``length`` of them along the axis, with each x added at its place; the reverse of taking.

    ``indices`` has the shape of x, and says where along the axis each entry goes.

    >>> import tinygrad_edu as tg
    >>> tg.add_along_axis(tg.Tensor([1.0, 2.0]), [0, 0], axis=0, length=3).tolist()
    [3.0, 0.0, 0.0]
    """
    x, indices = np.asarray(x), np.asarray(indices)
    place = axis_of(x, axis)
    shape = (*x.shape[:place], length, *x.shape[place + 1 :])
    return _added_up(x, _along(indices, axis), shape)


@composed(
    samples=[
        Sample(((3, 4),), {"axis": 0}, arrange=lambda x: ([True, False, True], x)),
        Sample(((3, 4),), arrange=lambda x: ([False, True, True], x)),
    ]
)
def compress(condition: Any, x: Array, axis: int | None = None) -> Array:
    """The slices along an axis, or without one the entries in a row, where the condition holds.

    >>> import tinygrad_edu as tg
    >>> tg.compress([True, False, True], tg.Tensor([1.0, 2.0, 3.0])).tolist()
    [1.0, 3.0]
    """
    return np.take(x, np.flatnonzero(condition), axis=axis)


@composed(samples=[Sample(((2, 2),), arrange=lambda x: ([[True, False], [True, True]], x))])
def extract(condition: Any, x: Array) -> Array:
    """The entries in a row where the condition, of the same shape, holds.

    >>> import tinygrad_edu as tg
    >>> tg.extract([True, False, True], tg.Tensor([1.0, 2.0, 3.0])).tolist()
    [1.0, 3.0]
    """
    return np.take(np.ravel(x), np.flatnonzero(condition))


@composed(
    samples=[
        Sample(((4,), (4,)), arrange=lambda a, b: ([0, 1, 1, 0], [a, b])),
        Sample(((3, 2), ()), {"mode": "wrap"}, arrange=lambda a, b: ([[5, 2], [1, 0], [-1, 1]], [a, b])),
    ]
)
def choose(a: Any, choices: Sequence[Array], *, mode: str = "raise") -> Array:
    """Entry by entry, from the array of that number among the choices.

    >>> import tinygrad_edu as tg
    >>> tg.choose([0, 1], [tg.Tensor([1.0, 2.0]), [3.0, 4.0]]).tolist()
    [1.0, 4.0]
    """
    if mode not in MODES:
        raise ValueError(f"choose: expected a mode of {MODES}, got {mode!r}")
    number, *arrays = np.broadcast_arrays(np.asarray(a), *choices)
    stacked = np.reshape(np.stack(arrays), (len(arrays), -1))
    places, n = np.ravel(number), len(arrays)
    if mode == "raise":
        places = np.where(places < 0, n, places)  # out of bounds
    else:
        places = places % n if mode == "wrap" else np.clip(places, 0, n - 1)
    return np.reshape(stacked[places, np.arange(places.size)], np.shape(number))


@composed(
    samples=[
        Sample(((4,), (4,)), {"default": 0.5}, arrange=lambda a, b: ([CASES[0], CASES[1]], [a, b])),
        Sample(((4,), (3, 4)), arrange=lambda a, b: ([CASES[1], CASES[0]], [a, b])),
    ]
)
def select(condlist: Sequence[Any], choicelist: Sequence[Array], default: Array = 0) -> Array:
    """Entry by entry from the choice whose condition is the first to hold, else ``default``.

    Raises:
        ValueError: more or fewer choices than conditions.

    >>> import tinygrad_edu as tg
    >>> tg.select([[True, False]], [tg.Tensor([1.0, 2.0])], 0.5).tolist()
    [1.0, 0.5]
    """
    if len(condlist) != len(choicelist):
        raise ValueError(
            f"select: expected as many choices as conditions, got {len(choicelist)}, {len(condlist)}"
        )
    y = default
    for condition, choice in zip(reversed(condlist), reversed(choicelist), strict=True):
        y = np.where(condition, choice, y)
    return y


@composed(
    samples=[
        Sample(((4,),), arrange=lambda x: (x, [CASES[0]], [np.sin, np.cos])),
        Sample(((4,),), arrange=lambda x: (x, [CASES[0], CASES[2]], [np.square, 2.0])),
    ]
)
def piecewise(x: Array, condlist: Sequence[Any], funclist: Sequence[Any], *args: Any, **kw: Any) -> Array:
    """Each function (or number) on the entries where its condition holds; one more is for the rest.

    No function sees entries outside its piece, so none spoils a gradient there.

    Raises:
        ValueError: neither as many functions as conditions, nor one more.

    >>> import tinygrad_edu as tg
    >>> x = tg.Tensor([-1.0, 4.0])
    >>> tg.piecewise(x, [x > 0], [tg.sqrt, 0.0]).tolist()
    [0.0, 2.0]
    """
    conditions = [np.broadcast_to(np.asarray(c, bool), np.shape(x)) for c in condlist]
    if len(funclist) == len(conditions) + 1:
        conditions.append(~np.logical_or.reduce(conditions))
    if len(funclist) != len(conditions):
        raise ValueError(f"piecewise: expected {len(condlist)} functions, or one more, got {len(funclist)}")
    x = array(x)
    y: Array = np.zeros(x.shape, x.dtype)
    for condition, function in zip(conditions, funclist, strict=True):
        part = (
            function(x[condition], *args, **kw)
            if callable(function)
            else np.broadcast_to(function, condition.sum())
        )
        part = astype(part, dtype=y.dtype)  # as NumPy: the result has the dtype of x
        y = np.where(condition, scatter_add(part, index=condition, shape=np.shape(x)), y)
    return y
