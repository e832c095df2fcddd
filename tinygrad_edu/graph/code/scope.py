"""What names mean in a function of the caller's: in one that runs, and in one that has returned.

The variables of a function that has returned are gone. What they were can be read off its source: each is the
expression that it was assigned, with the arguments of the call for the parameters.
"""

from __future__ import annotations

import ast
from collections import ChainMap, Counter
from collections.abc import Mapping
from types import FrameType
from typing import Any

from tinygrad_edu.core.tensor import Tensor
from tinygrad_edu.graph.code.source import Binding, Body, Function, body_of


class Unknown(Exception):  # noqa: N818  (nothing went wrong)
    """An expression is not made of plain values."""


class Scope:
    """What names mean in one run of a function.

    Attributes:
        names: the values that are known.
        expressions: other names by what they were assigned, and in which scope that is to be read.
        parameters: those of them that the call gave.
        changing: names that are bound more than once: what they are now says nothing of before.
        written: names whose contents change: what they were assigned says nothing of the array later.
        bindings: what is assigned, with the scope in which it is to be read.
        could_be: of names that change, the nodes that they can have been.
        depth: how many calls it is from a function that runs.
        values: of names, worked out once.
        inner: the scopes of the functions that are called from here, by the call.
    """

    def __init__(
        self,
        names: Mapping[str, Any],
        body: Body | None = None,
        given: Mapping[str, Meaning] | None = None,
        depth: int = 0,
    ) -> None:
        self.names, self.body, self.depth = names, body, depth
        self.parameters: Mapping[str, Meaning] = given or {}
        self.could_be: dict[str, set[Tensor]] = {}
        self.values: dict[str, Any] = {}
        self.inner: dict[ast.Call, list[Scope]] = {}
        self.bindings: list[tuple[Binding, Scope]] = []
        self.expressions: dict[str, Meaning] = dict(self.parameters)
        self.changing: frozenset[str] = frozenset()
        self.written: set[str] = set()
        if body is not None:
            self._read(body)

    def _read(self, body: Body) -> None:
        bound = [(binding, self) for binding in body.bindings]
        changing = {n.id for loop in body.loops for n in ast.walk(loop.target) if isinstance(n, ast.Name)} | {
            binding.name for binding in body.bindings if binding.loop is not None
        }
        if self.depth:  # of a function that runs the variables are known
            often = Counter([*self.parameters, *(binding.name for binding in body.bindings)])
            changing |= {name for name, times in often.items() if times > 1}
            changing |= {b.name for b in body.bindings if b.of_itself}
            again = ((name, self.parameters[name]) for name in self.parameters if name in changing)
            bound = [*((Binding(name, e, None), scope) for name, (e, scope) in again), *bound]
            self.expressions |= {b.name: (b.value, self) for b in body.bindings}
            for name in changing:
                self.expressions.pop(name, None)
            self.written = body.written
        self.bindings, self.changing = bound, frozenset(changing)

    @classmethod
    def running(cls, frame: FrameType, function: Function) -> Scope:
        """That of a function that has not returned."""
        return cls({**frame.f_globals, **frame.f_locals}, body_of(function))

    def forget(self) -> None:
        """Lets go of everything: scopes refer to each other, and hold the caller's values."""
        for held in (self.expressions, self.inner, self.values, self.could_be, self.bindings):
            held.clear()
        self.names, self.parameters = {}, {}

    def with_value(self, name: str, value: Any) -> Scope:
        """The same with a value for one of the names that change."""
        scope = Scope(ChainMap({name: value}, dict(self.names)), None, self.expressions, self.depth)
        scope.changing, scope.could_be = self.changing - {name}, self.could_be
        return scope


Meaning = tuple[ast.expr, Scope]
"""An expression, and what the names in it mean."""
