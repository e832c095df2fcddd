"""An expression typed by a user, as a Tensor. Its syntax is read and matched against a list; it is never run.

Allowed are numbers, names, ``+ - * / ** @``, brackets, ``.T``, and calls of the functions in
``FUNCTIONS``, with settings such as ``axis=0``. Steps may be named on the way:
``u = b*c; v = a + u; J = 3*v``.
"""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from tinygrad_edu import ops  # noqa: F401  (fills the table of operations)
from tinygrad_edu.core.table import OPS, RECORD
from tinygrad_edu.core.tensor import Tensor
from tinygrad_edu.errors import did_you_mean

_NAMES = """
    absolute arctan binary_cross_entropy binary_cross_entropy_with_logits clip cos cosh dot exp expm1 gelu
    leaky_relu log log1p log_softmax logsumexp matmul max maximum mean min minimum outer power prod relu
    reshape sigmoid sin sinh softmax softmax_cross_entropy softplus sqrt square std sum tan tanh transpose var
"""
FUNCTIONS: dict[str, Callable[..., Any]] = {
    "abs": OPS["absolute"],
    **{name: OPS.get(name, RECORD[name]) for name in _NAMES.split() if name in RECORD},
}
"""The functions that an expression may call."""

_BINARY: dict[type[ast.operator], Callable[[Any, Any], Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.Pow: operator.pow,
    ast.MatMult: operator.matmul,
}
_LONGEST = 10_000


def variables(given: Sequence[str]) -> dict[str, Tensor]:
    """The values of ``a=5``, ``x=[1,2,3]``, ``W=[[1,2],[3,4]]`` as named Tensors.

    >>> variables(["a=5", "x=[1, 2]"])
    {'a': Tensor(5., name='a'), 'x': Tensor([1., 2.], name='x')}
    """
    found: dict[str, Tensor] = {}
    for text in given:
        name, sign, value = text.partition("=")
        name = name.strip()
        if not sign or not name.isidentifier():
            raise ValueError(f"expected name=value, such as a=5 or x=[1,2,3], got {text!r}")
        if name in FUNCTIONS:
            raise ValueError(f"{name} is a function here; give the variable another name")
        if name in found:
            raise ValueError(f"{name} is given twice")
        found[name] = Tensor(_numbers(name, value), name=name)
    return found


def _numbers(name: str, text: str) -> Any:
    try:
        array = np.array(ast.literal_eval(text.strip()), dtype=np.float64)
    except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError, OverflowError):
        raise ValueError(
            f"{name}: expected a number, or rows of numbers of one length such as [[1,2],[3,4]], got {text!r}"
        ) from None
    return float(array) if array.ndim == 0 else array


def evaluated(text: str, given: Mapping[str, Tensor]) -> Tensor:
    """The value of an expression of the given Tensors, with its history.

    Raises:
        ValueError: syntax that is not on the list, an unknown name or function, or a value left unused.

    >>> evaluated("3*(a + b*c)", variables(["a=5", "b=3", "c=2"])).item()
    33.0
    """
    if len(text) > _LONGEST:
        raise ValueError(f"an expression may have {_LONGEST} characters, got {len(text)}")
    try:
        body = ast.parse(text.strip()).body
        with np.errstate(all="ignore"):  # 1/0 is inf, which the picture shows
            return _Evaluation(text.strip(), given).result(body)
    except SyntaxError as error:
        near = f" near {text[: (error.offset or 1)][-12:]!r}"
        raise ValueError(f"cannot read {text!r}: {error.msg}{near}") from None
    except (RecursionError, MemoryError):
        raise ValueError("the expression is nested too deeply") from None
    except ArithmeticError as error:
        raise ValueError(f"{text}: {error}") from None


class _Evaluation:
    """The walk over one expression."""

    def __init__(self, text: str, given: Mapping[str, Tensor]) -> None:
        self.text, self.values, self.used = text, dict(given), set[str]()

    def result(self, body: list[ast.stmt]) -> Tensor:
        if not body:
            raise ValueError("expected an expression, such as '3*(a+b*c)', got nothing")
        for statement in body:
            value = self._statement(statement, last=statement is body[-1])
        unused = [name for name in self.values if name not in self.used]
        if unused:
            raise ValueError(f"{', '.join(unused)}: given, but not in {self.text!r}")
        if isinstance(value, Tensor):
            return value
        raise ValueError(f"{self.text!r} has no variable in it; give one, with its value, such as a=5")

    def _statement(self, node: ast.stmt, *, last: bool) -> Any:
        if isinstance(node, ast.Expr) and last:
            value = self._value(node.value)
            return _named(value, "J")
        if isinstance(node, ast.Assign) and len(node.targets) == 1 and isinstance(node.targets[0], ast.Name):
            name = node.targets[0].id
            if name in self.values or name in FUNCTIONS:
                raise ValueError(f"{name}: already has a meaning; give the step another name")
            value = self.values[name] = _named(self._value(node.value), name)
            if last:
                self.used.add(name)
            return value
        raise self._refused(node)

    def _value(self, node: ast.expr) -> Any:
        match node:
            case ast.Constant(value=int() | float() as number) if not isinstance(number, bool):
                return float(number)
            case ast.Name(id=name):
                return self._looked_up(name)
            case ast.BinOp(left=left, op=sign, right=right) if type(sign) in _BINARY:
                return _BINARY[type(sign)](self._value(left), self._value(right))
            case ast.UnaryOp(op=ast.USub(), operand=operand):
                return -self._value(operand)
            case ast.UnaryOp(op=ast.UAdd(), operand=operand):
                return self._value(operand)
            case ast.Attribute(value=inner, attr="T"):
                return np.transpose(self._value(inner))
            case ast.Call(func=ast.Name(id=name), args=args, keywords=keywords):
                return self._called(name, args, keywords)
        raise self._refused(node)

    def _looked_up(self, name: str) -> Any:
        if name not in self.values:
            raise ValueError(f"{name} has no value: give it one, as in {name}=1")
        self.used.add(name)
        return self.values[name]

    def _called(self, name: str, args: list[ast.expr], keywords: list[ast.keyword]) -> Any:
        if name not in FUNCTIONS:
            hint = did_you_mean(name, FUNCTIONS) or "; 'tinygrad-edu draw --help' lists them"
            raise ValueError(f"{name} is not a function here{hint}")
        settings = {}
        for keyword in keywords:
            try:
                settings[str(keyword.arg)] = ast.literal_eval(keyword.value)
            except ValueError:
                raise self._refused(keyword.value) from None
        return FUNCTIONS[name](*map(self._value, args), **settings)

    def _refused(self, node: ast.AST) -> ValueError:
        part = ast.get_source_segment(self.text, node) or self.text
        return ValueError(
            f"{part!r} is not allowed in an expression: it may have numbers, names, + - * / ** @, "
            "brackets, .T and functions"
        )


def _named(value: Any, name: str) -> Any:
    if isinstance(value, Tensor):
        if value.op is None:  # a bare variable: the result is a node of its own
            value = +value
        value.name = name
    return value
