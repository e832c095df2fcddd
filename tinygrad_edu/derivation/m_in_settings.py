"""The number of examples m in settings: in index arrays and shapes, and the same for another m."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from tinygrad_edu.expression.named_settings import Count, Held, Picked, held, parts_in, replaced_in
from tinygrad_edu.expression.numpy_style import counts_up


def given_arrays(settings: Mapping[str, Any]) -> Iterator[Held | Picked]:
    """The caller's arrays, and indices from arrays, in settings."""
    return (part for part in parts_in(settings) if isinstance(part, (Held, Picked)) and part.given)


def counts_examples(settings: Mapping[str, Any]) -> bool:
    """Whether m stands in settings."""
    return any(isinstance(p, Count) or (isinstance(p, Held) and not p.given) for p in parts_in(settings))


def resized(
    settings: Mapping[str, Any], m: int, n: int, *, shapes: int, known: Mapping[str, Any] | None = None
) -> Mapping[str, Any]:
    """The settings for n examples in place of m: index arrays, and where asked for sizes in shapes.

    Args:
        settings: the settings.
        m: the number of examples.
        n: another one.
        shapes: 0: only indices that count up to m are for n; 1: sizes in shapes that are m as well; 2: those
            of both kinds that are a multiple of m, too.
        known: arrays for n examples, by name.

    >>> resized({"index": (np.arange(3), slice(None))}, 3, 5, shapes=0)
    {'index': (array([0, 1, 2, 3, 4]), slice(None, None, None))}
    """

    def times(size: int) -> int:
        return size // m if size == m or (shapes > 1 and size % m == 0) else 0

    def change(part: Any) -> Any:
        if counts_up(part) and times(len(part)):
            return range(times(len(part)) * n) if isinstance(part, range) else np.arange(times(len(part)) * n)
        if isinstance(part, (Held, Picked)) and known is not None and part.called in known:
            value = known[part.called]
            return held(value, part.called) if np.ndim(value) else Picked(value, part.called, given=True)
        if isinstance(part, np.ndarray) and (not isinstance(part, Held) or part.given):
            array = np.asarray(part)
            for axis, size in enumerate(part.shape):
                array = np.take(array, np.arange(n), axis, mode="wrap") if size == m else array
            named, before = np.count_nonzero(array), np.count_nonzero(part)
            of_examples = array.dtype == np.bool_ and array.shape != part.shape
            if of_examples and named in (0, before):  # how many it names is told by the change
                array.flat[np.flatnonzero(~array)[: before + 1 - named]] = True
            return held(array, part.called) if isinstance(part, Held) else array
        return times(part) * n if shapes and type(part) is int and times(part) else part

    return {
        name: replaced_in(value, change) if isinstance(value, tuple) or name == "index" else value
        for name, value in settings.items()
    }


def counted(one: Any, other: Any, m: int, n: int, called: str) -> Any:
    """A setting for m examples, beside the same for n: with m by its name where it counts the examples.

    >>> shape = counted((2, 6), (2, 10), 3, 5, "m")
    >>> shape, shape[1].called
    ((2, 6), '2 * m')
    """
    if isinstance(one, tuple) and isinstance(other, tuple) and len(one) == len(other):
        return tuple(counted(a, b, m, n, called) for a, b in zip(one, other, strict=True))
    if isinstance(one, slice) and isinstance(other, slice):
        ends = zip((one.start, one.stop, one.step), (other.start, other.stop, other.step), strict=True)
        return slice(*(counted(a, b, m, n, called) for a, b in ends))
    if counts_up(one) and counts_up(other) and len(one) != len(other):
        size = counted(len(one), len(other), m, n, called)
        function = "range" if isinstance(one, range) else "np.arange"
        return held(np.array(one), f"{function}({getattr(size, 'called', size)})", given=False)
    if type(one) is int and type(other) is int and one != other and one * n == other * m and one % m == 0:
        return Count(one, called, m)
    return one
