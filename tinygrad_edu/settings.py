"""Checks of settings: an error names the setting, what was expected, and what came."""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinygrad_edu.errors import did_you_mean, path_of, shown


def whole(name: str, value: Any, least: int) -> int:
    """The value as a whole number of at least ``least``.

    >>> whole("epochs", 2.5, 0)
    Traceback (most recent call last):
    ...
    ValueError: epochs: expected a whole number of at least 0, got 2.5
    """
    if isinstance(value, bool) or not isinstance(value, (int, np.integer)) or value < least:
        raise ValueError(f"{name}: expected a whole number of at least {least}, got {shown(value)}")
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
        raise ValueError(f"{name}: expected a number {wanted}, got {shown(value)}")
    return float(value)


def above_zero(name: str, value: Any) -> float:
    """The value as a number above 0.

    >>> above_zero("SGD: lr", 0.5)
    0.5
    """
    if not (_is_number(value) and 0 < value < np.inf):
        raise ValueError(f"{name}: expected a number above 0, got {shown(value)}")
    return float(value)


def keeping(name: str, value: Any) -> float:
    """The value as a probability above 0 and at most 1.

    >>> keeping("Dropout: keep_prob", 0)
    Traceback (most recent call last):
    ...
    ValueError: Dropout: keep_prob: expected a probability above 0 and up to 1, got 0
    """
    if not (_is_number(value) and 0 < value <= 1):
        raise ValueError(f"{name}: expected a probability above 0 and up to 1, got {shown(value)}")
    return float(value)


def share(name: str, value: Any) -> float:
    """The value as a number above 0 and below 1.

    >>> share("test_size", 20)
    Traceback (most recent call last):
    ...
    ValueError: test_size: expected a share between 0 and 1, got 20
    """
    if not (_is_number(value) and 0 < value < 1):
        raise ValueError(f"{name}: expected a share between 0 and 1, got {shown(value)}")
    return float(value)


def yes_or_no(name: str, value: Any) -> bool:
    """The value, True or False.

    >>> yes_or_no("resume", "run.npz")
    Traceback (most recent call last):
    ...
    TypeError: resume: expected True or False, got 'run.npz'
    """
    if not isinstance(value, (bool, np.bool_)):
        raise TypeError(f"{name}: expected True or False, got {shown(value)}")
    return bool(value)


def one_of(name: str, value: Any, known: Iterable[str], *, function_of: str = "") -> str | Callable[..., Any]:
    """The value, one of the known names; or a function of the arguments named in ``function_of``.

    >>> one_of("activation", "rleu", ["relu", "tanh"], function_of="Z")
    Traceback (most recent call last):
    ...
    ValueError: activation: expected a function or one of relu, tanh, got 'rleu'; did you mean relu?
    """
    names = list(known)
    if isinstance(value, str) and value in names:
        return value
    if function_of and callable(value) and not isinstance(value, type):
        return taking(name, value, function_of)
    wanted = f"{'a function or ' if function_of else ''}one of {', '.join(names)}"
    near, kind = (did_you_mean(value, names), ValueError) if isinstance(value, str) else ("", TypeError)
    raise kind(f"{name}: expected {wanted}, got {shown(value)}{near}")


def numbers(name: str, value: Any) -> NDArray[Any]:
    """The value as a dense array of real numbers without a mask.

    >>> numbers("X", [["a"]])
    Traceback (most recent call last):
    ...
    TypeError: X: expected numbers, got dtype <U1
    """
    if isinstance(value, np.ma.MaskedArray):
        raise TypeError(
            f"{name}: expected an array without a mask, whose entries all count; leave the masked examples "
            f"out, or fill them in: {name}.filled(0.0)"
        )
    if hasattr(value, "toarray"):
        raise TypeError(f"{name}: expected a dense array, got a sparse one; write {name}.toarray()")
    array = entries(name, value)
    if array.dtype.kind not in "fiub":
        got = "nothing" if value is None else f"dtype {array.dtype}" if array.ndim else repr(value)
        raise TypeError(f"{name}: expected numbers, got {got}")
    return array


def shaped(value: Any) -> Any:
    """What has a shape as it is; lists as an array of numbers.

    >>> shaped([[1, 2]]).shape
    (1, 2)
    """
    return value if hasattr(value, "shape") else numbers("A", value)


def entries(name: str, value: Any) -> NDArray[Any]:
    """The value as an array, of whatever entries.

    >>> entries("X", [[1, 2], [3]])
    Traceback (most recent call last):
    ...
    ValueError: X: expected rows of the same length
    """
    try:
        return np.asarray(value)
    except ValueError:
        raise ValueError(f"{name}: expected rows of the same length") from None


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


def taking(name: str, function: Callable[..., Any], arguments: str) -> Callable[..., Any]:
    """The function, if it can be called with these arguments, by position.

    >>> taking("cost", lambda A: A, "A, Y")
    Traceback (most recent call last):
    ...
    TypeError: cost: expected a function of (A, Y), got <lambda>(A)
    """
    if takes(function, len(arguments.split(", "))):
        return function
    called = getattr(function, "__qualname__", repr(function)) + str(inspect.signature(function))
    raise TypeError(f"{name}: expected a function of ({arguments}), got {called}")


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


def arguments_of(function: Callable[..., Any]) -> list[str]:
    """The names of what a function takes; none where Python cannot tell.

    >>> arguments_of(lambda A, Y: 0)
    ['A', 'Y']
    """
    try:
        return [*inspect.signature(function).parameters]
    except (TypeError, ValueError):
        return []


_LABELS = {"y", "y_true", "ytrue", "true", "truth", "target", "targets", "label", "labels", "labels_true"}


def with_labels(name: str, function: Callable[..., Any], place: int, wanted: str) -> Callable[..., Any]:
    """A function of outputs and labels, if its names do not say that it takes them in another order.

    Args:
        name: of the setting.
        function: takes two arrays.
        place: of the labels, 0 or 1.
        wanted: the order, for the message.

    >>> with_labels("cost", lambda y_true, y_pred: 0, 1, "(A, Y)")
    Traceback (most recent call last):
    ...
    TypeError: cost: it is called with (A, Y), and this function takes (y_true, y_pred): change their order
    """
    asked = arguments_of(function)[:2]
    are_labels = [argument.lower() in _LABELS for argument in asked]
    if are_labels.count(True) == 1 and not are_labels[place]:
        taken = ", ".join(asked)
        raise TypeError(
            f"{name}: it is called with {wanted}, and this function takes ({taken}): change their order"
        )
    return function


def existing(path: Any, called: str, origin: str = "") -> Path:
    """The path of a file that is there.

    >>> existing("data.mat", "football", "; it comes with the course's exercises")
    Traceback (most recent call last):
    ...
    FileNotFoundError: data.mat: no such file; it comes with the course's exercises
    """
    found = path_of(path, called, "a file")
    if not found.is_file():
        raise FileNotFoundError(f"{path}: no such file{origin}")
    return found
