"""ndarray's methods on tensors: each is the function of that name in the table of operations."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from types import FunctionType
from typing import Any

from tinygrad_edu.core.table import RECORD


def _method(name: str) -> Callable[..., Any]:
    def method(self: Any, *args: Any, **settings: Any) -> Any:
        return RECORD[name](self, *args, **settings)

    method.__name__, method.__qualname__ = name, f"Tensor.{name}"
    method.__doc__ = f"``np.{name}`` of this tensor: see :func:`tinygrad_edu.{name}`."
    return method


def described(name: str, function: Callable[..., Any]) -> None:
    """Lets ``help(t.sum)`` show the settings of the function of that name, once that is defined."""
    method = vars(ArrayMethods).get(name)
    if isinstance(method, FunctionType) and method.__qualname__ == f"Tensor.{name}":  # made above
        signature = inspect.signature(function)
        _, *others = signature.parameters.values()
        own = inspect.Parameter("self", inspect.Parameter.POSITIONAL_ONLY)
        method.__dict__.setdefault("__signature__", signature.replace(parameters=[own, *others]))


class ArrayMethods:
    """``t.sum()``, ``t.reshape(2, 3)``, ``t.T`` and the rest, as ndarray has them."""

    __slots__ = ()

    sum = _method("sum")
    mean = _method("mean")
    prod = _method("prod")
    max = _method("max")
    min = _method("min")
    var = _method("var")
    std = _method("std")
    cumsum = _method("cumsum")
    cumprod = _method("cumprod")
    clip = _method("clip")
    round = _method("round")
    ravel = _method("ravel")
    choose = _method("choose")
    searchsorted = _method("searchsorted")
    squeeze = _method("squeeze")
    swapaxes = _method("swapaxes")
    repeat = _method("repeat")
    diagonal = _method("diagonal")
    trace = _method("trace")
    take = _method("take")
    dot = _method("dot")
    astype = _method("astype")
    argmax = _method("argmax")
    argmin = _method("argmin")
    argsort = _method("argsort")
    argpartition = _method("argpartition")
    any = _method("any")
    all = _method("all")
    nonzero = _method("nonzero")

    @property
    def T(self) -> Any:
        """The transpose: axes reversed."""
        return RECORD["transpose"](self)

    def reshape(self, *shape: Any, **order: Any) -> Any:
        """The same entries in another shape: ``t.reshape(2, 3)`` or ``t.reshape((2, 3))``."""
        return RECORD["reshape"](self, shape[0] if len(shape) == 1 else shape, **order)

    def transpose(self, *axes: Any) -> Any:
        """Axes reversed, or in the given order: ``t.transpose(1, 0)`` or ``t.transpose((1, 0))``."""
        return RECORD["transpose"](self, axes=(axes[0] if len(axes) == 1 else axes) or None)

    def compress(self, condition: Any, *args: Any, **settings: Any) -> Any:
        """The slices along an axis where the condition holds."""
        return RECORD["compress"](condition, self, *args, **settings)

    @property
    def mT(self) -> Any:
        """The last two axes exchanged."""
        return RECORD["matrix_transpose"](self)

    @property
    def real(self) -> Any:
        """The value itself, which is real."""
        return RECORD["positive"](self)

    def conj(self) -> Any:
        """The value itself, which is real."""
        return RECORD["positive"](self)

    conjugate = conj

    def flatten(self, *args: Any, **settings: Any) -> Any:
        """The entries as one axis, like ``ravel``."""
        return RECORD["ravel"](self, *args, **settings)

    def sort(self, *args: Any, **settings: Any) -> Any:
        """A sorted copy. ndarray's ``sort`` works in place; a Tensor is never changed in place."""
        return RECORD["sort"](self, *args, **settings)

    def copy(self, *args: Any, **settings: Any) -> Any:
        """The same value as a new node of the graph."""
        return RECORD["copy"](self, *args, **settings)
