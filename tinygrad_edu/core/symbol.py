"""Symbol: a tensor that stands for every value of its shape and dtype.

The rules run on it like on any Tensor, and everything is recorded: comparisons too, and what needs no
gradient. Formulas, source and compiled steps are read off such a recording, so a question whose answer
depends on the value (``if J > 1``) is refused instead of being frozen in.
"""

from __future__ import annotations

from collections.abc import Callable
from contextvars import ContextVar
from typing import Any, Never, TypeVar, cast

import numpy as np
from numpy.typing import DTypeLike

from tinygrad_edu.core.tensor import Tensor

R = TypeVar("R")


class ValueDependence(TypeError):  # noqa: N818  (names what was found, as StopIteration does)
    """Code that is being recorded for every value asks for one."""


_refused: ContextVar[list[ValueDependence] | None] = ContextVar("refused", default=None)


def _refuse(what: str, instead: str = "np.where(condition, a, b)") -> Never:
    error = ValueDependence(
        f"{what} asks for a value while the computation is being recorded for all values, and would freeze "
        f"today's answer into it. Use {instead}, or leave this part out of what is compiled."
    )
    here = _refused.get()
    if here is not None:
        here.append(error)
    raise error


def without_values(function: Callable[..., R], *args: Any) -> R:
    """What a function gives. A refusal that it has caught is raised: what it did instead depends on values.

    Raises:
        ValueDependence: it asked for a value.
    """
    refused: list[ValueDependence] = []
    outside = _refused.set(refused)
    try:
        result = function(*args)
    finally:
        _refused.reset(outside)
    if refused:
        raise refused[0]
    return result


class Symbol(Tensor):
    """A named tensor of known shape and dtype. Made by ``derive`` and ``compile``, not by users."""

    __slots__ = ()

    of_any_value = True

    @classmethod
    def standing_for(cls, tensor: Tensor, *, name: str | None = None) -> Symbol:
        """A leaf with that tensor's shape and dtype (and, for display only, a copy of its value)."""
        value = tensor._data
        return cls(value, requires_grad=tensor.requires_grad, name=name or tensor.name, dtype=value.dtype)

    @property
    def data(self) -> Any:
        """Refused: there is no single value."""
        return _refuse("t.data")

    @data.setter
    def data(self, value: Any) -> None:  # noqa: ARG002
        _refuse("assigning to t.data")

    def item(self) -> Any:
        """Refused: there is no single value."""
        return _refuse("t.item()")

    def numpy(self) -> Any:
        """Refused: there is no single value."""
        return _refuse("t.numpy()")

    def tolist(self) -> Any:
        """Refused: there is no single value."""
        return _refuse("t.tolist()")

    def detach(self) -> Tensor:
        """The same value for every value of the inputs, and no gradient flows through it."""
        made = cast("Tensor", np.copy(cast("Any", self)))
        made.requires_grad = False
        return made

    def stood_for_by(
        self, new: Tensor, requires_grad: bool | None, name: str | None, dtype: DTypeLike | None
    ) -> None:
        """Makes a new Tensor of it a Symbol too, of the same value, as :meth:`detach` does."""
        if requires_grad:
            _refuse("a Tensor of its own that requires a gradient", "a parameter")
        made = self.detach() if dtype is None else self.astype(dtype).detach()
        new.__class__ = Symbol
        for slot in (slot for cls in Tensor.__mro__ for slot in getattr(cls, "__slots__", ())):
            if slot != "__weakref__" and hasattr(made, slot):
                setattr(new, slot, getattr(made, slot))
        new.name = name

    def backward(self, *args: Any, **kwargs: Any) -> None:  # noqa: ARG002
        """Refused: the gradients that it leaves in ``t.grad`` would be those of one value."""
        _refuse("J.backward()", "tg.grad(J, [t])")

    def __bool__(self) -> bool:
        return _refuse("a condition (if, while, and, or, not)")

    def __contains__(self, value: object) -> bool:
        return _refuse("x in t", "np.any(t == x)")

    def __float__(self) -> float:
        return _refuse("float(t)")

    def __int__(self) -> int:
        return _refuse("int(t)")

    def __index__(self) -> int:
        return _refuse("an index that is a tensor")

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Any:
        if self.dtype.kind == "b":
            _refuse(
                "picking by a mask, or turning it into an array,", "np.where(mask, t, 0.0) and np.sum(mask)"
            )
        if self.dtype.kind in "iu":
            _refuse(
                "indexing a plain array with a tensor, or turning it into one,",
                "tg.Tensor(a, requires_grad=False)[y]",
            )
        return _refuse("turning a tensor into an array")
