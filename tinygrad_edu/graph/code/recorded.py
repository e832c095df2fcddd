"""Arrays that NumPy computed before anything was recorded, such as ``1 - Y``, computed again on Tensors."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinygrad_edu.core.application import with_history
from tinygrad_edu.core.guard import same_values
from tinygrad_edu.core.op import Op
from tinygrad_edu.core.table import NUMPY
from tinygrad_edu.core.tensor import Tensor
from tinygrad_edu.graph.code.plain import Operation, index_of, operation, part_of, plain, written
from tinygrad_edu.graph.code.scope import Meaning, Scope, Unknown

_Way = tuple[Callable[..., Any], Callable[[Any], tuple[Any, ...]]]
_OFTEN: tuple[_Way, ...] = (
    (np.subtract, lambda data: (1, data)),
    (np.equal, lambda data: (data, 0)),
    (np.equal, lambda data: (data, 1)),
    (np.negative, lambda data: (data,)),
)
"""What code often computes of labels and inputs before any parameter: a function and its operands."""
_TRANSPOSED: _Way = np.transpose, lambda data: (data,)
_SIGNS = (np.greater, np.less, np.greater_equal, np.less_equal)
_FEW = 4  # entries of a mask that could be any numbers' signs
_GLANCE = 8
"""How many entries are looked at before all are computed."""


@dataclass
class Computed:
    """An expression of the caller's that gives an array."""

    expression: ast.expr
    scope: Scope
    recorded: Callable[[ast.expr, Scope], Tensor | None]
    """The node that an expression was recorded as."""
    numbers: dict[tuple[Tensor, int], str]
    """The plain numbers that are not literals, by the Tensor and the operand."""
    known: dict[tuple[Scope, ast.expr, bool], Any]
    """What parts of expressions gave."""

    def on_tensors(self, array: Tensor, node: Callable[[NDArray[Any] | Tensor], Tensor]) -> Tensor | None:
        """The array as a Tensor computed from what the expression holds; None where it isn't equal to it.

        Args:
            array: what the expression gave.
            node: the Tensor of the graph for an array or Tensor of the caller's.
        """
        try:
            made = self._value(self.expression, self.scope, node, compared=False)
        except Unknown:
            return None
        return made if _is_again(made, array) else None

    def _value(self, e: ast.expr, scope: Scope, node: Callable[[Any], Tensor], *, compared: bool) -> Any:
        known = self.recorded(e, scope) if compared else None
        if known is not None:
            return node(known)
        named = self._named(e.id, scope) if isinstance(e, ast.Name) else part_of(e, scope)
        if named is not None:
            return self._value(*named, node, compared=compared)
        key = scope, e, compared
        if key not in self.known:
            self.known[key] = self._result(e, scope, node, compared=compared)
        return self.known[key]

    def _named(self, name: str, scope: Scope) -> Meaning | None:
        """What a variable was assigned; where it still is there, of numbers that NumPy computed."""
        if name not in scope.expressions and isinstance(scope.names.get(name), np.generic):
            found = [b.value for b, _ in scope.bindings if b.name == name]
            return (found[0], scope) if len(found) == 1 and name not in scope.changing else None
        return scope.expressions.get(name)

    def _result(self, e: ast.expr, scope: Scope, node: Callable[[Any], Tensor], *, compared: bool) -> Any:
        doing = operation(e, scope, compared=compared)
        if isinstance(e, ast.Subscript):
            doing = Operation(partial(_picked, index=index_of(e.slice, scope)), [e.value])
        if doing is not None and doing.function is float:
            return self._value(doing.operands[0], scope, node, compared=compared)
        if doing is not None and doing.function is len:
            return plain(e, scope, compared=compared)
        if isinstance(e, ast.Attribute) and e.attr == "T":
            doing = Operation(np.transpose, [e.value])
        inside = compared or isinstance(e, ast.Compare)
        parts = [] if doing is None else [plain(p, scope, compared=inside) for p in doing.operands]
        operands: list[Any] = []
        if doing is not None and any(isinstance(part, (np.ndarray, Tensor, np.generic)) for part in parts):
            operands = [self._value(part, scope, node, compared=inside) for part in doing.operands]
        if doing is None or not any(isinstance(operand, Tensor) for operand in operands):
            value = plain(e, scope, compared=compared)
            return node(value) if isinstance(value, (np.ndarray, Tensor)) and value.ndim else value
        made = _recorded(doing.function, operands, doing.settings)
        for k, (operand, value) in enumerate(zip(doing.operands, operands, strict=True)):
            text = None if isinstance(value, Tensor) else written(operand, scope)
            if text is not None:
                self.numbers[made, k] = text
        return made


def _picked(array: Any, *, index: Any) -> Any:
    return array[index]


def _recorded(function: Callable[..., Any], operands: Sequence[Any], settings: Mapping[str, Any]) -> Tensor:
    """What a function gives on constant Tensors, as a Tensor that knows what it was computed from."""
    try:
        with np.errstate(all="ignore"):
            made = function(*operands, **settings)
    except Exception as error:  # no operation of ours, or none on these shapes
        raise Unknown from error
    if isinstance(made, Tensor):
        return made
    op = NUMPY.get(function)
    if not isinstance(op, Op) or not isinstance(made, np.ndarray):
        raise Unknown
    return with_history(made, op, operands, settings)


def made_of_others(arrays: Sequence[Tensor], data: Sequence[Tensor]) -> dict[Tensor, Tensor]:
    """Recognises arrays by their values as made of others in a usual way, and makes each a Tensor of those.

    This is for code without source. An array of equal entries is skipped, since it could be made of anything.

    Args:
        arrays: those that nobody holds.
        data: what they may be made of.
    """
    wanted: dict[tuple[Any, ...], list[Tensor]] = {}
    for array in arrays:
        if array.size and (array._data != array._data.flat[0]).any():
            wanted.setdefault(_look(array.shape, _some(array._data)), []).append(array)
    found: dict[Tensor, Tensor] = {}
    taken: set[Tensor] = set()
    for other in data if wanted else ():
        for (function, operands), look in _looks(other) if other not in found else ():
            for array in wanted.get(look, ()):
                if array in found or array in taken or same_values(other._data, array._data):
                    continue
                made = _recorded(function, operands(other), {})
                if _is_again(made, array):
                    found[array] = made
                    taken.add(other)
    return found


def sign_of_another(mask: Tensor, others: Iterable[Tensor]) -> Tensor | None:
    """A mask such as ``Z > 0``, told by its values, of one of the others."""
    if mask.dtype != np.bool_ or mask.size < _FEW or mask._data.all() or not mask._data.any():
        return None
    alike = (other for other in others if other.shape == mask.shape and other.dtype.kind in "fi")
    made = (_recorded(comparison, (other, 0), {}) for other in alike for comparison in _SIGNS)
    return next((tensor for tensor in made if same_values(tensor._data, mask._data)), None)


def _looks(data: Tensor) -> Iterator[tuple[_Way, tuple[Any, ...]]]:
    """What is often made of some data, and a quick test for it."""
    if data.size and data.dtype.kind in "fiu":
        entries = _some(data._data)
        yield from ((way, _look(data.shape, way[0](*way[1](entries)))) for way in _OFTEN)
        yield _TRANSPOSED, _look(data.shape[::-1], _some(data._data.T))


def _some(array: NDArray[Any]) -> NDArray[Any]:
    return array.flat[:: max(1, array.size // _GLANCE)]


def _look(shape: tuple[int, ...], entries: NDArray[Any]) -> tuple[Any, ...]:
    return shape, entries.dtype, entries.tobytes()


def _is_again(made: Any, array: Tensor) -> bool:
    told = isinstance(made, Tensor) and (made.guards or made.op) is not None
    return told and same_values(made._data, array._data)
