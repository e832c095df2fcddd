"""What may become of one array by mistake: its entries in another order, some of them for all, its square."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from tinygrad_edu.check.diagnosis.edit import Array, Edit

_MOST_AXES = 3


@dataclass(frozen=True)
class _Turn:
    """A function of an array that keeps its shape."""

    of: Callable[[Array], Array]
    codes: tuple[str, ...]
    text: str
    """What is said of it, with ``{}`` for the array."""
    cost: float

    def edit(self, name: str, more: str = "", dearer: float = 0.0) -> Edit:
        """The edit that makes this of an array of that name."""
        return Edit(self.codes, self.text.replace("{}", name) + more, self.cost + dearer)


def turns(shape: tuple[int, ...], *, data: bool = False) -> Iterator[_Turn]:
    """All of them for arrays of a shape; the entries of ``data`` belong to examples."""
    moved = ("examples_misaligned", "wrong_layer") if data else ("wrong_layer",)
    still = ("wrong_layer", "last_example_only", "examples_misaligned")
    long = [axis for axis, n in enumerate(shape) if n > 1]
    for axis in long:
        for by in (1, -1):
            text = f"{{}} is shifted by one along axis {axis}: out of step"
            yield _Turn(_with(np.roll, by, axis), moved, text, 1.2)
        yield _Turn(_with(np.flip, axis), moved, f"{{}} is in reverse order along axis {axis}", 1.25)
        for k in (0, shape[axis] - 1):
            text = f"of {{}}, the entries at {k} along axis {axis} stand for all"
            text += ": an index of the loop does not move"
            yield _Turn(_one_for_all(k, axis), still, text, 1.3)
    for first, second in combinations(range(len(shape)), 2):
        if len(shape) > 2:
            text = f"{{}} is turned by 180° in the axes {first} and {second} (flipped)"
            text += ", or is not where it should be"
            yield _Turn(_with(np.flip, (first, second)), ("wrong_layer", "inner_transpose"), text, 1.1)
        if shape[first] == shape[second] > 1:
            text = f"{{}} is transposed in the axes {first} and {second}"
            yield _Turn(_with(np.swapaxes, first, second), ("inner_transpose", "wrong_layer"), text, 1.15)
    yield _Turn(np.square, ("wrong_layer", "slope_wrong"), "the square of {} stands where {} belongs", 1.35)
    size = "the absolute value of {} stands where {} belongs"
    yield _Turn(np.abs, ("slope_wrong", "sign", "wrong_layer"), size, 1.4)
    yield _Turn(np.sign, ("slope_wrong", "wrong_layer"), "only the sign of {} is there", 1.4)


def _with(f: Callable[..., Array], *settings: object) -> Callable[[Array], Array]:
    return lambda a: f(a, *settings)


def _one_for_all(k: int, axis: int) -> Callable[[Array], Array]:
    return lambda a: np.broadcast_to(np.take(a, [k], axis), a.shape)


def some_places(value: Array) -> Iterator[tuple[Array, tuple[str, ...], str]]:
    """The first or last place along some axes alone, as of a loop that overwrites; or all places but that."""
    long = [k for k in range(value.ndim) if value.shape[k] > 1]
    for count in range(1, min(len(long), _MOST_AXES) + 1):
        for axes in combinations(long, count):
            for k, which in ((0, "first"), (-1, "last")):
                one = np.zeros(value.shape)
                place = tuple(k if axis in axes else slice(None) for axis in range(value.ndim))
                one[place] = value[place]
                where = f"the {which} place along axis {', '.join(map(str, axes))}"
                yield one, ("last_example_only", "term_missing"), f"only {where} is there"
                yield value - one, ("example_omitted", "term_missing"), f"{where} is left out"
