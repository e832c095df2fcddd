"""Runs statements that were cut out of the caller's code: its arrays are read-only, and the time is bounded.

The time is told by counting what is done and not by a clock, so that the same code gives the same answer.
"""

from __future__ import annotations

import ast
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from types import FunctionType
from typing import Any

import numpy as np

from tinygrad_edu.core.op import Op
from tinygrad_edu.core.table import NUMPY
from tinygrad_edu.core.tensor import Tensor
from tinygrad_edu.graph.code.plain import read_only
from tinygrad_edu.graph.code.scope import Unknown

BUILTINS = {
    function.__name__: function
    for function in (
        abs, bool, enumerate, float, int, len, list, max, min, range, reversed, round, sorted, sum, tuple,
        zip,
    )
}  # fmt: skip
"""The functions of Python's that only read."""
_MOST = 400_000_000
_MOST_IN_ONE_RUN = 100_000_000
_STEP = 1_000
_ENTRY = 2
_TO_COMPILE = 10_000
"""About how many nanoseconds an operation takes, each entry of its, and to compile a piece of code."""
_DID, _CALL, _ROUNDS = "<did>", "<call>", "<rounds>"
"""What the functions that count are called in the code: no name of the caller's is like these."""


class Work:
    """How much of the caller's code may be run, in nanoseconds as they are on an ordinary machine.

    Attributes:
        left: what may still be done.
    """

    def __init__(self, left: int = _MOST) -> None:
        self.left = left

    def spend(self, cost: float) -> None:
        """Takes note of what is about to be done.

        Raises:
            Unknown: it is too much.
        """
        self.left -= int(cost)
        if self.left < 0:
            raise Unknown

    def read(self) -> None:
        """Takes note of a piece of code."""
        self.spend(_TO_COMPILE)

    def did(self, value: Any) -> Any:
        """The value, once it is noted how many entries it has."""
        self.spend(_STEP + _ENTRY * _size(value))
        return value

    def call(self, function: Callable[..., Any], /, *args: Any, **settings: Any) -> Any:
        """What a function gives."""
        owner = getattr(function, "__self__", None)
        entries = sum(map(_size, (owner, *args)))
        self.spend(_STEP + _ENTRY * (entries**1.5 if _is_slow(function) else entries))
        result = function(*args, **settings)
        if result is None and isinstance(owner, np.ndarray):
            raise Unknown  # it changed the array, as A.sort() does
        return self.did(result)

    def rounds(self, members: Iterable[Any]) -> Iterator[Any]:
        """The members that a loop goes through."""
        for member in members:
            self.spend(_STEP)
            yield member


def run(
    statements: Sequence[ast.stmt], results: Mapping[Any, ast.expr], reads: Mapping[str, Any], work: Work
) -> dict[Any, Any]:
    """What expressions come to after statements.

    Args:
        statements: they only call what reads, and write into nothing but what they made.
        results: the expressions.
        reads: the values of the names in them.
        work: how much may be done.

    Raises:
        Unknown: they fail, or take too long.
    """
    together = ast.Assign([ast.Name("results", ast.Store())], ast.List([*results.values()], ast.Load()))
    module = ast.fix_missing_locations(_counted(ast.Module([*statements, together], [])))
    one = Work(min(work.left, _MOST_IN_ONE_RUN))
    space: dict[str, Any] = {name: _array(value) for name, value in reads.items()}
    space |= {"np": np, "__builtins__": dict(BUILTINS), _DID: one.did, _CALL: one.call, _ROUNDS: one.rounds}
    before = one.left
    try:
        with np.errstate(all="ignore"), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            exec(compile(module, "<excerpt>", "exec"), space)  # noqa: S102  (of what only reads)
    except Exception as error:
        raise Unknown from error
    finally:
        work.left -= before - one.left
    return dict(zip(results, space["results"], strict=True))


def _array(value: Any) -> Any:
    return read_only(value._data if isinstance(value, Tensor) else value)


def _size(value: Any) -> int:
    if isinstance(value, np.ndarray):
        return value.size
    return len(value) if isinstance(value, (list, tuple, range, str)) else 1


def _is_slow(function: Any) -> bool:
    """Whether it may take longer than its operands have entries, as a product of matrices does."""
    if isinstance(getattr(function, "__self__", None), np.ndarray):  # a method
        function = getattr(np, function.__name__, None)
    known = NUMPY.get(function)
    return known.kind in ("contraction", "linalg") if isinstance(known, Op) else type(known) is FunctionType


def _counted(node: Any) -> Any:
    """A copy of code that takes note of what it does."""
    if isinstance(node, list):
        return [made for part in node for made in _lines(part)]
    if not isinstance(node, ast.AST):
        return node
    made = type(node)(**{name: _counted(part) for name, part in ast.iter_fields(node)})
    if isinstance(made, (ast.For, ast.comprehension)):
        made.iter = _to(_ROUNDS, made.iter)
    elif isinstance(made, ast.Call):
        return ast.Call(ast.Name(_CALL, ast.Load()), [made.func, *made.args], made.keywords)
    elif isinstance(made, ast.BinOp) and isinstance(made.op, ast.MatMult):
        product = ast.Attribute(ast.Name("np", ast.Load()), "matmul", ast.Load())
        return _to(_CALL, product, made.left, made.right)
    elif isinstance(made, ast.Compare):
        made.comparators = [_to(_DID, part) for part in made.comparators]
    stored = isinstance(made, ast.Subscript) and isinstance(made.ctx, ast.Store)
    if isinstance(made, (ast.BinOp, ast.UnaryOp, ast.Compare, ast.Subscript)) and not stored:
        return _to(_DID, made)
    return made


def _lines(part: Any) -> list[Any]:
    """A statement, with a note of what was written into."""
    made = [_counted(part)]
    targets = (
        part.targets
        if isinstance(part, ast.Assign)
        else [part.target]
        if isinstance(part, ast.AugAssign)
        else []
    )
    for target in targets:
        if isinstance(target, ast.Subscript):
            made.append(ast.Expr(_counted(ast.Subscript(target.value, target.slice, ast.Load()))))
        elif isinstance(part, ast.AugAssign) and isinstance(target, ast.Name):
            made.append(ast.Expr(_to(_DID, ast.Name(target.id, ast.Load()))))
    return made


def _to(function: str, *args: ast.expr) -> ast.Call:
    return ast.Call(ast.Name(function, ast.Load()), [*args], [])
