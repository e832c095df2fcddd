"""Tensor: a NumPy array, or scalar, that remembers the operation it came from."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import count
from operator import index
from typing import Any, Never, cast
from weakref import ReferenceType

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

from tinygrad_edu import errors
from tinygrad_edu.core import protocols
from tinygrad_edu.core.backward import NO_SETTINGS, Node, accumulate, flow, seed_for
from tinygrad_edu.core.constant_history import Recipe, Recipes
from tinygrad_edu.core.conversions import as_array, plain_number
from tinygrad_edu.core.foreign_attributes import BACKWARD, SETTINGS, Elsewhere, WithoutElsewhere
from tinygrad_edu.core.guard import Guard, sole_owner
from tinygrad_edu.core.methods import ArrayMethods
from tinygrad_edu.core.notebook_display import Shown
from tinygrad_edu.core.operands import Operands
from tinygrad_edu.core.operators import Operators
from tinygrad_edu.core.pitfalls import Spent
from tinygrad_edu.core.real_arrays import real

recorded_at = count(1).__next__
"""The order in which nodes came to be: inputs before results, so it is a topological order."""


class Tensor(Operands, Operators, ArrayMethods, Shown, Elsewhere, metaclass=WithoutElsewhere):
    """A value that records what is computed from it, so that it can be differentiated.

    Behaves as the NumPy array it holds: arithmetic, broadcasting, indexing, NumPy's functions
    (``np.exp(t)``, ``np.sum(t, axis=1)``). ``backward()`` on a scalar result leaves its derivative
    with respect to every tensor that took part in ``.grad``.

    Args:
        value: a number, array, or nested list of numbers; copied. Python numbers become float64.
        requires_grad: whether to differentiate with respect to it. By default floating-point values
            are differentiable, integers and booleans are constants.
        name: what pictures, formulas and messages call it.
        dtype: the NumPy dtype to store.
        more: none; several numbers are a list.
        others: none; other libraries' settings are answered with what to write here.

    Raises:
        TypeError: a gradient is asked for of an integer or boolean array, or the value isn't numeric.

    The course's computation graph, J = 3(a + bc):

    >>> import tinygrad_edu as tg
    >>> a, b, c = tg.Tensor(5.0), tg.Tensor(3.0), tg.Tensor(2.0)
    >>> J = 3 * (a + b * c)
    >>> J.backward()
    >>> J.item(), a.grad.item(), b.grad.item(), c.grad.item()
    (33.0, 3.0, 6.0, 9.0)
    """

    __slots__ = (
        "__weakref__", "_data", "_grad", "_guard", "_pending", "guards", "name", "requires_grad", "scope",
        "seq", "settings",
    )  # fmt: skip

    _data: Any  # ndarray, or a NumPy scalar where 0-d: arithmetic on those is ten times faster
    _grad: NDArray[Any] | None  # owned by the user once asked for; a result has none before
    _pending: Any  # gradients since, possibly shared with other tensors
    _guard: ReferenceType[Guard] | None  # only a leaf has one
    guards: Guard | tuple[Guard, ...] | Spent | Recipe | None  # of a constant that was computed: how
    name: str | None
    requires_grad: bool
    scope: tuple[str, ...]
    seq: int
    settings: Mapping[str, Any]

    __hash__ = object.__hash__
    __array_priority__ = 1000.0

    def __init__(
        self,
        value: ArrayLike | Tensor,
        *more: Any,
        requires_grad: bool | None = None,
        name: str | None = None,
        dtype: DTypeLike | None = None,
        **others: Any,
    ) -> None:
        if more or others:
            raise _wrong_arguments(len(more), others)
        given: Any = value
        if isinstance(given, Tensor) and given.of_any_value:
            cast("Any", given).stood_for_by(self, requires_grad, name, dtype)
            return
        if isinstance(given, float) and dtype is None:
            data: Any = np.float64(given)
            differentiable = True
        else:
            data = _stored(given, dtype)
            differentiable = data.dtype.kind == "f"
        if requires_grad and not differentiable:
            raise TypeError(errors.NOT_DIFFERENTIABLE.format(dtype=data.dtype))
        if name is not None and not isinstance(name, str):
            raise TypeError(f"Tensor: expected a string as name, got {name!r}")
        self._data = data
        self.requires_grad = differentiable if requires_grad is None else bool(requires_grad)
        self.op = self._pending = self._guard = self._grad = self.guards = None
        self.settings = NO_SETTINGS
        self.seq = recorded_at()
        self.name = name
        self.scope = ()

    # the value

    @property
    def data(self) -> NDArray[Any]:
        """The value, as an array: the tensor's own, read-only while a live graph depends on it.

        Assigning replaces a leaf's value; the shape must stay. Graphs recorded before are stale.
        """
        value = self._data
        if type(value) is not np.ndarray:
            value = self._data = np.array(value)
        if self.op is not None:
            value.setflags(write=False)
        return cast("NDArray[Any]", value)

    @data.setter
    def data(self, value: ArrayLike) -> None:
        if value is self._data:
            return
        if self.op is not None:
            this = errors.described(self, self.name)
            raise TypeError(
                f"data: expected a leaf, and {this} is the result of {self.op.name}; "
                "replace the data of its inputs and compute it again, or take t.detach()"
            )
        new = real(value, self._data.dtype, what="data: ")
        if new.shape != self._data.shape:
            raise ValueError(f"data: expected shape {self.shape}, got {new.shape}")
        self._data, self._guard = new, None

    @property
    def grad(self) -> NDArray[Any] | None:
        """The gradient gathered by ``backward()``: an array of the tensor's shape, or None."""
        old = getattr(self, "_grad", None)
        if self._pending is None:
            return old
        own = type(self._pending) is np.ndarray and sole_owner(self)
        new = self._pending if own else np.array(self._pending)
        self._grad, self._pending = new if old is None else np.asarray(old + new), None
        return self._grad

    @grad.setter
    def grad(self, value: ArrayLike | None) -> None:
        if value is not None:
            value = real(value, self._data.dtype, what="grad: ")
            if value.shape != self.shape:
                raise ValueError(f"grad: expected shape {self.shape}, got {value.shape}")
        self._grad, self._pending = value, None

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of the value."""
        return cast("tuple[int, ...]", self._data.shape)

    @property
    def ndim(self) -> int:
        """The number of axes."""
        return cast(int, self._data.ndim)

    @property
    def size(self) -> int:
        """The number of entries."""
        return cast(int, self._data.size)

    @property
    def dtype(self) -> np.dtype[Any]:
        """The NumPy dtype of the value."""
        return cast("np.dtype[Any]", self._data.dtype)

    @property
    def inputs(self) -> tuple[Tensor, ...]:
        """The tensors this one was computed from, constants too while they are alive; empty for a leaf.

        >>> import tinygrad_edu as tg
        >>> Y = tg.Tensor([0.0, 1.0], name="Y")
        >>> [t.name for t in (1 - Y).inputs], Y.inputs
        (['Y'], ())
        """
        return tuple(parent for parent in Recipes(Tensor).recorded(self).parents if parent is not None)

    def item(self) -> Any:
        """The value of a one-element tensor as a Python number."""
        try:
            return self._data.item()
        except ValueError:
            raise ValueError(
                f"item: expected a Tensor of one element, and this one has shape {self.shape}; "
                "write t[i, j].item() for one of them, t.tolist() for all"
            ) from None

    def numpy(self) -> NDArray[Any]:
        """The value as an array of the caller's own: a copy."""
        return np.array(self._data)

    def tolist(self) -> Any:
        """The value as nested lists of Python numbers."""
        return self._data.tolist()

    def detach(self) -> Tensor:
        """A constant with the same value and no history."""
        return Tensor(self._data, requires_grad=False)

    # differentiation

    def backward(
        self, gradient: ArrayLike | None = None, *, retain_graph: bool = False, **others: Never
    ) -> None:
        """Adds the derivative of this tensor to ``.grad`` of every tensor that took part in it.

        Args:
            gradient: the weight of each entry of a non-scalar result, of the result's shape.
            retain_graph: keep what the graph depends on read-only, for another pass. Without it another
                pass still works as long as no value has changed, which it checks by computing again.
            others: none; PyTorch's are answered with what to write here.

        Raises:
            ValueError: the result isn't a scalar and no gradient is given, or its shape differs.
            RuntimeError: nothing here requires a gradient.
            StaleGraphError: a value was replaced after the graph was recorded.
        """
        for name in others:
            raise TypeError(str(errors.unknown("backward", name, BACKWARD, ("gradient", "retain_graph"))))
        accumulate(flow({self: seed_for(self, gradient)}, spend=not retain_graph))

    def _watch(self, *, over: bool = False) -> None:
        """Until called with ``over``, operations on it take the general path, which looks for updates."""
        if type(self) is (_Watched if over else Tensor):
            self.__class__ = Tensor if over else _Watched

    def zero_grad(self) -> None:
        """Forgets the gradient gathered so far."""
        self._grad = self._pending = None

    # Python's protocols

    def __repr__(self) -> str:
        value = np.array2string(np.asarray(self._data), separator=", ", threshold=20, prefix="Tensor(")
        facts = [value]
        if self.size == 0:
            facts.append(f"shape={self.shape}")
        if self.name is not None:
            facts.append(f"name={self.name!r}")
        if self._data.dtype not in (np.float64, np.bool_, np.int64):
            facts.append(f"dtype={self._data.dtype}")
        if self.op is not None:
            facts.append(f"op={self.op.name}")
        elif not self.requires_grad and self._data.dtype.kind == "f":
            facts.append("requires_grad=False")
        return f"Tensor({', '.join(facts)})"

    def __format__(self, spec: str) -> str:
        if spec and self.ndim == 0:
            return format(self._data, spec)
        try:
            return format(str(self), spec)
        except ValueError:
            raise ValueError(
                f"{spec!r} formats one number, and this Tensor has shape {self.shape}; "
                "write np.round(t.data, 3) to print all of them"
            ) from None

    def __len__(self) -> int:
        if self.ndim == 0:
            raise TypeError("len() of a 0-d Tensor")
        return len(self._data)

    def __iter__(self) -> Iterator[Tensor]:
        if self.ndim == 0:
            raise TypeError("iteration over a 0-d Tensor")
        return (self[k] for k in range(len(self)))

    def __bool__(self) -> bool:
        if self.size != 1:
            raise ValueError(
                f"the truth value of a Tensor of shape {self.shape} is ambiguous; use np.any or np.all"
            )
        return bool(self._data)

    def __float__(self) -> float:
        return float(plain_number(self, "float(t), or a function of math or cmath,"))

    def __int__(self) -> int:
        return int(plain_number(self, "int(t)"))

    def __index__(self) -> int:
        return index(self._data)

    def __round__(self, ndigits: int | None = None) -> Any:
        return self.round(ndigits or 0)

    def __contains__(self, value: object) -> bool:
        return bool(np.any(self._data == (value._data if isinstance(value, Tensor) else value)))

    def __setitem__(self, index: Any, value: Any) -> None:
        raise TypeError(errors.ITEM_ASSIGNMENT)

    def __delitem__(self, index: Any) -> None:
        raise TypeError(errors.ITEM_ASSIGNMENT)

    @property
    def _mask(self) -> Any:
        # np.ma takes x._data and x._mask from whatever has them, past the protocols below.
        if self.requires_grad:
            as_array("A function of np.ma")
        return np.ma.nomask

    def __array__(self, dtype: DTypeLike | None = None, copy: bool | None = None) -> NDArray[Any]:
        if self.requires_grad:
            as_array("Turning a Tensor into a NumPy array", self)
        return np.array(self._data, dtype=dtype)

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, **kwargs: Any) -> Any:
        return protocols.ufunc(ufunc, method, inputs, kwargs)

    def __array_function__(self, function: Any, types: Any, args: Any, kwargs: Any) -> Any:
        return protocols.function(function, args, kwargs)

    def __reduce__(self) -> Any:
        # Copies and pickles carry the value, not the history: a graph belongs to the run that recorded it.
        return _restore, (type(self), self.numpy(), self.requires_grad, self.name, self.grad)

    def __deepcopy__(self, memo: Any) -> Tensor:
        return _restore(*self.__reduce__()[1])


class _Watched(Tensor):
    """A tensor whose updates a loop records: see :mod:`tinygrad_edu.core.pitfalls`."""

    __slots__ = ()

    def __reduce__(self) -> Any:
        return _restore, (Tensor, *super().__reduce__()[1][1:])


def is_watched(value: Any) -> bool:
    """Whether a loop records the updates of the tensor."""
    return type(value) is _Watched


_node: type[Node] = Tensor  # a Tensor is a Node: mypy holds it to the protocol


def _wrong_arguments(more: int, others: Mapping[str, Any]) -> TypeError:
    known = "requires_grad", "name", "dtype"
    for name in others:
        return TypeError(str(errors.unknown("Tensor", name, SETTINGS, known)))
    return TypeError(
        f"Tensor: expected one value, got {more + 1}; several numbers are a list, tg.Tensor([1.0, 2.0]), and "
        f"settings go by name: {'=, '.join(known)}="
    )


def _stored(value: Any, dtype: DTypeLike | None) -> Any:
    """A value as a leaf keeps it: an array of its own, or a NumPy scalar; Python's numbers in float64."""
    if isinstance(value, Tensor):
        value = value._data
    if dtype is None and isinstance(value, (float, int)) and not isinstance(value, bool):
        return np.float64(value)
    data = real(value, dtype, what="Tensor: ")
    return data if data.ndim else data[()]


def _restore(cls: type[Tensor], value: Any, requires_grad: bool, name: str | None, grad: Any) -> Tensor:
    tensor = cls(value, requires_grad=requires_grad, name=name)
    tensor.grad = None if grad is None else np.array(grad)
    return tensor
