"""Checks of settings: an error names the setting, what was expected, and what came."""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinygrad_edu.core.tensor import Tensor


def whole(name: str, value: Any, least: int) -> int:
    """The value as an integer of at least ``least``.

    >>> whole("epochs", 2.5, 0)
    Traceback (most recent call last):
    ...
    ValueError: epochs: expected an integer of at least 0, got 2.5
    """
    if isinstance(value, bool) or not isinstance(value, (int, np.integer)) or value < least:
        raise ValueError(f"{name}: expected an integer of at least {least}, got {value!r}")
    return int(value)


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float, np.integer, np.floating)) and not isinstance(value, bool)


def at_least(name: str, value: Any, least: float, below: float = np.inf) -> float:
    """The value as a number of at least ``least`` and less than ``below``.

    >>> at_least("Adam: beta1", 1.0, 0, below=1)
    Traceback (most recent call last):
    ...
    ValueError: Adam: beta1: expected a number from 0 to below 1, got 1.0
    """
    if not (_is_number(value) and least <= value < below):
        wanted = f"of at least {least}" if below == np.inf else f"from {least} to below {below}"
        raise ValueError(f"{name}: expected a number {wanted}, got {value!r}")
    return float(value)


def above_zero(name: str, value: Any) -> float:
    """The value as a number above 0.

    >>> above_zero("SGD: lr", 0.5)
    0.5
    """
    if not (_is_number(value) and 0 < value < np.inf):
        raise ValueError(f"{name}: expected a number above 0, got {value!r}")
    return float(value)


def keeping(name: str, value: Any) -> float:
    """The value as a probability above 0 and at most 1.

    >>> keeping("Dropout: keep_prob", 0)
    Traceback (most recent call last):
    ...
    ValueError: Dropout: keep_prob: expected a probability above 0 and up to 1, got 0
    """
    if not (_is_number(value) and 0 < value <= 1):
        raise ValueError(f"{name}: expected a probability above 0 and up to 1, got {value!r}")
    return float(value)


def share(name: str, value: Any) -> float:
    """The value as a number above 0 and below 1.

    >>> share("test_size", 20)
    Traceback (most recent call last):
    ...
    ValueError: test_size: expected a share between 0 and 1, got 20
    """
    if not (_is_number(value) and 0 < value < 1):
        raise ValueError(f"{name}: expected a share between 0 and 1, got {value!r}")
    return float(value)


def yes_or_no(name: str, value: Any) -> bool:
    """The value, True or False.

    >>> yes_or_no("resume", "run.npz")
    Traceback (most recent call last):
    ...
    TypeError: resume: expected True or False, got 'run.npz'
    """
    if not isinstance(value, (bool, np.bool_)):
        raise TypeError(f"{name}: expected True or False, got {value!r}")
    return bool(value)


def one_of(
    name: str, value: Any, known: Iterable[str], *, or_function: bool = True
) -> str | Callable[..., Any]:
    """The value, one of the known names; or a function, if ``or_function``.

    >>> one_of("activation", "rleu", ["relu", "tanh"])
    Traceback (most recent call last):
    ...
    ValueError: activation: expected a function or one of relu, tanh, got 'rleu'
    """
    if isinstance(value, str) and value in (names := list(known)):
        return value
    if or_function and callable(value) and not isinstance(value, type):
        return value  # type: ignore[no-any-return]
    names = list(known)
    wanted = f"{'a function or ' if or_function else ''}one of {', '.join(names)}"
    kind = ValueError if isinstance(value, str) else TypeError
    raise kind(f"{name}: expected {wanted}, got {value!r}")


def numbers(name: str, value: Any) -> Any:
    """A Tensor as it is; anything else as a dense array of real numbers without a mask.

    >>> numbers("X", [["a"]])
    Traceback (most recent call last):
    ...
    TypeError: X: expected numbers, got dtype <U1
    """
    if isinstance(value, Tensor):
        return value
    if isinstance(value, np.ma.MaskedArray):
        raise TypeError(
            f"{name}: expected an array without a mask, whose entries all count; leave the masked examples "
            f"out, or fill them in: {name}.filled(0.0)"
        )
    if hasattr(value, "toarray"):
        raise TypeError(f"{name}: expected a dense array, got a sparse one; write {name}.toarray()")
    try:
        array = np.asarray(value)
    except ValueError:
        raise ValueError(f"{name}: expected rows of the same length") from None
    if array.dtype.kind not in "fiub":
        raise TypeError(
            f"{name}: expected numbers, got {'nothing' if value is None else f'dtype {array.dtype}'}"
        )
    return array


def finite(name: str, values: NDArray[Any]) -> NDArray[Any]:
    """The array, if all its entries are finite; else the error says which is not, and where.

    >>> finite("X", np.array([[1.0, np.nan]]))
    Traceback (most recent call last):
    ...
    ValueError: X: expected finite numbers, got nan at [0, 1]
    """
    if values.dtype.kind == "f" and not math.isfinite(
        values.sum()
    ):  # one pass, and no mask, where all is well
        found = ~np.isfinite(values)
        if found.any():
            place = [int(k) for k in np.argwhere(found)[0]]
            raise ValueError(f"{name}: expected finite numbers, got {values[tuple(place)]} at {place}")
    return values


def takes(function: Callable[..., Any], number: int) -> bool:
    """Whether a function can be called with so many arguments by position; True if Python cannot tell.

    >>> takes(lambda t: t, 1), takes(lambda: 0, 1), takes(print, 1)
    (True, False, True)
    """
    try:
        signature = inspect.signature(function)
    except (TypeError, ValueError):
        return True
    try:
        signature.bind(*range(number))
    except TypeError:
        return False
    return True
